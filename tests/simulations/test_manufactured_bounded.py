"""Equations between walls follow solutions made up for them, through their actions, at the order of the scheme.

For any u*(x, t) the forcing f = u*_t - (unforced rate of u*) and what u* does at the walls make it the solution. f is
a sum of products a_j(t) g_j(x): each g_j is the shape of an actuator, each a_j its action, held over every control
interval at its value in the interval's middle.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
import sympy
import torch
from cases.case import Expression, laplacian, t, x, y
from numpy.typing import NDArray
from sympy import cos, exp, pi, sin

from simulations.actuators import ActionBox, Actuators
from simulations.base import Simulation
from simulations.equations.burgers_dirichlet import BurgersDirichlet
from simulations.equations.burgers_hidden_gain import HiddenGainBurgers
from simulations.equations.heat import Heat, Wall
from simulations.equations.reaction_diffusion import ReactionDiffusion
from simulations.equations.transport_recirculation import TransportRecirculation
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values

Array = NDArray[np.float64]

BEGIN = 0.3  # no symmetric moment of any of the solutions
HEIGHT = sympy.Rational(3, 2)  # of the rectangles


@dataclass(frozen=True)
class Problem:
    """An equation, a solution made up for it, and how it is refined.

    Args:
        exact: u*.
        tendency: what the unforced equation does with u*.
        grid: the grid of so many spacings along x.
        build: the simulation of given actuators, control interval and steps in it.
        walls: what actions on walls do.
        gain: of the actuators that act on u.
        outflow: whether the equation, and with it the forcing, holds on the wall that no action holds.
        duration: of time that is simulated.
        spacings: of the coarse grid.
        intervals: on the coarse grid.
        in_space: order in the spacing, and the power of it with which the interval is refined.
        in_time: order in the interval on one grid.
        accuracy: of the finest solution.
    """

    exact: Expression
    tendency: Expression
    grid: Callable[[int], BoundedGrid]
    build: Callable[[BoundedGrid, Actuators, float], Simulation]
    spacings: int
    intervals: int
    in_space: int
    accuracy: float
    in_time: int = 1
    duration: float = 0.5
    gain: float = 1
    outflow: bool = False
    walls: Mapping[str, Expression] = field(default_factory=dict)

    def terms(self) -> list[tuple[Expression, Expression]]:
        """The forcing as products of a shape and an action."""
        forcing = sympy.expand((sympy.diff(self.exact, t) - self.tendency) / self.gain)
        return [term.as_independent(t, as_Add=False) for term in sympy.Add.make_args(forcing)]

    def actuators(self, grid: BoundedGrid) -> Actuators:
        """One for every term, and one for every wall."""
        shapes = np.stack([on_grid(shape, grid, 0.0) for shape, _ in self.terms()])
        if not self.outflow:
            shapes *= inside(grid)
        forcing = Actuators(
            ActionBox.symmetric([f"term_{j}" for j in range(len(shapes))], 1e3), shapes, ("u",) * len(shapes)
        )
        return forcing + boundary_values(grid, walls=tuple(self.walls), limit=1e3) if self.walls else forcing

    def end(self, spacings: int, intervals: int, *, factor: float = 1.0) -> tuple[Array, Array]:
        """u and u* after all intervals; ``factor`` on all actions."""
        grid, interval = self.grid(spacings), self.duration / intervals
        simulation = self.build(grid, self.actuators(grid), interval)
        middles = BEGIN + interval * (np.arange(intervals) + 0.5)
        actions = [action for _, action in self.terms()] + list(self.walls.values())
        series = np.stack([np.broadcast_to(sympy.lambdify(t, a)(middles), intervals) for a in actions], axis=1)
        state = torch.tensor(on_grid(self.exact, grid, BEGIN))[None, None]
        if len(simulation.variables) == 2:
            state = torch.cat([state, torch.full_like(state, BEGIN)], dim=1)
        for action in torch.tensor(factor * series):
            state = simulation.advance(state, action[None])
        return state[0, 0].numpy(), on_grid(self.exact, grid, BEGIN + self.duration)

    def error(self, level: int, *, factor: float = 1.0) -> Array:
        """u - u* on the grid refined so many times."""
        end, exact = self.end(2**level * self.spacings, 2 ** (level * self.in_space) * self.intervals, factor=factor)
        return end - exact

    def best_error(self, coarse: Array, fine: Array) -> float:
        """The largest error that is left; of first order, once the part that halves with the spacing is taken off."""
        return float(np.abs(2 * fine[::2] - coarse if self.in_space == 1 else fine).max())


def on_grid(expression: Expression, grid: BoundedGrid, time: float) -> Array:
    """Values at every point, shape ``(*space,)``."""
    mesh = (*np.meshgrid(*grid.coordinates.values(), indexing="ij"), 0.0)[:2]
    return np.broadcast_to(sympy.lambdify((x, y, t), expression)(*mesh, time), grid.shape).astype(np.float64)


def inside(grid: BoundedGrid) -> Array:
    """0 at points on walls, which have their values whatever the forcing, else 1."""
    along = [(c > 0) & (c < length) for c, length in zip(grid.coordinates.values(), grid.extents, strict=True)]
    return np.prod(np.meshgrid(*along, indexing="ij"), axis=0)


# The problems -------------------------------------------------------------------------------


def burgers_dirichlet() -> Problem:
    u = (0.8 + 0.4 * sin(3 * t)) * sin(pi * x / 2) + 0.3 * cos(4 * t) * sin(pi * x)
    return Problem(
        exact=u,
        tendency=-sympy.diff(u**2 / 2, x) + 0.1 * sympy.diff(u, x, 2),
        grid=lambda spacings: BoundedGrid.interior(spacings - 1, 2.0),
        build=lambda grid, actuators, interval: BurgersDirichlet(
            grid, actuators, parameters={"viscosity": 0.1}, control_interval=interval, steps_per_interval=2
        ),
        spacings=16,
        intervals=8,
        in_space=2,
        accuracy=2e-3,
    )


def hidden_gain_burgers() -> Problem:
    """The flow goes left on one side and right on the other, and the forcing of the equation is on."""
    parameters = {
        "viscosity": 0.05, "gain": 0.7, "forcing": 0.6, "frequency": 1.2, "phase": 0.4, "left": 0.3, "right": -0.2,
    }  # fmt: skip
    u = 0.3 - 0.5 * x + (0.4 + 0.3 * sin(3 * t)) * sin(2 * pi * x)
    own = 0.6 * (sin(pi * x) + 0.35 * sin(2 * pi * 1.2 * t + 0.4) * sin(2 * pi * x))
    return Problem(
        exact=u,
        tendency=-u * sympy.diff(u, x) + 0.05 * sympy.diff(u, x, 2) + own,
        grid=lambda spacings: BoundedGrid.nodes(spacings + 1),
        build=lambda grid, actuators, interval: HiddenGainBurgers(
            grid, actuators, parameters=parameters, control_interval=interval, steps_per_interval=2
        ),
        spacings=32,
        intervals=128,
        in_space=1,
        gain=0.7,
        accuracy=4e-3,
    )


def transport_recirculation(u: Expression, amplitude: float, gamma: float, *, crossings: float = 0.25) -> Problem:
    recirculation = amplitude * cos(gamma * sympy.acos(x / 2))
    return Problem(
        exact=u,
        tendency=sympy.diff(u, x) + recirculation * u.subs(x, 0),
        grid=lambda spacings: BoundedGrid.nodes(spacings + 1, 2.0),
        build=lambda grid, actuators, interval: TransportRecirculation(
            grid,
            actuators,
            parameters={"amplitude": amplitude, "gamma": gamma},
            control_interval=interval,
            steps_per_interval=2,
        ),
        walls={"right": u.subs(x, 2)},
        spacings=32,
        intervals=round(48 * crossings),
        duration=2 * crossings,
        outflow=True,
        in_space=1,
        accuracy=6e-3,
    )


def reaction_diffusion(u: Expression, amplitude: float, gamma: float) -> Problem:
    reaction = amplitude * cos(gamma * sympy.acos(x / 2))
    return Problem(
        exact=u,
        tendency=sympy.diff(u, x, 2) + reaction * u,
        grid=lambda spacings: BoundedGrid.nodes(spacings + 1, 2.0),
        build=lambda grid, actuators, interval: ReactionDiffusion(
            grid,
            actuators,
            parameters={"amplitude": amplitude, "gamma": gamma},
            control_interval=interval,
            steps_per_interval=4,
        ),
        walls={"right": u.subs(x, 2)},
        spacings=16,
        intervals=20,
        in_space=2,
        accuracy=6e-3,
    )


def driven_transport() -> Problem:
    """Re e^(s t) phi(x) with phi' = s phi - b phi(0), for a constant recirculation b: needs no forcing inside."""
    growth, frequency, b = sympy.Rational(1, 5), sympy.Rational(3, 2), -1
    s = growth + sympy.I * frequency
    moving, standing = sympy.expand(1 - b / s, complex=True), sympy.expand(b / s, complex=True)
    waves = [
        exp(growth * phase) * (sympy.re(c) * cos(frequency * phase) - sympy.im(c) * sin(frequency * phase))
        for c, phase in ((moving, x + t), (standing, t))
    ]
    return transport_recirculation(sympy.Add(*waves), b, 0, crossings=1)


