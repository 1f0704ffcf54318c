"""Linear equations between walls: one matrix product takes many solver steps under a held action.

One solver step is ``u' = A u + B a``, so that after n steps

    u(n) = A^n u + (A^{n-1} + ... + A + 1) B a

This equals n single steps up to rounding. For a thousand steps it is thousands of times faster.
"""

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.explicit import ExplicitSimulation
from simulations.torch_modes import exact, ordinary

Array = NDArray[Any]


class LinearSimulation(ExplicitSimulation):
    """``u_t = L u`` plus actions, for one field along a line, by forward Euler.

    An equation defines :meth:`operator`; see :class:`~simulations.explicit.ExplicitSimulation` for the
    arguments.
    """

    @abstractmethod
    def operator(self) -> Array:
        """``L`` on the grid: ``(x, x)``, or ``(batch, x, x)`` where parameters differ within the batch."""

    def drift(self, fields: Tensor) -> Tensor:
        """``L u``."""
        return fields @ self.table("operator", fields).mT

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a held action ``(batch, actuator)`` in physical units."""
        return self.after(state, action, self.steps_per_interval)

    @exact
    def after(self, state: Tensor, action: Tensor, steps: int) -> Tensor:
        """The state after some solver steps under a held action.

        Args:
            state: Fields of shape ``(batch, 1, x)``.
            action: Actions in physical units, ``(batch, actuator)``.
            steps: The number of solver steps; the matrix power for each number is computed once.
        """
        self._require_fields("state", state)
        self._require_action(state, action)
        propagator, response = self._propagators(state, steps)
        return state @ propagator.mT + action[:, None] @ response.mT

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """The operator, and the tables of every explicit simulation."""
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
            with ordinary():  # the powers stay, for callers in other modes too
                both = torch.tensor(power, dtype=like.dtype, device=like.device)
                self._powers[key] = both[..., :points].contiguous(), both[..., points:].contiguous()
        return self._powers[key]

    def _augmented_step(self) -> Array:
        """The matrix of one solver step of ``(u, a)``; in the rows of held points only the action counts."""
        operator = self.operator()
        points, actions = operator.shape[-1], len(self.actuators)
        free = 1.0 - self.held[:, 0].sum(axis=0)
        step = np.zeros((*operator.shape[:-2], points + actions, points + actions))
        step[..., :points, :points] = free[:, None] * (np.eye(points) + self.step * operator)
        step[..., :points, points:] = (free * self.step * self.shapes[:, 0] + self.held[:, 0]).T
        step[..., points:, points:] = np.eye(actions)
        return step
