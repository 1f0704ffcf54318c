"""Baselines of probing: principal components of the fields, and means over other simulations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sciwm.baselines import Modes, fit_modes, require_fields_alone
from sciwm.data import Trajectories
from simulations import ActionBox
from simulations.closeness import constant

Array = NDArray[Any]


@dataclass
class PrincipalComponents:
    """A ``Dynamics`` of the leading principal components of normalised fields, which are constant in time.

    Args:
        modes: The components.
    """

    modes: Modes
    actuators: ActionBox
    control_interval: float

    @classmethod
    def of(cls, fields: Tensor, size: int, data: Trajectories) -> "PrincipalComponents":
        """Fit to fields ``(sample, variable, *space)``; fewer than ``size`` components if the fields hold no more."""
        modes = fit_modes(fields)
        return cls(modes.truncated(min(size, len(modes))).to(fields.dtype), data.actuators, data.control_interval)

    @property
    def size(self) -> int:
        """Number of components."""
        return len(self.modes)

    def encode(self, fields: Tensor) -> Tensor:
        """Fields ``(batch, variable, *space)`` to components ``(batch, size)``."""
        return self.modes.encode(fields)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """The same state."""
        return state

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The fields that the components stand for, under ``"fields"``.

        Raises:
            InputError: If anything else is asked for.
        """
        require_fields_alone("principal components", names)
        return {name: self.modes.decode(state) for name in names}


def lookup(taught: Array, parameters: Mapping[str, tuple[Array, Array]], count: int, *, nearest: int = 5) -> Array:
    """Estimate targets by their mean over other simulations at the same time, those with the nearest parameters.

    Args:
        taught: Targets of the known simulations, ``(simulation, time, component)``.
        parameters: By name those of the known and of the new simulations, each ``(simulation,)``; if there are none,
            the mean is over all known simulations.
        count: Number of new simulations.
        nearest: Number of known simulations that are averaged.

    Returns:
        ``(count, time, component)``.
    """
    if not parameters:
        return np.broadcast_to(taught.mean(axis=0), (count, *taught.shape[1:]))
    known, new = (np.stack(values, axis=1) for values in zip(*parameters.values(), strict=True))
    deviation = np.where(constant(known, axis=0), np.inf, known.std(axis=0))  # the same for all tells none apart
    distance = np.linalg.norm((new[:, None] - known[None]) / deviation, axis=2)
    rows = np.argsort(distance, axis=1, kind="stable")[:, :nearest]
    return np.asarray(taught[rows].mean(axis=1))
