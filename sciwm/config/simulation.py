"""The simulation: equation, grid, actuators."""

import math
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from sciwm.config.kinds import Along, Box, Count, Points, Positive, Section, Sets, Steps, as_tuple
from sciwm.errors import counted


def twice(value: int | tuple[int, ...]) -> tuple[int, int]:
    """What holds along each of two dimensions."""
    several = value if isinstance(value, tuple) else (value,)
    return several[0], several[-1]


class Jets(Section):
    """A lattice of Gaussian jets; ``acts_on`` names a variable or a parameter, the first variable by default.

    ``count`` is one number, or one along each dimension; the others are those of ``simulations.gaussian_jets``.
    """

    count: Along[Count]
    width: Positive
    limit: Positive = 1.0
    offset: float = 0.0
    normalization: Literal["integral", "peak"] = "integral"
    zero_mean: bool = False
    acts_on: str | None = None


class Boxes(Section):
    """One inside an interval, zero outside; a rectangle is an interval along each dimension."""

    intervals: Annotated[tuple[Box, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    limit: Positive = 1.0
    acts_on: str | None = None
    impulsive: bool = False


class SineModes(Section):
    """Sine and cosine of each wavenumber, two actions a mode."""

    modes: Annotated[tuple[Count, ...], BeforeValidator(as_tuple)]
    limit: Positive = 1.0
    acts_on: str | None = None


class Uniform(Section):
    """One action that changes a variable or a parameter everywhere alike."""

    limit: Positive
    acts_on: str


class BoundaryValues(Section):
    """One action at each named wall: it sets the field there, or adds to what a wall of ``heat`` does."""

    walls: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)] = ("right",)
    limit: Positive


class WallSettings(Section):
    """What a wall of ``heat`` does: it holds a temperature (dirichlet), or takes in a flux (neumann)."""

    kind: Literal["dirichlet", "neumann"]
    value: float = 0.0


class Walls(Section):
    """Those left out are held at temperature 0; ``bottom`` and ``top`` are walls of a rectangle."""

    left: WallSettings | None = None
    right: WallSettings | None = None
    bottom: WallSettings | None = None
    top: WallSettings | None = None


PeriodicEquation = Literal[
    "advection_diffusion_reaction",
    "advection_diffusion_reaction_2d",
    "allen_cahn",
    "burgers",
    "burgers_2d",
    "cahn_hilliard",
    "gray_scott",
    "korteweg_de_vries",
    "kuramoto_sivashinsky",
    "navier_stokes",
    "navier_stokes_scalar",
    "shallow_water",
    "swift_hohenberg",
]
BoundedEquation = Literal[
    "burgers_dirichlet",
    "burgers_hidden_gain",
    "heat",
    "reaction_diffusion",
    "transport_recirculation",
]
BOUNDED: tuple[str, ...] = get_args(BoundedEquation)


class SimulationSettings(Section):
    """Which equation is solved, and how (see ``simulations.build``).

    ``num_points`` and ``domain_extent`` are one number, or one along each dimension; ``dimensions`` is
    for equations that have a choice. Several sets of a kind of actuators are a list. ``order`` is that
    of the time integrator of periodic equations, 4 if left out; ``walls`` are those of ``heat``.
    """

    equation: Literal[PeriodicEquation, BoundedEquation]
    num_points: Along[Points]
    domain_extent: Along[Positive]
    dimensions: Literal[1, 2] | None = None
    control_interval: Positive
    steps_per_interval: Steps
    order: Literal[2, 4] | None = None
    walls: Walls | None = None
    parameters: dict[str, float] = Field(default_factory=dict)
    jets: Sets[Jets] | None = None
    boxes: Sets[Boxes] | None = None
    sine_modes: Sets[SineModes] | None = None
    uniform: Sets[Uniform] | None = None
    boundary_values: Sets[BoundaryValues] | None = None

    @model_validator(mode="after")
    def _something_acts(self) -> "SimulationSettings":
        if not (self.jets or self.boxes or self.sine_modes or self.uniform or self.boundary_values):
            raise ValueError("jets: expected jets, boxes, sine_modes, uniform or boundary_values, got no actuators")
        return self

    @model_validator(mode="after")
    def _equation_has_these(self) -> "SimulationSettings":
        """Periodic equations have no walls, those between walls no waves."""
        name, periodic = self.equation, self.periodic
        rules = [
            ("order", not periodic and self.order is not None, f"none, as {name} is solved by its own scheme"),
            ("sine_modes", not periodic and bool(self.sine_modes), f"jets or boxes, as {name} has walls"),
            ("boundary_values", periodic and bool(self.boundary_values), f"none, as {name} is periodic"),
            ("walls", name != "heat" and self.walls is not None, f"none, as {name} is not heat"),
        ]
        problems = [f"{key}: expected {expected}, got some" for key, broken, expected in rules if broken]
        if periodic:
            if isinstance(self.num_points, tuple):
                places = {f"num_points.{axis}": points for axis, points in enumerate(self.num_points)}
            else:
                places = {"num_points": self.num_points}
            problems += [
                f"{place}: expected a multiple of 2, at least 8, got {points}"
                for place, points in places.items()
                if points % 2 or points < 8
            ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @model_validator(mode="after")
    def _as_many_along_each(self) -> "SimulationSettings":
        """Lists speak of the same dimensions."""
        lists = {
            "num_points": self.num_points,
            "domain_extent": self.domain_extent,
            **{f"{place}.count": jets.count for place, jets in self.sets_of_jets.items()},
        }
        lengths = {key: len(value) for key, value in lists.items() if isinstance(value, tuple)}
        wanted = self.dimensions or max(lengths.values(), default=1)
        problems = [
            f"{key}: expected one value, or one along each of {wanted} dimensions, got {counted(length, 'value')}"
            for key, length in lengths.items()
            if length != wanted
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def periodic(self) -> bool:
        """Whether the domain is, or lies between walls."""
        return self.equation not in BOUNDED

    @property
    def values_between_walls(self) -> int:
        """Numbers in the fields of a bounded equation that may differ: a clock is one."""
        shape = self.num_points if isinstance(self.num_points, tuple) else (self.num_points,) * (self.dimensions or 1)
        return math.prod(shape) + (self.equation == "burgers_hidden_gain")

    @property
    def fewest_points(self) -> int:
        """Points along the dimension that has fewest."""
        return min(self.num_points) if isinstance(self.num_points, tuple) else self.num_points

    @property
    def sets_of_jets(self) -> dict[str, Jets]:
        """Every set of jets by its place."""
        if isinstance(self.jets, tuple):
            return {f"jets.{j}": jets for j, jets in enumerate(self.jets)}
        return {"jets": self.jets} if self.jets else {}
