"""The system of a run in words: domain, constants and actuators."""

from collections.abc import Iterator, Sequence

import numpy as np
from markupsafe import Markup

from sciwm.config.simulation import BoundaryValues, Boxes, Jets, SineModes, Uniform
from sciwm.data import Axis
from sciwm.errors import counted
from sciwm.report.contents import Results
from sciwm.report.drawing import LENGTH_UNITS, time_unit
from sciwm.report.equation_text import EQUATIONS, typeset
from simulations import CATALOGUE

Set = Jets | Boxes | SineModes | Uniform | BoundaryValues


def domain_text(results: Results) -> str:
    """Boundaries, lengths with units, points and interval: one sentence."""
    domain, axes = results.domain, results.domain.axes
    kind = "Periodic domain" if domain.periodic else "Domain between walls"
    if results.config.source is not None and not domain.periodic:
        loops = [axis.name for axis in axes if axis.periodic]
        kind = f"Domain periodic along {' and '.join(loops)}" if loops else "Domain with ends on all sides"
    lengths = " × ".join(f"{length:g}" for length in extents(results))
    points = " × ".join(str(axis.num_points) for axis in axes)
    spacing = " × ".join(f"{axis.spacing:.3g}" for axis in axes)
    return (
        f"{kind}, {'length' if len(axes) == 1 else 'size'} {lengths} {_length_units(axes)}; {points} points, {spacing} "
        f"apart; one action every {domain.control_interval:g} {time_unit(domain.time_units)}."
    )


def extents(results: Results) -> list[float]:
    """Lengths of the domain, which go beyond the outermost points where these do not stand on the walls."""
    axes = results.domain.axes
    if results.domain.periodic or results.config.source is not None:
        return [axis.extent for axis in axes]
    given = results.config.simulated()[0].domain_extent
    return list(given) if isinstance(given, tuple) else [given] * len(axes)


def constants_text(results: Results) -> list[Markup]:
    """Every parameter of the equation with its symbol and its value, those left out at their defaults."""
    settings = results.config.simulated()[0]
    symbols = EQUATIONS[settings.equation].symbols
    return [
        Markup("{} = {:g}{} ({})").format(
            typeset(symbols[p.name]),
            settings.parameters.get(p.name, p.default),
            "" if p.units == "1" else f" {p.units}",
            p.long_name,
        )
        for p in CATALOGUE[settings.equation].parameters
    ]


def wall_texts(results: Results) -> Iterator[str]:
    """What the walls of the heat equation do."""
    walls = results.config.simulated()[0].walls
    for name, wall in walls or ():
        if wall is not None:
            does = "held at the temperature" if wall.kind == "dirichlet" else "taking in the flux"
            yield f"{name} wall {does} {wall.value:g}"


def actuator_texts(results: Results) -> list[str]:
    """One sentence for every set of actuators: kind, count, width, bounds, and what it acts on."""
    settings = results.config.simulated()[0]
    kinds = (settings.jets, settings.boxes, settings.sine_modes, settings.uniform, settings.boundary_values)
    sets: list[Set] = []
    for several in kinds:
        sets += several if isinstance(several, tuple) else [several] if several is not None else []
    units = results.domain.actuators.units
    bounded = " {}" if units in ("", "1") else f" {{}} {units}"
    return [
        f"{_shape(one, results)}; {_target(one, results)}; actions from{bounded.format(f'−{one.limit:g}')} to"
        f"{bounded.format(f'{one.limit:g}')}."
        for one in sets
    ]


def _shape(one: Set, results: Results) -> str:
    length = _length_units(results.domain.axes)
    if isinstance(one, Jets):
        counts = one.count if isinstance(one.count, tuple) else (one.count,) * len(results.domain.axes)
        apart = " × ".join(f"{e / n:.3g}" for e, n in zip(extents(results), counts, strict=True))
        lattice = "" if len(counts) == 1 else f" on a lattice of {' × '.join(map(str, counts))}"
        size = "of unit integral" if one.normalization == "integral" else "of peak value 1"
        mean = ", without their mean" if one.zero_mean else ""
        count = counted(int(np.prod(counts)), "Gaussian jet")
        return f"{count}{lattice}, {apart} {length} apart, of standard deviation {one.width:g}, {size}{mean}"
    if isinstance(one, Boxes):
        inside = ", ".join(_interval(box) for box in one.intervals)
        when = ", added at once at the end of the interval" if one.impulsive else ""
        return f"{counted(len(one.intervals), 'box', 'boxes')}, 1 inside {inside} and 0 outside{when}"
    if isinstance(one, SineModes):
        waves = ", ".join(map(str, one.modes))
        return f"{2 * len(one.modes)} waves along x, sine and cosine of the wavenumbers {waves} (per domain length)"
    if isinstance(one, Uniform):
        return "1 action, the same everywhere"
    return f"{counted(len(one.walls), 'action')}, at the {' and '.join(one.walls)} wall{'s'[: len(one.walls) - 1]}"


def _target(one: Set, results: Results) -> str:
    """What a set acts on: the tendency of a variable, a parameter, or the field at a wall."""
    if isinstance(one, BoundaryValues):
        return "sets the field there, or adds to what the wall does"
    variables = {v.name: v.long_name for v in results.domain.variables}
    name = one.acts_on or next(iter(variables))
    if name in variables:
        return f"added to the tendency of the {variables[name]} {name}"
    parameters = {p.name: p.long_name for p in CATALOGUE[results.config.simulated()[0].equation].parameters}
    return f"added to the parameter {name} ({parameters.get(name, name)})"


def _interval(box: Sequence[object]) -> str:
    low, high = box
    if isinstance(low, tuple) and isinstance(high, tuple):
        return f"{_interval(low)} × {_interval(high)}"
    return f"[{low}, {high}]"


def _length_units(axes: Sequence[Axis]) -> str:
    units = axes[0].units
    return LENGTH_UNITS if units in ("", "1") else units
