"""Bring an unstable field to rest by an action at a wall, with the rewards of the PDE Control Gym.

Rewards are differences of the norm. An episode that ends near rest earns a bonus, less the final norm and
the effort at the wall (Bhan et al. 2024, arXiv:2405.11401). The norm is the root of the sum of squares over
the points.
"""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from simulations.linear import LinearSimulation
from simulations.tasks.task import Scenario, Task


class Stabilization(Task):
    """A task with uniform starts ``u = c``, controlled by the field at the right wall.

    The published return subtracts the effort, the sum of ``|u(L)| / 1000`` over solver steps, at the end of an
    episode, and only if the norm is below ``admitted_norm`` then. Here every interval pays for its own effort,
    so that its reward depends on that interval alone. For an episode that ends below ``admitted_norm`` the sum
    of rewards equals the published return; :meth:`published_return` gives it for all episodes.

    Args:
        start: The bounds of c, which is drawn uniformly. The published results are for c = 1, for c = 10, and
            for c between them.

    Raises:
        ValueError: If the bounds are not in order.
    """

    bonus: ClassVar[float] = 300.0
    admitted_norm: ClassVar[float] = 20.0
    failure_norm: ClassVar[float] = 1e10
    failure_penalty: ClassVar[float] = 1000.0
    lookback: ClassVar[int] = 100
    solver_steps: ClassVar[int]

    def __init__(self, start: tuple[float, float] = (1.0, 10.0)) -> None:
        if not start[0] <= start[1]:
            raise ValueError(f"{self.name}: expected start = (low, high) in this order, got {start}.")
        self.start = start
        self.plant = self.build_plant()
        self.intervals = int(np.ceil(self.solver_steps / self.plant.steps_per_interval))

    @abstractmethod
    def build_plant(self) -> LinearSimulation:
        """The simulation of every episode."""

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """A batch of starts that are uniform in space."""
        levels = torch.tensor(rng.uniform(*self.start, batch), dtype=dtype)
        return Scenario(self.plant, levels[:, None, None].expand(-1, 1, *self.plant.grid.shape).clone())

    def step(self, scenario: Scenario, fields: Tensor, action: Tensor, interval: int) -> tuple[Tensor, Tensor]:
        """Advance by one control interval; the last one may have fewer solver steps."""
        after = _plant(scenario).after(fields, action, self._steps(interval))
        return after, self.reward(scenario, fields, action, after, interval)

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """The decrease of the norm over the last 100 solver steps of the interval (or all of it), less the effort.

        The norm 100 solver steps before the end is computed by advancing ``before`` again.
        """
        steps = self._steps(interval)
        earlier = _plant(scenario).after(before, action, max(steps - self.lookback, 0))
        end = self._norm(after)
        earned = self._norm(earlier) - end
        if interval == self.intervals - 1:
            held_at_start = scenario.start[:, 0, -1].abs()  # the published sum over steps includes the start
            earned = torch.where(end < self.admitted_norm, self.bonus - held_at_start / 1000 - end, earned)
        remaining = self.solver_steps + 1 - interval * self.plant.steps_per_interval - steps
        earned = torch.where(self.failed(scenario, after), -self.failure_penalty * remaining, earned)
        return earned - steps / 1000 * action[:, 0].abs()

    def failed(self, scenario: Scenario, fields: Tensor) -> Tensor:
        """Whether the norm has reached 1e10, ``(batch,)``."""
        return ~(self._norm(fields) < self.failure_norm)  # also true for nan

    def published_return(self, rewards: Tensor, actions: Tensor, end: Tensor) -> Tensor:
        """The return of each episode as the benchmark counts it, ``(batch,)``.

        Args:
            rewards: The rewards of all intervals, ``(batch, interval)``.
            actions: The actions of all intervals, ``(batch, interval, actuator)``.
            end: The fields at the end of the episode.
        """
        steps = rewards.new_tensor([self._steps(i) for i in range(actions.shape[1])])
        effort = (steps / 1000 * actions[..., 0].abs()).sum(dim=1)
        return rewards.sum(dim=1) + torch.where(self._norm(end) < self.admitted_norm, 0.0, effort)

    def _steps(self, interval: int) -> int:
        """The number of solver steps of an interval."""
        each = self.plant.steps_per_interval
        return min(each, self.solver_steps - interval * each)

    def _norm(self, fields: Tensor) -> Tensor:
        return torch.linalg.vector_norm(fields.flatten(1), dim=1)


def _plant(scenario: Scenario) -> LinearSimulation:
    if not isinstance(scenario.simulation, LinearSimulation):
        raise TypeError(
            f"Expected a linear simulation, which can advance by single solver steps, got "
            f"{type(scenario.simulation).__name__}. Use the scenario that the task draws."
        )
    return scenario.simulation
