"""A Zarr store of trajectories that survives being killed at any moment.

Layout: ``NAME.zarr`` holds the arrays, one chunk per simulation, laid out with NaN before anything
runs; ``NAME.done/I.json`` marks simulation I as written and holds the sha256 of its values. The
marker is written last, so a region without one is simply written again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from simulations.actuators import Actuators
from simulations.episode import Episodes
from simulations.grid import PeriodicGrid
from simulations.simulation import Simulation

STATUS_MEANINGS = ("pending", "ok", "blew_up")
STATUS_ATTRIBUTES: dict[str, Any] = {
    "units": "1",
    "long_name": "outcome of the simulation",
    "flag_values": list(range(len(STATUS_MEANINGS))),
    "flag_meanings": " ".join(STATUS_MEANINGS),
}


class StoreError(ValueError):
    """A store that cannot be used as asked: what was expected, what was found, what to do."""


class TrajectoryStore:
    """Where episodes of one simulation are written and their regions marked.

    Args:
        path: the ``.zarr`` folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group = zarr.open_group(path, mode="r+")

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        simulation: Simulation,
        *,
        simulations: int,
        intervals: int,
        title: str,
        settings: dict[str, Any],
    ) -> "TrajectoryStore":
        """Open the store at ``path``, or lay out a new one.

        Raises:
            StoreError: if what is there was made with other settings, or is damaged.
        """
        wanted = json.dumps(settings, sort_keys=True)
        if not path.exists():
            draft = path.with_name(path.name + ".draft")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(_markers(path), ignore_errors=True)
            _lay_out(draft, simulation, simulations, intervals, title, wanted)
            os.replace(draft, path)
        try:
            store = cls(path)
            found = str(store._group.attrs["sciwm_config"])
            differing = difference(found, wanted)
            absent = [] if differing else [n for n in _array_names(simulation) if n not in store._group]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path}: expected a trajectory store, found something unreadable ({error}). "
                "Move it away and run again."
            ) from error
        if differing:
            raise StoreError(
                f"{path}: this store was made with other settings ({differing}). "
                "Choose another output folder, or delete this store to make it anew."
            )
        if absent:
            raise StoreError(
                f"{path}: expected a trajectory store, found one without {', '.join(absent)}. "
                "Move it away and run again."
            )
        store._sweep()
        return store

    def missing(self) -> list[int]:
        """The simulations not yet written, in order."""
        count = self._array("status").shape[0]
        return [i for i in range(count) if not self._marker(i).exists()]

    def write(self, indices: Sequence[int], episodes: Episodes, simulation: Simulation) -> None:
        """Write one simulation per row of ``episodes``; a row that blew up is recorded, not written."""
        arrays = _arrays(episodes, simulation)
        failures = episodes.failure_interval.tolist()
        _markers(self.path).mkdir(exist_ok=True)
        for row, index in enumerate(indices):
            failed = failures[row] >= 0
            if not failed:
                for name, values in arrays.items():
                    self._array(name)[index] = values[row]
            self._array("status")[index] = STATUS_MEANINGS.index("blew_up" if failed else "ok")
            self._array("failure_time")[index] = (failures[row] + 1) * simulation.control_interval if failed else np.nan
            marker = {"sha256": self._digest(index)} | ({"cause": episodes.failure_cause[row]} if failed else {})
            _write_atomically(self._marker(index), json.dumps(marker))

    def outcomes(self) -> dict[str, int]:
        """How many simulations are pending, ok, or blew up."""
        status = np.asarray(self._array("status")[:])
        return {meaning: int((status == code).sum()) for code, meaning in enumerate(STATUS_MEANINGS)}

    def causes(self) -> list[str]:
        """The likeliest reasons of the blow-ups, each once."""
        markers = (json.loads(path.read_text()) for path in sorted(_markers(self.path).glob("*.json")))
        return sorted({marker["cause"] for marker in markers if "cause" in marker})

    def verify(self) -> list[int]:
        """Simulations that are marked as written but whose values are not the marked ones."""
        count = self._array("status").shape[0]
        return [i for i in range(count) if self._marker(i).exists() and not self._intact(i)]

    def _intact(self, index: int) -> bool:
        try:
            marked = json.loads(self._marker(index).read_text())["sha256"]
            return bool(marked == self._digest(index))
        except (OSError, KeyError, TypeError, ValueError, RuntimeError):
            return False  # a damaged marker, or a chunk that no longer decompresses

    def _digest(self, index: int) -> str:
        digest = hashlib.sha256()
        for name, array in sorted(self._group.arrays()):
            if _first_dimension(array) == "simulation" and name != "simulation":
                digest.update(np.ascontiguousarray(array[index]).tobytes())
        return digest.hexdigest()

    def _array(self, name: str) -> zarr.Array[Any]:
        array = self._group[name]
        assert isinstance(array, zarr.Array)  # noqa: S101  (ours: it is checked when the store is opened)
        return array

    def _marker(self, index: int) -> Path:
        return _markers(self.path) / f"{index}.json"

    def _sweep(self) -> None:
        """Remove what a killed write left behind."""
        for stray in [*self.path.rglob("*.partial"), *_markers(self.path).glob("*.tmp")]:
            stray.unlink(missing_ok=True)


def _first_dimension(array: zarr.Array[Any]) -> str | None:
    names: tuple[str | None, ...] = getattr(array.metadata, "dimension_names", None) or (None,)
    return names[0]


def _markers(path: Path) -> Path:
    return path.with_suffix(".done")


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(text)
    os.replace(draft, path)


