"""Errors out of distribution: under another parameter than that of the data, or under stronger actions.

The dynamics does not know of the shift; the truth is the simulation with it. The slope tells how fast the error
grows with the factor of the shift:

    log error = intercept + slope log |factor|
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.errors import Problem, raise_if
from sciwm.evaluation.actions import beyond
from sciwm.evaluation.trajectories import decoded, described, relative_error, require_fit, times
from simulations import Simulation

FACTORS = (1.0, 1.5, 2.0)


@torch.no_grad()
def parameter_shift(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    *,
    parameter: str,
    factors: Sequence[float] = FACTORS,
    settle: int = 0,
) -> xr.Dataset:
    """Rollout errors where a parameter of the equation is multiplied by each factor.

    Args:
        dynamics: What is evaluated.
        simulation: The truth at the parameters of the data.
        starts: Starts ``(sample, variable, *space)``.
        actions: Physical actions ``(sample, time, actuator)``.
        parameter: Its name, such as ``"viscosity"``.
        factors: Positive factors, 1 among them to compare with.
        settle: Unforced intervals with the changed parameter before the start, so that the start is a state typical
            of it; 0 starts from the states as given.

    Returns:
        As :func:`errors_over_lead_time`, with the dimension ``factor``.

    Raises:
        InputError: If there is no such parameter, if it is zero, or if arguments do not fit together.
        ValueError: If the solver step is too long for a shifted parameter.

    Example:
        >>> errors = parameter_shift(model, simulation, starts, actions, parameter="viscosity")  # doctest: +SKIP
        >>> error_slope(errors, lead_time=5.0)  # doctest: +SKIP
    """
    require_fit(dynamics, simulation, starts, {"actions": actions})
    _require(factors, _parameter_problems(simulation, parameter))

    def one(factor: float) -> xr.Dataset:
        shifted = simulation.with_parameters({parameter: factor * simulation.values[parameter]})
        begin = starts
        for _ in range(settle):
            begin = shifted.advance(begin, shifted.actuators.clamp(torch.zeros_like(actions[:, 0])))
        return errors_over_lead_time(dynamics, shifted, begin, actions)

    return _together((one(f) for f in factors), factors, f"factor of {parameter}")


@torch.no_grad()
def forcing_shift(
    dynamics: Dynamics,
    simulation: Simulation,
    starts: Tensor,
    actions: Tensor,
    *,
    factors: Sequence[float] = FACTORS,
) -> xr.Dataset:
    """Rollout errors where the actions are multiplied by each factor, beyond their bounds if need be.

    Args:
        dynamics: What is evaluated.
        simulation: The truth.
        starts: Starts ``(sample, variable, *space)``.
        actions: Physical actions within bounds, ``(sample, time, actuator)``; scaled about the middle of the bounds.
        factors: Positive factors, 1 among them to compare with.

    Returns:
        As :func:`errors_over_lead_time`, with the dimension ``factor``.

    Raises:
        InputError: If arguments do not fit together.
    """
    require_fit(dynamics, simulation, starts, {"actions": actions})
    _require(factors, [])
    box = simulation.actuators
    rows = (errors_over_lead_time(dynamics, simulation, starts, beyond(box, actions, f)) for f in factors)
    return _together(rows, factors, "factor of the forcing")


def errors_over_lead_time(dynamics: Dynamics, simulation: Simulation, starts: Tensor, actions: Tensor) -> xr.Dataset:
    """``nrmse`` = ||u^ - u|| / ||u|| and that of persistence over ``sample`` and ``time``.

    Variables count in units of their true deviation. A rollout that is not finite has an error of NaN or infinity.
    """
    true = decoded(simulation, starts, actions)
    dims = ("sample", "time")
    error = relative_error(decoded(dynamics, starts, actions), true)
    persistence = relative_error(starts[:, None], true)
    return xr.Dataset(
        {
            "nrmse": described(error, dims, "normalised error"),
            "nrmse_persistence": described(persistence, dims, "normalised error of persistence"),
        },
        {"time": times(dynamics, actions.shape[1])},
    )


def error_slope(errors: xr.Dataset, lead_time: float) -> xr.DataArray:
    """Least-squares slope of log error against log factor at one lead time, by ``sample``.

    0 means that the shift does not matter, 1 that the error grows in proportion to the factor. It is infinite where a
    rollout is not finite, and NaN where an error is zero. A dynamics that is almost exact without the shift has a
    steep slope: read it together with the errors.

    Args:
        errors: As from :func:`parameter_shift` or :func:`forcing_shift`.
        lead_time: Lead time in time units; the nearest instant is taken.

    Raises:
        InputError: If the lead time is not within the rollouts, or there are fewer than two factors.
    """
    first, last = (float(errors["time"][i]) for i in (0, -1))
    problems = []
    if not first * 0.5 < lead_time <= last * (1 + 1e-9):
        problems.append(Problem("lead_time", f"from {first:g} to {last:g}", f"{lead_time:g}"))
    if errors.sizes["factor"] < 2:
        problems.append(Problem("errors: factor", "at least two factors", str(errors.sizes["factor"])))
    raise_if(problems)
    error = errors["nrmse"].sel(time=lead_time, method="nearest").astype(float)
    log_error = np.log(error.where(error > 0))
    log_factor = np.log(errors["factor"].astype(float))
    centred = log_factor - log_factor.mean()
    slope: xr.DataArray = (centred * log_error).sum("factor", skipna=False) / (centred**2).sum()
    slope = slope.where((error < np.inf).all("factor"), np.inf)
    attributes = {"units": "1", "long_name": f"slope of log error against log {errors['factor'].attrs['long_name']}"}
    return slope.assign_attrs(attributes)


def _together(rows: Iterable[xr.Dataset], factors: Sequence[float], meaning: str) -> xr.Dataset:
    coordinate = xr.DataArray(list(factors), dims="factor", name="factor")
    errors = xr.concat(list(rows), coordinate)
    errors["factor"].attrs = {"units": "1", "long_name": meaning}
    return errors


def _require(factors: Sequence[float], problems: list[Problem]) -> None:
    if not factors or not all(f > 0 for f in factors) or len(set(factors)) < len(factors):
        problems = [*problems, Problem("factors", "different positive numbers", f"{tuple(factors)}")]
    raise_if(problems)


def _parameter_problems(simulation: Simulation, parameter: str) -> list[Problem]:
    if parameter not in simulation.values:
        known = ", ".join(simulation.values) or "none"
        return [Problem("parameter", f"one of {known}", f"'{parameter}'")]
    if not np.all(simulation.values[parameter] != 0):
        return [Problem(f"parameter: {parameter}", "a value that is not zero", "0", "a factor does not change it")]
    return []
