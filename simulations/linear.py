"""Linear equations between walls: many solver steps under a held action are one matrix product.

    u' = A u + B a        in one solver step, so that after n of them

    u(n) = A^n u + (A^{n-1} + ... + A + 1) B a

which equals stepping to rounding, and is thousands of times faster.
"""

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.explicit import ExplicitSimulation

Array = NDArray[Any]


class LinearSimulation(ExplicitSimulation):
    """``u_t = L u`` plus actions for one field along a line, by forward Euler."""

    @abstractmethod
    def operator(self) -> Array:
        """``L`` on the grid, shape ``(x, x)``, or ``(batch, x, x)`` where parameters differ in the batch."""

    def drift(self, fields: Tensor) -> Tensor:
        """``L u``."""
        return fields @ self.table("operator", fields).mT

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a held action ``(batch, actuator)`` in physical units."""
        return self.after(state, action, self.steps_per_interval)

    def after(self, state: Tensor, action: Tensor, steps: int) -> Tensor:
        """The state that many solver steps later, under a held action ``(batch, actuator)``."""
        self._require_fields("state", state)
        self._require_action(state, action)
        propagator, response = self._propagators(state, steps)
        return state @ propagator.mT + action[:, None] @ response.mT

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """The operator beside what every explicit simulation needs."""
        return super().tables() | {"operator": (self.operator(),)}

    def _prepare(self) -> None:
        self._powers: dict[tuple[int, torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}
        super()._prepare()

    def _propagators(self, like: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """``A^n`` and ``(A^{n-1} + ... + 1) B``, shapes ``(..., x, x)`` and ``(..., x, actuator)``."""
        key = (steps, like.dtype, like.device)
        if key not in self._powers:
            points = self.grid.shape[0]
            power = np.linalg.matrix_power(self._augmented_step(), steps)[..., :points, :]
            with torch.inference_mode(False):  # or they would refuse gradients later
                both = torch.tensor(power, dtype=like.dtype, device=like.device)
            self._powers[key] = both[..., :points].contiguous(), both[..., points:].contiguous()
        return self._powers[key]

    def _augmented_step(self) -> Array:
        """One solver step of ``(u, a)``: rows of held points take the action alone."""
        operator = self.operator()
        points, actions = operator.shape[-1], len(self.actuators)
        free = 1.0 - self.held[:, 0].sum(axis=0)
        step = np.zeros((*operator.shape[:-2], points + actions, points + actions))
        step[..., :points, :points] = free[:, None] * (np.eye(points) + self.step * operator)
        step[..., :points, points:] = (free * self.step * self.shapes[:, 0] + self.held[:, 0]).T
        step[..., points:, points:] = np.eye(actions)
        return step
