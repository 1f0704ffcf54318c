"""The interface of a control task: simulation, starts, targets, rewards, observations, length."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from simulations.base import Simulation


@dataclass(frozen=True)
class Scenario:
    """A batch of episodes before their first interval.

    Args:
        simulation: The simulation; it holds the parameters that differ between episodes.
        start: The fields at the start, ``(batch, channel, *space)``, or the state of a wrapped simulation.
        target: The target fields, ``(batch, channel, *space)``; None where the task has none.
    """

    simulation: Simulation
    start: Tensor
    target: Tensor | None = None


class Task(ABC):
    """A control task with everything that its published numbers depend on.

    A subclass sets ``name``, ``summary`` and ``intervals``, the length of an episode in control intervals. Its
    arguments are the choices that the task leaves open.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    intervals: int

    @abstractmethod
    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Draw a batch of random episodes.

        Args:
            rng: The generator of the episodes.
            batch: The number of episodes.
            dtype: The precision of starts and targets.
        """

    def example(self, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """One episode that serves for shapes and names; a task may skip a long warm-up here."""
        return self.draw(np.random.default_rng(0), 1, dtype=dtype)

    @abstractmethod
    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """The reward of one interval, ``(batch,)``; it is differentiable.

        Args:
            scenario: The batch of episodes.
            before: The fields at the beginning of the interval, ``(batch, channel, *space)``.
            action: The action in physical units, ``(batch, actuator)``.
            after: The fields at the end of the interval.
            interval: The number of the interval, from 0.
        """

    def step(self, scenario: Scenario, fields: Tensor, action: Tensor, interval: int) -> tuple[Tensor, Tensor]:
        """Advance by one control interval: the fields at its end, and the reward ``(batch,)``."""
        after = scenario.simulation.advance(fields, action)
        return after, self.reward(scenario, fields, action, after, interval)

    def target_problems(self, target: Tensor) -> list[str]:
        """What keeps given fields ``(batch, channel, *space)`` from being targets of this task; nothing by default."""
        return []

    def failed(self, scenario: Scenario, fields: Tensor) -> Tensor:
        """Which episodes end early, as a limit was crossed or the fields blew up, ``(batch,)``."""
        return scenario.simulation.blown_up(fields)

    def observe(self, scenario: Scenario, fields: Tensor, rng: np.random.Generator) -> Tensor:
        """The observation of a controller, ``(batch, observation)``; all fields by default.

        Args:
            scenario: The batch of episodes.
            fields: The present fields, ``(batch, channel, *space)``.
            rng: Draws the noise of sensors.
        """
        return fields.flatten(1)
