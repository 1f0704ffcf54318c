"""Planners on a linear-quadratic problem whose answer is known."""

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from sciwm.config import CEMSettings, GradientSettings
from sciwm.planning import (
    CEMPlanner,
    Cost,
    GradientPlanner,
    RecedingHorizon,
    action_energy,
    field_target,
    linear_law,
)
from simulations import ActionBox

A = torch.tensor([[1.05, 0.2], [0.0, 0.9]], dtype=torch.float64)
B = torch.tensor([[0.0], [0.5]], dtype=torch.float64)


class Linear:
    """x+ = A x + B a with |a| <= 2 in physical units: one variable on two points."""

    actuators = ActionBox(("push",), np.array([-2.0]), np.array([2.0]))
    control_interval = 1.0

    def encode(self, fields: Tensor) -> Tensor:
        return fields

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        return state @ A.T + (action @ B.T)[:, None]

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        return {"fields": state}


TARGET = torch.zeros(1, 2, dtype=torch.float64)


@pytest.fixture
def cost() -> Cost:
    return field_target(Linear(), TARGET) + 0.1 * action_energy()


def test_linear_law_is_the_riccati_solution(cost: Cost) -> None:
    """Gain and cost-to-go agree with scipy's algebraic solver (the cost there counts the present state too)."""
    law = linear_law(Linear(), cost, TARGET)
    q, r, b = np.eye(2) / 2, np.array([[0.1]]), 2 * B.numpy()
    p = scipy.linalg.solve_discrete_are(A.numpy(), b, q, r)
    gain = np.linalg.solve(r + b.T @ p @ b, b.T @ p @ A.numpy())
    np.testing.assert_allclose(law.gain.numpy(), gain, rtol=1e-5)
    np.testing.assert_allclose(law.value.numpy(), p - q, rtol=1e-5)


def test_unholdable_target_is_refused(cost: Cost) -> None:
    """A growing mode that no actuator reaches has no law: the error says how fast it grows."""

    class Deaf(Linear):
        def advance(self, state: Tensor, action: Tensor) -> Tensor:
            return state @ A.T + 0.0 * (action @ B.T)[:, None]

    with pytest.raises(ValueError, match=r"grows by 1\.05"):
        linear_law(Deaf(), cost, TARGET)


@pytest.mark.parametrize("with_law", [True, False])
def test_gradient_planner_reaches_the_linear_optimum(cost: Cost, with_law: bool) -> None:
    """Inside the box the problem is convex: with the law's cost-to-go a short horizon is already optimal."""
    law = linear_law(Linear(), cost, TARGET)
    state = torch.tensor([[[0.3, -0.1]], [[-0.2, 0.2]]], dtype=torch.float64)
    planner = GradientPlanner(12, GradientSettings(iterations=400, learning_rate=0.02), law=law if with_law else None)
    plan = planner.plan(Linear(), state, cost)
    optimal = law.action(state)
    assert torch.allclose(Linear.actuators.to_normalized(plan.actions[:, 0]), optimal, atol=2e-2)


@pytest.mark.parametrize(
    "planner", [GradientPlanner(5), CEMPlanner(5, CEMSettings(iterations=5, samples=256, deviation=0.5))]
)
def test_plans_stay_in_the_box_and_beat_doing_nothing(cost: Cost, planner: GradientPlanner | CEMPlanner) -> None:
    """Far from the target the bounds are active and respected, and the plan is better than no action."""
    state = torch.tensor([[[5.0, -4.0]]], dtype=torch.float64)
    plan = planner.plan(Linear(), state, cost)
    assert plan.actions.abs().max() <= 2.0
    nothing = GradientPlanner(5, GradientSettings(iterations=0)).plan(Linear(), state, cost)
    assert float(plan.predicted_cost) < float(nothing.predicted_cost)


def test_cem_is_deterministic_and_never_worse_than_its_guess(cost: Cost) -> None:
    """Same seed, same plan; and the first guess, here the linear law, is among the candidates."""
    law = linear_law(Linear(), cost, TARGET)
    state = torch.tensor([[[1.0, 1.0]]], dtype=torch.float64)
    plans = [CEMPlanner(6, CEMSettings(deviation=0.5, seed=3), law=law).plan(Linear(), state, cost) for _ in range(2)]
    assert torch.equal(plans[0].actions, plans[1].actions)
    guess = GradientPlanner(6, GradientSettings(iterations=0), law=law).plan(Linear(), state, cost)
    assert float(plans[0].predicted_cost) <= float(guess.predicted_cost)


def test_candidates_are_judged_a_few_at_once(cost: Cost, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same plan, and never more of them than memory is quick for."""
    dynamics, start, seen = Linear(), torch.tensor([[[1.0, -1.0]], [[0.5, 2.0]]], dtype=torch.float64), []

    def advance(state: Tensor, action: Tensor) -> Tensor:
        seen.append(len(state))
        return Linear.advance(dynamics, state, action)

    planner = CEMPlanner(4, CEMSettings(samples=16, elites=4, deviation=0.5))
    whole = planner.plan(dynamics, start, cost)
    monkeypatch.setattr("sciwm.planning.planner.SEQUENCES_AT_ONCE", 6)
    monkeypatch.setattr(dynamics, "advance", advance)
    torch.testing.assert_close(planner.plan(dynamics, start, cost).actions, whole.actions)
    assert max(seen) == 6


def test_exploding_imagination_is_never_chosen(cost: Cost) -> None:
    """Candidates whose future is not finite cost infinity instead of poisoning the search."""

    class Fragile(Linear):
        def advance(self, state: Tensor, action: Tensor) -> Tensor:
            return super().advance(state, action) / (action[:, :, None] < 0.5)

    state = torch.tensor([[[1.0, -3.0]]], dtype=torch.float64)
    for planner in (GradientPlanner(4, GradientSettings(iterations=20)), CEMPlanner(4, CEMSettings(deviation=0.5))):
        plan = planner.plan(Fragile(), state, field_target(Fragile(), TARGET))
        assert torch.isfinite(plan.predicted_cost).all()
        assert (plan.actions < 0.5).all()


def test_receding_horizon_warm_starts_and_converges(cost: Cost) -> None:
    """The closed loop drives the unstable system to the target; its plans are shifted, not started anew."""
    policy = RecedingHorizon(Linear(), GradientPlanner(10, GradientSettings(iterations=30)), cost)
    state = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64)
    for interval in range(60):
        state = Linear().advance(state, policy(state, interval))
    assert state.abs().max() < 1e-2
    assert len(policy.seconds) == len(policy.predicted_cost) == 60


def test_a_warm_start_is_the_last_plan_shifted_by_one(cost: Cost) -> None:
    """Without a single iteration the plan is the best guess: here the optimal last plan, one interval on."""
    state = torch.tensor([[[0.5, 0.3]]], dtype=torch.float64)
    last = GradientPlanner(8, GradientSettings(iterations=300, learning_rate=0.02)).plan(Linear(), state, cost)
    after = Linear().advance(state, last.actions[:, 0])
    plan = GradientPlanner(8, GradientSettings(iterations=0)).plan(Linear(), after, cost, warm_start=last)
    torch.testing.assert_close(plan.actions[:, :-1], last.actions[:, 1:])
