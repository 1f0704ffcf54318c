"""What latents have to beat: principal components of the fields, and a table of times and parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data.schema import Trajectories
from simulations import ActionBox

Array = NDArray[Any]

ENOUGH = 1024  # samples that principal components come from


@dataclass
class PrincipalComponents:
    """The leading principal components of normalised fields, which stay as they are when advanced.

    Args:
        mean, deviation: of each variable, ``(1, variable, 1...)``.
        middle: mean of the normalised fields, ``(variable times points,)``.
        directions: ``(variable times points, size)``, orthonormal.
    """

    mean: Tensor
    deviation: Tensor
    middle: Tensor
    directions: Tensor
    actuators: ActionBox
    control_interval: float

    @classmethod
    def of(cls, fields: Tensor, size: int, data: Trajectories) -> "PrincipalComponents":
        """From ``(sample, variable, *space)``, of which ``ENOUGH`` are used: no more components than these."""
        space = (0, *range(2, fields.ndim))
        mean, deviation = fields.mean(space, keepdim=True), fields.std(space, keepdim=True)
        scaled = ((fields - mean) / deviation).flatten(1)[:: max(1, len(fields) // ENOUGH)]
        middle = scaled.mean(dim=0)
        directions = torch.linalg.svd(scaled - middle, full_matrices=False).Vh[:size].T
        return cls(mean, deviation, middle, directions, data.actuators, data.control_interval)

    @property
    def size(self) -> int:
        """How many components."""
        return self.directions.shape[1]

    def encode(self, fields: Tensor) -> Tensor:
        """``(batch, variable, *space)`` to ``(batch, size)``."""
        return (((fields - self.mean) / self.deviation).flatten(1) - self.middle) @ self.directions

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Nothing happens."""
        return state

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The fields that the components stand for, all points of a variable in one row, under ``"fields"``."""
        scaled = (state @ self.directions.T + self.middle).unflatten(1, (self.mean.shape[1], -1))
        return {name: scaled * self.deviation.flatten(2) + self.mean.flatten(2) for name in names}


def lookup(taught: Array, parameters: Mapping[str, tuple[Array, Array]], count: int, *, nearest: int = 5) -> Array:
    """The mean of what other simulations did at the same time, of those with the nearest parameters.

    Args:
        taught: targets of the known simulations, ``(simulation, time, component)``.
        parameters: by name those of the known and of the asked simulations, each ``(simulation,)``.
        count: how many are asked.

    Returns:
        ``(count, time, component)``.
    """
    if not parameters:
        return np.broadcast_to(taught.mean(axis=0), (count, *taught.shape[1:]))
    known, asked = (np.stack(values, axis=1) for values in zip(*parameters.values(), strict=True))
    deviation = np.where(known.std(axis=0) > 0, known.std(axis=0), 1.0)
    distance = np.linalg.norm((asked[:, None] - known[None]) / deviation, axis=2)
    rows = np.argsort(distance, axis=1, kind="stable")[:, :nearest]
    return np.asarray(taught[rows].mean(axis=1))
