"""What a control task is: a simulation, where it starts, what is wanted, and for how long."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from simulations.base import Simulation


@dataclass(frozen=True)
class Scenario:
    """A batch of episodes about to begin.

    Args:
        simulation: the plant; parameters that differ between episodes are set in it.
        start: fields at the beginning, ``(batch, channel, *space)``.
        target: fields to be reached, of the same shape, where the task has some.
    """

    simulation: Simulation
    start: Tensor
    target: Tensor | None = None


class Task(ABC):
    """A benchmark task: everything that its published numbers depend on.

    Args of subclasses are the choices that the task leaves open.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    intervals: int

    @abstractmethod
    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """A batch of random episodes."""

    def example(self, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """One episode that is good for shapes and names; a task with a long warm-up may leave it out here."""
        return self.draw(np.random.default_rng(0), 1, dtype=dtype)

    @abstractmethod
    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """What the action ``(batch, actuator)`` of one interval earned, ``(batch,)``; differentiable."""

    def step(self, scenario: Scenario, fields: Tensor, action: Tensor, interval: int) -> tuple[Tensor, Tensor]:
        """Advance by one decision: the fields after it, and its reward ``(batch,)``."""
        after = scenario.simulation.advance(fields, action)
        return after, self.reward(scenario, fields, action, after, interval)

    def failed(self, scenario: Scenario, fields: Tensor) -> Tensor:
        """Which episodes end early because a limit was crossed or the fields blew up, ``(batch,)``."""
        return scenario.simulation.blown_up(fields)

    def observe(self, scenario: Scenario, fields: Tensor, rng: np.random.Generator) -> Tensor:
        """What a controller may see of the fields, ``(batch, observation)``: everything, unless the task says less."""
        return fields.flatten(1)
