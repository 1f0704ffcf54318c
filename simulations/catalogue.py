"""The catalogue of equations, and the function that builds a simulation from plain settings."""

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simulations.actuators import Actuators
from simulations.base import Simulation
from simulations.equations import (
    AdvectionDiffusionReaction,
    AdvectionDiffusionReaction2D,
    AllenCahn,
    Burgers,
    Burgers2D,
    BurgersDirichlet,
    CahnHilliard,
    GrayScott,
    Heat,
    HiddenGainBurgers,
    KortewegDeVries,
    KuramotoSivashinsky,
    NavierStokes,
    NavierStokesScalar,
    ReactionDiffusion,
    ShallowWater,
    SwiftHohenberg,
    TransportRecirculation,
    Wall,
)
from simulations.explicit import ExplicitSimulation
from simulations.pseudospectral import SpectralSimulation
from simulations.settings import above_zero, collected, key_problems, raise_all, whole
from simulations.shapes import boundary_values, boxes, gaussian_jets, sine_modes, uniform

PERIODIC: dict[str, type[SpectralSimulation]] = {
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
"""The equations on periodic domains, by name."""

BOUNDED: dict[str, type[ExplicitSimulation] | type[Heat]] = {
    "burgers_dirichlet": BurgersDirichlet,
    "burgers_hidden_gain": HiddenGainBurgers,
    "heat": Heat,
    "reaction_diffusion": ReactionDiffusion,
    "transport_recirculation": TransportRecirculation,
}
"""The equations between walls, by name."""

CATALOGUE: dict[str, type[SpectralSimulation] | type[ExplicitSimulation] | type[Heat]] = {**PERIODIC, **BOUNDED}
"""All equations, by name."""

ACTUATORS: dict[str, Callable[..., Actuators]] = {
    "jets": gaussian_jets,
    "boxes": boxes,
    "sine_modes": sine_modes,
    "uniform": uniform,
    "boundary_values": boundary_values,
}
"""The functions that make actuators, by their key in settings."""

REQUIRED = ("equation", "num_points", "domain_extent", "control_interval", "steps_per_interval")
OWN = ("order", "walls")
"""The settings that only some equations have."""
OPTIONAL = ("dimensions", *OWN, "parameters", *ACTUATORS)


def build(settings: Mapping[str, Any]) -> Simulation:
    """Build a simulation from plain settings, as a configuration or the attributes of a store hold them.

    ``GOOD_VALUES`` has good settings of every equation. A setting of None counts as left out.

    Args:
        settings: The settings by name:

            - ``equation``: A name of ``CATALOGUE``.
            - ``num_points``: The number of points, or one number for each dimension.
            - ``domain_extent``: The length of the domain, or one length for each dimension.
            - ``dimensions``: 1 or 2, for an equation that allows both; its usual one by default.
            - ``control_interval``: The time over which an action is held constant.
            - ``steps_per_interval``: The number of solver steps in one control interval.
            - ``parameters``: Values of the equation's parameters by name; others take their defaults.
            - ``jets``, ``boxes``, ``sine_modes``, ``uniform``, ``boundary_values``: At least one kind of
              actuators, with the keyword arguments of its function in :mod:`simulations.shapes`. A list
              holds several sets of one kind; these are called ``jets_0``, ``jets_1`` and so on unless they
              have a ``name``.
            - ``order``: The order of the time integrator of a periodic equation, 2 or 4; 4 by default.
            - ``walls``: The kind and value of each wall of ``heat``, as
              ``{"left": {"kind": "neumann", "value": 0.0}}``.

    Raises:
        ValueError: With everything that is missing, unknown or does not fit.

    Example:
        >>> from simulations import build
        >>> build({
        ...     "equation": "kuramoto_sivashinsky", "num_points": 64, "domain_extent": 22.0,
        ...     "control_interval": 0.25, "steps_per_interval": 2,
        ...     "jets": {"count": 8, "width": 0.4, "limit": 1.0}}).grid.shape
        (64,)
        >>> build({
        ...     "equation": "heat", "num_points": 16, "domain_extent": 1.0, "control_interval": 0.1,
        ...     "steps_per_interval": 2, "boundary_values": {"walls": ["right"], "limit": 1.0}})
        Heat(16 points on 1, diffusivity=0.1, 1 action, control_interval=0.1, steps_per_interval=2)
    """
    if not isinstance(settings, Mapping):
        raise ValueError(f"Expected settings as a mapping of names to values, got {settings!r}.")
    given = _without_none(settings)
    name = given.get("equation", "settings")
    sets = _sets_of_actuators(given)
    raise_all(_problems_of_keys(given, sets), str(name))
    cls = CATALOGUE[name]
    problems: list[str] = []
    with collected(problems):
        control_interval = above_zero("control_interval", given["control_interval"])
    with collected(problems):
        steps_per_interval = whole("steps_per_interval", given["steps_per_interval"])
    own: dict[str, Any] = {}
    if cls.equation in PERIODIC:
        with collected(problems):
            own["order"] = whole("order", given.get("order", 4))
    elif "walls" in _own_settings(cls):
        own["walls"] = _walls(given.get("walls", {}), problems)
    with collected(problems):
        grid = cls.grid_of(*_sizes(cls, given))
        parts = []
        for place, kind, arguments in sets:
            with collected(problems, f"{place}: "):
                parts.append(ACTUATORS[kind](grid, **arguments))
    raise_all(problems, name)
    actuators = parts[0]
    for part in parts[1:]:
        with collected(problems):
            actuators = actuators + part
    raise_all(problems, name)
    make: Callable[..., Simulation] = cls
    return make(
        grid,
        actuators,
        parameters=given.get("parameters", {}),
        control_interval=control_interval,
        steps_per_interval=steps_per_interval,
        **own,
    )


def _without_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def _sets_of_actuators(given: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """The place in the settings, the kind and the arguments of every set of actuators."""
    sets: list[tuple[str, str, Any]] = []
    for kind in ACTUATORS:
        value = given.get(kind, [])
        several = list(value) if isinstance(value, list | tuple) else [value]
        for j, one in enumerate(several):
            arguments = _without_none(one) if isinstance(one, Mapping) else one
            if len(several) == 1:
                sets.append((kind, kind, arguments))
            else:
                takes_name = "name" in inspect.signature(ACTUATORS[kind]).parameters
                named = {"name": f"{kind}_{j}"} if takes_name and isinstance(one, Mapping) else {}
                sets.append((f"{kind}[{j}]", kind, named | arguments if named else arguments))
    return sets


def _problems_of_keys(given: Mapping[str, Any], sets: list[tuple[str, str, Any]]) -> list[str]:
    problems = key_problems(given, required=REQUIRED, optional=OPTIONAL)
    name = given.get("equation")
    if name is not None and name not in list(CATALOGUE):
        close = difflib.get_close_matches(str(name), CATALOGUE, n=1)
        meant = f"; did you mean '{close[0]}'?" if close else ""
        problems.append(f"Unknown equation '{name}'. Known: {', '.join(sorted(CATALOGUE))}{meant}")
    elif name is not None:
        taken = _own_settings(CATALOGUE[name])
        problems += [
            f"expected no {key}, which this equation does not have, got {given[key]!r}"
            for key in OWN
            if key in given and key not in taken
        ]
    if not isinstance(given.get("parameters", {}), Mapping):
        problems.append(f"expected parameters as a mapping of names to values, got {given['parameters']!r}")
    for place, kind, arguments in sets:
        known = [p for p in inspect.signature(ACTUATORS[kind]).parameters.values() if p.kind is p.KEYWORD_ONLY]
        required = [p.name for p in known if p.default is p.empty]
        optional = [p.name for p in known if p.default is not p.empty]
        if isinstance(arguments, Mapping):
            problems += key_problems(arguments, required=required, optional=optional, prefix=f"{place}.")
        else:
            problems.append(f"expected {place} as a mapping of {', '.join(required)}, got {arguments!r}")
    if not sets:
        problems.append(f"expected actuators, at least one of {', '.join(ACTUATORS)}, got none")
    return problems


def _own_settings(cls: type[Simulation]) -> list[str]:
    """The settings of ``OWN`` that an equation has."""
    return [key for key in OWN if key in inspect.signature(cls).parameters]


def _walls(walls: Any, problems: list[str]) -> dict[str, Wall]:
    """The walls of ``heat``, from plain values."""
    if not isinstance(walls, Mapping):
        problems.append(f"expected walls as a mapping of names to kind and value, got {walls!r}")
        return {}
    made = {}
    for name, arguments in _without_none(walls).items():
        if isinstance(arguments, Mapping):
            found = key_problems(arguments, required=("kind",), optional=("value",), prefix=f"walls.{name}.")
            problems += found
            if not found:
                with collected(problems, f"walls.{name}: "):
                    made[name] = Wall(**arguments)
        else:
            problems.append(f"expected walls.{name} as a mapping of kind, value, got {arguments!r}")
    return made


def _sizes(cls: type[Simulation], given: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The number of points and the extent along each dimension."""
    dimensions = whole("dimensions", given.get("dimensions", cls.num_spatial_dims[0]))
    if dimensions not in cls.num_spatial_dims:
        raise ValueError(f"expected dimensions {' or '.join(map(str, cls.num_spatial_dims))}, got {dimensions}")
    return _along_each("num_points", given["num_points"], dimensions), _along_each(
        "domain_extent", given["domain_extent"], dimensions
    )


def _along_each(key: str, value: Any, dimensions: int) -> tuple[Any, ...]:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    values = tuple(plain) if isinstance(plain, list | tuple) else (plain,) * dimensions
    if len(values) != dimensions:
        raise ValueError(f"expected {key} of one value, or one along each of {dimensions} dimensions, got {value}")
    return values
