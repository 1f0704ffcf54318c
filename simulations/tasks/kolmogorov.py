"""T6: control turbulent Kolmogorov flow in two dimensions with two rows of vortex actuators.

    w_t + u . grad w = nu lap w - mu w - 4 cos 4y + sum_j a_j g_j    on [0, 2 pi)^2

with nu = 0.01, mu = 0.1, 64^2 points and control intervals of 0.25. The actuators are eight Gaussian patches of
vorticity of width 0.5 and zero mean. There are three goals: the least dissipation, a target field that is
known to be reachable, and the mixing of a passive scalar.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from simulations.equations import NavierStokes, NavierStokesScalar
from simulations.grid import PeriodicGrid
from simulations.initial import random_field
from simulations.shapes import gaussian_jets
from simulations.tasks.task import Scenario, Task

Goal = Literal["dissipation", "target", "mixing"]

WARM_UP = 200
HOLD = 4
INTERVALS = {"dissipation": 32, "target": 16, "mixing": 32}


class Kolmogorov(Task):
    """The task with one of its goals.

    Args:
        goal: ``"dissipation"``, ``"target"`` or ``"mixing"``.
        num_points: The number of points along each side; 64 is that of the task.
        steps_per_interval: The number of solver steps in one control interval, even; 20 is accurate on 64
            points.

    Raises:
        ValueError: If the goal is unknown.
    """

    name = "kolmogorov"
    summary = "control two-dimensional turbulence with vortex actuators"

    def __init__(self, goal: Goal = "dissipation", *, num_points: int = 64, steps_per_interval: int = 20) -> None:
        if goal not in INTERVALS:
            raise ValueError(f"Expected a goal of {', '.join(INTERVALS)}, got '{goal}'.")
        self.goal = goal
        self.intervals = INTERVALS[goal]
        grid = PeriodicGrid.square(num_points, 2 * np.pi)
        jets = gaussian_jets(
            grid, count=(4, 2), width=0.5, limit=1.0, offset=0.5, normalization="peak", zero_mean=True
        )  # fmt: skip
        equation = NavierStokesScalar if goal == "mixing" else NavierStokes
        flow = {"viscosity": 0.01, "drag": 0.1, "forcing_amplitude": 1.0, "forcing_wavenumber": 4.0}
        self.simulation = equation(
            grid,
            jets,
            parameters=flow | ({"diffusivity": 0.01} if goal == "mixing" else {}),
            control_interval=0.25,
            steps_per_interval=steps_per_interval,
        )

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Turbulent states, reached in 50 time units without control."""
        grid = self.simulation.grid
        starts = [random_field(grid, rng, cutoff=6, amplitude=2.0) for _ in range(batch)]
        state = torch.tensor(np.stack(starts), dtype=dtype)[:, None]
        if self.goal == "mixing":  # the scalar enters after the warm-up
            state = torch.cat([state, torch.zeros_like(state)], dim=1)
        state = self._run(state, torch.zeros(WARM_UP, batch, len(self.simulation.actuators), dtype=dtype))
        if self.goal == "mixing":
            state[:, 1] = torch.tensor(np.cos(grid.mesh[0]) + np.zeros(grid.shape), dtype=dtype)
        return Scenario(self.simulation, state, self._target(rng, state) if self.goal == "target" else None)

    def random_actions(self, rng: np.random.Generator, batch: int) -> Tensor:
        """Normal random actions, clipped to [-1, 1] and held for 4 intervals each, ``(interval, batch, actuator)``."""
        count = -(-self.intervals // HOLD)
        levels = rng.normal(size=(count, batch, len(self.simulation.actuators))).clip(-1, 1)
        return torch.tensor(levels.repeat(HOLD, axis=0)[: self.intervals])

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """Minus the dissipation, minus the variance of the scalar, or in the last interval minus :meth:`distance`."""
        if self.goal == "dissipation":
            return -self.simulation.dissipation(after)
        if self.goal == "mixing":
            return -after[:, 1].square().mean(dim=(1, 2))
        return -self.distance(scenario, after) if interval == self.intervals - 1 else after.new_zeros(len(after))

    def target_problems(self, target: Tensor) -> list[str]:
        """A flow at rest is no target, as distances are relative to it."""
        at_rest = not target.flatten(1).any(dim=1).all()
        return ["expected a target that is not zero everywhere, as distances are relative to it"] if at_rest else []

    def distance(self, scenario: Scenario, fields: Tensor) -> Tensor:
        """The mean square distance to the target, relative to the mean square of the target, ``(batch,)``."""
        assert scenario.target is not None  # noqa: S101  (draw made it)
        return (fields - scenario.target).square().flatten(1).mean(1) / scenario.target.square().flatten(1).mean(1)

    def _target(self, rng: np.random.Generator, start: Tensor) -> Tensor:
        return self._run(start, self.random_actions(rng, len(start)).to(start))

    @torch.no_grad()
    def _run(self, state: Tensor, actions: Tensor) -> Tensor:
        for action in actions:
            state = self.simulation.advance(state, action)
        return state
