"""T5: control Kuramoto-Sivashinsky chaos with Gaussian jets, at L = 22, N = 64 and intervals of 0.25.

There are three goals: rest, with eight jets; the least dissipation, with four jets; and one of the three
unstable equilibria, with four jets (Cvitanovic et al. 2010, doi:10.1137/070705623). With four equispaced jets
no linear feedback holds rest, as the sine of the second mode has its nodes at the jets.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from simulations.equations import KuramotoSivashinsky
from simulations.grid import PeriodicGrid
from simulations.shapes import gaussian_jets
from simulations.tasks.task import Scenario, Task

Goal = Literal["rest", "dissipation", "E1", "E2", "E3"]

EXTENT = 22.0
INTERVAL = 0.25
WARM_UP = 800


class Chaos(Task):
    """The task with one of its goals.

    Args:
        goal: ``"rest"``, ``"dissipation"``, or the equilibrium ``"E1"``, ``"E2"`` or ``"E3"``, named by its
            number of waves.
        jets: The number of jets; by default 8 for rest and 4 for the other goals.
        steps_per_interval: The number of solver steps in one control interval, even; 4 is accurate.

    Raises:
        ValueError: If the goal is unknown or there is no jet.
    """

    name = "chaos"
    summary = "tame Kuramoto-Sivashinsky chaos with jets"
    intervals = 400

    def __init__(self, goal: Goal = "rest", *, jets: int | None = None, steps_per_interval: int = 4) -> None:
        if goal not in ("rest", "dissipation", "E1", "E2", "E3"):
            raise ValueError(f"Expected a goal of rest, dissipation, E1, E2 or E3, got '{goal}'.")
        if jets is None:
            jets = 8 if goal == "rest" else 4
        if not isinstance(jets, int) or jets < 1:
            raise ValueError(f"{self.name}: expected jets >= 1, a whole number, got {jets}.")
        self.goal = goal
        grid = PeriodicGrid.line(64, EXTENT)
        self.simulation = KuramotoSivashinsky(
            grid,
            gaussian_jets(grid, count=jets, width=0.4, limit=1.0),
            parameters={},
            control_interval=INTERVAL,
            steps_per_interval=steps_per_interval,
        )
        self.target = np.zeros((1, 64)) if goal == "rest" else None
        if goal.startswith("E"):
            self.target = self.simulation.equilibrium(int(goal[1]))

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """States of the attractor with zero mean flow, reached in 200 time units without control."""
        waves = [self.simulation.initial_state(rng, amplitude=1.0) for _ in range(batch)]
        state = torch.tensor(np.stack(waves), dtype=dtype)
        state = state - state.mean(dim=-1, keepdim=True)
        unforced = torch.zeros(batch, len(self.simulation.actuators), dtype=dtype)
        with torch.no_grad():
            for _ in range(WARM_UP):
                state = self.simulation.advance(state, unforced)
        target = None if self.target is None else torch.tensor(self.target, dtype=dtype).expand_as(state).clone()
        return Scenario(self.simulation, state, target)

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """Minus the dissipation ``<u_xx^2>``, or minus the mean square distance to the target."""
        if scenario.target is None:
            return -self.simulation.dissipation(after)
        return -(after - scenario.target).square().mean(dim=(1, 2))
