"""Scores of forecasts of somebody's held-out data in their units, beside persistence and climatology, and at walls."""

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
import xarray as xr

from sciwm.data import Axis, Domain, Variable
from simulations.closeness import ROUNDING_STEPS

WALL_CELLS = 2
"""How many cells from a wall count as near it."""
FEWEST_CELLS = 3 * WALL_CELLS
"""Axes with fewer points have no interior to compare with."""

GUESSES = {
    "": "the model",
    "_persistence": "persistence",
    "_climatology": "climatology",
    "_linear": "a linear model of the same size (DMDc)",
}
"""How the errors of each end, and whose they are."""


def lead_attributes(domain: Domain) -> dict[str, str]:
    """The attributes of lead times."""
    return {"units": domain.time_units, "long_name": "lead time"}


NUMBERS_AT_ONCE = 2**21
"""How many field values are compared at once, in double precision."""


def square_errors(rollouts: xr.Dataset, domain: Domain) -> xr.Dataset:
    """Mean square errors over space of forecasts of data of others.

    Args:
        rollouts: As from ``evaluate_rollouts``; with climatology, and forecasts of a linear model (``u_linear``), if
            there are any.
        domain: Variables and grid.

    Returns:
        Over ``variable``, ``simulation`` and ``time``: ``square`` of the model, ``square_persistence``,
        ``square_climatology`` and ``square_linear``, ``variance`` of the truth in space and what of it may be
        ``rounding``, and where there are walls ``square_walls`` within two cells of any and ``square_interior``
        elsewhere. NaN where a simulation is over; infinite where a forecast is not finite.
    """
    each = max(1, NUMBERS_AT_ONCE // (rollouts.sizes["simulation"] * math.prod(domain.shape)))
    times = range(0, rollouts.sizes["time"], each)

    def of(variable: Variable) -> xr.Dataset:
        start = rollouts[variable.name].isel(time=0, drop=True)
        parts = [_squares(rollouts.isel(time=slice(t, t + each)), variable.name, start, domain) for t in times]
        return parts[0] if len(parts) == 1 else xr.concat(parts, "time")

    names = xr.DataArray([v.name for v in domain.variables], dims="variable", name="variable")
    return xr.concat([of(v) for v in domain.variables], names)


def _squares(rollouts: xr.Dataset, name: str, start: xr.DataArray, domain: Domain) -> xr.Dataset:
    """The mean square errors of one variable at some lead times."""
    space, truth = domain.dimensions, rollouts[name].astype(float)
    guesses = {"": rollouts[f"{name}_imagined"], "_persistence": start}
    guesses |= {end: rollouts[f"{name}{end}"] for end in GUESSES if end and f"{name}{end}" in rollouts}
    square = {f"square{end}": (guess.astype(float) - truth) ** 2 for end, guess in guesses.items()}
    found = {key: _mean_over_space(values, rollouts, name, space) for key, values in square.items()}
    mean = _mean_over_space(truth, rollouts, name, space)
    found["variance"] = _mean_over_space((truth - mean) ** 2, rollouts, name, space)
    step = ROUNDING_STEPS * np.finfo(np.float32).eps
    found["rounding"] = step**2 * _mean_over_space(truth**2, rollouts, name, space)
    near = near_walls(domain.axes)
    if near is not None:
        for end, where in (("walls", near), ("interior", ~near)):
            found[f"square_{end}"] = _mean_over_space(square["square"], rollouts, name, space, where)
    return xr.Dataset(found)


def score_held_out(squares: xr.Dataset, domain: Domain) -> xr.Dataset:
    """Score forecasts of data of others.

    Args:
        squares: As from :func:`square_errors`, with climatology.
        domain: Variables and grid.

    Returns:
        Over ``variable``, ``simulation`` and ``time``: ``rmse`` in the units of each variable, ``rmse_persistence``,
        ``rmse_climatology`` and, where there is one, ``rmse_linear``; ``vrmse``, the error over the spatial deviation
        of the truth. Over ``variable`` and ``time``, of all simulations together: ``skill`` = 1 - MSE / MSE of
        persistence, ``skill_climatology``, ``skill_linear``, and where there are walls ``rmse_walls`` within two cells
        of any, and ``rmse_interior`` elsewhere. NaN where a simulation is over, and where the truth does not vary, so
        that there is nothing to compare with; infinite where a forecast is not finite.
    """
    scores = [_scores(squares.sel(variable=v.name, drop=True)) for v in domain.variables]
    names = xr.DataArray([v.name for v in domain.variables], dims="variable", name="variable")
    together = xr.concat(scores, names)
    units = [v.units for v in domain.variables]
    for name, array in together.data_vars.items():
        in_units = str(name).startswith("rmse") and set(units) != {"1"}
        array.attrs["units"] = (units[0] if len(set(units)) == 1 else "as variable_units") if in_units else "1"
    return together.assign_coords(variable_units=("variable", units))


def _scores(squares: xr.Dataset) -> xr.Dataset:
    """The scores of one variable."""
    square = {end: squares[f"square{end}"] for end in GUESSES if f"square{end}" in squares}
    found = {f"rmse{end}": _named(one**0.5, f"root mean square error of {GUESSES[end]}") for end, one in square.items()}
    variance, rounding = squares["variance"], squares["rounding"]
    found["vrmse"] = _named((square[""] / variance.where(variance > rounding)) ** 0.5, "error over spatial deviation")
    pooled = {end: one.mean("simulation") for end, one in square.items()}
    for end, other in (("", "_persistence"), ("_climatology", "_climatology"), ("_linear", "_linear")):
        if other not in pooled:
            continue
        ratio = pooled[""] / pooled[other].where(pooled[other] > rounding.mean("simulation"))
        found[f"skill{end}"] = _named(1 - ratio, f"1 - mean square error over that of {GUESSES[other]}")
    for end in ("walls", "interior"):
        if f"square_{end}" in squares:
            error = squares[f"square_{end}"].mean("simulation") ** 0.5
            found[f"rmse_{end}"] = _named(error, f"root mean square error, {end}")
    return xr.Dataset(found)


def near_walls(axes: Sequence[Axis]) -> xr.DataArray | None:
    """Whether points lie within two cells of a wall, over space; None where there is none, or no interior."""
    bounded = [axis for axis in axes if not axis.periodic]
    if not bounded or any(axis.num_points < FEWEST_CELLS for axis in bounded):
        return None
    ends = []
    for axis in bounded:
        place = np.arange(axis.num_points)
        near = (place < WALL_CELLS) | (place >= axis.num_points - WALL_CELLS)
        ends.append(xr.DataArray(near, {axis.name: axis.coordinates}, [axis.name]))
    return reduce(lambda one, other: one | other, ends)


def _mean_over_space(
    values: xr.DataArray, rollouts: xr.Dataset, name: str, space: Sequence[str], where: xr.DataArray | None = None
) -> xr.DataArray:
    """Weighted mean, ``(simulation, time)``: NaN where there is no truth, infinite where values are not finite."""
    weights = rollouts[f"{name}_weight"].astype(float)
    weights = weights if where is None else weights.where(where, 0.0)
    over = rollouts[name].isnull()
    known = values.where(np.isfinite(values), np.inf).where(~over & (weights > 0), 0.0)
    mean = (known * weights).sum(space, skipna=False) / weights.sum()
    return mean.where(~over.where(weights > 0, True).all(space))


def _named(array: xr.DataArray, meaning: str) -> xr.DataArray:
    return array.assign_attrs(long_name=meaning)
