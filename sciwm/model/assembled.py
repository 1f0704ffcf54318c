"""Linear maps as one matrix, where that is quicker than their parts."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

LatentMap = Callable[[Tensor], Tensor]
"""``(batch, inputs) -> (batch, outputs)``."""

DENSE_ENTRIES = 2**18
"""A linear map with at most so many entries is quicker as one matrix than as its parts."""

CACHED_NUMBERS = 2**18
"""Of what a step makes on the way: with more of them memory, not arithmetic, takes the time."""


class Layout(Protocol):
    """How a step holds its numbers, and the matrices of its maps then, for their weights as they are.

    A map is applied by :func:`affine`. Maps are those of one latent space to itself.
    """

    def arranged(self, latents: Tensor) -> Tensor:
        """Of latents ``(batch, size)``."""
        ...

    def flat(self, values: Tensor) -> Tensor:
        """Inverse of ``arranged``."""
        ...

    def matrix(self, linear: Any) -> Tensor:
        """Of a linear map."""
        ...

    def view(self, product: Any) -> Tensor:
        """Of the factors of a quadratic map, without their constants."""
        ...

    def offset(self, product: Any) -> Tensor:
        """What the constants add to ``view``."""
        ...

    def back(self, product: Any) -> Tensor:
        """Of the way back from products."""
        ...

    def to_grid(self, product: Any, factors: Tensor) -> Tensor:
        """What is multiplied, ``(batch, factor, ...)``."""
        ...

    def from_grid(self, product: Any, products: Tensor) -> Tensor:
        """What ``back`` takes."""
        ...


class Whole:
    """Latents ``(batch, size)`` as they are: quickest where they are small. Implements ``Layout``.

    Args:
        size: of the latents.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def arranged(self, latents: Tensor) -> Tensor:
        """Nothing to do."""
        return latents

    def flat(self, values: Tensor) -> Tensor:
        """Nothing to do."""
        return values

    def matrix(self, linear: Any) -> Tensor:
        """``(size, size)``."""
        matrix: Tensor = linear.map()(torch.eye(self.size).to(linear.weight))
        return matrix

    def view(self, product: Any) -> Tensor:
        """``(size, factors)``, to the grid."""
        matrix: Tensor = product.view()(torch.eye(self.size).to(product.scale))
        return matrix

    def offset(self, product: Any) -> Tensor:
        """``(factors,)``."""
        offset: Tensor = product.offset()
        return offset

    def back(self, product: Any) -> Tensor:
        """``(products, size)``, from the grid."""
        matrix: Tensor = product.combine()(torch.eye(len(product.offset()) // 2).to(product.scale))
        return matrix

    def to_grid(self, product: Any, factors: Tensor) -> Tensor:
        """They are there."""
        return factors

    def from_grid(self, product: Any, products: Tensor) -> Tensor:
        """That is what ``back`` does."""
        return products


def affine(plus: Tensor, z: Tensor, matrix: Tensor) -> Tensor:
    """``plus + z matrix``, of arranged values; of what is alike in every part, such as actions, there may be one."""
    if matrix.ndim == 2:
        return torch.addmm(plus, z, matrix)
    return torch.baddbmm(plus, z.expand(len(matrix), -1, -1), matrix)


def as_matrix(linear: LatentMap, inputs: int, outputs: int, like: Tensor) -> Tensor | None:
    """A linear map of latents ``(batch, inputs)`` as the matrix to multiply from the right; None if that is large."""
    if inputs * outputs > DENSE_ENTRIES:
        return None
    return linear(torch.eye(inputs, dtype=like.dtype, device=like.device))


def applied(linear: LatentMap, latent: Tensor, outputs: int) -> Tensor:
    """``linear(latent)``, by way of its matrix where the batch is large enough for that to pay."""
    matrix = as_matrix(linear, latent.shape[1], outputs, latent) if len(latent) > 2 * latent.shape[1] else None
    return linear(latent) if matrix is None else latent @ matrix


class Assembled:
    """A linear map, as one matrix where that is small.

    Args:
        linear: the map.
    """

    def __init__(self, linear: LatentMap, inputs: int, outputs: int, like: Tensor) -> None:
        self.linear = linear
        self.matrix = as_matrix(linear, inputs, outputs, like)

    def __call__(self, z: Tensor, plus: Tensor) -> Tensor:
        """The image of ``z`` plus something."""
        return self.linear(z).add_(plus) if self.matrix is None else torch.addmm(plus, z, self.matrix)


def in_parts(of_rows: Callable[..., Tensor], numbers: int) -> Callable[..., Tensor]:
    """The same function of rows, taken of a few at once where no gradient is asked for.

    Args:
        of_rows: tensors ``(batch, ...)`` to one ``(batch, ...)``, every row by itself.
        numbers: that a row makes on the way.
    """
    at_once = max(1, CACHED_NUMBERS // numbers)

    def parted(*tensors: Tensor) -> Tensor:
        if torch.is_grad_enabled() or len(tensors[0]) <= at_once:
            return of_rows(*tensors)
        return torch.cat([of_rows(*part) for part in zip(*(t.split(at_once) for t in tensors), strict=True)])

    return parted
