"""What a forecast and a truth share: the same variables, units, instants and grid, however each is written."""

import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciwm.data import finite_problems, numbers_problems
from sciwm.data.axes import axis_kind, geographic_kind, space_of, time_of
from sciwm.data.labels import Matched, match, range_text
from sciwm.data.units import converted, units_of, units_text, without_quantities
from sciwm.data.values import fill_problems, packed_problems
from sciwm.errors import Problem, counted, raise_if
from sciwm.evaluation.names import flat, name_problems
from sciwm.evaluation.space_weights import Weights, space_weights, without_mask

PLACES = ("forecast", "truth")
KEPT_ATTRIBUTES = ("units", "long_name", "standard_name", "axis", "calendar", "positive")
BOUNDS = ("bounds", "climatology")
BOUNDS_SUFFIXES = ("_bnds", "_bounds", "_vertices")


@dataclass(frozen=True)
class Pair:
    """A forecast and a truth on the same labels, in the units of the forecast.

    Args:
        forecast: Its shared variables, by ascending times.
        truth: The same variables, in float64.
        space: The names of the space dimensions.
        units: The units of each variable.
        weights: Weights of the points of space, of mean one; None where all count alike.
        rounding: The steps of the number format of each variable of the truth as it was given.
    """

    forecast: xr.Dataset
    truth: xr.Dataset
    space: tuple[Hashable, ...]
    units: dict[Hashable, str]
    weights: xr.DataArray | None
    rounding: dict[Hashable, float]


def comparable(forecast: xr.Dataset, truth: xr.Dataset, dims: str | Sequence[str] | None, weights: Weights) -> Pair:
    """Bring both to the same variables, units and labels, and tell what is left out.

    Raises:
        InputError: With everything that keeps them from being compared.
    """
    raise_if([p for p in map(_kind_problem, (forecast, truth), PLACES) if p])
    forecast, truth = (without_quantities(dataset) for dataset in (forecast, truth))
    raise_if(
        [
            p
            for dataset, where in zip((forecast, truth), PLACES, strict=True)
            for p in (*_time_problems(dataset, where), *name_problems(dataset, where, dims))
        ]
    )
    forecast, truth = flat(_with_time(forecast)), flat(_with_time(truth))
    names, left_out = _names(forecast, truth)
    forecast, truth = _plain(forecast[names]), _plain(truth[names])
    space, problems = _space(forecast, truth, dims)
    problems += [p for n in names for p in _dimension_problems(forecast[n], truth[n], space)]
    for dataset, where in zip((forecast, truth), PLACES, strict=True):  # as they were stored
        problems += [p for n in names for p in packed_problems(dataset[n], f"{where}: {n}")]
        problems += [p for n in names for p in fill_problems(dataset[n], f"{where}: {n}")]
    units = {n: units_of(forecast[n], units_of(truth[n])) for n in names}
    in_units = {n: converted(truth[n], units[n], f"truth: {n}") for n in names}
    problems += [p for n in names for p in in_units[n][1]]
    rounding = {n: float(np.finfo(truth[n].dtype).eps) if truth[n].dtype.kind == "f" else 0.0 for n in names}
    truth = truth.assign({n: array for n, (array, _) in in_units.items()})
    for d in (d for d in forecast.dims if d in truth.dims):
        matched, wrong, told = _shared(forecast, truth, d, d in space)
        problems += wrong
        left_out += told
        if matched is not None and not wrong:
            forecast, truth = forecast.isel({d: matched.first}), truth.isel({d: matched.second})
            truth = truth.assign_coords({d: forecast[d].variable})
    problems += _curved_grid_problems(forecast, truth, space) if not problems else []
    raise_if(problems)
    truth = truth.drop_vars([c for c in truth.coords if c not in truth.dims])
    points = without_mask(space_weights(weights, forecast, space), forecast, truth, space)
    if points is not None:  # what does not count need not be finite
        forecast, truth = (dataset.map(_where_it_counts, weights=points) for dataset in (forecast, truth))
    raise_if([p for n in names for p in finite_problems(truth[n], f"truth: {n}")])
    if left_out:
        warnings.warn("evaluate leaves out " + "; ".join(left_out), stacklevel=3)
    return Pair(forecast, truth.astype(float), space, units, points, rounding)


def _kind_problem(dataset: object, where: str) -> Problem | None:
    return None if isinstance(dataset, xr.Dataset) else Problem(where, "an xarray.Dataset", type(dataset).__name__)


