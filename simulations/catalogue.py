"""Every equation by name, and how plain settings become a simulation."""

from collections.abc import Callable, Mapping
from typing import Any

from simulations.actuators import Actuators, boxes, gaussian_jets, sine_modes, uniform
from simulations.equations import (
    AdvectionDiffusionReaction,
    AdvectionDiffusionReaction2D,
    AllenCahn,
    Burgers,
    Burgers2D,
    CahnHilliard,
    GrayScott,
    KortewegDeVries,
    KuramotoSivashinsky,
    NavierStokes,
    NavierStokesScalar,
    ShallowWater,
    SwiftHohenberg,
)
from simulations.grid import PeriodicGrid
from simulations.spectral import SpectralSimulation

CATALOGUE: dict[str, type[SpectralSimulation]] = {
    c.equation: c
    for c in (
        AdvectionDiffusionReaction,
        AdvectionDiffusionReaction2D,
        AllenCahn,
        Burgers,
        Burgers2D,
        CahnHilliard,
        GrayScott,
        KortewegDeVries,
        KuramotoSivashinsky,
        NavierStokes,
        NavierStokesScalar,
        ShallowWater,
        SwiftHohenberg,
    )
}

ACTUATORS: dict[str, Callable[..., Actuators]] = {
    "jets": gaussian_jets,
    "boxes": boxes,
    "sine_modes": sine_modes,
    "uniform": uniform,
}


def build(settings: Mapping[str, Any]) -> SpectralSimulation:
    """A periodic simulation from settings as they stand in a configuration or in a dataset's attributes.

    Args:
        settings: ``equation``, ``num_points`` and ``domain_extent`` (one number, or one along each
            dimension), ``dimensions`` (where the equation has a choice), ``control_interval``,
            ``steps_per_interval``, ``order`` (of the time integrator, 4 if left out), ``parameters``
            (those left out take their defaults) and at least one kind of actuators, each with the
            keyword arguments of its function: ``jets``, ``boxes``, ``sine_modes``, ``uniform``.

    Raises:
        ValueError: naming what is missing or unknown.

    Example:
        >>> simulation = build({
        ...     "equation": "kuramoto_sivashinsky", "num_points": 64, "domain_extent": 22.0,
        ...     "control_interval": 0.25, "steps_per_interval": 2, "parameters": {},
        ...     "jets": {"count": 8, "width": 0.4, "limit": 1.0}})
        >>> simulation.grid.shape
        (64,)
    """
    name = settings["equation"]
    if name not in CATALOGUE:
        raise ValueError(f"Unknown equation '{name}'. Known: {', '.join(sorted(CATALOGUE))}.")
    cls = CATALOGUE[name]
    dimensions = settings.get("dimensions") or cls.num_spatial_dims[0]
    shape = _along_each(settings["num_points"], dimensions)
    grid = PeriodicGrid(shape, _along_each(settings["domain_extent"], dimensions))
    parts = [ACTUATORS[kind](grid, **settings[kind]) for kind in ACTUATORS if settings.get(kind)]
    if not parts:
        raise ValueError(f"{name}: expected actuators, at least one of {', '.join(ACTUATORS)}, got none.")
    actuators = parts[0]
    for part in parts[1:]:
        actuators = actuators + part
    return cls(
        grid,
        actuators,
        parameters=settings["parameters"],
        control_interval=settings["control_interval"],
        steps_per_interval=settings["steps_per_interval"],
        order=settings.get("order", 4),
    )


def _along_each(value: Any, dimensions: int) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, list | tuple) else (value,) * dimensions
    if len(values) != dimensions:
        raise ValueError(f"Expected one value, or one along each of {dimensions} dimensions, got {value}.")
    return values
