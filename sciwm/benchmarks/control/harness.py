"""Playing a control task, and holding what came out against what is known."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciwm.benchmarks.results import Row
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.progress import bar
from simulations.tasks import Scenario, Task

Policy = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Wanted:
    """What a row is held against.

    Args:
        known: the value it should have, as it stands in its source.
        low, high: between which the mean counts as reproduced.
    """

    known: str
    low: float = -np.inf
    high: float = np.inf

    def met_by(self, mean: float) -> bool | None:
        """Whether a mean lies between the bounds; None where there are none, and the value is there to see."""
        return bool(self.low <= mean <= self.high) if np.isfinite([self.low, self.high]).any() else None


def within(known: float, share: float) -> Wanted:
    """A known value, to be met to a share of it."""
    margin = share * abs(known)
    return Wanted(f"{known:g}", known - margin, known + margin)


def row(
    task: str, controller: str, measure: str, values: Tensor | Sequence[float], wanted: Wanted | None, began: float
) -> Row:
    """One line of the table: mean, its bootstrap interval, and whether it is what was known."""
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
        "known": wanted.known if wanted else None,
        "reproduced": wanted.met_by(mean) if wanted else None,
        "seconds": time.perf_counter() - began,
    }


@dataclass(frozen=True)
class Episode:
    """One batch of episodes.

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
    """Play a task to its end; policies act in physical units."""
    fields, rewards, states, actions = scenario.start, [], [scenario.start], []
    for interval in bar(range(task.intervals), label) if label else range(task.intervals):
        action = scenario.simulation.actuators.clamp(policy(fields, interval))
        fields, reward = task.step(scenario, fields, action, interval)
        rewards.append(reward)
        states.append(fields)
        actions.append(action)
    return Episode(torch.stack(rewards), torch.stack(states), torch.stack(actions))


def replay(actions: Tensor) -> Policy:
    """The policy that follows a plan ``(batch, interval, actuator)`` without looking."""
    return lambda fields, interval: actions[:, interval]
