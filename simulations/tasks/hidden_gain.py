"""T7: calm a forced Burgers flow with two actuators of unknown gain.

Gain, viscosity, forcing and the velocities at the walls differ between episodes and are not observed, so
that a controller must find them out in every episode.
"""

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import ActionBox, Actuators
from simulations.equations.burgers_hidden_gain import HiddenGainBurgers, sine_waves
from simulations.grid import BoundedGrid
from simulations.tasks.task import Scenario, Task

Array = NDArray[np.float64]

RANGES = {
    "gain": (0.65, 1.35),
    "viscosity": (0.008, 0.018),
    "forcing": (0.4, 0.8),
    "frequency": (0.5, 1.5),
    "phase": (0.0, 2 * np.pi),
    "left": (-0.03, 0.03),
    "right": (-0.03, 0.03),
}
START_AMPLITUDE = (0.03, 0.12)
ACTION_WEIGHT = 0.002
FINAL_WEIGHT = 4.0


class HiddenGain(Task):
    """The task: 20 control intervals of 0.025, two Gaussian actuators with ``|a| <= 2``, 48 nodes."""

    name = "hidden_gain"
    summary = "calm a forced Burgers flow through actuators of unknown gain"
    intervals = 20
    failing_speed: ClassVar[float] = 0.55

    def __init__(self) -> None:
        self.grid = BoundedGrid.nodes(48)
        self.simulation = HiddenGainBurgers(
            self.grid, self._actuators(), parameters={}, control_interval=0.025, steps_per_interval=50
        )

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Parameters uniform in their ranges; starts linear between the walls, plus four sine waves."""
        parameters = {name: rng.uniform(*bounds, batch) for name, bounds in RANGES.items()}
        x = self.grid.coordinates["x"]
        between = parameters["left"][:, None] * (1 - x) + parameters["right"][:, None] * x
        waves = np.stack([rng.uniform(*START_AMPLITUDE) * sine_waves(x, rng) for _ in range(batch)])
        start = np.stack([between + waves, np.zeros_like(waves)], axis=1)
        return Scenario(self.simulation.with_parameters(parameters), torch.tensor(start, dtype=dtype))

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """``-(<u^2> + 0.002 |a|^2)`` with u at the beginning of the interval; at the end also ``-4 <u^2>``."""
        cost = before[:, 0].square().mean(dim=1) + ACTION_WEIGHT * action.square().sum(dim=1)
        if interval == self.intervals - 1:
            cost = cost + FINAL_WEIGHT * after[:, 0].square().mean(dim=1)
        return -cost

    def failed(self, scenario: Scenario, fields: Tensor) -> Tensor:
        """Whether the root mean square velocity exceeds 0.55 or the fields blew up, ``(batch,)``."""
        speed = fields[:, 0].square().mean(dim=1).sqrt()
        return super().failed(scenario, fields) | (speed > self.failing_speed)

    def observe(self, scenario: Scenario, fields: Tensor, rng: np.random.Generator) -> Tensor:
        """The velocity at every node, ``(batch, x)``; gain and forcing are not observed."""
        return fields[:, 0]

    def _actuators(self) -> Actuators:
        x = self.grid.coordinates["x"]
        shapes = np.exp(-((x - np.array([[0.28], [0.72]])) ** 2) / (2 * 0.1**2))
        shapes[:, [0, -1]] = 0.0
        shapes /= shapes.max(axis=1, keepdims=True)
        return Actuators(ActionBox.symmetric(["jet_0", "jet_1"], 2.0), shapes)
