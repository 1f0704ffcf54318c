"""Two layouts of the values inside a step: whole latents with one matrix per map, or blocks by wave vector.

Small maps are quicker as one matrix, large ones as a small matrix for each wave vector. In both layouts maps are
applied by :func:`affine`; only products are computed outside them, on the grid.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from sciwm.model.spaces import SpectralLinear, SpectralProduct
from sciwm.model.spaces.dense import DENSE_ENTRIES
from sciwm.model.spaces.latent_space import LinearMap, QuadraticMap


def layout_of(product: QuadraticMap) -> "Whole | WaveByWave":
    """The quicker layout for a quadratic map of a latent space to itself."""
    if isinstance(product, SpectralProduct) and len(product.scale) * len(product.offset()) > DENSE_ENTRIES:
        return WaveByWave(product)
    return Whole(product)


def affine(plus: Tensor, z: Tensor, matrix: Tensor) -> Tensor:
    """``plus + z matrix`` for values in either layout.

    Args:
        plus: What is added, in the layout.
        z: Values in the layout, or actions ``(batch, actuator)``, which all wave vectors share.
        matrix: The matrix of a map, or one for each wave vector.
    """
    if matrix.ndim == 2:
        return torch.addmm(plus, z, matrix)
    return torch.baddbmm(plus, z.expand(len(matrix), -1, -1), matrix)


class Whole:
    """The layout of small maps: latents ``(batch, size)`` as they are, and one matrix per map.

    The matrices include the transforms to the grid and back.

    Attributes:
        view: All factors of the products on the grid, ``(size, factors)``.
        offset: Their constants there, ``(factors,)``.
        back: From products on the grid to latents, ``(factors / 2, size)``.
    """

    def __init__(self, product: QuadraticMap) -> None:
        self.offset = product.offset()
        self.view = product.view()(torch.eye(len(product.scale)).to(product.scale))
        self.back = product.combine()(torch.eye(len(self.offset) // 2).to(product.scale))

    def arranged(self, latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` unchanged."""
        return latents

    def flat(self, values: Tensor) -> Tensor:
        """Values ``(batch, size)`` unchanged."""
        return values

    def matrix(self, linear: LinearMap) -> Tensor:
        """The matrix of a linear map, ``(size, size)``."""
        return linear.map()(torch.eye(len(self.view)).to(self.view))

    def multiplied(self, factors: Tensor) -> Tensor:
        """The product of the left and the right half of the factors."""
        left, right = factors.chunk(2, dim=1)
        return left * right


class WaveByWave:
    """The layout of large spectral maps: latents sorted by wave vector, and a small matrix for each wave vector.

    Attributes:
        view: All factors of the products, ``(wave vectors, C 2^D, 2 rank 2^D)``.
        offset: Their constants, ``(wave vectors, 1, 2 rank 2^D)``.
        back: From products to latents, ``(wave vectors, rank 2^D, C 2^D)``.
    """

    def __init__(self, product: SpectralProduct) -> None:
        self.product, self.space, factors = product, product.factors.start, product.factors.end
        self.view, self.back = product.view_matrices(), product.back_matrices()
        first = nn.functional.pad(product.constants[:, None], (0, math.prod(factors.shape) - 1))  # of all coefficients
        self.offset = factors.by_waves(first.view(1, -1))

    def arranged(self, latents: Tensor) -> Tensor:
        """Sort latents by wave vector, ``(batch, size) -> (wave vectors, batch, C 2^D)``."""
        return self.space.by_waves(latents)

    def flat(self, values: Tensor) -> Tensor:
        """Inverse of :meth:`arranged`, ``(wave vectors, batch, C 2^D) -> (batch, size)``."""
        return self.space.from_waves(values)

    def matrix(self, linear: LinearMap) -> Tensor:
        """The matrices of a linear map, ``(wave vectors, C 2^D, C 2^D)``."""
        return cast(SpectralLinear, linear).matrices()

    def multiplied(self, factors: Tensor) -> Tensor:
        """The product of the left and the right half of the factors, computed on the grid."""
        left, right = self.product.to_grid(factors).chunk(2, dim=1)
        return self.product.from_grid(left * right)
