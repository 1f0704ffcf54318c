"""Scores of forecasts of somebody's held-out data in their units, beside persistence and climatology, and at walls."""

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

GUESSES = ("", "_persistence", "_climatology")
"""How the errors of the model, of persistence and of climatology end."""


def lead_attributes(domain: Domain) -> dict[str, str]:
    """The attributes of lead times."""
    return {"units": domain.time_units, "long_name": "lead time"}


def pooled_square_error(
    rollouts: xr.Dataset, name: str, guess: xr.DataArray, space: Sequence[str], where: xr.DataArray | None = None
) -> xr.DataArray:
    """Mean square error of a guess over space and all simulations that go on so long, over ``time``.

    Args:
        rollouts: As from ``evaluate_rollouts``.
        name: The variable.
        guess: What is guessed; not finite errors of it stay so.
        space: The space dimensions.
        where: The points that count; by default all.
    """
    square = (guess.astype(float) - rollouts[name]) ** 2
    if f"{name}_weight" not in rollouts:
        return square.mean(("simulation", *space), skipna=False)
    return _mean_over_space(square, rollouts, name, space, where).mean("simulation")


def score_held_out(rollouts: xr.Dataset, domain: Domain) -> xr.Dataset:
    """Score forecasts of data of others.

    Args:
        rollouts: As from ``evaluate_rollouts`` with climatology.
        domain: Variables and grid.

    Returns:
        Over ``variable``, ``simulation`` and ``time``: ``rmse`` in the units of each variable, ``rmse_persistence`` and
        ``rmse_climatology``, and ``vrmse``, the error over the spatial deviation of the truth. Over ``variable`` and
        ``time``, of all simulations together: ``skill`` = 1 - MSE / MSE of persistence, ``skill_climatology``, and
        where there are walls ``rmse_walls`` within two cells of any, and ``rmse_interior`` elsewhere. NaN where a
        simulation is over, and where the truth does not vary, so that there is nothing to compare with; infinite where
        a forecast is not finite.
    """
    scores = [_scores(rollouts, v, domain) for v in domain.variables]
    names = xr.DataArray([v.name for v in domain.variables], dims="variable", name="variable")
    together = xr.concat(scores, names)
    units = [v.units for v in domain.variables]
    for name, array in together.data_vars.items():
        in_units = str(name).startswith("rmse") and set(units) != {"1"}
        array.attrs["units"] = (units[0] if len(set(units)) == 1 else "as variable_units") if in_units else "1"
    return together.assign_coords(variable_units=("variable", units))


def _scores(rollouts: xr.Dataset, variable: Variable, domain: Domain) -> xr.Dataset:
    name, space = variable.name, domain.dimensions
    truth = rollouts[name].astype(float)
    guesses = {"": rollouts[f"{name}_imagined"], "_persistence": truth.isel(time=0, drop=True),
               "_climatology": rollouts[f"{name}_climatology"]}  # fmt: skip
    square = {end: _mean_over_space((guess.astype(float) - truth) ** 2, rollouts, name, space)
              for end, guess in guesses.items()}  # fmt: skip
    words = {"": "the model", "_persistence": "persistence", "_climatology": "climatology"}
    found = {f"rmse{end}": _named(square[end] ** 0.5, f"root mean square error of {words[end]}") for end in GUESSES}
    mean = _mean_over_space(truth, rollouts, name, space)
    variance = _mean_over_space((truth - mean) ** 2, rollouts, name, space)
    rounding = (ROUNDING_STEPS * np.finfo(np.float32).eps) ** 2 * _mean_over_space(truth**2, rollouts, name, space)
    found["vrmse"] = _named((square[""] / variance.where(variance > rounding)) ** 0.5, "error over spatial deviation")
    pooled = {end: one.mean("simulation") for end, one in square.items()}
    for end, other in (("", "_persistence"), ("_climatology", "_climatology")):
        ratio = pooled[""] / pooled[other].where(pooled[other] > rounding.mean("simulation"))
        found[f"skill{end}"] = _named(1 - ratio, f"1 - mean square error over that of {words[other]}")
    near = near_walls(domain.axes)
    if near is not None:
        imagined = guesses[""]
        for end, where in (("walls", near), ("interior", ~near)):
            error = pooled_square_error(rollouts, name, imagined, space, where) ** 0.5
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
