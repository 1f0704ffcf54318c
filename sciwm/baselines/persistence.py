"""Persistence: the forecast that the fields stay as they are."""

from collections.abc import Sequence

from torch import Tensor

from sciwm.baselines.fields_alone import require_fields_alone
from simulations import ActionBox


class Persistence:
    """A ``Dynamics`` whose state is the fields and never changes, whatever the actions.

    Args:
        actuators: names and bounds of the actions, which have no effect.
        control_interval: time that one :meth:`advance` stands for.
    """

    def __init__(self, actuators: ActionBox, control_interval: float) -> None:
        self.actuators = actuators
        self.control_interval = control_interval

    def encode(self, fields: Tensor) -> Tensor:
        """The fields ``(batch, variable, *space)``."""
        return fields

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """The same state."""
        return state

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The fields under ``"fields"``.

        Raises:
            InputError: if anything else is asked for.
        """
        require_fields_alone("persistence", names)
        return dict.fromkeys(names, state)
