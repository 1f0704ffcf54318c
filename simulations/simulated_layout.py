"""What a store states of the simulation whose values it holds: coordinates, actuators, and who wrote it."""

from typing import Any

import numpy as np

from simulations.actuators import Actuators
from simulations.base import Simulation
from simulations.grid import PeriodicGrid
from simulations.store_layout import StoreLayout


def sizes_of(simulation: Simulation, row: str, rows: int, intervals: int) -> dict[str, int]:
    """The size of every dimension of a store.

    Args:
        simulation: The simulation whose values it will hold.
        row: The name of the first dimension.
        rows: The number of rows.
        intervals: The number of control intervals in each row.
    """
    sizes = {row: rows, "time": intervals + 1, "actuator": len(simulation.actuators)}
    return sizes | dict(zip(simulation.grid.dims, simulation.grid.shape, strict=True))


def about(simulation: Simulation, title: str, settings: str) -> dict[str, Any]:
    """The attributes of a store.

    Args:
        simulation: The simulation whose values it will hold.
        title: Its title.
        settings: Everything that the values depend on, as JSON.
    """
    return {
        "Conventions": "CF-1.11",
        "title": title,
        "source": "sciwm simulations",
        "history": "written by sciwm simulate",
        "variables": " ".join(v.name for v in simulation.variables),
        "sciwm_config": settings,
    }


def write_axes(layout: StoreLayout, simulation: Simulation) -> None:
    """Write the coordinates of rows, time, space and actuators, and the actuators' bounds and shapes."""
    grid, actuators, row = simulation.grid, simulation.actuators, layout.row
    times = np.arange(layout.sizes["time"]) * simulation.control_interval
    layout.known(row, np.arange(layout.sizes[row]), (row,), {"units": "1", "long_name": row})
    layout.known("time", times, ("time",), {"units": "1", "long_name": "time", "axis": "T"})
    boundary = "periodic" if isinstance(grid, PeriodicGrid) else "bounded"
    for dim, points in grid.coordinates.items():
        position = {"units": "1", "long_name": "position", "axis": dim.upper(), "boundary": boundary}
        layout.known(dim, points, (dim,), position)
    shaped = _shaped(simulation)
    names = {"units": "1", "long_name": "actuator", "names": " ".join(actuators.names)}
    if shaped is not None:
        names["acts_on"] = " ".join(shaped.targets(simulation.variables[0].name))
        how: dict[str, Any] = {
            "units": "1",
            "long_name": "shape of the actuator, per unit of action",
            "impulsive": int(shaped.impulsive),
        }
        layout.known("actuator_shape", shaped.shapes, ("actuator", *grid.dims), how)
    layout.known("actuator", np.arange(len(actuators)), ("actuator",), names)
    for name, bound, side in (("action_low", actuators.low, "lower"), ("action_high", actuators.high, "upper")):
        layout.known(name, bound, ("actuator",), {"units": actuators.units, "long_name": f"{side} bound"})


def _shaped(simulation: Simulation) -> Actuators | None:
    """The actuators with their shapes; None for actuators that set values at walls, which have none."""
    profiles = simulation.profiles
    return profiles if profiles is not None and profiles.shapes.any() else None