def difference(found: str, wanted: str) -> str:
    """What two settings written as JSON disagree about, "" if nothing."""
    if found == wanted:
        return ""
    old, new = dict(json.loads(found)), dict(json.loads(wanted))
    keys = sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k))
    return "; ".join(f"{k}: there {old.get(k)}, asked {new.get(k)}" for k in keys)


def _array_names(simulation: Simulation) -> list[str]:
    """Every array that :meth:`TrajectoryStore.write` fills."""
    budgets = [f"{name}{part}" for name in simulation.functional_names for part in ("", "_source", "_output")]
    return [*(v.name for v in simulation.variables), "action", *budgets, "status", "failure_time"]


def _arrays(episodes: Episodes, simulation: Simulation) -> dict[str, NDArray[np.float32]]:
    """Every per-simulation variable as ``(simulation, time, ...)``; held quantities end in NaN."""

    def closed(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([values, np.full_like(values[:, :1], np.nan)], axis=1)

    fields = episodes.fields.cpu().numpy()
    arrays = {v.name: fields[:, :, c] for c, v in enumerate(simulation.variables)}
    arrays["action"] = closed(episodes.actions.cpu().numpy())
    for name in simulation.functional_names:
        arrays[name] = episodes.functionals[name].cpu().numpy()
        arrays[f"{name}_source"] = closed(episodes.sources[name].cpu().numpy())
        arrays[f"{name}_output"] = closed(episodes.outputs[name].cpu().numpy())
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _shaped(simulation: Simulation) -> Actuators | None:
    """Its actuators where they have shapes; those that set values at walls have none."""
    profiles = simulation.profiles
    return profiles if profiles is not None and profiles.shapes.any() else None


def _lay_out(path: Path, simulation: Simulation, simulations: int, intervals: int, title: str, settings: str) -> None:
    """Coordinates, metadata and NaN everywhere: a store whose shape is known before it is filled."""
    path.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.create_group(
        path,
        attributes={
            "Conventions": "CF-1.11",
            "title": title,
            "source": "sciwm simulations",
            "history": "written by sciwm simulate",
            "variables": " ".join(v.name for v in simulation.variables),
            "sciwm_config": settings,
        },
    )
    lay_out_axes(group, simulation, intervals, "simulation", simulations)
    grid, actuators = simulation.grid, simulation.actuators
    sizes = {"simulation": simulations, "time": intervals + 1, "actuator": len(actuators)}
    sizes |= dict(zip(grid.dims, grid.shape, strict=True))

    def variable(name: str, dims: tuple[str, ...], long_name: str, units: str = "1") -> None:
        shape = tuple(sizes[d] for d in dims)
        group.create_array(
            name,
            shape=shape,
            dtype="float32",
            chunks=(1, *shape[1:]),
            fill_value=np.nan,
            dimension_names=dims,
            attributes={"units": units, "long_name": long_name},
        )

    for v in simulation.variables:
        variable(v.name, ("simulation", "time", *grid.dims), v.long_name, v.units)
    held = "held over the interval that starts here"
    variable("action", ("simulation", "time", "actuator"), f"action, {held}", actuators.units)
    for name in simulation.functional_names:
        variable(name, ("simulation", "time"), f"spatial mean {name}")
        variable(f"{name}_source", ("simulation", "time"), f"net source of {name}, averaged and {held}")
        variable(
            f"{name}_output", ("simulation", "time", "actuator"), f"{name} fed per unit of action, averaged and {held}"
        )
    variable("failure_time", ("simulation",), "time at which the simulation blew up")
    group.create_array(
        "status",
        shape=(simulations,),
        dtype="int8",
        chunks=(1,),
        fill_value=0,
        dimension_names=("simulation",),
        attributes=STATUS_ATTRIBUTES,
    )


def lay_out_axes(group: zarr.Group, simulation: Simulation, intervals: int, rows: str, count: int) -> None:
    """Coordinates of ``count`` rows, of time, space and actuators, and what the actuators are."""
    grid, actuators = simulation.grid, simulation.actuators
    times = np.arange(intervals + 1) * simulation.control_interval

    def known(name: str, values: NDArray[Any], dims: tuple[str, ...], attributes: dict[str, Any]) -> None:
        array = group.create_array(
            name, shape=values.shape, dtype=values.dtype, dimension_names=dims, attributes=attributes
        )
        array[...] = values

    known(rows, np.arange(count), (rows,), {"units": "1", "long_name": rows})
    known("time", times, ("time",), {"units": "1", "long_name": "time", "axis": "T"})
    boundary = "periodic" if isinstance(grid, PeriodicGrid) else "bounded"
    for dim, points in grid.coordinates.items():
        position = {"units": "1", "long_name": "position", "axis": dim.upper(), "boundary": boundary}
        known(dim, points, (dim,), position)
    shaped = _shaped(simulation)
    names = {"units": "1", "long_name": "actuator", "names": " ".join(actuators.names)}
    if shaped is not None:
        names["acts_on"] = " ".join(shaped.targets(simulation.variables[0].name))
        how: dict[str, Any] = {
            "units": "1",
            "long_name": "shape of the actuator, per unit of action",
            "impulsive": int(shaped.impulsive),
        }
        known("actuator_shape", shaped.shapes, ("actuator", *grid.dims), how)
    known("actuator", np.arange(len(actuators)), ("actuator",), names)
    known("action_low", actuators.low, ("actuator",), {"units": actuators.units, "long_name": "lower bound"})
    known("action_high", actuators.high, ("actuator",), {"units": actuators.units, "long_name": "upper bound"})
