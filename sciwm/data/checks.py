"""Checks of fields, latents and forcing that a model is given; all problems are returned together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.domain import Axis, Domain
from sciwm.errors import Problem, counted
from simulations import ActionBox

PURE_NUMBER = ("", "1", "dimensionless")  # ways to write that a number has no units
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
        problems += _unit_problems(array, variable.units, place)
        problems += _dimension_problems(array, ("latent", "actuator", *RESULTS, *functionals), place)
        problems += finite_problems(array, place)
    along = [axis for axis in domain.axes if axis.name in dataset.dims]
    return problems + [problem for axis in along for problem in _grid_problems(dataset, axis, where)]


def check_latents(latent: xr.DataArray, size: int, domain: Domain, *, where: str = "latent") -> list[Problem]:
    """The problems that keep ``latent`` from being latents of ``size`` numbers."""
    if latent.sizes.get("latent") != size:
        return [Problem(where, f"a dimension 'latent' of size {size}", f"sizes {dict(latent.sizes)}")]
    results = [*domain.dimensions, *(v.name for v in domain.variables), *(f.name for f in domain.functionals)]
    return _dimension_problems(latent, results, where) + numbers_problems(latent, where)


def check_forcing(forcing: xr.DataArray, domain: Domain, *, where: str = "forcing") -> list[Problem]:
    """The problems that keep ``forcing`` from being actions of ``domain``, one per control interval."""
    box = domain.actuators
    if "actuator" not in forcing.dims or "time" not in forcing.dims:
        return [Problem(where, "the dimensions 'time' and 'actuator'", f"dimensions {forcing.dims}")]
    if forcing.sizes["time"] == 0:
        return [Problem(f"{where}: time", "at least one interval", "none")]
    if forcing.sizes["actuator"] != len(box):
        expected = f"{counted(len(box), 'actuator')} ({', '.join(box.names)})"
        return [Problem(where, expected, str(forcing.sizes["actuator"]))]
    problems = _dimension_problems(forcing, ("latent", *domain.dimensions), where)
    problems += _unit_problems(forcing, box.units, where)
    problems += _label_problems(forcing, box, where)
    unusable = finite_problems(forcing, where)
    problems += unusable or _out_of_bounds(forcing.transpose(..., "actuator"), box, where)
    if "time" in forcing.coords:
        problems += time_problems(forcing["time"], domain.control_interval, where)
    return problems


def numbers_problems(array: xr.DataArray, place: str, remedy: str = "") -> list[Problem]:
    """A problem if the values are no real numbers, but text, objects, dates, complex numbers or truth values."""
    if getattr(array.dtype, "kind", "O") in "iuf":
        return []
    return [Problem(place, "real numbers", f"{array.dtype}", remedy)]


def finite_problems(array: xr.DataArray, place: str) -> list[Problem]:
    """A problem if values are not finite, with their number and the first place; chunked arrays are not read."""
    wrong = numbers_problems(array, place)
    if wrong or array.chunks is not None:
        return wrong
    bad = ~np.isfinite(array.values)
    if not bad.any():
        return []
    got = f"{_not_finite(array.values)}, the first at {_first(bad, array)}"
    return [Problem(place, "finite values", got, "fill or drop them")]


def spacing_problems(x: xr.DataArray, place: str) -> list[Problem]:
    """The problems that keep a coordinate from being increasing and equispaced."""
    wrong = numbers_problems(x, place)
    if wrong:
        return wrong
    values, dimension = x.values.astype(float), x.name
    if not np.isfinite(values).all():
        return [Problem(place, "finite positions", _not_finite(values))]
    if len(values) < 4:
        return [Problem(place, "at least 4 equispaced points", str(len(values)))]
    spacing = np.diff(values)
    if spacing.max() <= 0:
        got, remedy = f"{values[0]:g} first and {values[-1]:g} last", f"sort with ds.sortby('{dimension}')"
        return [Problem(place, "increasing positions", got, remedy if spacing.max() < 0 else "")]
    if spacing.min() <= 0 or not np.allclose(spacing, spacing[0], rtol=1e-3):
        got = f"{len(values)} points, {spacing.min():g} to {spacing.max():g} apart"
        return [Problem(place, "equispaced points", got, f"interpolate to an equispaced '{dimension}' first")]
    return []


def origin_problems(x: xr.DataArray, place: str) -> list[Problem]:
    """A problem if a periodic grid does not start at 0, from where the places of the actuators are measured."""
    if abs(float(x[0])) <= 1e-3 * float(x[1] - x[0]):
        return []
    remedy = "actuators are placed from there: shift the fields to the model's grid"
    return [Problem(place, "a grid that starts at 0", f"{float(x[0]):g}", remedy)]


def time_problems(time: xr.DataArray, interval: float | None, where: str) -> list[Problem]:
    """The problems that keep times from being numbers in equal steps, of length ``interval`` if that is given."""
    place = f"{where}: time"
    if getattr(time.dtype, "kind", "O") not in "iuf":
        return [Problem(place, "numbers", f"{time.dtype}", AS_NUMBERS)]
    values = np.atleast_1d(time.values.astype(float))
    if not np.isfinite(values).all():
        return [Problem(place, "finite times", _not_finite(values))]
    if len(values) < 2:
        return []
    steps = np.diff(values)
    step = float(steps[0]) if interval is None else interval
    if steps.min() > 0 and np.allclose(steps, step, rtol=1e-3):
        return []
    got = f"steps of {steps.min():g} to {steps.max():g}"
    expected = f"equal steps of {step:g}" if step > 0 else "increasing times in equal steps"
    return [Problem(place, expected, got, "resample to that interval")]


def _dimension_problems(array: xr.DataArray, taken: Sequence[str], place: str) -> list[Problem]:
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


def _unit_problems(array: xr.DataArray, wanted: str, place: str) -> list[Problem]:
    units = str(array.attrs.get("units", wanted))
    if units == wanted or (units in PURE_NUMBER and wanted in PURE_NUMBER):
        return []
    return [Problem(place, f"units '{wanted}'", f"'{units}'", "convert before calling")]


def _label_problems(forcing: xr.DataArray, box: ActionBox, where: str) -> list[Problem]:
    """Labels of actuators that are neither their names nor their numbers: their order would be a guess."""
    if "actuator" not in forcing.indexes:
        return []
    labels = forcing.indexes["actuator"]
    if not labels.is_unique:
        return [Problem(f"{where}: actuator", "every label once", f"{labels[labels.duplicated()][0]!r} more than once")]
    if set(labels) in (set(box.names), set(range(len(box)))):
        return []
    expected = f"the labels {', '.join(box.names)}, or 0 to {len(box) - 1}"
    got, remedy = ", ".join(map(repr, labels.tolist()[:8])), "assign_coords(actuator=...), or drop the labels"
    return [Problem(f"{where}: actuator", expected, got, remedy)]


def _out_of_bounds(forcing: xr.DataArray, box: ActionBox, where: str) -> list[Problem]:
    values = forcing.values
    slack = 1e-6 * np.maximum(1, np.maximum(np.abs(box.low), np.abs(box.high)))  # single precision rounds
    outside = (values < box.low - slack) | (values > box.high + slack)
    if not outside.any():
        return []
    j = int(np.argwhere(outside)[0][-1])
    expected = f"actions of '{box.names[j]}' between {box.low[j]:g} and {box.high[j]:g} [{box.units}]"
    got = f"{values[outside][0]:g} at {_first(outside, forcing)}, {int(outside.sum())} outside in all"
    return [Problem(where, expected, got, "clip the forcing, or train on data with wider bounds")]


def _grid_problems(dataset: xr.Dataset, axis: Axis, where: str) -> list[Problem]:
    place = f"{where}: {axis.name}"
    if dataset.sizes[axis.name] == 0:
        return []  # reported as an empty dimension
    if axis.name not in dataset.coords:
        over = f"a period of {axis.extent:g}" if axis.periodic else f"the points {_points_of(axis)}"
        return [Problem(place, f"a coordinate over {over}", "none")]
    x = dataset[axis.name]
    problems = _unit_problems(x, axis.units, place)
    uneven = spacing_problems(x, place)
    if uneven:
        return problems + uneven
    kind = "periodic" if axis.periodic else "bounded"
    if x.attrs.get("boundary", kind) != kind:
        return [*problems, Problem(place, f"a {kind} axis", f"boundary '{x.attrs['boundary']}'")]
    return problems + (_period_problems(x, axis, place) if axis.periodic else _point_problems(x, axis, place))


def _period_problems(x: xr.DataArray, axis: Axis, place: str) -> list[Problem]:
    """A period that is not the model's, or another origin; the number of points is free."""
    extent = float(x[1] - x[0]) * x.size
    if np.isclose(extent, axis.extent, rtol=1e-3):
        return origin_problems(x, place)
    remedy = "leave out the repeated end point" if np.isclose(x[-1] - x[0], axis.extent) else ""
    return [Problem(place, f"a period of {axis.extent:g} [{axis.units}]", f"{extent:g}", remedy)]


def _point_problems(x: xr.DataArray, axis: Axis, place: str) -> list[Problem]:
    """Points other than the model's: between walls no others can be read."""
    values = x.values.astype(float)
    if len(values) == axis.num_points and np.allclose(values, axis.coordinates, rtol=0, atol=1e-3 * axis.spacing):
        return []
    expected, got = f"{_points_of(axis)} [{axis.units}]", f"{len(values)} from {values[0]:g} to {values[-1]:g}"
    return [Problem(place, expected, got, "interpolate the fields to the model's grid")]


def _points_of(axis: Axis) -> str:
    first, last = axis.coordinates[[0, -1]]
    return f"{axis.num_points} points from {first:g} to {last:g}"


def _not_finite(values: NDArray[Any]) -> str:
    return counted(int((~np.isfinite(values)).sum()), "that is not", "that are not")


def _first(mask: NDArray[np.bool_], array: xr.DataArray) -> str:
    """The place of the first true value, by coordinates where there are any, else by indices."""
    labels = ((d, array[d].values[i]) for d, i in zip(array.dims, np.argwhere(mask)[0], strict=True))
    return ", ".join(f"{d}={v:g}" if isinstance(v, np.floating) else f"{d}={v}" for d, v in labels)
