"""Scores of a forecast at every instant: root mean square errors and skill."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from sciwm.data import finite_problems, numbers_problems
from sciwm.errors import InputError, Problem, counted, raise_if

MEANINGS = {
    "rmse": "root mean square error",
    "nrmse": "root mean square error over root mean square of the truth",
    "vrmse": "root mean square error over spatial deviation of the truth",
    "skill": "1 - mean square error over that of persistence",
}


def evaluate(forecast: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """Score a forecast against the truth: every variable and every instant that both datasets hold.

        rmse  = sqrt <(v - u)^2>                        nrmse = rmse / sqrt <u^2>
        vrmse = sqrt( <(v - u)^2> / (var u + 1e-7) )    skill = 1 - <(v - u)^2> / <(u_0 - u)^2>

    with truth u, forecast v, the first shared instant u_0, and <.> and var over space; vrmse as in
    The Well (Ohana et al. 2024, arXiv:2412.00568).

    How to read them: rmse is in the units of the variable, the others have none. A nrmse below 0.5 counts as a valid
    forecast. A vrmse of 1 is as good as forecasting the spatial mean. A skill of 1 is perfect, 0 as good as
    persistence, negative worse.

    Where a forecast is not finite, its errors are infinite and its skill is minus infinity, so that no mean over
    simulations leaves it out. NaN means that there is no score: a vrmse of a variable without space, such as a
    functional; a skill at the first instant; a nrmse where the truth is zero. The truth must be finite; in chunked
    variables this is not checked, and its scores are NaN where it is not.

    Args:
        forecast: Variables over ``time`` and any other dimensions, as from ``Surrogate.rollout``. Space dimensions
            are those named x, y, z or with an ``axis`` attribute X, Y, Z.
        truth: The same variables on the same grid, in the same units; times are matched within a hundredth of a step.

    Returns:
        ``rmse``, ``nrmse`` and ``vrmse`` over ``variable``, ``time`` and all other dimensions but space, such as
        ``simulation``; average them with ``scores.mean("simulation")``. ``skill`` over ``variable`` and ``time`` alone:
        it pools the squared errors, since a mean of ratios is dominated by its smallest denominators.

    Raises:
        InputError: If the two share no variables or times, if they are on different grids, if they hold no numbers, or
            if the truth is not finite.

    Example:
        >>> times = {"time": [0.0, 1.0]}
        >>> truth = xr.Dataset({"u": (("time", "x"), [[1.0, -1.0], [3.0, -3.0]])}, times)
        >>> forecast = xr.Dataset({"u": (("time", "x"), [[1.0, -1.0], [2.0, -2.0]])}, times)
        >>> evaluate(forecast, truth)["skill"].sel(variable="u", time=1.0).item()
        0.75
    """
    raise_if([p for p in (_kind_problem(forecast, "forecast"), _kind_problem(truth, "truth")) if p])
    names = [n for n in forecast.data_vars if n in truth and "time" in forecast[n].dims and "time" in truth[n].dims]
    if not names:
        expected = f"variables over time as in the forecast ({_listed(forecast)})"
        raise InputError([Problem("truth", expected, _listed(truth), "rename variables so that both names agree")])
    space = [d for d in forecast.dims if _is_space(forecast, d)]
    forecast, truth = _shared_times(forecast[names], truth[names])
    problems = [p for n in names for p in _dimension_problems(forecast[n], truth[n])]
    problems += [p for d in space if d in truth.dims for p in _grid_problems(forecast, truth, d)]
    raise_if(problems)
    truth = truth.assign_coords({d: forecast[d].variable for d in space if d in forecast.coords})
    forecast, truth = xr.align(forecast, truth, join="inner")
    empty = [Problem(f"truth: {d}", "labels of the forecast", "other ones") for d, n in truth.sizes.items() if n == 0]
    if empty:
        raise InputError(empty)
    problems = [p for n in names for p in numbers_problems(forecast[n], f"forecast: {n}")]
    raise_if(problems + [p for n in names for p in finite_problems(truth[n], f"truth: {n}")])
    return _described([_scores(forecast[n], truth[n], space) for n in names], truth)


def _kind_problem(dataset: object, where: str) -> Problem | None:
    return None if isinstance(dataset, xr.Dataset) else Problem(where, "an xarray.Dataset", type(dataset).__name__)


def _scores(forecast: xr.DataArray, truth: xr.DataArray, space: Sequence[Hashable]) -> xr.Dataset:
    truth = truth.astype(float)
    space = [d for d in space if d in truth.dims]

    def mean(values: xr.DataArray) -> xr.DataArray:
        return values.mean(space, skipna=False)  # a forecast that is not finite everywhere has no finite error

    def pooled(values: xr.DataArray) -> xr.DataArray:
        return values.mean([d for d in values.dims if d != "time"], skipna=False)

    not_finite = forecast.isnull() & truth.notnull()
    square_error, square = mean(((forecast - truth) ** 2).where(~not_finite, np.inf)), mean(truth**2)
    persistence = mean((truth.isel(time=0, drop=True) - truth) ** 2)
    variance = truth.var(space, skipna=False) if space else xr.full_like(square, np.nan)
    return xr.Dataset(
        {
            "rmse": square_error**0.5,
            "nrmse": (square_error / square.where(square > 0)) ** 0.5,
            "vrmse": (square_error / (variance + 1e-7)) ** 0.5,
            "skill": 1 - pooled(square_error) / pooled(persistence).where(pooled(persistence) > 0),
        }
    )


def _described(scores: Sequence[xr.Dataset], truth: xr.Dataset) -> xr.Dataset:
    names = [str(n) for n in truth.data_vars]
    units = [str(v.attrs.get("units", "1")) for v in truth.data_vars.values()]
    together = xr.concat(scores, xr.DataArray(names, dims="variable", name="variable"))
    for name, meaning in MEANINGS.items():
        together[name].attrs = {"units": "1", "long_name": meaning}
    if set(units) != {"1"}:
        together["rmse"].attrs["units"] = units[0] if len(set(units)) == 1 else "as variable_units"
    return together.transpose("variable", ..., "time").assign_coords(variable_units=("variable", units))


def _is_space(dataset: xr.Dataset, dimension: Hashable) -> bool:
    axis = dataset[dimension].attrs.get("axis", "") if dimension in dataset.coords else ""
    return dimension in ("x", "y", "z") or axis in ("X", "Y", "Z")


def _shared_times(forecast: xr.Dataset, truth: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Both datasets at the instants that both hold, matched with a tolerance for rounding errors of times."""
    for dataset, where in ((forecast, "forecast"), (truth, "truth")):
        if "time" not in dataset.coords:
            raise InputError([Problem(where, "a coordinate 'time'", "none", "add it with ds.assign_coords(time=...)")])
    times, true_times = forecast["time"].values, truth["time"].values
    nearest = np.abs(true_times[None, :] - times[:, None]).argmin(axis=1)
    step = np.diff(times).min() if len(times) > 1 else 1.0
    shared = np.abs(true_times[nearest] - times) <= 0.01 * step
    if not shared.any():
        expected = f"times of the forecast, {times.min():g} to {times.max():g}"
        got, remedy = f"{true_times.min():g} to {true_times.max():g}", "take the truth of the same period"
        raise InputError([Problem("truth: time", expected, got, remedy)])
    forecast = forecast.isel(time=shared)
    return forecast, truth.isel(time=nearest[shared]).assign_coords(time=forecast["time"].variable)


def _dimension_problems(forecast: xr.DataArray, truth: xr.DataArray) -> list[Problem]:
    extra = [str(d) for d in truth.dims if d not in forecast.dims]
    if not extra:
        return []
    remedy = f"select one, as truth.isel({extra[0]}=0)"
    return [Problem(f"truth: {truth.name}", f"the dimensions {forecast.dims} of the forecast", f"{truth.dims}", remedy)]


def _grid_problems(forecast: xr.Dataset, truth: xr.Dataset, dimension: Hashable) -> list[Problem]:
    there, here = forecast[dimension].values, truth[dimension].values
    if len(there) == len(here) and np.allclose(there, here, rtol=0, atol=1e-3 * np.abs(np.diff(there)).min()):
        return []
    expected = f"the {counted(len(there), 'point')} of the forecast from {there[0]:g} to {there[-1]:g}"
    got = f"{len(here)} from {here[0]:g} to {here[-1]:g}"
    return [Problem(f"truth: {dimension}", expected, got, "interpolate one to the grid of the other")]


def _listed(dataset: xr.Dataset) -> str:
    return ", ".join(f"{n} {v.dims}" for n, v in dataset.data_vars.items()) or "no variables"
