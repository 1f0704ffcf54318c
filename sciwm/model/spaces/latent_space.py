"""What encoder, predictor and readouts have in common: the space of the latents and the maps it allows."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

from torch import Tensor

from sciwm.model.spaces.spectral import SpectralLinear, SpectralProduct, SpectralQuadratics
from sciwm.model.spaces.vector import VectorLinear, VectorProduct, VectorQuadratics

LinearMap = SpectralLinear | VectorLinear
QuadraticMap = SpectralProduct | VectorProduct
Quadratics = SpectralQuadratics | VectorQuadratics


class LatentSpace(Protocol):
    """A spectral or a vector space; maps go between spaces of one kind."""

    @property
    def size(self) -> int:
        """Numbers in one latent."""
        ...

    def repeated(self, times: int) -> Self:
        """Several latents side by side."""
        ...

    def with_modes(self, more: int) -> Self:
        """The space of ``more`` wavenumbers along each axis, where there are any; else the same."""
        ...

    def places_in(self, wider: Any) -> Tensor:
        """Indices of the coordinates of this space among those of a wider one."""
        ...

    def linear(self, to: Any) -> LinearMap:
        """The general linear map to another space."""
        ...

    def product(self, to: Any, rank: int, *, deviation: float) -> QuadraticMap:
        """The general quadratic map, up to ``rank``, to another space."""
        ...

    def quadratics(self) -> Quadratics:
        """The linear and quadratic functionals that the space allows."""
        ...

    def varying_along(self, axes: Sequence[bool]) -> Tensor:
        """Indices of the coordinates of fields that are constant along all other axes."""
        ...

    def wavenumber_blocks(self) -> list[Tensor] | None:
        """Indices of the coordinates of each wavenumber, if there are any."""
        ...
