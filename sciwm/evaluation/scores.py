"""Scores of a forecast at every instant: root mean square errors and skill."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from sciwm.evaluation.comparable import Pair, comparable
from sciwm.evaluation.space_weights import Weights
from simulations.closeness import ROUNDING_STEPS

MEANINGS = {
    "rmse": "root mean square error",
    "nrmse": "root mean square error over root mean square of the truth",
    "vrmse": "root mean square error over spatial deviation of the truth",
    "skill": "1 - mean square error over that of persistence",
}


def evaluate(
    forecast: xr.Dataset,
    truth: xr.Dataset,
    *,
    dims: str | Sequence[str] | None = None,
    weights: Weights = None,
) -> xr.Dataset:
    """Score a forecast against the truth: every variable and every instant that both datasets hold.

        rmse  = sqrt <(v - u)^2>              nrmse = rmse / sqrt <u^2>
        vrmse = sqrt( <(v - u)^2> / var u )   skill = 1 - <(v - u)^2> / <(u_0 - u)^2>

    with truth u, forecast v, the first shared instant u_0, and <.> and var over space; vrmse as in
    The Well (Ohana et al. 2024, arXiv:2412.00568) without its constant 1e-7, which is nothing in metres and everything
    in nanometres.

    How to read them: rmse is in the units of the variable in the forecast, the others have none. A nrmse below 0.5
    counts as a valid forecast; it depends on where the units have their zero, as degC and K. A vrmse of 1 is as good
    as forecasting the spatial mean. A skill of 1 is perfect, 0 as good as persistence, negative worse.

    Where a forecast is not finite, its errors are infinite and its skill is minus infinity, so that no mean over
    simulations leaves it out. NaN means that there is no score: a vrmse of a variable without space, such as a
    functional, or of a truth that is constant in space; a skill where the truth is as at the first instant; a nrmse
    where the truth is zero. The truth must be finite; in chunked variables this is not checked, and its scores are NaN
    where it is not. Points at which all variables of both are always missing, such as land, do not count.

    How the two are matched: variables by name; values and coordinates in other units after conversion, so that degC
    and K, or hours and minutes, may meet (units that are not stated are taken to be the same); labels of all
    coordinates in whatever order within a hundredth of their distance or the rounding that they show; times that are
    numbers, durations or dates with their like. A warning tells how many labels only one of the two has, and which
    variables hold no numbers.

    Args:
        forecast: Variables over ``time``, or at one, and any other dimensions, as from ``Surrogate.rollout``.
        truth: The same variables on the same grid; other variables, times and simulations beyond do not matter.
        dims: The names of the space dimensions. By default those that say so by CF ``axis`` X, Y or Z,
            ``standard_name``, ``units`` such as degrees_north, or names such as x, y, z, latitude, lon. Levels of
            pressure and members are none, and have scores of their own.
        weights: How much each point counts in means over space: None for all alike, which is right for equal cells;
            ``"area"`` for the cosine of latitude, which is right for cells of equal width in degrees; or weights of
            your own over space dimensions, such as areas of cells, zero where nothing counts.

    Returns:
        ``rmse``, ``nrmse`` and ``vrmse`` over ``variable``, ``time`` in ascending order and all other dimensions but
        space, such as ``simulation``; average them with ``scores.mean("simulation")``. ``skill`` over ``variable`` and
        ``time`` alone: it pools the squared errors, since a mean of ratios is dominated by its smallest denominators.
        ``variable_units`` has the units of each variable.

    Raises:
        InputError: If the two share no variables or labels, if their units do not convert, if they are on different
            grids or what is space cannot be known, if labels stand more than once or are not finite, if variables hold
            no numbers, if the truth is not finite, or if weights do not fit.

    Example:
        >>> times = {"time": [0.0, 1.0]}
        >>> truth = xr.Dataset({"u": (("time", "x"), [[1.0, -1.0], [3.0, -3.0]])}, times)
        >>> forecast = xr.Dataset({"u": (("time", "x"), [[1.0, -1.0], [2.0, -2.0]])}, times)
        >>> evaluate(forecast, truth)["skill"].sel(variable="u", time=1.0).item()
        0.75
    """
    pair = comparable(forecast, truth, dims, weights)
    return _described([_scores(pair, name) for name in pair.truth.data_vars], pair)


def _scores(pair: Pair, name: Hashable) -> xr.Dataset:
    forecast, truth = pair.forecast[name], pair.truth[name]
    space = [d for d in pair.space if d in truth.dims]
    weights = _weights_of(pair.weights, space)

    def mean(values: xr.DataArray) -> xr.DataArray:
        if weights is None:
            return values.mean(space, skipna=False)  # a forecast that is not finite everywhere has no finite error
        return (values * weights).where(weights > 0, 0.0).mean(space, skipna=False)

    def pooled(values: xr.DataArray) -> xr.DataArray:
        return values.mean([d for d in values.dims if d != "time"], skipna=False)

    not_finite = forecast.isnull() & truth.notnull()
    square_error, square = mean(((forecast - truth) ** 2).where(~not_finite, np.inf)), mean(truth**2)
    persistence = pooled(mean((truth.isel(time=0, drop=True) - truth) ** 2))
    variance = mean((truth - mean(truth)) ** 2) if space else xr.full_like(square, np.nan)
    rounding = (ROUNDING_STEPS * pair.rounding[name]) ** 2  # below this share, the truth is constant
    return xr.Dataset(
        {
            "rmse": square_error**0.5,
            "nrmse": (square_error / square.where(square > 0)) ** 0.5,
            "vrmse": (square_error / variance.where(variance > rounding * square)) ** 0.5,
            "skill": 1 - pooled(square_error) / persistence.where(persistence > rounding * pooled(square)),
        }
    )


def _weights_of(weights: xr.DataArray | None, space: Sequence[Hashable]) -> xr.DataArray | None:
    """The weights for a variable over some of the space dimensions, of mean one."""
    if weights is None or not set(weights.dims) & set(space):
        return None
    return weights.mean([d for d in weights.dims if d not in space])


def _described(scores: Sequence[xr.Dataset], pair: Pair) -> xr.Dataset:
    names, units = [str(n) for n in pair.truth.data_vars], [pair.units[n] for n in pair.truth.data_vars]
    along = xr.DataArray(names, dims="variable", name="variable")
    together = xr.concat(scores, along, data_vars="all", coords="minimal", compat="override", join="outer")
    for name, meaning in MEANINGS.items():
        together[name].attrs = {"units": "1", "long_name": meaning}
    if set(units) != {"1"}:
        together["rmse"].attrs["units"] = units[0] if len(set(units)) == 1 else "as variable_units"
    return together.transpose("variable", ..., "time").assign_coords(variable_units=("variable", units))
