"""T4: suppress a pulse that grows and drifts, a linear task whose optimum is known.

The task is the convection-diffusion-reaction environment of controlgym (Zhang et al. 2023, arXiv:2311.18736):

    u_t = 0.002 u_xx - 0.1 u_x + 0.1 u    on [0, 1), periodic, 200 points, exact in time

Eight boxes act as impulses: their forcing is added to u once in each interval of 0.1, so that u+ = A u + B a.
Ten noisy point sensors observe the flow. The reward of an interval counts the state at its beginning.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.equations import AdvectionDiffusionReaction
from simulations.grid import PeriodicGrid
from simulations.shapes import boxes
from simulations.tasks.task import Scenario, Task

Array = NDArray[np.float64]

NUM_POINTS = 200
BOXES = 8
HALF_WIDTH = 10
SENSOR_SPACING = 20
NOISE_VARIANCE = 0.25


def pulse(grid: PeriodicGrid, height: Array | float, width: Array | float) -> Array:
    """``height sech((x - 1/2) / width)`` on the grid; ``(batch, x)`` for heights and widths ``(batch, 1)``."""
    return np.asarray(height / np.cosh((grid.coordinates["x"] - 0.5) / width))


class Convection(Task):
    """The benchmark, with bounded actions.

    Args:
        limit: The bound ``|a_j| <= limit``; the linear optimum exceeds the bound 1 in its first intervals only.
    """

    name = "convection"
    summary = "suppress a drifting, growing pulse; linear, the optimum is known"
    intervals = 100

    def __init__(self, *, limit: float = 1.0) -> None:
        grid = PeriodicGrid.line(NUM_POINTS, 1.0)
        centres = [int((j + 0.5) * NUM_POINTS / BOXES) for j in range(BOXES)]
        points = grid.spacing[0]
        edges = [((c - HALF_WIDTH - 0.5) * points, (c + HALF_WIDTH - 0.5) * points) for c in centres]
        self.simulation = AdvectionDiffusionReaction(
            grid,
            boxes(grid, intervals=edges, limit=limit, impulsive=True),
            parameters={"velocity": 0.1, "diffusivity": 0.002, "growth": 0.1, "saturation": 0.0},
            control_interval=0.1,
            steps_per_interval=2,
        )

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Pulses ``c sech((x - 1/2) / s)`` with c uniform in (0.9, 1.1) and s in (0.04, 0.06)."""
        height, width = rng.uniform(0.9, 1.1, (batch, 1)), rng.uniform(0.04, 0.06, (batch, 1))
        return Scenario(self.simulation, torch.tensor(pulse(self.simulation.grid, height, width)[:, None], dtype=dtype))

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """``-(|u|^2 + |a|^2)``, sums over points and actions, with the state u at the beginning of the interval."""
        return -before.square().sum(dim=(1, 2)) - action.square().sum(dim=1)

    def observe(self, scenario: Scenario, fields: Tensor, rng: np.random.Generator) -> Tensor:
        """Every 20th point with noise of variance 0.25, ``(batch, sensor)``."""
        seen = fields[:, 0, ::SENSOR_SPACING]
        noise = rng.normal(scale=np.sqrt(NOISE_VARIANCE), size=seen.shape)
        return seen + torch.as_tensor(noise, dtype=seen.dtype, device=seen.device)
