from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations.actuators import ActionBox, Actuators
from simulations.base import Variable
from simulations.explicit import ExplicitSimulation
from simulations.grid import BoundedGrid
from simulations.parameters import positive
from simulations.shapes import boundary_values, boxes
from simulations.step_limits import StepLimit

POINTS = 9


class Reaction(ExplicitSimulation):
    """``u_t = kappa u_xx - u^3`` on points from wall to wall: diffusion and something nonlinear."""

    equation = "reaction"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "concentration"),)
    functional_names = ("mass", "energy")
    parameters = (positive("kappa", "diffusivity", 0.1),)
    walls: ClassVar[dict[str, tuple[int | slice, ...]]] = {"left": (0, 0), "right": (0, -1)}

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> np.ndarray:
        return amplitude * rng.normal(size=(1, *self.grid.shape))

    def drift(self, fields: Tensor) -> Tensor:
        second = fields.diff(n=2) / self.grid.spacing[0] ** 2
        return torch.nn.functional.pad(self.table("kappa", fields) * second, (1, 1)) - fields**3

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits(self) -> list[StepLimit]:
        return [self.diffusive_limit(float(self.values["kappa"].max()))]


GRID = BoundedGrid({"x": np.linspace(0, 1, POINTS)}, (1.0,))


def reaction(*, kappa: float | Sequence[float] = 0.1, steps: int = 10, interval: float = 0.1) -> Reaction:
    """A heater in the left half, and a hold of the right wall."""
    actuators = boxes(GRID, intervals=[(0.0, 0.5)], limit=2.0, acts_on="u") + boundary_values(GRID, limit=2.0)
    return Reaction(GRID, actuators, parameters={"kappa": kappa}, control_interval=interval, steps_per_interval=steps)


def draw(simulation: Reaction, batch: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    state = np.stack([simulation.initial_state(rng, amplitude=0.5) for _ in range(batch)])
    return torch.tensor(state), torch.tensor(rng.uniform(-1, 1, (batch, len(simulation.actuators))))


def test_one_step_is_that_of_euler_and_a_held_wall_has_its_value() -> None:
    """u + step (drift + heating) inside; at the held wall, the action; at the other, what drift says."""
    simulation = reaction(steps=1, interval=0.01)
    state, action = draw(simulation, 3)
    end = simulation.advance(state, action)[:, 0].numpy()
    u, a = state[:, 0].numpy(), action.numpy()
    x = GRID.coordinates["x"]
    diffusion = np.zeros_like(u)
    diffusion[:, 1:-1] = 0.1 * (u[:, 2:] - 2 * u[:, 1:-1] + u[:, :-2]) * (POINTS - 1) ** 2
    expected = u + 0.01 * (diffusion - u**3 + a[:, :1] * (x < 0.5))
    expected[:, -1] = a[:, 1]
    np.testing.assert_allclose(end, expected, rtol=0, atol=1e-14)
    assert np.array_equal(end[:, -1], a[:, 1])


def test_rates_and_responses_make_the_step() -> None:
    """u + step (drift + sum_j a_j response_j) is the step, where a wall is held as elsewhere."""
    simulation = reaction(steps=1, interval=0.01)
    state, action = draw(simulation, 3)
    drift, response = simulation.rates(state)
    forcing = (action[:, :, None, None] * response).sum(dim=1)
    torch.testing.assert_close(simulation.advance(state, action), state + simulation.step * (drift + forcing))


def test_budgets_close_to_rounding() -> None:
    """Change = interval (source + sum_j a_j output_j), with nonlinear drift, heating, a held wall, batched kappa."""
    simulation = reaction(kappa=[0.05, 0.1, 0.2], steps=20)
    state, action = draw(simulation, 3)
    end, budgets = simulation.advance_with_fluxes(state, action)
    assert torch.equal(end, simulation.advance(state, action))
    before, after = simulation.functionals(state), simulation.functionals(end)
    for name, budget in budgets.items():
        change = after[name] - before[name]
        assert change.abs().min() > 1e-4
        closed = simulation.control_interval * (budget.source + (action * budget.output).sum(dim=1))
        torch.testing.assert_close(closed, change, rtol=0, atol=1e-14)


def test_gradients_through_many_steps_are_those_of_finite_differences() -> None:
    """100 steps keep only some states; the gradient is still that of the cost, to the differences' 1e-7."""
    simulation = reaction(steps=100)
    state, action = draw(simulation, 2)
    action.requires_grad_()
    simulation.advance(state, action).square().sum().backward()
    for j in range(2):
        shift = torch.zeros(2, 2, dtype=torch.float64)
        shift[:, j] = 1e-5
        with torch.no_grad():
            cost = [simulation.advance(state, action + sign * shift).square().sum(dim=(1, 2)) for sign in (1, -1)]
        torch.testing.assert_close(action.grad[:, j], (cost[0] - cost[1]) / 2e-5, rtol=1e-7, atol=1e-9)


def test_unstable_steps_are_refused_with_one_that_works() -> None:
    """The message's own advice is accepted, and the limit is where the shortest wave stops decaying."""
    with pytest.raises(
        ValueError, match=r"reaction: diffusion limits the step to .* Use steps_per_interval >= (\d+)"
    ) as refusal:
        reaction(kappa=1.0, steps=10)
    advised = int(str(refusal.value).split(">= ")[1].split()[0])
    stable = reaction(kappa=1.0, steps=advised)
    assert stable.diffusive_limit(1.0).step == pytest.approx(1 / (2 * (POINTS - 1) ** 2))


def test_the_limit_of_several_dimensions_adds_their_rates() -> None:
    """kappa step (1/hx^2 + 1/hy^2) <= 1/2; advection obeys the smallest spacing."""
    simulation = reaction()
    simulation.grid = BoundedGrid({"x": np.linspace(0, 1, 5), "y": np.linspace(0, 1, 11)}, (1.0, 1.0))
    assert simulation.diffusive_limit(2.0).step == pytest.approx(0.5 / (2 * (16 + 100)))
    assert simulation.upwind_limit(4.0).step == pytest.approx(0.1 / 4)


def test_actuators_on_what_is_not_there_are_refused() -> None:
    """The message names what there is."""
    for actuators in (
        boxes(GRID, intervals=[(0, 1)], limit=1.0, acts_on="v"),
        boundary_values(GRID, walls=("top",), limit=1.0),
    ):
        with pytest.raises(ValueError, match=r"expected actuators on u or left or right .*, got (v|top)"):
            Reaction(GRID, actuators, parameters={}, control_interval=0.1, steps_per_interval=10)
    impulsive = boxes(GRID, intervals=[(0, 1)], limit=1.0, impulsive=True)
    with pytest.raises(ValueError, match="act all through an interval, got impulsive"):
        Reaction(GRID, impulsive, parameters={}, control_interval=0.1, steps_per_interval=10)
    elsewhere = Actuators(ActionBox.symmetric(["a"], 1.0), np.ones((1, POINTS + 1)))
    with pytest.raises(ValueError, match=rf"grid of \({POINTS},\), got \({POINTS + 1},\)"):
        Reaction(GRID, elsewhere, parameters={}, control_interval=0.1, steps_per_interval=10)
