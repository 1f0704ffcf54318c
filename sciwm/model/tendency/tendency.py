"""What an integrator asks of a tendency, apart from how it advances it."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor


class PreparedTendency(Protocol):
    """A tendency ``z' = l z + N(z, a)`` whose maps are assembled, for weights that rest over a rollout.

    Values inside a step are in whatever layout suits the maps; a *row* is one element of the batch.
    """

    @property
    def numbers_per_row(self) -> int:
        """How many numbers one row makes on the way, by which the integrator bounds its memory."""
        ...

    def arranged(self, latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` in the layout."""
        ...

    def flat(self, values: Tensor) -> Tensor:
        """Inverse of :meth:`arranged`."""
        ...

    def held(self, action: Tensor) -> Callable[[Tensor], Tensor]:
        """``N(., a)`` over one substep for a held action ``(batch, actuator)`` in [-1, 1], on arranged values."""
        ...

    def propagated(self, z: Tensor, plus: Tensor) -> Tensor:
        """``E z + plus``, where E advances ``l z`` over one substep."""
        ...

    def corrected(self, difference: Tensor, plus: Tensor) -> Tensor:
        """``R difference + plus``, the second stage of the scheme."""
        ...


class Tendency(Protocol):
    """A learned tendency; a new one is a file in this folder and a case in ``sciwm.model.construction``.

    Implementations are ``torch.nn.Module``.
    """

    def fit(self, scales: Tensor, latents: Tensor) -> None:
        """Take over the scales of the coordinates, ``(1, size)``, and those of products, from samples ``(n, size)``."""
        ...

    def set_forcing(self, forcing: Tensor) -> None:
        """Start from what actions add over one substep, ``(actuator, size)``, where shapes are not known."""
        ...

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """What scaled actions add, ``(actuator, size)``; ``shapes`` are those of the actuators, if known."""
        ...

    def prepared(self, shapes: Tensor | None) -> PreparedTendency:
        """Assemble the maps once, for a whole rollout."""
        ...
