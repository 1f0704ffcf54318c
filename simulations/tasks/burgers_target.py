"""T1: drive viscous Burgers flow to a given final state.

The benchmark of DiffPhyCon (Wei et al., NeurIPS 2024, arXiv:2407.06494) has 128 interior points of (0, 1),
viscosity 0.01, duration 1, a forcing that is constant over each of 10 intervals, and Euler's method with
10 000 steps. The target is the final state of the same start under a random forcing, so that an exact
solution exists. The score is the mean square distance to the target.
"""

from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import ActionBox, Actuators
from simulations.equations.burgers_dirichlet import BurgersDirichlet, two_humps
from simulations.grid import BoundedGrid
from simulations.tasks.task import Scenario, Task

Array = NDArray[np.float64]
Setting = Literal["FO-PC", "PO-FC", "PO-PC"]
Actuation = Literal["cells", "gaussians"]

NUM_POINTS = 128
DURATION = 1.0
LIMIT = 10.0


class BurgersTarget(Task):
    """The benchmark in one of its settings.

    Args:
        setting: ``"FO-PC"`` observes all points and forces the first and last quarter of them; ``"PO-FC"``
            observes these quarters and forces all points; ``"PO-PC"`` observes and forces the quarters.
        actuation: ``"cells"`` has one actuator at each forced point, as the benchmark. ``"gaussians"`` is
            harder: 8 Gaussian jets of height 1 over the forced points, each half as wide as the distance
            between them.
        steps_per_interval: The number of solver steps in one control interval of the simulation. Scores
            always use the 1000 steps of the benchmark.

    Raises:
        ValueError: If the setting or the actuation is unknown.
    """

    name = "burgers_target"
    summary = "drive viscous Burgers flow between walls to a given final state"
    intervals = 10
    reference_steps: ClassVar[int] = 1000

    def __init__(
        self, setting: Setting = "FO-PC", actuation: Actuation = "cells", *, steps_per_interval: int = 1000
    ) -> None:
        if setting not in ("FO-PC", "PO-FC", "PO-PC") or actuation not in ("cells", "gaussians"):
            raise ValueError(
                f"Expected a setting FO-PC, PO-FC or PO-PC and actuation by cells or gaussians, "
                f"got '{setting}' and '{actuation}'."
            )
        self.setting, self.actuation = setting, actuation
        self.grid = BoundedGrid.interior(NUM_POINTS)
        outer = (np.arange(NUM_POINTS) < NUM_POINTS // 4) | (np.arange(NUM_POINTS) >= 3 * NUM_POINTS // 4)
        self.observed = outer if setting.startswith("PO") else np.ones_like(outer)
        self.forced = outer if setting.endswith("PC") else np.ones_like(outer)
        self.simulation = self._simulation(steps_per_interval, cells=actuation == "cells")
        self.reference = self._simulation(self.reference_steps, cells=actuation == "cells")

    def draw(self, rng: np.random.Generator, batch: int, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Random starts; each target is the final state of its start under :meth:`random_forcing`."""
        start = np.stack([two_humps(self.grid, rng)[None] for _ in range(batch)])
        return self.scenario(start, self.random_forcing(rng, batch), dtype=dtype)

    def example(self, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """One episode with its start as target, which needs no reference simulation."""
        start = torch.tensor(two_humps(self.grid, np.random.default_rng(0)), dtype=dtype)[None, None]
        return Scenario(self.simulation, start, start)

    def scenario(self, start: Array, forcing: Array, *, dtype: torch.dtype = torch.float64) -> Scenario:
        """Episodes with given starts, and with the states that a given forcing reaches as targets.

        Args:
            start: ``(batch, 1, x)``.
            forcing: ``(batch, interval, x)``.
            dtype: The precision of starts and targets.
        """
        reference = self._simulation(self.reference_steps, cells=True)
        state = torch.tensor(start)
        for force in torch.tensor(forcing[..., self.forced]).unbind(1):
            with torch.no_grad():
                state = reference.advance(state, force)
        return Scenario(self.simulation, torch.tensor(start, dtype=dtype), state.to(dtype))

    def random_forcing(self, rng: np.random.Generator, batch: int) -> Array:
        """The random forcing of the benchmark's data, zero at points that are not forced, ``(batch, interval, x)``.

        It is a sum of 8 Gaussians in space and time, of which the first is always present and the others
        with probability 1/2. The sum is doubled where all points are forced, quadrupled otherwise.
        """
        x = self.grid.coordinates["x"]
        times = np.linspace(1 / (self.intervals + 1), self.intervals / (self.intervals + 1), self.intervals)
        present = rng.integers(0, 2, (batch, 8))
        present[:, 0] = 1
        heights = present * rng.uniform(-1.5, 1.5, (batch, 8))
        in_space = _gaussians(x, rng.uniform(0, 1, (batch, 8)), rng.uniform(0.1, 0.4, (batch, 8)) / 2)
        in_time = _gaussians(times, rng.uniform(0, 1, (batch, 8)), rng.uniform(0.1, 0.4, (batch, 8)) / 2)
        total = np.einsum("bg,bgt,bgx->btx", heights, in_time, in_space)
        return (2.0 if self.forced.all() else 4.0) * total * self.forced

    def score(self, scenario: Scenario, actions: Tensor) -> Tensor:
        """The mean square distance J to the target at the end, by the benchmark's scheme in float64, ``(batch,)``.

        Args:
            scenario: The batch of episodes.
            actions: The actions of all intervals, ``(batch, interval, actuator)``; with actuation by cells also
                values at all points, ``(batch, interval, x)``, of which those at forced points count. Values are
                clipped to the limit.
        """
        if self.actuation == "cells" and actions.shape[-1] == NUM_POINTS:
            actions = actions[..., torch.tensor(self.forced)]
        state = scenario.start.double()
        with torch.no_grad():
            for action in actions.double().clamp(-LIMIT, LIMIT).unbind(1):
                state = self.reference.advance(state, action)
        return self._distance(scenario, state)

    def energy(self, actions: Tensor) -> Tensor:
        """The sum of the squared forcing over intervals and points, for actions ``(batch, interval, actuator)``."""
        forcing = torch.tensordot(actions, self.reference.table("shapes", actions)[:, 0], 1)
        return forcing.square().sum(dim=(1, 2))

    def reward(self, scenario: Scenario, before: Tensor, action: Tensor, after: Tensor, interval: int) -> Tensor:
        """``-J`` in the last interval, zero before."""
        if interval < self.intervals - 1:
            return after.new_zeros(len(after))
        return -self._distance(scenario, after)

    def observe(self, scenario: Scenario, fields: Tensor, rng: np.random.Generator) -> Tensor:
        """The values at the observed points, ``(batch, point)``."""
        return fields[:, 0, torch.tensor(self.observed)]

    def _distance(self, scenario: Scenario, fields: Tensor) -> Tensor:
        if scenario.target is None:
            raise ValueError(f"{self.name}: expected a scenario with a target, got none. Use draw.")
        return (fields - scenario.target.to(fields)).square().mean(dim=(1, 2))

    def _simulation(self, steps: int, *, cells: bool) -> BurgersDirichlet:
        return BurgersDirichlet(
            self.grid,
            self._cells() if cells else self._gaussians(),
            parameters={"viscosity": 0.01},
            control_interval=DURATION / self.intervals,
            steps_per_interval=steps,
        )

    def _cells(self) -> Actuators:
        names = [f"cell_{i}" for i in np.flatnonzero(self.forced)]
        return Actuators(ActionBox.symmetric(names, LIMIT), np.eye(NUM_POINTS)[self.forced])

    def _gaussians(self) -> Actuators:
        x = self.grid.coordinates["x"]
        allowed = self.forced.mean()
        places = (np.arange(8) + 0.5) / 8 * allowed
        centres = np.where(places < allowed / 2, places, places + 1 - allowed)  # skips an unforced middle
        shapes = _gaussians(x, centres, np.full(8, allowed / 16)) * self.forced
        return Actuators(ActionBox.symmetric([f"jet_{j}" for j in range(8)], LIMIT), shapes)


def _gaussians(x: Array, centres: Array, widths: Array) -> Array:
    """Gaussians of height 1; the result has the shape of ``centres`` and one more axis for ``x``."""
    return np.asarray(np.exp(-((x - centres[..., None]) ** 2) / (2 * widths[..., None] ** 2)))
