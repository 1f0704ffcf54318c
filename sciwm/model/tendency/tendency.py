"""The interface between a tendency (dz/dt) and the integrator that advances it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

from sciwm.model.linear_step import Substep


class PreparedTendency(Protocol):
    """A tendency ``dz/dt = l z + N(z, a)`` with its maps assembled, for a rollout in which weights do not change.

    Values inside a step are in the layout that suits the maps. A *row* is one element of the batch.
    """

    @property
    def numbers_per_row(self) -> int:
        """The number of intermediate values of one row, by which the integrator bounds its memory."""
        ...

    def arranged(self, latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` as the layout holds them."""
        ...

    def flat(self, values: Tensor) -> Tensor:
        """Inverse of :meth:`arranged`."""
        ...

    def held(self, action: Tensor) -> Callable[[Tensor], Tensor]:
        """``N(., a)`` over one substep for a held scaled action ``(batch, actuator)``, of values in the layout."""
        ...

    def propagated(self, z: Tensor, plus: Tensor) -> Tensor:
        """``E z + plus``, where E advances ``l z`` over one substep."""
        ...

    def corrected(self, difference: Tensor, plus: Tensor) -> Tensor:
        """``R difference + plus``, where R weighs the change of N in the second stage."""
        ...


class Tendency(nn.Module, ABC):
    """A learned tendency. A new one is a file in this folder and a case in ``sciwm.model.construction``."""

    @abstractmethod
    def fit(self, scales: Tensor, latents: Tensor) -> None:
        """Take over the scales of the coordinates, and measure what else depends on the data.

        Args:
            scales: The scales of the coordinates, ``(1, size)``.
            latents: Samples, ``(n, size)``.
        """

    def see(self, fields: Tensor, mean: Tensor) -> None:
        """Take over what the coordinates look like; most tendencies need not know.

        Args:
            fields: What one unit of each coordinate adds to the normalised fields, ``(size, variable, *space)``.
            mean: The fields at zero, ``(variable, *space)``.
        """

    @abstractmethod
    def set_linear(self, substep: Substep) -> None:
        """Start from a linear substep, with everything else at no effect, where shapes are not known."""

    def quick_part(self) -> list[nn.Parameter]:
        """The weights that may change quickly beside a linear start; by default none."""
        return []

    @abstractmethod
    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what scaled actions add over one substep, ``(actuator, size)``, where shapes are not known."""

    @abstractmethod
    def actuation(self, shapes: Tensor | None) -> Tensor:
        """What scaled actions add to the tendency, ``(actuator, size)``.

        Args:
            shapes: The coordinates of the actuators' shapes, if known.
        """

    @abstractmethod
    def prepared(self, shapes: Tensor | None) -> PreparedTendency:
        """Assemble the maps once, for a whole rollout."""
