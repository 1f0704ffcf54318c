"""Policies over several episodes, in any box, and with fields that are not finite."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sciwm.config import CEMSettings, GradientSettings
from sciwm.errors import InputError
from sciwm.planning import (
    CEMPlanner,
    Cost,
    GradientPlanner,
    Hold,
    LinearFeedback,
    OutputFeedback,
    Plan,
    RecedingHorizon,
    action_energy,
    action_rate,
    field_target,
    kalman_filter,
    linear_law,
)
from simulations import ActionBox, Controller, HeldActionWarning

A = torch.tensor([[1.05, 0.2], [0.0, 0.9]], dtype=torch.float64)
B = torch.tensor([[0.0], [0.5]], dtype=torch.float64)
SENSORS = torch.eye(2, dtype=torch.float64)


class Linear:
    """x+ = A x + B a: one variable on two points. It keeps the actions that it was asked to try."""

    control_interval = 1.0

    def __init__(self, low: float = -2.0, high: float = 2.0) -> None:
        self.actuators = ActionBox(("push",), np.array([low]), np.array([high]))
        self.tried: list[Tensor] = []

    def encode(self, fields: Tensor) -> Tensor:
        return fields

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        self.tried.append(action.detach())
        return state @ A.to(state).T + (action @ B.to(state).T)[:, None]

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        return {"fields": state}


PLANT = Linear()
TARGET = torch.zeros(1, 2, dtype=torch.float64)
COST = field_target(PLANT, TARGET) + 0.1 * action_energy() + 0.05 * action_rate()
LAW = linear_law(PLANT, COST, TARGET)
STARTS = torch.tensor([[[1.0, -0.5]], [[0.3, 0.8]], [[-0.4, 0.1]]], dtype=torch.float64)


def output_feedback() -> OutputFeedback:
    filter_ = kalman_filter(
        PLANT, TARGET, SENSORS, start=torch.zeros(1, 2).double(), sensor_variance=0.1, process_variance=0.1
    )
    return OutputFeedback(LAW, filter_, PLANT)


CONTROLLERS = {
    "gradient": lambda: RecedingHorizon(PLANT, GradientPlanner(6), COST),
    "cem": lambda: RecedingHorizon(PLANT, CEMPlanner(6, CEMSettings(deviation=0.5)), COST),
    "linear feedback": lambda: LinearFeedback(PLANT, LAW),
    "output feedback": output_feedback,
    "hold": lambda: Hold(PLANT.actuators),
}


def seen(policy: Controller, states: Tensor) -> Tensor:
    """What a policy is shown of states."""
    return states[:, 0] if isinstance(policy, OutputFeedback) else states


def episode(policy: Controller, states: Tensor, intervals: int = 3) -> Tensor:
    """The actions of an episode."""
    actions = []
    for interval in range(intervals):
        actions.append(policy(seen(policy, states), interval))
        states = PLANT.advance(states, actions[-1])
    return torch.stack(actions, dim=1)


@pytest.mark.parametrize("name", CONTROLLERS)
def test_a_second_episode_goes_like_the_first_of_a_new_controller(name: str) -> None:
    """Other starts, another number of them; then once more after reset, from another interval."""
    used, new = CONTROLLERS[name](), CONTROLLERS[name]()
    episode(used, STARTS)
    assert torch.equal(episode(used, STARTS[1:]), episode(new, STARTS[1:]))
    if isinstance(used, RecedingHorizon) and isinstance(new, RecedingHorizon):
        assert len(used.predicted_cost) == len(used.seconds) == 3
        assert torch.equal(torch.stack(used.predicted_cost), torch.stack(new.predicted_cost))
    used.reset()
    assert torch.equal(used(seen(used, STARTS), 7), CONTROLLERS[name]()(seen(used, STARTS), 0))


@pytest.mark.parametrize("name", CONTROLLERS)
def test_another_number_of_episodes_halfway_is_refused(name: str) -> None:
    policy = CONTROLLERS[name]()
    episode(policy, STARTS)
    with pytest.raises(ValueError, match=r"expected the 3 episodes of the interval before, got 1\. Begin new episodes"):
        policy(seen(policy, STARTS[:1]), 3)


@pytest.mark.parametrize("name", sorted(CONTROLLERS.keys() - {"hold"}))
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_fields_that_are_not_finite_hold_the_last_action_of_their_row(name: str, value: float) -> None:
    """The other rows go on as if nothing had happened, and so does this one when its fields are back."""
    policy, untouched = CONTROLLERS[name](), CONTROLLERS[name]()
    first = policy(seen(policy, STARTS), 0)
    untouched(seen(policy, STARTS), 0)
    broken = STARTS.clone()
    broken[1, 0, 0] = value
    with pytest.warns(HeldActionWarning, match="no finite action for 1 of 3 episodes"):
        action = policy(seen(policy, broken), 1)
    expected = untouched(seen(policy, STARTS), 1)
    assert torch.equal(action[1], first[1])
    assert torch.equal(action[[0, 2]], expected[[0, 2]])
    assert policy.held is not None
    assert policy.held.tolist() == [False, True, False]
    after = policy(seen(policy, STARTS), 2)
    assert after.isfinite().all()
    assert not policy.held.any()
    assert torch.equal(after[[0, 2]], untouched(seen(policy, STARTS), 2)[[0, 2]])
    if isinstance(policy, RecedingHorizon):
        assert [cost.isinf().tolist() for cost in policy.predicted_cost] == [
            [False] * 3,
            [False, True, False],
            [False] * 3,
        ]


class Fragile(Linear):
    """Every future of states beyond 100 is nan."""

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        return super().advance(state, action) / (state.abs() < 100)


@pytest.mark.parametrize("planner", [GradientPlanner(4), CEMPlanner(4, CEMSettings(deviation=0.5))])
def test_where_every_candidate_is_infinite_the_last_action_is_held(planner: GradientPlanner | CEMPlanner) -> None:
    """At first that is no action; a plan alone returns its first guess and says that its cost is infinite."""
    lost = STARTS.clone()
    lost[0] = 1e6
    plant = Fragile(0.2, 0.9)
    plan = planner.plan(plant, lost, COST)
    assert plan.predicted_cost.isinf().tolist() == [True, False, False]
    assert plan.actions[0].flatten().tolist() == pytest.approx([0.2] * 4)
    policy = RecedingHorizon(plant, planner, COST)
    with pytest.warns(HeldActionWarning):
        assert policy(lost, 0)[0].item() == 0.2
    alone = RecedingHorizon(plant, planner, COST)
    alone(STARTS, 0)
    action = policy(STARTS, 1)
    assert torch.equal(policy(lost, 2)[0], action[0])
    assert policy.last is not None
    assert torch.equal(policy.last.actions[0], action[0].expand(4, 1))


BOXES = {
    "zero is below": (0.2, 0.9),
    "zero is above": (-7.3, -0.1),
    "lopsided": (-1e-3, 1e3),
    "tiny": (-1.1e-12, 0.7e-12),
    "huge": (-0.3e12, 1.7e12),
    "far and narrow": (1e6 + 0.3, 1e6 + 1.9),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("low", "high"), BOXES.values(), ids=BOXES)
def test_everything_tried_and_returned_lies_in_the_box(low: float, high: float, dtype: torch.dtype) -> None:
    """Against the exact bounds, saturated as the starts are; believed costs are those of the actions returned."""
    plant, target = Linear(low, high), TARGET.to(dtype)
    cost = field_target(plant, target) + 0.1 * action_energy() + 0.05 * action_rate()
    law = linear_law(plant, cost, target)
    assert law.hold.abs().max() <= 1
    starts = (1 + abs(high)) * STARTS.to(dtype)
    sent = [Hold(plant.actuators)(starts, 0), LinearFeedback(plant, law)(starts, 0)]
    for planner in (
        GradientPlanner(3, GradientSettings(iterations=8, learning_rate=0.7)),
        GradientPlanner(3, GradientSettings(iterations=3), law=law),
        CEMPlanner(3, CEMSettings(deviation=2.0, iterations=2, samples=8, elites=2), law=law),
    ):
        plan = planner.plan(plant, starts, cost)
        after = plant.advance(starts, plan.actions[:, 0])
        next_plan = planner.plan(plant, after, cost, plan)
        sent += [plan.actions.flatten(0, 1), next_plan.actions.flatten(0, 1)]
    for action in (*sent, *plant.tried):
        assert (low <= action.double()).all()
        assert (action.double() <= high).all()


@pytest.mark.parametrize("planner", [GradientPlanner(3), CEMPlanner(3, CEMSettings(deviation=0.5))])
def test_the_believed_cost_is_that_of_the_actions_returned(planner: GradientPlanner | CEMPlanner) -> None:
    """Recomputed from the physical actions: distances, mean squares and changes in [-1, 1], from no action on."""
    plant = Linear(0.2, 0.9)
    plan = planner.plan(plant, STARTS, COST)
    normalized = (plan.actions - 0.55) / 0.35
    state, before, expected = STARTS, -torch.ones(3, 1).double(), torch.zeros(3).double()
    for n in range(3):
        state = plant.advance(state, plan.actions[:, n])
        expected += state.square().mean(dim=(1, 2)) + 0.1 * normalized[:, n, 0] ** 2
        expected += 0.05 * (normalized[:, n] - before)[:, 0] ** 2
        before = normalized[:, n]
    torch.testing.assert_close(plan.predicted_cost, expected)


@pytest.mark.parametrize("horizon", [2, 9])
def test_a_warm_start_of_another_horizon_is_cut_or_goes_on_as_it_ends(horizon: int) -> None:
    """Without iterations the plan is the warm start, one interval on, as it is better than none."""
    actions = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]).double().view(1, 5, 1).repeat(3, 1, 1)
    last = Plan(actions, torch.zeros(3), torch.zeros(3))
    pushing = Cost(frozenset(), lambda i: -i.actions.sum(dim=(1, 2)))
    plan = GradientPlanner(horizon, GradientSettings(iterations=0)).plan(PLANT, STARTS, pushing, last)
    expected = torch.tensor([0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5][:horizon]).double()
    torch.testing.assert_close(plan.actions, expected.view(1, -1, 1).expand(3, -1, 1))


@pytest.mark.parametrize("planner", [GradientPlanner(5), CEMPlanner(5)])
def test_a_warm_start_of_other_episodes_is_refused(planner: GradientPlanner | CEMPlanner) -> None:
    one = planner.plan(PLANT, STARTS[:1], COST)
    wide = replace(one, actions=one.actions.expand(3, 5, 2))
    for plan, got in ((one, r"got \(1, 5, 1\)"), (wide, r"got \(3, 5, 2\)")):
        with pytest.raises(InputError, match=r"warm_start: expected actions of shape \(3, any horizon, 1\).*" + got):
            planner.plan(PLANT, STARTS, COST, plan)


def test_a_warm_start_that_is_not_finite_counts_for_nothing() -> None:
    last = GradientPlanner(3).plan(PLANT, STARTS, COST)
    actions = last.actions.clone()
    actions[1, 0] = torch.nan
    plan = GradientPlanner(3).plan(PLANT, STARTS, COST, replace(last, actions=actions))
    assert plan.actions.isfinite().all()
    assert plan.predicted_cost.isfinite().all()


def test_parameters_that_no_planner_can_work_with_are_refused() -> None:
    """All of them at once, also in copies of settings, which nobody has looked at."""
    for planner, settings in (
        (CEMPlanner, CEMSettings().model_copy(update={"elites": 0, "samples": 0, "deviation": float("nan")})),
        (GradientPlanner, GradientSettings().model_copy(update={"iterations": -1, "learning_rate": float("inf")})),
    ):
        with pytest.raises(InputError) as refusal:
            planner(0, settings)  # type: ignore[arg-type]
        places = {problem.where for problem in refusal.value.problems}
        assert "horizon" in places
        assert places >= ({"settings.elites", "settings.samples", "settings.deviation"} if planner is CEMPlanner else
                          {"settings.iterations", "settings.learning_rate"})  # fmt: skip
    with pytest.raises(InputError, match=r"settings: expected sciwm\.config\.CEMSettings, got GradientSettings"):
        CEMPlanner(4, GradientSettings())  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"weight of a cost: expected a finite number, got nan"):
        float("nan") * action_energy()


def test_costs_below_every_number_are_no_bargain() -> None:
    """Minus infinity comes from broken costs, as nan does."""
    cost = Cost(frozenset(), lambda i: torch.where(i.actions[:, 0, 0] > 0.5, -torch.inf, -i.actions[:, 0, 0]))
    plan = CEMPlanner(1, CEMSettings(deviation=1.0)).plan(PLANT, STARTS, cost)
    assert plan.predicted_cost.isfinite().all()
    assert (plan.actions <= 1.0).all()


def test_laws_and_plans_are_the_same_in_inference_mode() -> None:
    """Which knows no derivatives: servers and evaluations run in it."""

    def everything() -> list[Tensor]:
        cost = field_target(PLANT, TARGET) + 0.1 * action_energy()
        law = linear_law(PLANT, cost, TARGET)
        policy = RecedingHorizon(PLANT, GradientPlanner(4, law=law), cost)
        return [law.gain, law.value, episode(policy, STARTS), episode(LinearFeedback(PLANT, law), STARTS)]

    expected = everything()
    with torch.inference_mode():
        inside = everything()
    for one, other in zip(expected, inside, strict=True):
        assert torch.equal(one, other)


def test_a_law_of_another_grid_is_refused() -> None:
    with pytest.raises(InputError, match="state: expected 2 numbers, as in the law, got 3"):
        LinearFeedback(PLANT, LAW)(torch.zeros(1, 1, 3).double(), 0)
