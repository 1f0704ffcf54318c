"""Every equation by name, and how plain settings become a simulation."""

from collections.abc import Mapping
from typing import Any

from simulations.actuators import gaussian_jets
from simulations.equations import Burgers, KuramotoSivashinsky
from simulations.grid import PeriodicGrid
from simulations.simulation import Simulation

CATALOGUE: dict[str, type[Simulation]] = {c.equation: c for c in (Burgers, KuramotoSivashinsky)}


def build(settings: Mapping[str, Any]) -> Simulation:
    """A simulation from settings as they stand in a configuration or in a dataset's attributes.

    Args:
        settings: ``equation``, ``num_points``, ``domain_extent``, ``control_interval``,
            ``steps_per_interval``, ``parameters`` (keyword arguments of the equation) and ``jets``
            (``count``, ``width``, ``limit``).

    Example:
        >>> simulation = build({
        ...     "equation": "kuramoto_sivashinsky", "num_points": 64, "domain_extent": 22.0,
        ...     "control_interval": 0.25, "steps_per_interval": 2, "parameters": {},
        ...     "jets": {"count": 8, "width": 0.4, "limit": 1.0}})
        >>> simulation.grid.num_points
        64
    """
    name = settings["equation"]
    if name not in CATALOGUE:
        raise ValueError(f"Unknown equation '{name}'. Known: {', '.join(sorted(CATALOGUE))}.")
    known = CATALOGUE[name].parameters
    if set(settings["parameters"]) != set(known):
        raise ValueError(
            f"{name}: expected the parameters {', '.join(known) or 'none'}, "
            f"got {', '.join(settings['parameters']) or 'none'}."
        )
    grid = PeriodicGrid(settings["num_points"], settings["domain_extent"])
    return CATALOGUE[name](
        grid,
        gaussian_jets(grid, **settings["jets"]),
        control_interval=settings["control_interval"],
        steps_per_interval=settings["steps_per_interval"],
        **settings["parameters"],
    )
