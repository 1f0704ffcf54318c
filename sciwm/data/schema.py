"""What a trajectory dataset is, and everything that can be wrong with one, told at once."""

import hashlib
import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.domain import Domain
from sciwm.problems import InputError, Problem
from simulations import ActionBox, Variable

IN_MEMORY_BYTES = 2**31
CHECK_REMEDY = "find the damaged simulations with 'sciwm check'"


class Trajectories:
    """A trajectory store opened for learning: small ones in memory, large ones read window by window.

    Args:
        path: a Zarr store of the dataset schema.

    Raises:
        InputError: if there is no such store, it cannot be read, or nothing in it can be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        dataset = open_trajectories(path)
        _raise(_store_problems(dataset, str(path)))
        self.dimension = next(str(d) for d in dataset.dims if d not in ("simulation", "time", "actuator"))
        names = sorted(map(str, dataset.data_vars))  # a store lists them in the file system's order
        self.variables = tuple(
            Variable(n, dataset[n].attrs.get("long_name", n), dataset[n].attrs.get("units", "1"))
            for n in names
            if self.dimension in dataset[n].dims
        )
        self.functional_names = tuple(n for n in names if f"{n}_source" in dataset and f"{n}_output" in dataset)
        space, time = dataset[self.dimension], dataset["time"].values
        self.space_units = str(space.attrs.get("units", "1"))
        self.domain_extent = float((space[1] - space[0]) * space.size)
        self.control_interval = float(time[1] - time[0])
        self.intervals = len(time) - 1
        actuator_names = str(dataset["actuator"].attrs.get("names", "")).split()
        low, high = read_values(dataset["action_low"], path), read_values(dataset["action_high"], path)
        self.actuators = ActionBox(
            tuple(actuator_names) or tuple(f"action_{j}" for j in range(len(low))),
            low,
            high,
            str(dataset["action"].attrs.get("units", "1")),
        )
        self.usable = [int(i) for i in np.flatnonzero(read_values(dataset["status"], path) == 1)]
        _raise(_usable_problems(self.usable, str(path)))
        self._dataset = dataset
        self._arrays: dict[str, Any] = {}
        self._in_memory = dataset.nbytes < IN_MEMORY_BYTES

    def digest(self) -> str:
        """One sha256 for all marked simulations of the store, empty where nothing is marked."""
        markers = sorted(self.path.with_suffix(".done").glob("*.json"))
        if not markers:
            return ""
        return hashlib.sha256(b"".join(m.name.encode() + m.read_bytes() for m in markers)).hexdigest()

    def array(self, name: str) -> Any:
        """The variable as something to slice, ``(simulation, time, ...)``."""
        if name not in self._arrays:
            if self._in_memory:
                values = read_values(self._dataset[name], self.path)
                if name in {v.name for v in self.variables}:
                    _raise(_lost_values(values[self.usable], self.usable, f"{self.path}: {name}"))
                self._arrays[name] = values
            else:
                import zarr

                self._arrays[name] = zarr.open_group(self.path, mode="r")[name]
        return self._arrays[name]


def open_trajectories(path: Path) -> xr.Dataset:
    """Open a Zarr store lazily.

    Raises:
        InputError: if there is none, or it is not readable.
    """
    if not path.exists():
        remedy = "make it with 'sciwm simulate CONFIG --out RUN'"
        raise InputError([Problem(str(path), "a Zarr store of trajectories", "nothing there", remedy)])
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Object at .* is not recognized")  # an array lost its metadata
            dataset: xr.Dataset = xr.open_zarr(path, consolidated=False, decode_times=False)
            return dataset
    except Exception as error:  # whatever a damaged store makes the reader raise
        remedy = "delete it and simulate again"
        got = f"{type(error).__name__}: {error}"
        raise InputError([Problem(str(path), "a readable Zarr store", got, remedy)]) from error


def read_values(array: xr.DataArray, path: Path) -> NDArray[Any]:
    """The values of a variable of the store at ``path``.

    Raises:
        InputError: if a chunk is damaged.
    """
    try:
        return array.values
    except Exception as error:  # whatever a damaged chunk makes the decompressor raise
        place, got = f"{path}: {array.name}", f"{type(error).__name__}: {error}"
        raise InputError([Problem(place, "readable values", got, CHECK_REMEDY)]) from error


def check_fields(dataset: xr.Dataset, domain: Domain, *, where: str = "dataset") -> list[Problem]:
    """What keeps ``dataset`` from holding the fields that a model of ``domain`` reads.

    The values of chunked variables are not looked at, since that would read all of them.
    """
    problems = []
    for variable in domain.variables:
        if variable.name not in dataset:
            has = ", ".join(map(str, dataset.data_vars)) or "no variables"
            problems.append(Problem(where, f"the variable '{variable.name}' [{variable.units}]", has))
            continue
        array = dataset[variable.name]
        place = f"{where}: {variable.name}"
        if domain.dimension not in array.dims:
            problems.append(Problem(place, f"the dimension '{domain.dimension}'", f"dimensions {array.dims}"))
            continue
        units = array.attrs.get("units", variable.units)
        if units != variable.units:
            problems.append(Problem(place, f"units '{variable.units}'", f"'{units}'", "convert before calling"))
        problems += _finite(array, place)
    if domain.dimension in dataset.dims:
        problems += _grid_problems(dataset, domain, where)
    return problems


def check_forcing(forcing: xr.DataArray, domain: Domain, *, where: str = "forcing") -> list[Problem]:
    """What keeps ``forcing`` from being actions of ``domain``, one per interval."""
    box = domain.actuators
    if "actuator" not in forcing.dims or "time" not in forcing.dims:
        return [Problem(where, "the dimensions 'time' and 'actuator'", f"dimensions {forcing.dims}")]
    if forcing.sizes["actuator"] != len(box):
        return [Problem(where, f"{len(box)} actuators ({', '.join(box.names)})", str(forcing.sizes["actuator"]))]
    problems = _finite(forcing, where)
    units = forcing.attrs.get("units", box.units)
    if units != box.units:
        problems.append(Problem(where, f"units '{box.units}'", f"'{units}'", "convert before calling"))
    problems += _out_of_bounds(forcing.transpose(..., "actuator"), box, where)
    if "time" in forcing.coords and forcing.sizes["time"] > 1:
        problems += _time_problems(forcing["time"], domain.control_interval, where)
    return problems


def _out_of_bounds(forcing: xr.DataArray, box: ActionBox, where: str) -> list[Problem]:
    values = forcing.values
    outside = (values < box.low - 1e-6) | (values > box.high + 1e-6)
    if not outside.any():
        return []
    j = int(np.argwhere(outside)[0][-1])
    expected = f"actions of '{box.names[j]}' between {box.low[j]:g} and {box.high[j]:g} [{box.units}]"
    got = f"{values[outside][0]:g} at {_first(outside, forcing.dims)}, {int(outside.sum())} outside in all"
    return [Problem(where, expected, got, "clip the forcing, or train on data with wider bounds")]


def _store_problems(dataset: xr.Dataset, where: str) -> list[Problem]:
    wanted = ("action", "action_low", "action_high", "status")
    problems = [Problem(where, f"the variable '{n}'", "none") for n in wanted if n not in dataset]
    problems += [
        Problem(where, f"the dimension '{d}'", "none") for d in ("simulation", "time") if d not in dataset.dims
    ]
    if set(dataset.dims) <= {"simulation", "time", "actuator"}:
        problems.append(Problem(where, "a variable with a space dimension", f"dimensions {tuple(dataset.dims)}"))
    if "time" in dataset.dims and dataset.sizes["time"] < 2:
        problems.append(Problem(where, "at least two instants", str(dataset.sizes["time"])))
    elif "time" in dataset.coords:
        steps = np.diff(dataset["time"].values.astype(float))
        problems += _time_problems(dataset["time"], float(steps[0]), where)
    return problems


def _usable_problems(usable: Sequence[int], where: str) -> list[Problem]:
    if usable:
        return []
    remedy = "let 'sciwm simulate' finish, or look at 'failure_time' for what blew up"
    return [Problem(where, "at least one simulation with status 'ok'", "none", remedy)]


def _lost_values(values: NDArray[Any], usable: Sequence[int], place: str) -> list[Problem]:
    """A chunk whose file is gone reads as NaN."""
    lost = [i for i, row in zip(usable, values, strict=True) if not np.isfinite(row).all()]
    if not lost:
        return []
    return [Problem(place, "finite values in simulations with status 'ok'", f"others in {lost[:8]}", CHECK_REMEDY)]


def _grid_problems(dataset: xr.Dataset, domain: Domain, where: str) -> list[Problem]:
    points, dimension = dataset.sizes[domain.dimension], domain.dimension
    place = f"{where}: {dimension}"
    if dimension not in dataset.coords:
        return [Problem(place, f"a coordinate over a period of {domain.domain_extent:g}", "none")]
    x = dataset[dimension].values.astype(float)
    if points < 4:
        return [Problem(place, "at least 4 equispaced points", str(points))]
    spacing = np.diff(x)
    if not np.allclose(spacing, spacing[0], rtol=1e-3):
        got = f"{points} points, {spacing.min():g} to {spacing.max():g} apart"
        return [Problem(place, "equispaced points", got, f"interpolate to an equispaced '{dimension}' first")]
    extent = spacing[0] * points
    if not np.isclose(extent, domain.domain_extent, rtol=1e-3):
        remedy = "leave out the repeated end point" if np.isclose(x[-1] - x[0], domain.domain_extent) else ""
        return [Problem(place, f"a period of {domain.domain_extent:g} [{domain.units}]", f"{extent:g}", remedy)]
    if abs(x[0]) > 1e-3 * spacing[0]:
        remedy = "the actuators have their places: shift the fields to the model's grid"
        return [Problem(place, "a grid that starts at 0", f"{x[0]:g}", remedy)]
    return []


def _time_problems(time: xr.DataArray, interval: float, where: str) -> list[Problem]:
    if not np.issubdtype(time.dtype, np.number):
        remedy = "open the file with decode_times=False"
        return [Problem(f"{where}: time", "numbers", f"{time.dtype}", remedy)]
    steps = np.diff(time.values.astype(float))
    if np.allclose(steps, interval, rtol=1e-3):
        return []
    got = f"steps of {steps.min():g} to {steps.max():g}"
    return [Problem(f"{where}: time", f"equal steps of {interval:g}", got, "resample to that interval")]


def _finite(array: xr.DataArray, place: str) -> list[Problem]:
    if array.chunks is not None:
        return []
    bad = ~np.isfinite(array.values)
    if not bad.any():
        return []
    got = f"{int(bad.sum())} that are not, the first at {_first(bad, array.dims)}"
    return [Problem(place, "finite values", got, "fill or drop them")]


def _first(mask: NDArray[np.bool_], dims: Sequence[Hashable]) -> str:
    index = np.argwhere(mask)[0]
    return ", ".join(f"{d} {i}" for d, i in zip(dims, index, strict=True))


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise InputError(problems)
