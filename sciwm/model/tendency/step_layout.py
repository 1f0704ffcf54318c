"""How a step holds its numbers: whole latents and one matrix a map, or wave vector by wave vector.

Either way a map is applied by :func:`affine`, and only products leave the layout, for the grid.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from sciwm.model.spaces import SpectralLinear, SpectralProduct
from sciwm.model.spaces.dense import DENSE_ENTRIES
from sciwm.model.spaces.latent_space import LinearMap, QuadraticMap


def layout_of(product: QuadraticMap) -> "Whole | WaveByWave":
    """The quicker one for a quadratic map of a latent space to itself."""
    if isinstance(product, SpectralProduct) and len(product.scale) * len(product.offset()) > DENSE_ENTRIES:
        return WaveByWave(product)
    return Whole(product)


def affine(plus: Tensor, z: Tensor, matrix: Tensor) -> Tensor:
    """``plus + z matrix``, of values in a layout; actions ``(batch, actuator)`` are the same to every wave vector."""
    if matrix.ndim == 2:
        return torch.addmm(plus, z, matrix)
    return torch.baddbmm(plus, z.expand(len(matrix), -1, -1), matrix)


class Whole:
    """Latents ``(batch, size)`` as they are, and every map one matrix, transforms to the grid and back among them.

    Attributes:
        view: all factors on the grid, ``(size, factors)``.
        offset: their constants there, ``(factors,)``.
        back: from products on the grid, ``(factors / 2, size)``.
    """

    def __init__(self, product: QuadraticMap) -> None:
        self.offset = product.offset()
        self.view = product.view()(torch.eye(len(product.scale)).to(product.scale))
        self.back = product.combine()(torch.eye(len(self.offset) // 2).to(product.scale))

    def arranged(self, latents: Tensor) -> Tensor:
        """``(batch, size)``, as they are."""
        return latents

    def flat(self, values: Tensor) -> Tensor:
        """``(batch, size)``, as they are."""
        return values

    def matrix(self, linear: LinearMap) -> Tensor:
        """``(size, size)``."""
        return linear.map()(torch.eye(len(self.view)).to(self.view))

    def multiplied(self, factors: Tensor) -> Tensor:
        """The left half of the factors times the right one."""
        left, right = factors.chunk(2, dim=1)
        return left * right


class WaveByWave:
    """Latents as :meth:`SpectralSpace.by_waves` has them, and a small matrix a wave vector for every map.

    Attributes:
        view: all factors, ``(wave vectors, C 2^D, 2 rank 2^D)``.
        offset: their constants, ``(wave vectors, 1, 2 rank 2^D)``.
        back: from products, ``(wave vectors, rank 2^D, C 2^D)``.
    """

    def __init__(self, product: SpectralProduct) -> None:
        self.product, self.space, factors = product, product.factors.start, product.factors.end
        self.view, self.back = product.view_matrices(), product.back_matrices()
        first = nn.functional.pad(product.constants[:, None], (0, math.prod(factors.shape) - 1))  # of all coefficients
        self.offset = factors.by_waves(first.view(1, -1))

    def arranged(self, latents: Tensor) -> Tensor:
        """``(batch, size) -> (wave vectors, batch, C 2^D)``."""
        return self.space.by_waves(latents)

    def flat(self, values: Tensor) -> Tensor:
        """``(wave vectors, batch, C 2^D) -> (batch, size)``."""
        return self.space.from_waves(values)

    def matrix(self, linear: LinearMap) -> Tensor:
        """``(wave vectors, C 2^D, C 2^D)``."""
        return cast(SpectralLinear, linear).matrices()

    def multiplied(self, factors: Tensor) -> Tensor:
        """The left half of the factors times the right one, on the grid."""
        left, right = self.product.to_grid(factors).chunk(2, dim=1)
        return self.product.from_grid(left * right)
