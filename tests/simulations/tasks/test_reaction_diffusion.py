from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations.tasks.backstepping import feedback, reaction_diffusion_policy
from simulations.tasks.reaction_to_rest import ReactionDiffusionTask
from simulations.tasks.task import Scenario

Policy = Callable[[Tensor, int], Tensor]


@pytest.fixture
def task() -> ReactionDiffusionTask:
    return ReactionDiffusionTask()


def run(task: ReactionDiffusionTask, policy: Policy) -> tuple[Tensor, Tensor]:
    """Published returns from u = 1 and u = 10, and the fields at the end."""
    start = torch.tensor([1.0, 10.0], dtype=torch.float64)[:, None, None].expand(-1, 1, 201)
    scenario, fields, rewards, actions = Scenario(task.plant, start), start, [], []
    for interval in range(task.intervals):
        actions.append(policy(fields, interval))
        fields, reward = task.step(scenario, fields, actions[-1], interval)
        rewards.append(reward)
    return task.published_return(torch.stack(rewards, 1), torch.stack(actions, 1), fields), fields


def published_gains() -> np.ndarray:
    """A kernel of first order, from reaction rates sampled one spacing to the right at 200 points."""
    h, rate = 5e-3, 50 * np.cos(8 * np.arccos(np.linspace(5e-3, 1, 200)))
    before, now = np.zeros(200), np.zeros(200)
    now[1] = -h / 4 * (rate[0] + rate[1])
    for i in range(1, 199):
        after = np.zeros(200)
        after[i + 1] = now[i] - h / 4 * (rate[i - 1] + rate[i])
        after[i] = now[i] - h / 2 * rate[i]
        sides = now[2 : i + 1] + now[: i - 1]
        after[1:i] = sides - before[1:i] + h**2 / 2 * rate[1:i] * sides
        before, now = now, after
    return np.append(h * now, 0.0)


def test_the_published_controller_earns_the_published_returns(task: ReactionDiffusionTask) -> None:
    """299.82 and 298.23 from u = 1 and 10, to half a unit of the last digit."""
    returns, _ = run(task, feedback(task.plant, published_gains()))
    np.testing.assert_allclose(returns, [299.82, 298.23], rtol=0, atol=0.005)


def test_backstepping_with_an_accurate_kernel_earns_more_than_the_published_one(task: ReactionDiffusionTask) -> None:
    """299.91 and 299.1, and the field is at rest at the end."""
    returns, end = run(task, reaction_diffusion_policy(task.plant))
    np.testing.assert_allclose(returns, [299.91, 299.1], rtol=0, atol=0.02)
    assert float(end.abs().max()) < 1e-2


def test_without_control_the_field_grows(task: ReactionDiffusionTask) -> None:
    """-11.3 from u = 1: the norm of 201 ones less that at the end, but for the last interval's missing state."""
    returns, end = run(task, lambda fields, interval: fields.new_zeros(2, 1))
    np.testing.assert_allclose(returns, [-11.3, -113.0], rtol=0, atol=0.05)
    assert float(end[0].norm() - np.sqrt(201)) == pytest.approx(-float(returns[0]), abs=1e-9)


def test_the_last_decision_is_one_solver_step_shorter(task: ReactionDiffusionTask) -> None:
    """999 times 100 and once 99: 99 999 steps, as the published environment takes."""
    start = task.draw(np.random.default_rng(0), 1)
    action = torch.ones(1, 1, dtype=torch.float64)
    last, _ = task.step(start, start.start, action, task.intervals - 1)
    torch.testing.assert_close(last, task.plant.after(start.start, action, 99))
    earlier, _ = task.step(start, start.start, action, 0)
    torch.testing.assert_close(earlier, task.plant.advance(start.start, action))
    assert (earlier - last).abs().max() > 1e-6
