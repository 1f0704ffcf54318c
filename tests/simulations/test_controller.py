"""Controllers begin anew with every episode, and send only finite actions."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import ActionBox, Controller, HeldActionWarning, build, run_episodes
from simulations.tasks import Transport
from simulations.tasks.backstepping import transport_policy


class Counting(Controller):
    """Acts by the mean of what it sees, plus a tenth of the number of calls that it remembers."""

    box = ActionBox(("a",), np.array([0.2]), np.array([0.9]))
    calls = 0

    def act(self, observation: Tensor) -> Tensor:
        self.calls += 1
        return observation.mean(dim=1, keepdim=True) + 0.1 * self.calls

    def reset(self) -> None:
        super().reset()
        self.calls = 0


START = torch.tensor([[0.3, 0.3], [0.4, 0.4]], dtype=torch.float64)


def rows(action: Tensor) -> list[float]:
    return action[:, 0].tolist()


@pytest.mark.parametrize("interval", [0, 5, 1])
def test_an_interval_that_does_not_follow_begins_new_episodes(interval: int) -> None:
    """After intervals 0 and 1 the next is 2; the count of calls shows what is remembered."""
    policy = Counting()
    for n in range(2):
        assert rows(policy(START, n)) == pytest.approx([0.3 + 0.1 * (n + 1), 0.4 + 0.1 * (n + 1)])
    assert rows(policy(START[:1], interval)) == pytest.approx([0.4])


def test_reset_begins_new_episodes_and_calls_without_an_interval_go_on() -> None:
    policy = Counting()
    assert [round(rows(policy(START))[0], 9) for _ in range(3)] == [0.4, 0.5, 0.6]
    with pytest.raises(ValueError, match=r"expected the 2 episodes of the interval before, got 1\. Begin new episodes"):
        policy(START[:1])
    policy.reset()
    assert rows(policy(START[:1])) == pytest.approx([0.4])


def test_a_row_that_is_not_finite_holds_its_last_action_and_the_others_do_not_notice() -> None:
    """At first the allowed action that is nearest to zero, 0.2; told once."""
    policy, alone = Counting(), Counting()
    bad = START.clone()
    bad[0, 1] = torch.nan
    with pytest.warns(HeldActionWarning, match="no finite action for 1 of 2 episodes"):
        assert rows(policy(bad, 0)) == pytest.approx([0.2, 0.5])
    assert policy.held is not None
    assert policy.held.tolist() == [True, False]
    alone(START, 0)
    for n, seen in ((1, START), (2, bad), (3, torch.full_like(bad, torch.inf))):
        action = policy(seen, n)
        assert action.isfinite().all()
        if n < 3:
            assert torch.equal(action[1], alone(START, n)[1])
        assert rows(action)[0] == pytest.approx(0.5)  # what was sent in interval 1
    assert policy.held.tolist() == [True, True]


def test_backstepping_holds_its_last_action() -> None:
    task = Transport()
    fields = task.draw(np.random.default_rng(0), 2).start
    policy = transport_policy(task.plant)  # type: ignore[arg-type]
    first = policy(fields, 0)
    fields[1, 0, 3] = torch.nan
    with pytest.warns(HeldActionWarning):
        second = policy(fields / 2, 1)
    assert torch.equal(second[1], first[1])
    assert torch.equal(second[0], first[0] / 2)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_episodes_refuse_actions_that_are_not_finite_and_name_the_policy(value: float) -> None:
    """The second row in the third interval; the solver has done nothing wrong."""
    heat = build({
        "equation": "heat", "num_points": 16, "domain_extent": 1.0, "control_interval": 0.1, "steps_per_interval": 2,
        "jets": {"count": 2, "width": 0.2, "limit": 1.0},
    })  # fmt: skip

    def policy(fields: Tensor, interval: int) -> Tensor:
        action = torch.zeros(2, 2, dtype=torch.float64)
        action[1, 0] = value if interval == 2 else 0.0
        return action

    with pytest.raises(ValueError, match=r"of the policy, got nan or infinity in interval 2 .* in element 1"):
        run_episodes(heat, torch.zeros(2, 1, 16, dtype=torch.float64), policy, range(4))


def test_after_a_blow_up_nothing_is_asked_of_the_policy() -> None:
    """Its fields are nan from then on: a plain function may answer nan there."""
    heat = build({
        "equation": "heat", "num_points": 16, "domain_extent": 1.0, "control_interval": 0.1, "steps_per_interval": 2,
        "jets": {"count": 1, "width": 0.2, "limit": 1.0},
    })  # fmt: skip
    start = torch.zeros(2, 1, 16, dtype=torch.float64)
    start[1] = 2 * heat.blow_up_magnitude
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        episodes = run_episodes(heat, start, lambda fields, _: fields.mean(dim=(1, 2))[:, None].clamp(-1, 1), range(3))
    assert episodes.failure_interval.tolist() == [-1, 0]
    assert episodes.actions[0].isfinite().all()
