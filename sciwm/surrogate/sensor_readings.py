"""Observations as an xarray user has them, as what an analysis needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciwm.assimilation import Observations
from sciwm.data import Domain, Variable, numbers_problems
from sciwm.data.times import step_problems
from sciwm.data.units import converted
from sciwm.errors import Problem, counted
from sciwm.model import WorldModel
from sciwm.surrogate.sensor_places import Places, places_of

POINT = "point"
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Sensed:
    """Observations of a window, and the dimensions that an analysis of them has.

    Args:
        leading: The dimensions beside time and points, in order, with their sizes.
        instants: The number of instants.
        variables: The variables that were observed.
        slices: Which points of ``observations`` are those of each variable.
        observations: What an analysis needs.
    """

    leading: dict[str, int]
    instants: int
    variables: tuple[str, ...]
    slices: tuple[slice, ...]
    observations: Observations


def sensed(ds: Any, model: WorldModel, error: Any) -> tuple[Sensed | None, list[Problem]]:
    """The observations of a Dataset inside.

    Args:
        ds: Variables of the model over points, or over the grid; see ``Surrogate.analyse``.
        model: Has the grid, and the variance of what its decoder leaves out.
        error: The standard deviation of the errors; see ``Surrogate.analyse``.
    """
    domain = model.domain
    if not isinstance(ds, xr.Dataset):
        return None, [Problem("observations", "an xarray.Dataset", type(ds).__name__, "as array.to_dataset()")]
    observed = [v for v in domain.variables if v.name in ds]
    if not observed:
        expected = f"some of the variables {', '.join(v.name for v in domain.variables)}"
        return None, [Problem("observations", expected, ", ".join(map(str, ds.data_vars)) or "no variables")]
    ds = _by_points(ds, domain)
    if POINT not in ds.dims:
        ds, problems = _over_points(ds, domain, observed)
        if problems:
            return None, problems
    names = [v.name for v in observed]
    dims = list(dict.fromkeys(str(d) for n in names for d in ds[n].dims))
    leading = [d for d in dims if d not in ("time", POINT)]
    dims = [*leading, "time", POINT]
    problems = [
        Problem(f"observations: {n}", f"the dimension '{POINT}'", f"dimensions {ds[n].dims}")
        for n in names
        if POINT not in ds[n].dims
    ]
    if "time" in ds.coords and "time" in ds.dims:
        problems += step_problems(ds["time"], domain, "observations")
    places, wrong = places_of(ds, domain, dims)
    read = [_read(ds, v, error, dims) for v in observed]
    problems += wrong + [problem for _, _, found in read for problem in found]
    if problems or places is None:
        return None, problems
    sizes = {d: ds.sizes.get(d, 1) for d in dims}
    kept = [_at_places(model, v, *values[:2], places, sizes) for v, values in zip(observed, read, strict=True)]
    problems = [problem for _, found in kept for problem in found]
    if not any(part.values.isfinite().any() for part, _ in kept):
        problems.append(Problem("observations", "at least one value", "none that is a number"))
    if problems:
        return None, problems
    parts = [part for part, _ in kept]
    together = Observations(*(torch.cat([getattr(p, n) for p in parts], dim=2) for n in vars(parts[0])))
    count = sizes[POINT]
    slices = tuple(slice(i * count, (i + 1) * count) for i in range(len(parts)))
    return Sensed({d: sizes[d] for d in leading}, sizes["time"], tuple(names), slices, together), []


def _by_points(ds: xr.Dataset, domain: Domain) -> xr.Dataset:
    """Observations with the one dimension that all positions share, as ``station``, called ``point``."""
    positions = [ds[axis.name] for axis in domain.axes if axis.name in ds.variables]
    if POINT in {*ds.dims, *ds.variables} or not positions:
        return ds
    kept = {"time", "simulation", domain.run_name, *domain.dimensions}
    shared = [str(d) for d in positions[0].dims if d not in kept and all(d in p.dims for p in positions)]
    return ds.rename({shared[0]: POINT}) if len(shared) == 1 else ds


def _over_points(ds: xr.Dataset, domain: Domain, observed: list[Variable]) -> tuple[xr.Dataset, list[Problem]]:
    """Fields that are mostly NaN as points: those of the grid that were measured at any time."""
    space = domain.dimensions
    problems = [
        Problem(f"observations: {v.name}", f"the dimension '{POINT}', or {' and '.join(space)}", f"{ds[v.name].dims}")
        for v in observed
        if not set(space) <= set(ds[v.name].dims)
    ]
    if problems:
        return ds, problems
    stacked = ds.stack({POINT: space}, create_index=False)
    measured = np.zeros(stacked.sizes[POINT], bool)
    for v in observed:
        rest = [d for d in stacked[v.name].dims if d != POINT]
        measured |= stacked[v.name].notnull().any(rest).values
    return stacked.isel({POINT: np.flatnonzero(measured)}), []


def _read(ds: xr.Dataset, variable: Variable, error: Any, dims: list[str]) -> tuple[Numbers, Numbers, list[Problem]]:
    """The values of a variable and the deviation of their errors, in the units of the model, over ``dims``."""
    array, place, nothing = ds[variable.name], f"observations: {variable.name}", np.zeros(0)
    problems = numbers_problems(array, place)
    if problems:
        return nothing, nothing, problems
    values, problems = converted(array.astype(float), variable.units, place)
    given, wrong = _error_of(ds, variable, error)
    problems += wrong
    if problems:
        return nothing, nothing, problems
    whole, deviation = xr.broadcast(values, given)
    lacking = {d: 1 for d in dims if d not in whole.dims}
    whole, deviation = (one.expand_dims(lacking).transpose(*dims) for one in (whole, deviation))
    numbers, deviations = whole.values, deviation.values.astype(float)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        problems.append(Problem(place, "finite values, or NaN", counted(infinite, "infinite value")))
    bad = np.isfinite(numbers) & ~((deviations > 0) & np.isfinite(deviations))
    if bad.any():
        got = f"{deviations[bad][0]:g}, {counted(int(bad.sum()), 'such value')}"
        problems.append(Problem(f"{place}_error", "positive standard deviations where there are values", got))
    return numbers, deviations, problems


def _error_of(ds: xr.Dataset, variable: Variable, error: Any) -> tuple[xr.DataArray, list[Problem]]:
    """The standard deviation of the errors of a variable: of the argument, a variable, or an attribute."""
    name, place = f"{variable.name}_error", f"observations: {variable.name}_error"
    units = ds[variable.name].attrs.get("units", variable.units)
    given = error.get(variable.name) if isinstance(error, dict) else error
    if given is None and name in ds:
        given = ds[name]
    if given is None:
        given = ds[variable.name].attrs.get("error")
    if given is None:
        remedy = f"give error={{'{variable.name}': ...}}, or the variable '{name}', in {units}"
        return xr.DataArray(), [Problem(place, "the standard deviation of the errors", "none", remedy)]
    try:
        array = given if isinstance(given, xr.DataArray) else xr.DataArray(float(given))
    except (TypeError, ValueError):
        return xr.DataArray(), [Problem(place, "a number or an xarray.DataArray", type(given).__name__)]
    problems = numbers_problems(array, place)
    if problems:
        return array, problems
    array = array.astype(float).assign_attrs(units=array.attrs.get("units", units))
    change, problems = converted(array, variable.units, place)
    none, _ = converted(xr.zeros_like(array).assign_attrs(array.attrs), variable.units, place)
    return change - none, problems  # degrees of an error have no zero


def _at_places(
    model: WorldModel, variable: Variable, values: Numbers, deviation: Numbers, places: Places, sizes: dict[str, int]
) -> tuple[Observations, list[Problem]]:
    """The observations of one variable, with what the model cannot represent among their errors."""
    domain, statistics = model.domain, model.statistics
    number, points = domain.variables.index(variable), int(np.prod(domain.shape))
    whole = tuple(sizes.values())
    values = np.where(np.broadcast_to(places.known, whole), np.broadcast_to(values, whole), np.nan)
    deviation = np.broadcast_to(deviation, whole)
    variance, problems = np.square(deviation), list[Problem]()
    if statistics is not None:
        residual = statistics.residual[number].double().flatten().numpy() * variable.deviation**2
        variance = variance + (places.weights * residual[places.corners]).sum(axis=-1)
        exists = statistics.valid[number].flatten().numpy()
        dry = ((places.weights > 1e-9) & ~exists[places.corners]).any(axis=-1) & np.isfinite(values)
        if dry.any():
            wrong = np.flatnonzero(dry.any(axis=tuple(range(dry.ndim - 1))))
            got = f"{counted(len(wrong), 'point')} on or beside some without any, the first number {wrong[0]}"
            remedy = "drop these points, or set their values to NaN"
            problems.append(Problem(f"observations: {variable.name}", "points where the model has fields", got, remedy))
    batch = int(np.prod(whole[:-2], dtype=int))
    spread = np.sqrt(np.broadcast_to(variance, whole)).reshape(batch, *whole[-2:])
    corners, weights = (_by_rows(of, whole[:-2]) for of in (places.corners, places.weights))
    return (
        Observations(
            torch.from_numpy(values.reshape(batch, *whole[-2:]).copy()),
            torch.from_numpy(spread.copy()),
            torch.from_numpy(corners + number * points),
            torch.from_numpy(weights.astype(np.float32)),
        ),
        problems,
    )


def _by_rows(values: NDArray[Any], leading: tuple[int, ...]) -> NDArray[Any]:
    """``(..., instant or 1, point, corner)`` as ``(batch or 1, instant or 1, point, corner)``."""
    rest, own = values.shape[-3:], values.shape[:-3]
    if all(n == 1 for n in own):
        return values.reshape(1, *rest)
    return np.broadcast_to(values, (*leading, *rest)).reshape(-1, *rest).copy()
