"""The layout of a new Zarr store: coordinates and actuators are written, all values are NaN.

A row is one trajectory or one sample, and has a chunk of its own in every array. Every chunk ends in a checksum,
so that whatever reads it notices a flipped bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from simulations.actuators import Actuators
from simulations.base import Simulation
from simulations.grid import PeriodicGrid

STATUS_MEANINGS = ("pending", "ok", "blew_up")
PENDING, OK, BLEW_UP = range(3)
HELD = "held over the interval that starts here"
COMPRESSED = (ZstdCodec(), Crc32cCodec())
"""How chunks are stored."""


def laid_out(
    simulation: Simulation,
    row: str,
    rows: int,
    intervals: int,
    *,
    about: dict[str, Any],
    arrays: Callable[["StoreLayout"], None],
) -> dict[str, bytes]:
    """The content of every file of a new store, by its path in the store; the same bytes for the same arguments.

    Args:
        simulation, row, rows, intervals: As those of :class:`StoreLayout`.
        about: The attributes of the store.
        arrays: Makes the arrays of this kind of store, beside coordinates and status.
    """
    files: dict[str, Any] = {}
    layout = StoreLayout(zarr.create_group(MemoryStore(files), attributes=about), simulation, row, rows, intervals)
    layout.axes()
    arrays(layout)
    layout.status()
    return {name: content.to_bytes() for name, content in files.items()}


@dataclass(frozen=True)
class StoreLayout:
    """Makes the arrays of a store before any value is known.

    Args:
        group: The Zarr group in which the arrays are made.
        simulation: The simulation whose values they will hold.
        row: The name of the first dimension, ``"simulation"`` or ``"sample"``.
        rows: The number of rows.
        intervals: The number of control intervals in each row.
    """

    group: zarr.Group
    simulation: Simulation
    row: str
    rows: int
    intervals: int

    def axes(self) -> None:
        """Write the coordinates of rows, time, space and actuators, and the actuators' bounds and shapes."""
        grid, actuators = self.simulation.grid, self.simulation.actuators
        times = np.arange(self.intervals + 1) * self.simulation.control_interval
        self._known(self.row, np.arange(self.rows), (self.row,), {"units": "1", "long_name": self.row})
        self._known("time", times, ("time",), {"units": "1", "long_name": "time", "axis": "T"})
        boundary = "periodic" if isinstance(grid, PeriodicGrid) else "bounded"
        for dim, points in grid.coordinates.items():
            position = {"units": "1", "long_name": "position", "axis": dim.upper(), "boundary": boundary}
            self._known(dim, points, (dim,), position)
        shaped = _shaped(self.simulation)
        names = {"units": "1", "long_name": "actuator", "names": " ".join(actuators.names)}
        if shaped is not None:
            names["acts_on"] = " ".join(shaped.targets(self.simulation.variables[0].name))
            how: dict[str, Any] = {
                "units": "1",
                "long_name": "shape of the actuator, per unit of action",
                "impulsive": int(shaped.impulsive),
            }
            self._known("actuator_shape", shaped.shapes, ("actuator", *grid.dims), how)
        self._known("actuator", np.arange(len(actuators)), ("actuator",), names)
        for name, bound, side in (("action_low", actuators.low, "lower"), ("action_high", actuators.high, "upper")):
            self._known(name, bound, ("actuator",), {"units": actuators.units, "long_name": f"{side} bound"})

    def variable(self, name: str, dims: tuple[str, ...], long_name: str, units: str = "1") -> zarr.Array[Any]:
        """Make an array of NaN.

        Args:
            name: The name of the array.
            dims: Its dimensions. An array over rows has one chunk for each row.
            long_name: The name in words.
            units: The units; "1" is dimensionless.
        """
        grid = self.simulation.grid
        sizes = {self.row: self.rows, "time": self.intervals + 1, "actuator": len(self.simulation.actuators)}
        sizes |= dict(zip(grid.dims, grid.shape, strict=True))
        shape = tuple(sizes[d] for d in dims)
        return self.group.create_array(
            name,
            shape=shape,
            dtype="float32",
            chunks=(1, *shape[1:]) if dims[0] == self.row else shape,
            compressors=COMPRESSED,
            fill_value=np.nan,
            dimension_names=dims,
            attributes={"units": units, "long_name": long_name},
            config={"write_empty_chunks": dims[0] != self.row},
        )

    def status(self) -> None:
        """Make the array with the outcome of every row, which is pending at first."""
        self.group.create_array(
            "status",
            shape=(self.rows,),
            dtype="int8",
            chunks=(1,),
            compressors=COMPRESSED,
            fill_value=PENDING,
            dimension_names=(self.row,),
            attributes={
                "units": "1",
                "long_name": f"outcome of the {self.row}",
                "flag_values": list(range(len(STATUS_MEANINGS))),
                "flag_meanings": " ".join(STATUS_MEANINGS),
            },
        )

    def _known(self, name: str, values: NDArray[Any], dims: tuple[str, ...], attributes: dict[str, Any]) -> None:
        array = self.group.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            compressors=COMPRESSED,
            dimension_names=dims,
            attributes=attributes,
            config={"write_empty_chunks": True},  # values that equal the fill value have a file to seal, too
        )
        array[...] = values


def _shaped(simulation: Simulation) -> Actuators | None:
    """The actuators with their shapes; None for actuators that set values at walls, which have none."""
    profiles = simulation.profiles
    return profiles if profiles is not None and profiles.shapes.any() else None
