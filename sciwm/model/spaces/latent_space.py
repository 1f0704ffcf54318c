"""The interface of latent spaces: their coordinates, and the maps between them."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

from torch import Tensor

from sciwm.model.spaces.spectral import SpectralLinear, SpectralProduct, SpectralQuadratics
from sciwm.model.spaces.vector import VectorLinear, VectorProduct, VectorQuadratics

LinearMap = SpectralLinear | VectorLinear
QuadraticMap = SpectralProduct | VectorProduct
Quadratics = SpectralQuadratics | VectorQuadratics


class LatentSpace(Protocol):
    """A spectral or a vector space. Maps go between spaces of the same kind."""

    @property
    def size(self) -> int:
        """The number of values in one latent."""
        ...

    def repeated(self, times: int) -> Self:
        """The space of several latents side by side."""
        ...

    def with_modes(self, more: int) -> Self:
        """The space with ``more`` wavenumbers along each axis; the same space if it has no wavenumbers."""
        ...

    def places_in(self, wider: Any) -> Tensor:
        """The indices of this space's coordinates among those of a wider one."""
        ...

    def linear(self, to: Any) -> LinearMap:
        """The general linear map to another space."""
        ...

    def product(self, to: Any, rank: int, *, deviation: float) -> QuadraticMap:
        """The general quadratic map of a ``rank`` to another space; its weights start with a standard deviation."""
        ...

    def quadratics(self) -> Quadratics:
        """The linear and quadratic functionals of the space."""
        ...

    def varying_along(self, axes: Sequence[bool]) -> Tensor:
        """The indices of the coordinates of fields that vary along some axes only."""
        ...

    def wavenumber_blocks(self) -> list[Tensor] | None:
        """The indices of the coordinates of each wavenumber; None if there are no wavenumbers."""
        ...
