"""Costs in closed form, and the planner that settings describe."""

import pickle

import pytest
import torch
from torch import Tensor

from sciwm.config import CEMSettings, GradientSettings, PlanningSettings
from sciwm.dynamics import rollout
from sciwm.model import WorldModel
from sciwm.planning import (
    CEMPlanner,
    Cost,
    GradientPlanner,
    Imagined,
    LinearLaw,
    RecedingHorizon,
    action_energy,
    action_rate,
    build_planner,
    field_target,
    functional,
    latent_target,
)
from simulations import build


@pytest.fixture
def imagined() -> Imagined:
    """Two futures of three steps: states (2, 3, 5), one field on four points, two actions."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    return Imagined(draw(2, 3, 5), {"fields": draw(2, 3, 1, 4), "energy": draw(2, 3)}, draw(2, 3, 2), draw(2, 2))


def settings(**changes: object) -> PlanningSettings:
    """Planning without a linear law, some of it changed."""
    return PlanningSettings.model_validate({"terminal": "none"} | changes)


@pytest.fixture
def target(model: WorldModel) -> Tensor:
    """A wave to be held, ``(variable, x)``."""
    x = torch.arange(model.domain.shape[0]) * (2 * torch.pi / model.domain.shape[0])
    return torch.cos(x)[None]


def test_action_costs_are_sums_over_time_of_means_over_actuators(imagined: Imagined) -> None:
    a = imagined.actions
    torch.testing.assert_close(action_energy()(imagined), (a**2).sum(dim=(1, 2)) / 2)
    first = (a[:, 0] - imagined.previous_action) ** 2
    later = (a[:, 1:] - a[:, :-1]) ** 2
    torch.testing.assert_close(action_rate()(imagined), first.sum(dim=1) / 2 + later.sum(dim=(1, 2)) / 2)


def test_a_held_action_has_no_rate() -> None:
    held = torch.full((1, 3, 2), 0.7)
    assert action_rate()(Imagined(torch.zeros(1, 3, 5), {}, held, held[:, 0])).item() == 0


def test_functional_sums_over_time_and_asks_for_its_readout(imagined: Imagined) -> None:
    cost = functional("energy")
    assert cost.reads == {"energy"}
    torch.testing.assert_close(cost(imagined), imagined.readouts["energy"].sum(dim=1))


def test_costs_add_and_scale_and_unite_what_they_read(imagined: Imagined) -> None:
    energy, rate = action_energy(), action_rate()
    together = 2.0 * energy + rate * 0.5 + functional("energy")
    assert together.reads == {"energy"}
    expected = 2 * energy(imagined) + 0.5 * rate(imagined) + imagined.readouts["energy"].sum(dim=1)
    torch.testing.assert_close(together(imagined), expected)


def test_costs_and_policies_are_the_same_after_pickling(model: WorldModel, target: Tensor) -> None:
    """As they are on their way to a worker process; sums and multiples as well, to the last bit."""
    cost = field_target(model, target) + 0.5 * latent_target(model, target) + 0.1 * action_energy()
    cost = 2 * (cost + action_rate() * 0.3) + functional(model.domain.functionals[0].name)
    law = LinearLaw(model.encode(target[None])[0], torch.zeros(4), torch.zeros(4, model.state_size), torch.eye(1))
    policy = RecedingHorizon(model, GradientPlanner(3, GradientSettings(iterations=2)), cost)
    fields = torch.randn(2, *target.shape, generator=torch.Generator().manual_seed(1))
    known, copied, beyond = pickle.loads(pickle.dumps((cost, policy, law.cost_to_go())))  # noqa: S301 - of our own making
    assert known.reads == cost.reads
    assert beyond.reads == frozenset()
    torch.testing.assert_close(copied(fields, 0), policy(fields, 0), rtol=0, atol=0)
    torch.testing.assert_close(copied.predicted_cost[0], policy.predicted_cost[0], rtol=0, atol=0)


def test_targets_cost_nothing_where_the_model_believes_to_be_there(model: WorldModel, target: Tensor) -> None:
    """And the mean square distance elsewhere, for the fields that the model reads."""
    state = model.encode(target[None])
    fields = model.readout(state, ["fields"])["fields"]
    actions = torch.zeros(1, 1, 4)
    there = Imagined(state[:, None], {"fields": fields[:, None]}, actions, actions[:, 0])
    away = Imagined(state[:, None] + 2, {"fields": fields[:, None] + 3}, actions, actions[:, 0])
    for cost, distance in ((field_target(model, target), 9.0), (latent_target(model, target), 4.0)):
        assert cost(there).item() == pytest.approx(0, abs=1e-10)
        assert cost(away).item() == pytest.approx(distance, rel=1e-4)


def test_settings_become_the_planner_they_describe(model: WorldModel, target: Tensor) -> None:
    gradient, _ = build_planner(settings(horizon=7, planner={"iterations": 3, "learning_rate": 0.2}), model, target)
    assert gradient == GradientPlanner(7, GradientSettings(iterations=3, learning_rate=0.2))
    asked = {"kind": "cem", "samples": 20, "elites": 5, "iterations": 2}
    cem, _ = build_planner(settings(planner=asked), model, target)
    assert cem == CEMPlanner(12, CEMSettings(samples=20, elites=5, iterations=2))


@pytest.mark.parametrize(("action_weight", "rate_weight"), [(0.0, 0.0), (0.1, 0.0), (0.1, 2.0)])
def test_settings_become_the_cost_they_describe(
    model: WorldModel, target: Tensor, action_weight: float, rate_weight: float
) -> None:
    _, cost = build_planner(settings(action_weight=action_weight, rate_weight=rate_weight), model, target)
    generator = torch.Generator().manual_seed(1)
    actions = torch.rand(2, 3, 4, generator=generator)
    states = rollout(model, model.encode(torch.randn(2, 1, 32, generator=generator)), actions)
    fields = model.readout(states.flatten(0, 1), ["fields"])["fields"].unflatten(0, (2, 3))
    future = Imagined(states, {"fields": fields}, actions, torch.zeros(2, 4))
    parts: list[Cost] = [field_target(model, target), action_weight * action_energy(), rate_weight * action_rate()]
    torch.testing.assert_close(cost(future), torch.stack([part(future) for part in parts]).sum(dim=0))


@pytest.mark.parametrize("planner", ["gradient", "cem"])
def test_terminal_law_is_part_of_the_planner(planner: str) -> None:
    """For the true equation at rest; eight jets hold it, one jet at a node of a growing wave cannot."""
    plant = {
        "equation": "kuramoto_sivashinsky",
        "num_points": 32,
        "domain_extent": 22.0,
        "control_interval": 0.25,
        "steps_per_interval": 2,
        "parameters": {},
    }
    rest = torch.zeros(1, 32)
    eight = build({**plant, "jets": {"count": 8, "width": 0.8, "limit": 1.0}})
    built, _ = build_planner(settings(planner={"kind": planner}, terminal="riccati"), eight, rest)
    assert isinstance(built, GradientPlanner | CEMPlanner)
    assert built.law is not None
    assert built.law.gain.shape == (8, 32)
    one = build({**plant, "jets": {"count": 1, "width": 0.8, "limit": 1.0}})
    with pytest.raises(ValueError, match="mode that grows by"):
        build_planner(settings(planner={"kind": planner}, terminal="riccati"), one, rest)
