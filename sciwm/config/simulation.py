"""The section ``simulation``: the equation, its grid and its actuators."""

import math
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from sciwm.config.kinds import Along, Box, Count, Points, Positive, Section, Sets, Steps, as_tuple
from sciwm.errors import counted


def twice(value: int | tuple[int, ...]) -> tuple[int, int]:
    """A value along each of two dimensions."""
    several = value if isinstance(value, tuple) else (value,)
    return several[0], several[-1]


class Jets(Section):
    """Gaussian jets on an equispaced lattice; see ``simulations.gaussian_jets``.

    Keys:
        count: The number of jets along each dimension, or one number for all dimensions.
        width: The standard deviation of a jet in units of length, at least one grid spacing. 0.15 to 0.3 of the
            distance between neighbouring jets is often good.
        limit: The bound ``|a| <= limit`` of every action, in units of the action.
        offset: The place of a jet within its lattice cell. Take 0.5 between walls, which keeps jets off the walls.
        normalization: ``integral`` gives every jet the integral one, ``peak`` the value one at its centre.
        zero_mean: Whether the mean of every jet is subtracted. Use it where the equation conserves the mean.
        acts_on: The variable or parameter that jets change; the first variable by default.
    """

    count: Along[Count]
    width: Positive
    limit: Positive = 1.0
    offset: float = 0.0
    normalization: Literal["integral", "peak"] = "integral"
    zero_mean: bool = False
    acts_on: str | None = None


class Boxes(Section):
    """Boxes: one inside an interval, zero outside; see ``simulations.boxes``.

    Keys:
        intervals: ``[low, high]`` of each box in units of length, or one such interval along each dimension. Every box
            must hold a grid point.
        limit: The bound ``|a| <= limit`` of every action, in units of the action.
        acts_on: The variable or parameter that boxes change; the first variable by default.
        impulsive: Whether the forcing is added once, at the end of a control interval, instead of acting during it.
    """

    intervals: Annotated[tuple[Box, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    limit: Positive = 1.0
    acts_on: str | None = None
    impulsive: bool = False


class SineModes(Section):
    """Sine and cosine of each wavenumber, two actions a mode, on periodic domains; see ``simulations.sine_modes``.

    Keys:
        modes: The wavenumbers, in waves along the first axis. Take those that grow in the unforced flow.
        limit: The bound ``|a| <= limit`` of every action, in units of the action.
        acts_on: The variable or parameter that the modes change; the first variable by default.
    """

    modes: Annotated[tuple[Count, ...], BeforeValidator(as_tuple)]
    limit: Positive = 1.0
    acts_on: str | None = None


class Uniform(Section):
    """One action that changes a variable or a parameter everywhere by the same amount.

    Keys:
        limit: The bound ``|a| <= limit`` of the action, in units of the action.
        acts_on: The variable or parameter.
    """

    limit: Positive
    acts_on: str


class BoundaryValues(Section):
    """One action at each named wall: it sets the field there, or adds to what a wall of ``heat`` does.

    Keys:
        walls: The names of the walls: ``left``, ``right``, and in two dimensions ``bottom`` and ``top``.
        limit: The bound ``|a| <= limit`` of every action, in units of the field or flux.
    """

    walls: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)] = ("right",)
    limit: Positive


class WallSettings(Section):
    """The boundary condition at one wall of ``heat``.

    Keys:
        kind: ``dirichlet`` holds a temperature, ``neumann`` takes in a flux.
        value: This temperature or flux.
    """

    kind: Literal["dirichlet", "neumann"]
    value: float = 0.0


class Walls(Section):
    """The walls of ``heat``. A wall that is left out is held at temperature 0.

    Keys:
        left: The wall at the smallest x.
        right: The wall at the largest x.
        bottom: The wall at the smallest y, in two dimensions.
        top: The wall at the largest y, in two dimensions.
    """

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
    """The equation and how it is solved; see ``simulations.build``, and ``simulations.good_values`` for every equation.

    Keys:
        equation: The name of the equation.
        num_points: The number of grid points along each dimension, or one number for all; even on periodic domains.
            64 resolve Kuramoto-Sivashinsky at L = 22.
        domain_extent: The length of the domain along each dimension, or one number for all.
        dimensions: 1 or 2, for equations that allow both.
        control_interval: The time over which an action is held, in time units. The model steps by this interval: take
            a small part of the time in which the flow changes, 0.25 in Kuramoto-Sivashinsky chaos.
        steps_per_interval: The number of solver steps in one control interval, an even number. Raise it where
            simulations blow up.
        order: The order of the time integrator of periodic equations, 2 or 4; 4 by default, which is more accurate
            for the same time.
        walls: The boundary conditions of ``heat``.
        parameters: Parameters of the equation by name; others take their defaults.
        jets: Gaussian jets, one set or a list of sets.
        boxes: Boxes, one set or a list of sets.
        sine_modes: Sine and cosine modes, one set or a list of sets.
        uniform: Uniform actuators, one or a list.
        boundary_values: Actions at walls, one set or a list of sets.
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
        """Periodic equations have no walls, and bounded ones neither sine modes nor a choice of the order."""
        name, periodic = self.equation, self.periodic
        rules = [
            (
                "order",
                not periodic and self.order is not None,
                f"none, as {name} is solved by its own scheme",
                self.order,
            ),
            (
                "sine_modes",
                not periodic and bool(self.sine_modes),
                f"none, as {name} has walls",
                "some; use jets or boxes",
            ),
            (
                "boundary_values",
                periodic and bool(self.boundary_values),
                f"none, as {name} is periodic",
                "some; use jets",
            ),
            (
                "walls",
                name != "heat" and self.walls is not None,
                f"none, as {name} is not heat",
                "some; leave them out",
            ),
        ]
        problems = [f"{key}: expected {expected}, got {got}" for key, broken, expected, got in rules if broken]
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
        """All lists with one value along each dimension have the same length."""
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
        """Whether the domain is periodic; all others lie between walls."""
        return self.equation not in BOUNDED

    @property
    def values_between_walls(self) -> int:
        """The number of values that may differ in the fields of a bounded equation; a clock counts as one."""
        shape = self.num_points if isinstance(self.num_points, tuple) else (self.num_points,) * (self.dimensions or 1)
        return math.prod(shape) + (self.equation == "burgers_hidden_gain")

    @property
    def fewest_points(self) -> int:
        """The number of points along the dimension that has fewest."""
        return min(self.num_points) if isinstance(self.num_points, tuple) else self.num_points

    @property
    def sets_of_jets(self) -> dict[str, Jets]:
        """Every set of jets by its key."""
        if isinstance(self.jets, tuple):
            return {f"jets.{j}": jets for j, jets in enumerate(self.jets)}
        return {"jets": self.jets} if self.jets else {}
