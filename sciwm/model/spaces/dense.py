"""Linear maps as one matrix, where that is quicker than their parts."""

from collections.abc import Callable

import torch
from torch import Tensor

LatentMap = Callable[[Tensor], Tensor]
"""``(batch, inputs) -> (batch, outputs)``."""

DENSE_ENTRIES = 2**18
"""A linear map with at most so many entries is quicker as one matrix than as its parts."""

CACHED_NUMBERS = 2**18
"""Of what a step makes on the way: with more of them memory, not arithmetic, takes the time."""


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
