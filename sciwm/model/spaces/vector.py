"""Vector latents, for any domain, and the general linear and quadratic maps between them.

They have the interface of :mod:`sciwm.model.spaces.spectral`, so that predictor and readouts take either.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sciwm.model.spaces.dense import LatentMap

LEADING = 32
"""The number of leading coordinates whose products with one another are functionals."""

PRODUCTS_PER_RANK = 8
"""The number of products that one rank stands for: a product here is one number, in a spectral space a whole field."""


@dataclass(frozen=True)
class VectorSpace:
    """The space of vectors of ``length`` numbers, or of several of them side by side."""

    length: int
    copies: int = 1

    @property
    def size(self) -> int:
        """The number of values in one latent."""
        return self.length * self.copies

    def repeated(self, times: int) -> "VectorSpace":
        """The space of several latents side by side."""
        return VectorSpace(self.length, times * self.copies)

    def with_modes(self, more: int) -> "VectorSpace":
        """The same space, as it has no wavenumbers."""
        return self

    def places_in(self, wider: "VectorSpace") -> Tensor:
        """The indices of the leading coordinates."""
        return torch.arange(self.size)

    def linear(self, to: "VectorSpace") -> "VectorLinear":
        """The general linear map to another space."""
        return VectorLinear(self, to)

    def product(self, to: "VectorSpace", rank: int, *, deviation: float) -> "VectorProduct":
        """The general quadratic map of a ``rank``."""
        return VectorProduct(self, to, rank, deviation=deviation)

    def quadratics(self) -> "VectorQuadratics":
        """All coordinates, their squares, and products of the leading ones."""
        return VectorQuadratics(self)

    def varying_along(self, axes: Sequence[bool]) -> Tensor:
        """The indices of all coordinates, as they belong to no axis."""
        return torch.arange(self.size)

    def wavenumber_blocks(self) -> list[Tensor] | None:
        """None, as there are no wavenumbers."""
        return None


class VectorLinear(nn.Module):
    """The linear map ``z -> z W``."""

    def __init__(self, start: VectorSpace, to: VectorSpace) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(start.size, to.size))

    @torch.no_grad()
    def set_identity(self, factor: float) -> "VectorLinear":
        """Start from ``factor`` times the identity on the coordinates that both spaces share."""
        shared = range(min(self.weight.shape))
        self.weight.zero_()
        self.weight[shared, shared] = factor
        return self

    @torch.no_grad()
    def set_random(self, deviation: float) -> "VectorLinear":
        """Start from independent normal numbers."""
        self.weight.normal_(0, deviation)
        return self

    def map(self) -> LatentMap:
        """The map for the present weights, ``(batch, size) -> (batch, size of the other space)``."""
        return partial(_multiplied, self.weight)

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, size) -> (batch, size of the other space)``."""
        return latent @ self.weight


def _multiplied(matrix: Tensor, latent: Tensor) -> Tensor:
    return latent @ matrix


class VectorProduct(nn.Module):
    """``q(z) = sum_r w_r (u_r . z + c_r) (v_r . z + d_r)``, of coordinates in the units of the fields.

    Args:
        start: The space of the arguments.
        to: The space of the results.
        rank: The number of products, divided by ``PRODUCTS_PER_RANK``. 16 is a good value.
        deviation: The standard deviation of the first results, about.
    """

    def __init__(self, start: VectorSpace, to: VectorSpace, rank: int, *, deviation: float) -> None:
        super().__init__()
        products = VectorSpace(PRODUCTS_PER_RANK * rank)
        self.factors = start.linear(products.repeated(2)).set_random(1 / math.sqrt(start.size))
        self.back = products.linear(to).set_random(deviation / math.sqrt(products.size))
        self.constants = nn.Parameter(torch.zeros(2 * products.size))
        self.register_buffer("scale", torch.ones(start.size))
        self.scale: Tensor

    @torch.no_grad()
    def fit(self, scale: Tensor, latents: Tensor | None = None) -> None:
        """Take over the scales of the latents."""
        self.scale.copy_((scale / scale.square().mean().sqrt()).flatten().repeat(len(self.scale) // scale.numel()))

    def view(self) -> LatentMap:
        """The linear map to all factors, without their constants."""
        return self._factors_of

    def _factors_of(self, latent: Tensor) -> Tensor:
        factors: Tensor = self.factors(self.scale * latent)
        return factors

    def combine(self) -> LatentMap:
        """The linear map from products to the other space."""
        return self.back.map()

    def offset(self) -> Tensor:
        """The constants of all factors."""
        return self.constants

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, size) -> (batch, size of the other space)``."""
        left, right = (self.view()(latent) + self.offset()).chunk(2, dim=-1)
        return self.combine()(left * right)


class VectorQuadratics(nn.Module):
    """The functionals ``z_i``, ``z_i^2``, and ``z_i z_j`` of the leading coordinates of each copy."""

    def __init__(self, space: VectorSpace) -> None:
        super().__init__()
        kept = min(space.length, max(1, LEADING // space.copies))
        leading = torch.arange(space.size).view(space.copies, space.length)[:, :kept].flatten()
        one, other = torch.triu_indices(len(leading), len(leading), offset=1)
        self.register_buffer("one", leading[one], persistent=False)
        self.register_buffer("other", leading[other], persistent=False)
        self.one: Tensor
        self.other: Tensor
        self.count = 2 * space.size + len(one)

    def forward(self, latent: Tensor) -> Tensor:
        """The functionals ``(batch, count)`` of latents ``(batch, size)``."""
        return torch.cat([latent, latent.square(), latent[:, self.one] * latent[:, self.other]], dim=1)
