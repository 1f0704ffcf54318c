"""Where actions act: the shapes of the actuators on the variables of a simulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciwm.data.domain import Axis
from simulations import ActionBox, PeriodicGrid, Simulation


@dataclass(frozen=True)
class Actuation:
    """Grid, shapes and bounds of the actuators, known before any trajectory is simulated.

    It has what :func:`~sciwm.data.augmentation.joint_symmetries` reads from ``sciwm.data.schema.Trajectories``.

    Args:
        axes: The axes of the grid.
        forcing_shapes: What one unit of each action adds to the time derivative of each variable,
            ``(actuator, variable, *space)``; None where that is not known.
        actuators: Names and bounds of the actions.
    """

    axes: tuple[Axis, ...]
    forcing_shapes: NDArray[np.float64] | None
    actuators: ActionBox


def actuation_of(simulation: Simulation) -> Actuation:
    """The actuation of ``simulation``, as a store of its trajectories will describe it."""
    grid, profiles = simulation.grid, simulation.profiles
    periodic = isinstance(grid, PeriodicGrid)
    axes = tuple(
        Axis(name, len(points), float(points[1] - points[0]), start=float(points[0]), periodic=periodic)
        for name, points in grid.coordinates.items()
    )
    shapes, names = None, [v.name for v in simulation.variables]
    if profiles is not None and profiles.shapes.any() and not profiles.impulsive:
        shapes = shapes_on(names, profiles.targets(names[0]), profiles.shapes)
    return Actuation(axes, shapes, simulation.actuators)


def shapes_on(
    variables: Sequence[str], acts_on: Sequence[str], shapes: NDArray[np.floating]
) -> NDArray[np.float64] | None:
    """Place the shape of each actuator on the variable that it acts on, and zero on the others.

    Args:
        variables: The names of the variables.
        acts_on: The name of what each actuator acts on.
        shapes: The shapes, ``(actuator, *space)``.

    Returns:
        ``(actuator, variable, *space)``; None if an actuator acts on anything but a variable.
    """
    if not set(acts_on) <= set(variables):
        return None
    forcing = np.zeros((len(shapes), len(variables), *shapes.shape[1:]))
    for j, name in enumerate(acts_on):
        forcing[j, variables.index(name)] = shapes[j]
    return forcing
