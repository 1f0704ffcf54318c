from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations.tasks.backstepping import feedback, transport_policy
from simulations.tasks.task import Scenario
from simulations.tasks.transport import Transport

Policy = Callable[[Tensor, int], Tensor]


@pytest.fixture
def task() -> Transport:
    return Transport()


def uniform_starts(task: Transport, *levels: float) -> Scenario:
    start = torch.tensor(levels, dtype=torch.float64)[:, None, None].expand(-1, 1, 100)
    return Scenario(task.plant, start)


def run(task: Transport, scenario: Scenario, policy: Policy) -> tuple[Tensor, Tensor]:
    """Published returns, and the fields at the end."""
    fields, rewards, actions = scenario.start, [], []
    for interval in range(task.intervals):
        actions.append(policy(fields, interval))
        fields, reward = task.step(scenario, fields, actions[-1], interval)
        rewards.append(reward)
    return task.published_return(torch.stack(rewards, 1), torch.stack(actions, 1), fields), fields


def published_gains() -> np.ndarray:
    """The kernel by the rectangle rule, from recirculation sampled one spacing too far to the right."""
    beta = 5 * np.cos(7.35 * np.arccos(np.linspace(0.01, 1, 100)))
    kernel = np.zeros(100)
    for i in range(100):
        kernel[i] = 0.01 * kernel[i:0:-1] @ beta[:i] - beta[i]
    return 0.01 * kernel[::-1]


def test_the_published_controller_earns_the_published_returns(task: Transport) -> None:
    """289.84 and 198.38 from u = 1 and 10, to half a unit of the last digit; 243.06 over 50 random starts.

    The return is linear in the start here, so that the mean over starts belongs to a mean start of 5.6.
    """
    scenario = uniform_starts(task, 1.0, 10.0, 5.5)
    returns, _ = run(task, scenario, feedback(task.plant, published_gains()))
    np.testing.assert_allclose(returns[:2], [289.84, 198.38], rtol=0, atol=0.005)
    assert float(returns[2]) == pytest.approx(243.06, abs=3)  # deviation of the mean of 50 starts: 3.7


def test_backstepping_with_an_accurate_kernel_earns_more_than_the_published_one(task: Transport) -> None:
    """At least the published 289.84 and at most 1 % more, and the field is at rest at the end."""
    returns, end = run(task, uniform_starts(task, 1.0), transport_policy(task.plant))
    assert 289.84 < float(returns) < 1.01 * 289.84
    assert float(end.abs().max()) < 1e-3


def test_without_control_the_field_grows(task: Transport) -> None:
    """-43.0 and -430: without the bonus, the sum of the norm's increases in the last tenth of every interval."""
    returns, end = run(task, uniform_starts(task, 1.0, 10.0), lambda fields, interval: fields.new_zeros(2, 1))
    np.testing.assert_allclose(returns, [-43.0, -430.0], rtol=0, atol=0.05)
    assert float(end[0].norm()) > 100


def test_returns_are_those_of_all_solver_steps_one_after_another(task: Transport) -> None:
    """Random actions: one episode is admitted to the bonus, one is not; each return counted from 50 001 states."""
    rng = np.random.default_rng(0)
    gains, noise = published_gains(), rng.uniform(-1, 1, (50, 2)) * [0.2, 15.0]
    act = lambda fields, interval: fields[:, 0] @ torch.tensor(gains)[:, None] + torch.tensor(noise[interval])[:, None]  # noqa: E731
    returns, end = run(task, uniform_starts(task, 1.0, 5.0), act)
    admitted = end.flatten(1).norm(dim=1) < 20
    assert admitted.tolist() == [True, False]

    beta = 5 * np.cos(7.35 * np.arccos(np.linspace(0, 1, 100)))
    u = np.tile([1.0, 5.0], (100, 1)).T
    at_the_wall, expected, norms = np.abs(u[:, -1]), np.zeros(2), []
    for t in range(50_000):
        if t % 1000 == 0:
            action = u @ gains + noise[t // 1000]
        if t % 1000 == 900:
            norms.append(np.linalg.norm(u, axis=1))
        u[:, :-1] += 1e-4 * ((u[:, 1:] - u[:, :-1]) / 0.01 + u[:, :1] * beta[:-1])
        u[:, -1] = action
        at_the_wall = at_the_wall + np.abs(action)
        if t % 1000 == 999:
            difference = norms[-1] - np.linalg.norm(u, axis=1)
            bonus = 300 - at_the_wall / 1000 - np.linalg.norm(u, axis=1)
            expected += difference if t < 49_999 else np.where(admitted, bonus, difference)
    np.testing.assert_allclose(returns, expected, rtol=0, atol=1e-8)


def test_rewards_carry_gradients_to_the_actions(task: Transport) -> None:
    """Of an interval in the middle and of the last one, by central differences."""
    scenario = uniform_starts(task, 1.0, 2.0)
    fields = scenario.start * torch.linspace(0.2, 1, 100, dtype=torch.float64)
    action = torch.tensor([[0.3], [-0.7]], dtype=torch.float64, requires_grad=True)
    for interval in (3, 49):
        assert torch.autograd.gradcheck(lambda a, i=interval: task.step(scenario, fields, a, i)[1], action)


def test_fields_out_of_bounds_end_the_episode_at_a_price(task: Transport) -> None:
    """1000 for every state that is not reached any more: 49 000 of them after the first interval."""
    scenario = uniform_starts(task, 1e10, 1.0)
    after, reward = task.step(scenario, scenario.start, torch.zeros(2, 1, dtype=torch.float64), 0)
    assert task.failed(scenario, after).tolist() == [True, False]
    assert float(reward[0]) == pytest.approx(-1000 * 49_001)
    assert float(reward[1]) > -100


def test_starts_are_uniform_fields_within_their_bounds(task: Transport) -> None:
    """Every field is constant, levels fill [1, 10], and the same generator draws the same starts."""
    start = task.draw(np.random.default_rng(0), 200).start
    assert start.shape == (200, 1, 100)
    assert (start == start[..., :1]).all()
    assert 1 <= float(start.min()) < 1.2
    assert 9.8 < float(start.max()) <= 10
    torch.testing.assert_close(task.draw(np.random.default_rng(0), 200).start, start)
    with pytest.raises(ValueError, match="low, high"):
        Transport(start=(2.0, 1.0))