def _time_problems(dataset: xr.Dataset, where: str) -> list[Problem]:
    time = time_of(dataset)
    if time is None or time not in dataset.coords:
        return [Problem(where, "a coordinate 'time'", "none", "add it with ds.assign_coords(time=...)")]
    if dataset[time].ndim > 1:
        got, remedy = f"dimensions {dataset[time].dims}", "stack them to one, or select a start of the forecast"
        return [Problem(f"{where}: {time}", "times over one dimension", got, remedy)]
    if time in dataset.indexes and dataset.indexes[time].nlevels > 1:
        got, remedy = f"times stacked in '{dataset[time].dims[0]}'", f"ds.unstack('{dataset[time].dims[0]}')"
        return [Problem(f"{where}: {time}", "times over a dimension of their own", got, remedy)]
    return []


def _with_time(dataset: xr.Dataset) -> xr.Dataset:
    """Variables over a dimension named time; a single instant becomes one of size one."""
    time = time_of(dataset)
    if dataset[time].ndim == 0:
        dataset = dataset.expand_dims([time])
    (along,) = dataset[time].dims
    if along != time:  # times beside a dimension of another name
        dataset = dataset.swap_dims({along: time})
    return dataset.rename({time: "time"}) if time != "time" else dataset


def _names(forecast: xr.Dataset, truth: xr.Dataset) -> tuple[list[Hashable], list[str]]:
    """The variables to be scored, and what is left out among those that both have."""
    over_time = [{n for n, v in dataset.data_vars.items() if "time" in v.dims} for dataset in (forecast, truth)]
    bounds = _bounds_of(forecast) | _bounds_of(truth)
    aside = {n: "bounds of a coordinate" for n in forecast.data_vars if n in over_time[0] & over_time[1] & bounds}
    shared = [n for n in forecast.data_vars if n in over_time[0] & over_time[1] and n not in aside]
    if not shared:
        expected = f"variables over time as in the forecast ({_listed(forecast)})"
        raise_if([Problem("truth", expected, _listed(truth), "rename variables so that both names agree")])
    wrong = {
        n: numbers_problems(forecast[n], f"forecast: {n}") + numbers_problems(truth[n], f"truth: {n}") for n in shared
    }
    everywhere = all(wrong.values())
    raise_if([p for problems in wrong.values() if everywhere or len(problems) == 1 for p in problems])
    aside |= {n: f"no real numbers but {forecast[n].dtype}" for n in shared if wrong[n]}
    return [n for n in shared if n not in aside], [f"the variable '{n}' ({why})" for n, why in aside.items()]


def _bounds_of(dataset: xr.Dataset) -> set[Hashable]:
    """The variables that hold the bounds of cells, by the attributes of coordinates, or by their names."""
    stated = {str(c.attrs[key]) for c in dataset.coords.values() for key in BOUNDS if key in c.attrs}
    return {n for n in dataset.data_vars if n in stated or str(n).endswith(BOUNDS_SUFFIXES)}


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """The coordinates with those attributes alone that scores may carry on, and without codecs of the input."""
    dataset = dataset.drop_encoding()
    coordinates = {name: c.variable.copy(deep=False) for name, c in dataset.coords.items()}
    for variable in coordinates.values():
        given = variable.attrs
        kept = {k: v for k in KEPT_ATTRIBUTES if isinstance(v := given.get(k), str)}
        variable.attrs = kept | ({"units": units_text(given["units"])} if "units" in given else {})
    return dataset.assign_coords(coordinates)


def _space(
    forecast: xr.Dataset, truth: xr.Dataset, dims: str | Sequence[str] | None
) -> tuple[tuple[Hashable, ...], list[Problem]]:
    """The space dimensions: those that the caller names, else those that say so."""
    if dims is not None and not isinstance(dims, Iterable):
        return (), [Problem("dims", "the names of space dimensions", repr(dims), "as dims=['x', 'y']")]
    if dims is not None:
        named = (dims,) if isinstance(dims, str) else tuple(dims)
        strange = [d for d in named if d not in forecast.dims or d == "time"]
        expected = f"space dimensions of the forecast, among {', '.join(str(d) for d in forecast.dims if d != 'time')}"
        return named, [Problem("dims", expected, f"'{d}'") for d in strange]
    found = space_of(forecast, truth)
    remedy = "name all space dimensions, as evaluate(forecast, truth, dims=['x', 'y']), or none with dims=[]"
    expected = "dimensions that say by their axis, standard_name, units or name whether they are space"
    got = ", ".join(f"'{d}'" for d in found.unknown)
    return found.dimensions, [Problem("forecast", expected, got, remedy)] if got else []


def _dimension_problems(forecast: xr.DataArray, truth: xr.DataArray, space: Sequence[Hashable]) -> list[Problem]:
    place = f"truth: {truth.name}"
    expected = f"the dimensions {forecast.dims} of the forecast"
    extra = [d for d in truth.dims if d not in forecast.dims]
    absent = [d for d in forecast.dims if d in space and d not in truth.dims]
    if extra:
        alike = [d for d in absent if axis_kind(forecast, d) == axis_kind(truth, extra[0])]
        rename = f"rename it, as truth.rename({extra[0]}='{alike[0]}')" if alike else ""
        remedy = rename or f"select one, as truth.isel({extra[0]}=0)"
        return [Problem(place, expected, f"{truth.dims}", remedy)]
    return [Problem(place, expected, f"{truth.dims}", "score means over space of both")] if absent else []


