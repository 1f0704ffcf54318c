"""Linear maps as one matrix, where that is quicker than their parts.

A model keeps such maps, and goes with them to other processes. Therefore they are made of functions that have a name
(``functools.partial``, methods), as closures and lambdas cannot be pickled.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

LatentMap = Callable[[Tensor], Tensor]
"""A map ``(batch, inputs) -> (batch, outputs)``."""

DENSE_ENTRIES = 2**18
"""The number of entries up to which a linear map is quicker as one matrix than as its parts."""

CACHED_NUMBERS = 2**18
"""The number of intermediate values above which a step spends its time on memory instead of arithmetic."""


def as_matrix(linear: LatentMap, inputs: int, outputs: int, like: Tensor) -> Tensor | None:
    """The matrix of a linear map, to multiply from the right, ``(inputs, outputs)``; None if it is large."""
    if inputs * outputs > DENSE_ENTRIES:
        return None
    return linear(torch.eye(inputs, dtype=like.dtype, device=like.device))


def applied(linear: LatentMap, latent: Tensor, outputs: int) -> Tensor:
    """``linear(latent)``, computed by the matrix of the map where the batch is large enough to pay for it."""
    matrix = as_matrix(linear, latent.shape[1], outputs, latent) if len(latent) > 2 * latent.shape[1] else None
    return linear(latent) if matrix is None else latent @ matrix


class Assembled:
    """A linear map, assembled as one matrix if that is small.

    Args:
        linear: The map.
        inputs: The size of its arguments.
        outputs: The size of its results.
        like: A tensor in the precision and on the device of the matrix.
    """

    def __init__(self, linear: LatentMap, inputs: int, outputs: int, like: Tensor) -> None:
        self.linear = linear
        self.matrix = as_matrix(linear, inputs, outputs, like)

    def __call__(self, z: Tensor, plus: Tensor) -> Tensor:
        """``linear(z) + plus``."""
        return self.linear(z).add_(plus) if self.matrix is None else torch.addmm(plus, z, self.matrix)


def in_parts(of_rows: Callable[..., Tensor], numbers: int) -> Callable[..., Tensor]:
    """The same function of rows, computed for a few rows at once where no gradient is needed.

    Args:
        of_rows: A function of tensors ``(batch, ...)`` to one ``(batch, ...)`` that treats every row by itself.
        numbers: The number of intermediate values of one row.
    """
    return partial(_parted, of_rows, max(1, CACHED_NUMBERS // numbers))


def _parted(of_rows: Callable[..., Tensor], at_once: int, *tensors: Tensor) -> Tensor:
    if torch.is_grad_enabled() or len(tensors[0]) <= at_once:
        return of_rows(*tensors)
    return torch.cat([of_rows(*part) for part in zip(*(t.split(at_once) for t in tensors), strict=True)])
