"""Checks of fields, latents and forcing that a model is given; all problems are returned together."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from sciwm.data.domain import Axis, Domain
from sciwm.data.units import CONVERT, same_units, units_of, units_text
from sciwm.data.values import (
    fill_problems,
    finite_problems,
    missing_remedy,
    not_finite,
    numbers_problems,
    packed_problems,
)
from sciwm.errors import Problem
from simulations.closeness import LARGEST_ROUNDING, SHARE_OF_SPACING, close, even, rounding_of, same_positions

RESULTS = ("forcing", "predicted_cost")  # variables of plans beside fields and functionals
AS_NUMBERS = (
    "open the file with decode_times=False, or in memory give times as numbers: "
    "ds.assign_coords(time=(ds.time - ds.time[0]) / np.timedelta64(1, 's'))"
)


def check_fields(dataset: xr.Dataset, domain: Domain, *, where: str = "dataset") -> list[Problem]:
    """The problems that keep a model of ``domain`` from reading the fields of ``dataset``.

    Values of chunked variables are not checked, as that would read all of them.
    """
    problems, functionals = [], [f.name for f in domain.functionals]
    for variable in domain.variables:
        if variable.name not in dataset:
            has = ", ".join(map(str, dataset.data_vars)) or "no variables"
            problems.append(Problem(where, f"the variable '{variable.name}' [{variable.units}]", has))
            continue
        array = dataset[variable.name]
        place = f"{where}: {variable.name}"
        absent = [d for d in domain.dimensions if d not in array.dims]
        if absent:
            problems += [Problem(place, f"the dimension '{d}'", f"dimensions {array.dims}") for d in absent]
            continue
        problems += unit_problems(array, variable.units, place)
        problems += dimension_problems(array, ("latent", "actuator", *RESULTS, *functionals), place)
        problems += finite_problems(array, place)
    along = [axis for axis in domain.axes if axis.name in dataset.dims]
    return problems + [problem for axis in along for problem in grid_problems(dataset, axis, where)]


def check_latents(latent: xr.DataArray, size: int, domain: Domain, *, where: str = "latent") -> list[Problem]:
    """The problems that keep ``latent`` from being latents of ``size`` numbers."""
    if latent.sizes.get("latent") != size:
        return [Problem(where, f"a dimension 'latent' of size {size}", f"sizes {dict(latent.sizes)}")]
    results = [*domain.dimensions, *(v.name for v in domain.variables), *(f.name for f in domain.functionals)]
    return dimension_problems(latent, results, where) + finite_problems(latent, where) + fill_problems(latent, where)


def spacing_problems(x: xr.DataArray, place: str) -> list[Problem]:
    """The problems that keep a coordinate from being increasing and equispaced, up to the rounding that it shows."""
    wrong = _positions_problems(x, place)
    if wrong:
        return wrong
    values, dimension = x.values.astype(float), x.name
    if len(values) < 4:
        return [Problem(place, "at least 4 equispaced points", str(len(values)))]
    spacing = np.diff(values)
    if spacing.max() <= 0:
        got, remedy = f"{values[0]:g} first and {values[-1]:g} last", f"sort with ds.sortby('{dimension}')"
        return [Problem(place, "increasing positions", got, remedy if spacing.max() < 0 else "")]
    if spacing.min() <= 0 or not even(values):
        got = f"{len(values)} points, {spacing.min():g} to {spacing.max():g} apart"
        return [Problem(place, "equispaced points", got, f"interpolate to an equispaced '{dimension}' first")]
    return []


def _positions_problems(x: xr.DataArray, place: str) -> list[Problem]:
    """The problems that keep a coordinate from being finite positions along its own dimension."""
    wrong = _shape_problems(x, place) or numbers_problems(x, place) or packed_problems(x, place)
    if wrong or np.isfinite(x.values).all():
        return wrong
    return [Problem(place, "finite positions", not_finite(x.values.astype(float)), missing_remedy(x))]


def _shape_problems(x: xr.DataArray, place: str) -> list[Problem]:
    """A problem if a coordinate is not over one dimension alone, as ``x(node, x)`` is not."""
    if x.ndim == 1:
        return []
    one = ", ".join(f"{d}=0" for d in x.dims if d != x.name)
    remedy = (
        f"choose one with ds.isel({one}), or if all are alike, assign_coords({x.name}=ds.{x.name}.isel({one}).values)"
    )
    return [Problem(place, f"a coordinate over '{x.name}' alone", f"dimensions {x.dims}", remedy)]


def origin_problems(x: xr.DataArray, place: str, axis: Axis | None = None) -> list[Problem]:
    """A problem if a periodic grid does not start where that of the model does, or at 0 without a model.

    From there the places of the actuators are measured.
    """
    values, start = x.values.astype(float), 0.0 if axis is None else axis.start
    if abs(values[0] - start) <= SHARE_OF_SPACING * (values[-1] - values[0]) / (len(values) - 1):
        return []
    remedy = "actuators are placed from there: shift the fields to the model's grid"
    return [Problem(place, f"a grid that starts at {start:g}", f"{values[0]:g}", remedy)]


def time_problems(time: xr.DataArray, interval: float | None, where: str) -> list[Problem]:
    """The problems that keep times from being numbers in equal steps, of length ``interval`` if that is given.

    Steps are compared by their own size, and up to the rounding that the times show.
    """
    place = f"{where}: time"
    if time.ndim > 1:
        return _shape_problems(time, place)
    if getattr(time.dtype, "kind", "O") not in "iuf":
        return [Problem(place, "numbers", f"{time.dtype}", AS_NUMBERS)]
    values = np.atleast_1d(time.values.astype(float))
    if not np.isfinite(values).all():
        return [Problem(place, "finite times", not_finite(values), missing_remedy(time))]
    if len(values) < 2:
        return []
    steps = np.diff(values)
    mean = (values[-1] - values[0]) / len(steps)
    step = mean if interval is None else interval
    rounding = rounding_of(values).max()
    forgiven = 2 * rounding / len(steps) if rounding <= LARGEST_ROUNDING * abs(step) else 0.0
    if mean > 0 and even(values) and abs(mean - step) <= max(SHARE_OF_SPACING * step, forgiven):
        return []
    got = f"steps of {steps.min():g} to {steps.max():g}"
    expected = "increasing times in equal steps" if interval is None else f"equal steps of {step:g}"
    return [Problem(place, expected, got, _remedy_of_steps(time, step, rounding))]


def _remedy_of_steps(time: xr.DataArray, step: float, rounding: float) -> str:
    if time.dtype.kind == "f" and time.dtype.itemsize < 8 and rounding > LARGEST_ROUNDING * abs(step):
        rounded = f"{time.dtype} rounds times of this size to {2 * rounding:g}"
        return f"{rounded}: give them as float64, or count from a later time"
    return "resample to that interval"


def dimension_problems(array: xr.DataArray, taken: Sequence[str], place: str) -> list[Problem]:
    """Dimensions and coordinates with names that results need, and dimensions without values."""
    problems = [
        Problem(place, f"no dimension '{d}', a name that is taken", f"dimensions {array.dims}", "rename it")
        for d in taken
        if d in array.dims
    ]
    problems += [
        Problem(place, f"no coordinate '{c}', a name that is taken", "one", "rename it, or drop_vars")
        for c in taken
        if c in array.coords and c not in array.dims
    ]
    empty = [str(d) for d, size in array.sizes.items() if size == 0]
    if empty:
        problems.append(Problem(place, "at least one value", f"an empty dimension '{', '.join(empty)}'"))
    return problems


def unit_problems(array: xr.DataArray, wanted: str, place: str) -> list[Problem]:
    """A problem if an array states units that are not the wanted ones, however these are spelled."""
    units = units_of(array, wanted)
    return [] if same_units(units, wanted) else [Problem(place, f"units '{wanted}'", f"'{units}'", CONVERT)]


def grid_problems(dataset: xr.Dataset, axis: Axis, where: str) -> list[Problem]:
    """The problems that keep the points of a dataset along ``axis`` from being ones that the model can read."""
    place = f"{where}: {axis.name}"
    if dataset.sizes[axis.name] == 0:
        return []  # reported as an empty dimension
    if axis.name not in dataset.coords:
        over = f"a period of {axis.extent:g}" if axis.periodic else f"the points {_points_of(axis)}"
        return [Problem(place, f"a coordinate over {over}", "none")]
    x = dataset[axis.name]
    problems = unit_problems(x, axis.units, place)
    uneven = spacing_problems(x, place) if axis.points is None else _positions_problems(x, place)
    if uneven:
        return problems + uneven
    kind = "periodic" if axis.periodic else "bounded"
    stated = units_text(x.attrs.get("boundary", kind))
    if stated != kind:
        return [*problems, Problem(place, f"a {kind} axis", f"boundary '{stated}'")]
    return problems + (_period_problems(x, axis, place) if axis.periodic else _point_problems(x, axis, place))


def _period_problems(x: xr.DataArray, axis: Axis, place: str) -> list[Problem]:
    """A period that is not the model's, or another origin; the number of points is free."""
    covered = float(x[-1]) - float(x[0])
    extent = covered * x.size / (x.size - 1)
    if close(extent, axis.extent, rtol=SHARE_OF_SPACING):
        return origin_problems(x, place, axis)
    repeated = close(covered, axis.extent, rtol=SHARE_OF_SPACING / x.size)
    remedy = "leave out the repeated end point" if repeated else ""
    return [Problem(place, f"a period of {axis.extent:g} [{axis.units}]", f"{extent:g}", remedy)]


def _point_problems(x: xr.DataArray, axis: Axis, place: str) -> list[Problem]:
    """Points other than the model's: between walls no others can be read."""
    values = x.values.astype(float)
    if same_positions(values, axis.coordinates):
        return []
    expected, got = f"{_points_of(axis)} [{axis.units}]", f"{len(values)} from {values[0]:g} to {values[-1]:g}"
    return [Problem(place, expected, got, "interpolate the fields to the model's grid")]


def _points_of(axis: Axis) -> str:
    first, last = axis.coordinates[[0, -1]]
    return f"{axis.num_points} points from {first:g} to {last:g}"
