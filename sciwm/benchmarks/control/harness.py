"""Episodes of a control task under a policy, and rows that compare their costs with known values."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciwm.benchmarks.results import Row
from sciwm.evaluation import bootstrap_interval
from sciwm.progress import bar
from simulations.tasks import Scenario, Task

Policy = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Reference:
    """A known value of a row.

    Args:
        known: the value as its source prints it.
        low, high: bounds between which a mean counts as reproduced; leave both out to show the value alone.
    """

    known: str
    low: float = -np.inf
    high: float = np.inf

    def met_by(self, mean: float) -> bool | None:
        """Whether a mean lies between the bounds; None where there are no bounds."""
        return bool(self.low <= mean <= self.high) if np.isfinite([self.low, self.high]).any() else None


def within(known: float, share: float) -> Reference:
    """A known value with bounds.

    Args:
        known: the value.
        share: of the value, by which a mean may differ from it.
    """
    margin = share * abs(known)
    return Reference(f"{known:g}", known - margin, known + margin)


def row(
    task: str,
    controller: str,
    measure: str,
    values: Tensor | Sequence[float],
    reference: Reference | None,
    began: float,
) -> Row:
    """One row of the table: the mean over episodes, its bootstrap interval, and whether the known value is reproduced.

    Args:
        task, controller, measure: names.
        values: of every episode.
        reference: the known value, if there is one.
        began: ``time.perf_counter()`` when the work on it began.
    """
    sample = np.asarray(values, dtype=float).reshape(-1)
    mean = float(sample.mean())
    low, high = bootstrap_interval(sample) if len(sample) > 1 else (mean, mean)
    return {
        "task": task,
        "controller": controller,
        "measure": measure,
        "episodes": len(sample),
        "mean": mean,
        "interval": [low, high],
        "deviation": float(sample.std(ddof=1)) if len(sample) > 1 else None,
        "median": float(np.median(sample)),
        "known": reference.known if reference else None,
        "reproduced": reference.met_by(mean) if reference else None,
        "seconds": time.perf_counter() - began,
    }


@dataclass(frozen=True)
class Episode:
    """A batch of episodes.

    Args:
        rewards: ``(interval, batch)``.
        states: ``(interval + 1, batch, channel, *space)``.
        actions: ``(interval, batch, actuator)``.
    """

    rewards: Tensor
    states: Tensor
    actions: Tensor


@torch.no_grad()
def run(task: Task, scenario: Scenario, policy: Policy, label: str = "") -> Episode:
    """A batch of episodes of a task to its end.

    Args:
        task: what is to be controlled.
        scenario: its starts and targets.
        policy: fields ``(batch, variable, *space)`` and the number of the interval to physical actions
            ``(batch, actuator)``, which are clamped to the bounds.
        label: of a progress bar; none if left out.
    """
    fields, rewards, states, actions = scenario.start, [], [scenario.start], []
    for interval in bar(range(task.intervals), label) if label else range(task.intervals):
        action = scenario.simulation.actuators.clamp(policy(fields, interval))
        fields, reward = task.step(scenario, fields, action, interval)
        rewards.append(reward)
        states.append(fields)
        actions.append(action)
    return Episode(torch.stack(rewards), torch.stack(states), torch.stack(actions))


def replay(actions: Tensor) -> Policy:
    """Open loop: the policy that executes a plan ``(batch, interval, actuator)`` whatever the fields are."""
    return lambda fields, interval: actions[:, interval]