def driven_reaction() -> Problem:
    """Re e^((lambda + r^2) t) sinh(r x) with r = 1 + 2 i and lambda = 2: needs no forcing inside."""
    still = sympy.sinh(x) * cos(2 * x) * cos(4 * t) - sympy.cosh(x) * sin(2 * x) * sin(4 * t)
    return reaction_diffusion(exp(-t) * still, 2, 0)


def heat(kinds: str, u: Expression) -> Problem:
    """``kinds``: d (Dirichlet) or n (Neumann) for each wall; u* is alike all along a wall, or its flux is.

    Half of what a wall does is its constant value.
    """
    extents, diffusivity, constant = (sympy.Integer(1), HEIGHT)[: len(kinds) // 2], 0.3, 0.4
    walls, actions = {}, {}
    for kind, name, (along, place, outward) in zip(
        kinds,
        ("left", "right", "bottom", "top"),
        ((x, 0, -1), (x, extents[0], 1), (y, 0, -1), (y, extents[-1], 1)),
        strict=False,
    ):
        walls[name] = Wall("dirichlet" if kind == "d" else "neumann", constant)
        value = u if kind == "d" else diffusivity * outward * sympy.diff(u, along)
        actions[name] = value.subs(along, place) - constant
        assert not actions[name].free_symbols - {t}, actions
    return Problem(
        exact=u,
        tendency=diffusivity * laplacian(u),
        grid=lambda spacings: BoundedGrid.cells((spacings,) * len(extents), [float(e) for e in extents]),
        build=lambda grid, actuators, interval: Heat(
            grid, actuators, walls=walls, parameters={"diffusivity": diffusivity}, control_interval=interval
        ),
        walls=actions,
        spacings=8,
        intervals=32,
        in_space=2,
        in_time=2,
        accuracy=3e-3,
    )


DRIVEN = {"driven_transport": driven_transport(), "driven_reaction": driven_reaction()}


def problems() -> dict[str, Problem]:
    """One for every equation, and the heat equation between walls of every kind."""
    along_x = (1 + 0.5 * sin(3 * t)) * cos(2 * x + 0.5) + 0.4 * cos(4 * t) * exp(x)
    along_y = 0.6 * cos(3 * t) * sin(y + 0.3)
    half_waves = sin(4 * t + 1) * cos(pi * x) * cos(pi * y / HEIGHT)
    return {
        "burgers_dirichlet": burgers_dirichlet(),
        "burgers_hidden_gain": hidden_gain_burgers(),
        "transport_recirculation": transport_recirculation(
            (1 + 0.5 * sin(4 * t)) * cos(2 * x) + 0.2 * cos(3 * t) * x**2, 3.0, 2.5
        ),
        "reaction_diffusion": reaction_diffusion((1 + 0.5 * sin(5 * t)) * x + 0.5 * cos(4 * t) * sin(pi * x), 6.0, 2.5),
        **DRIVEN,
        **{f"heat_{kinds}": heat(kinds, along_x) for kinds in ("dd", "nn", "dn", "nd")},
        "heat_dddd": heat("dddd", 0.5 + 0.4 * sin(3 * t) + cos(4 * t) * sin(pi * x) * sin(2 * pi * y / HEIGHT)),
        "heat_nnnn": heat("nnnn", along_x + along_y + half_waves),
        "heat_dnnn": heat("dnnn", along_x + cos(4 * t) * sin(pi * x / 2) * cos(pi * y / HEIGHT)),
        "heat_nndd": heat("nndd", along_y + cos(4 * t) * cos(pi * x) * sin(pi * y / HEIGHT)),
    }


PROBLEMS = problems()


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> Problem:
    return PROBLEMS[request.param]


# Tests --------------------------------------------------------------------------------------


def test_a_forced_flow_follows_its_solution_at_the_order_of_the_scheme(problem: Problem) -> None:
    """Twice the points and twice the intervals, or four times for second order; 1 % more action is seen."""
    coarse, fine = (problem.error(level) for level in (1, 2))
    order = np.log2(np.abs(coarse).max() / np.abs(fine).max())
    assert order == pytest.approx(problem.in_space, abs=0.15)
    left = problem.best_error(coarse, fine)
    assert left < problem.accuracy
    raised = problem.best_error(*(problem.error(level, factor=1.01) for level in (1, 2)))
    assert raised > 2 * left


def test_on_one_grid_the_error_of_time_is_of_its_order(problem: Problem) -> None:
    """Ends of a flow in n, 2 n, 4 n intervals differ as the steps' length, or its square where steps are exact."""
    intervals = 2 * problem.intervals
    ends = [problem.end(problem.spacings, 2**level * intervals)[0] for level in range(3)]
    changes = [np.abs(ends[level + 1] - ends[level]).max() for level in (0, 1)]
    assert np.log2(changes[0] / changes[1]) == pytest.approx(problem.in_time, abs=0.15), changes


@pytest.mark.parametrize("name", DRIVEN)
def test_closed_forms_are_driven_by_their_wall_alone(name: str) -> None:
    """They solve the equations as they stand: no forcing is left, but the wall moves."""
    assert [shape for shape, _ in DRIVEN[name].terms()] == [0]
    assert DRIVEN[name].walls["right"].free_symbols == {t}
