"""Where actions act: the shapes of actuators on the variables of a simulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciwm.data.domain import Axis
from simulations import ActionBox, PeriodicGrid, Simulation


@dataclass(frozen=True)
class Actuation:
    """What a store of trajectories tells of its actuators; see ``sciwm.data.schema.Trajectories``.

    Args:
        axes: the grid.
        forcing_shapes: what one unit of each action adds to the time derivative of each variable,
            ``(actuator, variable, *space)``; None where that is not known.
        actuators: names and bounds of the actions.
    """

    axes: tuple[Axis, ...]
    forcing_shapes: NDArray[np.float64] | None
    actuators: ActionBox


def actuation_of(simulation: Simulation) -> Actuation:
    """What a store of the trajectories of ``simulation`` will tell."""
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
    """Each actuator's shape on the variable that it acts on, zero on the others.

    Args:
        acts_on: a name for each actuator.
        shapes: ``(actuator, *space)``.

    Returns:
        ``(actuator, variable, *space)``; None if something acts on what is no variable.
    """
    if not set(acts_on) <= set(variables):
        return None
    forcing = np.zeros((len(shapes), len(variables), *shapes.shape[1:]))
    for j, name in enumerate(acts_on):
        forcing[j, variables.index(name)] = shapes[j]
    return forcing