def _shared(
    forecast: xr.Dataset, truth: xr.Dataset, dimension: Hashable, is_space: bool
) -> tuple[Matched | None, list[Problem], list[str]]:
    """The labels that both have; problems if there are none, or if a grid is another one; what is left out."""
    place = f"truth: {dimension}"
    if not all(
        d in ds.indexes or (d in ds.coords and ds[d].ndim == 1) for ds in (forecast, truth) for d in [dimension]
    ):
        here, there = forecast.sizes[dimension], truth.sizes[dimension]
        wrong = Problem(place, f"{counted(here, 'point')} as in the forecast", str(there), "give both their labels")
        return None, [wrong] if here != there else [], []
    first, second = forecast[dimension], truth[dimension]
    empty = [where for where, labels in zip(PLACES, (first, second), strict=True) if not labels.size]
    if empty:
        return None, [Problem(f"{where}: {dimension}", "at least one label", "none") for where in empty], []
    matched = match(first, second, PLACES)
    if matched.problems:
        return matched, list(matched.problems), []
    count = len(matched.first)
    if is_space and not count == first.size == second.size:
        expected = f"the {counted(first.size, 'point')} of the forecast from {range_text(first, ends=True)}"
        got = f"{second.size} from {range_text(second, ends=True)}"
        return matched, [Problem(place, expected, got, _regridding(first, second))], []
    if not count:
        what = "times" if dimension == "time" else "labels"
        remedy = (
            "take the truth of the same period" if dimension == "time" else "select or rename those of the forecast"
        )
        expected = f"{what} of the forecast, {range_text(first)}"
        return matched, [Problem(place, expected, range_text(second), remedy)], []
    if dimension == "time":
        order = np.argsort(first.values[matched.first], kind="stable")
        matched = Matched(matched.first[order], matched.second[order])
    return matched, [], list(_left_out(dimension, count, first.size, second.size))


def _regridding(first: xr.DataArray, second: xr.DataArray) -> str:
    """How to bring one grid to another; longitudes may only be counted from another meridian."""
    name = str(first.name)
    if "longitude" in (geographic_kind(first, name), geographic_kind(second, name)):
        turned = [xr.DataArray(x.values % 360, dims=name, name=name) for x in (first, second) if x.dtype.kind in "iuf"]
        if len(turned) == 2 and len(match(turned[0], turned[1]).first) == first.size == second.size:
            return f"count longitudes from the same meridian, as ds.assign_coords({name}=ds.{name} % 360)"
    return "interpolate one to the grid of the other"


def _left_out(dimension: Hashable, count: int, first: int, second: int) -> Iterator[str]:
    what = "times" if dimension == "time" else f"labels of '{dimension}'"
    sizes = dict(zip(PLACES, (first, second), strict=True))
    for (where, size), other in zip(sizes.items(), reversed(PLACES), strict=True):
        if count < size:
            yield f"{size - count} of the {size} {what} of the {where} that the {other} has not"


def _where_it_counts(values: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    """Zero where no weight is; variables over less than the dimensions of the weights stay as they are."""
    return values.where(weights > 0, 0) if set(weights.dims) <= set(values.dims) else values


def _curved_grid_problems(forecast: xr.Dataset, truth: xr.Dataset, space: Sequence[Hashable]) -> list[Problem]:
    """Positions that are no labels, such as latitudes over x and y, differ between the two."""
    problems = []
    for name in (c for c in forecast.coords if c in truth.coords and c not in forecast.dims):
        here, there = forecast[name], truth[name]
        over = here.ndim and set(here.dims) <= set(space) and set(there.dims) == set(here.dims)
        if not over or here.dtype.kind not in "iuf" or there.dtype.kind not in "iuf":
            continue
        x, y = here.values.astype(float), there.transpose(*here.dims).values.astype(float)
        steps = np.concatenate([np.abs(np.diff(x, axis=i)).ravel() for i in range(x.ndim)])
        spacing = np.median(steps[steps > 0]) if (steps > 0).any() else 0.0
        if not np.all(np.abs(x - y) <= 0.01 * spacing + 4 * np.finfo(np.float32).eps * np.abs(x)):
            got, remedy = f"others, up to {np.abs(x - y).max():g} away", "interpolate one to the grid of the other"
            problems.append(Problem(f"truth: {name}", "the positions of the forecast", got, remedy))
    return problems


def _listed(dataset: xr.Dataset) -> str:
    return ", ".join(f"{n} {v.dims}" for n, v in dataset.data_vars.items()) or "no variables"
