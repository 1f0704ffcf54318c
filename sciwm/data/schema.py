"""A store of trajectories, opened for learning, and the checks of its layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.actuation import shapes_on
from sciwm.data.checks import origin_problems, spacing_problems, time_problems
from sciwm.data.coordinates import axis_of
from sciwm.data.formats import FIND_DAMAGE, open_store, read_values
from sciwm.data.freed_memory import give_back_freed_memory
from sciwm.data.recognition import Kind, recognise, require_data
from sciwm.data.roles import ATTRIBUTE, Roles, roles_of
from sciwm.data.row_labels import row_labels
from sciwm.data.units import units_of
from sciwm.errors import InputError, Problem, in_one_line, raise_if
from simulations import ActionBox, Variable
from simulations.resumable_store import digest_of

IN_MEMORY_BYTES = 2**31
"""The size below which a store is kept in memory once it is read."""
OF_FILES_IN_MEMORY_BYTES = 2**26
"""The same for a store of somebody's data, whose rows can be read in parts: several stores are open together."""
MOST_DIMENSIONS, MOST_SIMULATED = 3, 2
LOST_REMEDY = "restore it from a backup, or simulate again in another folder"


class Trajectories:
    """A store of trajectories, opened for learning: small ones in memory, large ones read window by window.

    Args:
        path: A Zarr store, as ``sciwm simulate`` or ``sciwm bring-in`` writes it.

    Attributes:
        variables: The fields, each ``(simulation, time, *space)``, in the order that the store states, else
            alphabetically.
        axes: The grid, in the order of the fields' space dimensions.
        functional_names: The names of the functionals with a budget.
        control_interval: The time between two instants.
        time_units: Its units; "1" where the store states none.
        intervals: The number of control intervals of the longest simulation; see :meth:`intervals_of`.
        actuators: Names and bounds of the actions.
        in_memory: Whether values are kept in memory once they are read.
        usable: The indices of the simulations that stayed finite.
        roles: What the store states about the files that its values came from; None for simulated ones.
        parameters: Their values in each simulation, physical, ``(simulation, parameter)``.
        labels: What each simulation is called: in files by their authors, else its number.
        valid: Where fields exist, ``(variable, *space)``; None where they do everywhere.
        forcing_shapes: What one unit of each action adds to the time derivative of each variable,
            ``(actuator, variable, *space)``; None where the store does not state it, and where an actuator acts
            on a parameter or impulsively.

    Raises:
        InputError: If there is no such store, it cannot be read, or it has no usable simulation.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        dataset = open_trajectories(path)
        raise_if(_store_problems(dataset, str(path)))
        names = sorted(map(str, dataset.data_vars))  # a store lists them in the file system's order
        self.variables = tuple(
            Variable(n, dataset[n].attrs.get("long_name", n), dataset[n].attrs.get("units", "1"))
            for n in _field_names(dataset)
        )
        self.axes = tuple(axis_of(dataset[d]) for d in _space_of(dataset))
        self.functional_names = tuple(n for n in names if f"{n}_source" in dataset and f"{n}_output" in dataset)
        time = dataset["time"].values
        self.control_interval = float(time[1] - time[0])
        self.time_units = units_of(dataset["time"]).partition(" since ")[0]
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
        raise_if(_usable_problems(self.usable, str(path)))
        self.forcing_shapes = self._forcing_shapes(dataset)
        self.roles = _roles(dataset, str(path))
        self.valid = _valid(dataset, path)
        self.labels = row_labels(dataset)
        self._lengths = read_values(dataset["num_intervals"], path) if "num_intervals" in dataset else None
        self.parameters = _parameters(dataset, path)
        self._dataset = dataset
        self._arrays: dict[str, Any] = {}
        most = IN_MEMORY_BYTES if self.roles is None else min(IN_MEMORY_BYTES, OF_FILES_IN_MEMORY_BYTES)
        self.in_memory = dataset.nbytes < most
        if not self.in_memory:
            give_back_freed_memory()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the space dimensions."""
        return tuple(axis.name for axis in self.axes)

    def intervals_of(self, row: int) -> int:
        """The number of control intervals of one simulation; behind them its values are missing."""
        return self.intervals if self._lengths is None else int(self._lengths[row])

    def units_of(self, names: Sequence[str]) -> list[str]:
        """The units of variables of the store; "1" where it states none."""
        return [units_of(self._dataset[name]) for name in names]

    def digest(self) -> str:
        """One sha256 for all finished simulations of the store; empty where none is marked as finished."""
        return digest_of(self.path)

    def array(self, name: str) -> Any:
        """The values of a variable to slice, ``(simulation, time, ...)``.

        Raises:
            InputError: If a chunk is damaged or lost.
        """
        if name not in self._arrays:
            if self.in_memory:
                values = read_values(self._dataset[name], self.path)
                if name in {v.name for v in self.variables}:
                    raise_if(self._lost_values(values, f"{self.path}: {name}"))
                self._arrays[name] = values
            else:
                import zarr

                self._arrays[name] = zarr.open_group(self.path, mode="r")[name]
        return self._arrays[name]

    def _lost_values(self, values: NDArray[Any], place: str) -> list[Problem]:
        """Values that are not finite in finished simulations: a chunk whose file is lost reads as NaN."""
        lost = [i for i in self.usable if not np.isfinite(values[i, : self.intervals_of(i) + 1]).all()]
        if not lost:
            return []
        return [Problem(place, "finite values in simulations with status 'ok'", f"others in {lost[:8]}", FIND_DAMAGE)]

    def _forcing_shapes(self, dataset: xr.Dataset) -> NDArray[Any] | None:
        names = [v.name for v in self.variables]
        acts_on = str(dataset["actuator"].attrs.get("acts_on", "")).split() if "actuator" in dataset.coords else []
        if "actuator_shape" not in dataset or len(acts_on) != len(self.actuators):
            return None
        if dataset["actuator_shape"].attrs.get("impulsive", 0):
            return None
        shapes = dataset["actuator_shape"].transpose("actuator", *self.dimensions)
        return shapes_on(names, acts_on, read_values(shapes, self.path))


