"""Weights of the points of a grid in means over space."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from sciwm.data.axes import latitude_of
from sciwm.data.labels import match
from sciwm.data.units import converted
from sciwm.errors import InputError, Problem, raise_if

Weights = xr.DataArray | str | None


def space_weights(weights: Weights, forecast: xr.Dataset, space: Sequence[Hashable]) -> xr.DataArray | None:
    """Weights on the grid of the forecast, of mean one; None where all points count alike.

    Raises:
        InputError: If they are none, or do not belong to the grid.
    """
    if weights is None:
        return None
    if isinstance(weights, xr.DataArray):
        found = _on_grid(weights, forecast, space)
    elif isinstance(weights, str) and weights == "area":
        found = _cosines(forecast, space)
    else:
        expected = "'area', a DataArray over space dimensions, or None"
        raise InputError(
            [Problem("weights", expected, repr(weights) if isinstance(weights, str) else type(weights).__name__)]
        )
    values = found.values
    if not np.isfinite(values).all() or values.min() < 0 or values.max() == 0:
        got = f"{(~np.isfinite(values)).sum()} not finite, {(values < 0).sum()} below zero, {(values > 0).sum()} above"
        raise InputError([Problem("weights", "finite weights of zero or more, not all zero", got)])
    return found / found.mean()


def without_mask(
    weights: xr.DataArray | None, forecast: xr.Dataset, truth: xr.Dataset, space: Sequence[Hashable]
) -> xr.DataArray | None:
    """The weights, zero where there are no fields: at points where all variables of both are missing, always.

    Chunked variables are not read, and keep their weights.
    """
    fields = [n for n in truth.data_vars if set(space) <= set(truth[n].dims)]
    if not space or not fields or any(v[n].chunks is not None for v in (forecast, truth) for n in fields):
        return weights
    missing = [(forecast[n].isnull() & truth[n].isnull()) for n in fields]
    absent = [m.all([d for d in m.dims if d not in space]).transpose(*space) for m in missing]
    mask = np.logical_and.reduce([a.values for a in absent])
    if not mask.any() or mask.all():
        return weights
    exists = absent[0].drop_vars(list(absent[0].coords)).copy(data=~mask).astype(float)
    exists = exists.assign_coords({d: forecast[d].variable for d in space if d in forecast.coords})
    found = exists if weights is None else exists * weights
    return found / found.mean()


def _cosines(forecast: xr.Dataset, space: Sequence[Hashable]) -> xr.DataArray:
    """The cosine of latitude: the area of cells of equal width in latitude and longitude, up to a factor."""
    name = latitude_of(forecast, space)
    if name is None or name not in forecast.coords:
        remedy = "give its standard_name or units, or give the areas of the cells as a DataArray"
        raise InputError(
            [Problem("weights", "a space dimension that is latitude", f"dimensions {tuple(space)}", remedy)]
        )
    latitude = forecast[name].reset_coords(drop=True).astype(float)
    if "units" in latitude.attrs:
        latitude, problems = converted(latitude, "degrees", f"forecast: {name}")
        raise_if(problems)
    if float(abs(latitude).max()) > 90 * (1 + 1e-6):
        got = f"{float(latitude.min()):g} to {float(latitude.max()):g}"
        raise InputError([Problem(f"forecast: {name}", "latitudes from -90 to 90 degrees", got, "see its units")])
    return xr.DataArray(np.cos(np.deg2rad(latitude.values)).clip(min=0), {name: forecast[name].variable}, [name])


def _on_grid(weights: xr.DataArray, forecast: xr.Dataset, space: Sequence[Hashable]) -> xr.DataArray:
    """The weights at the points of the forecast."""
    strange = [d for d in weights.dims if d not in space]
    if strange or not weights.dims:
        expected, got = f"some of the space dimensions {tuple(space)}", f"{weights.dims}"
        raise InputError([Problem("weights", expected, got)])
    if weights.dtype.kind not in "iufb":
        raise InputError([Problem("weights", "real numbers", f"{weights.dtype}")])
    problems: list[Problem] = []
    for d in weights.dims:
        if d in forecast.coords and d in weights.coords:
            matched = match(forecast[d], weights[d], ("forecast", "weights"))
            problems += matched.problems
            complete = len(matched.first) == forecast.sizes[d]
            if complete:
                weights = weights.isel({d: matched.second})
        else:
            complete = weights.sizes[d] == forecast.sizes[d]
        if not complete:
            problems.append(Problem(f"weights: {d}", f"the {forecast.sizes[d]} points of the forecast", "others"))
    raise_if(problems)
    labels = {d: forecast[d].variable for d in weights.dims if d in forecast.coords}
    return xr.DataArray(weights.values.astype(float), labels, weights.dims)