def open_trajectories(path: Path) -> xr.Dataset:
    """Open a Zarr store lazily.

    Raises:
        InputError: If there is none, or it is not readable.
    """
    kind = recognise(path)
    if kind is Kind.NOTHING:
        remedy = "make it with 'sciwm simulate CONFIG --out RUN', or of files with 'sciwm bring-in CONFIG --out RUN'"
        raise InputError([Problem(str(path), "a Zarr store of trajectories", "nothing there", remedy)])
    if require_data(path) not in (Kind.ZARR, Kind.ZARR_ZIP):
        raise InputError([Problem(str(path), "a Zarr store of trajectories", kind.value)])
    return open_store(path, "restore it, or delete it and simulate again")


def _store_problems(dataset: xr.Dataset, where: str) -> list[Problem]:
    wanted = ("action", "action_low", "action_high", "status")
    problems = [Problem(where, f"the variable '{n}'", "none") for n in wanted if n not in dataset]
    problems += [
        Problem(where, f"the dimension '{d}'", "none") for d in ("simulation", "time") if d not in dataset.dims
    ]
    if "time" in dataset.dims and dataset.sizes["time"] < 2:
        problems.append(Problem(where, "at least two instants", str(dataset.sizes["time"])))
    elif "time" in dataset.coords:
        problems += time_problems(dataset["time"], None, where)
    elif "time" in dataset.dims:
        problems.append(Problem(where, "the coordinate 'time'", "none", LOST_REMEDY))
    return problems + _space_problems(dataset, where)


def _field_names(dataset: xr.Dataset) -> list[str]:
    """The variables over space and time, in the order that the store states, then alphabetically."""
    found = sorted(str(n) for n, v in dataset.data_vars.items() if "time" in v.dims and _space_dimensions(v))
    stated = str(dataset.attrs.get("variables", "")).split()
    return sorted(found, key=lambda name: stated.index(name) if name in stated else len(stated))


def _space_dimensions(array: xr.DataArray) -> tuple[str, ...]:
    return tuple(str(d) for d in array.dims if d not in ("simulation", "time", "actuator"))


def _space_of(dataset: xr.Dataset) -> tuple[str, ...]:
    """The names of the space dimensions in the order of the fields; empty if there are none."""
    return next((_space_dimensions(dataset[name]) for name in _field_names(dataset)), ())


def _space_problems(dataset: xr.Dataset, where: str) -> list[Problem]:
    dimensions = _space_of(dataset)
    if not dimensions:
        return [Problem(where, "a variable with a space dimension", f"dimensions {tuple(dataset.dims)}")]
    brought_in = ATTRIBUTE in dataset.attrs
    if len(dimensions) > (MOST_DIMENSIONS if brought_in else MOST_SIMULATED):
        most = "one to three" if brought_in else "one or two"
        return [Problem(where, f"fields over {most} space dimensions", f"dimensions {dimensions}")]
    wanted = ("simulation", "time", *dimensions)
    problems = [
        Problem(f"{where}: {n}", f"the dimensions {wanted}", f"{dataset[n].dims}", "write all fields alike")
        for n in _field_names(dataset)
        if "simulation" in dataset.dims and dataset[n].dims != wanted
    ]
    return problems + [problem for d in dimensions for problem in _axis_problems(dataset, d, where)]


def _axis_problems(dataset: xr.Dataset, dimension: str, where: str) -> list[Problem]:
    if dimension not in dataset.coords:
        return [Problem(where, f"the coordinate '{dimension}'", "none", LOST_REMEDY)]
    x, place = dataset[dimension], f"{where}: {dimension}"
    boundary = x.attrs.get("boundary", "periodic")
    if boundary not in ("periodic", "bounded"):
        return [Problem(place, "the attribute boundary 'periodic' or 'bounded'", f"{boundary!r}")]
    if ATTRIBUTE in dataset.attrs:  # was checked when it was brought in, and no shape is placed on it
        return []
    return spacing_problems(x, place) or (origin_problems(x, place) if boundary == "periodic" else [])


def _usable_problems(usable: Sequence[int], where: str) -> list[Problem]:
    if usable:
        return []
    remedy = "let 'sciwm simulate' finish, or look at 'failure_time' for what blew up"
    return [Problem(where, "at least one simulation with status 'ok'", "none", remedy)]


def _roles(dataset: xr.Dataset, where: str) -> Roles | None:
    try:
        return roles_of(dataset)
    except ValueError as error:
        remedy = "restore it, or bring the data in again"
        raise InputError([Problem(where, "the attribute sciwm_source", in_one_line(error), remedy)]) from error


def _parameters(dataset: xr.Dataset, path: Path) -> NDArray[np.float32]:
    if "parameter" not in dataset.dims:
        return np.zeros((dataset.sizes["simulation"], 0), np.float32)
    values = read_values(dataset["parameter_value"].transpose("simulation", "parameter"), path)
    return values.astype(np.float32)


def _valid(dataset: xr.Dataset, path: Path) -> NDArray[np.bool_] | None:
    return read_values(dataset["valid"], path).astype(bool) if "valid" in dataset else None
