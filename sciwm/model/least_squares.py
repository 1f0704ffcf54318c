"""The best linear answer to data."""

import torch
from torch import Tensor


def least_squares(features: Tensor, values: Tensor, *, ridge: float) -> Tensor:
    """``w`` of ``features w ~ values``, ``(sample, n) (n, m) -> (sample, m)``, in double precision.

    < |x w - y|^2 > + ridge |w|^2 -> min
    """
    x, y = features.double(), values.double()
    samples, count = x.shape
    if count <= samples:
        return torch.linalg.solve(x.T @ x + ridge * samples * _identity(x, count), x.T @ y)
    return x.T @ torch.linalg.solve(x @ x.T + ridge * samples * _identity(x, samples), y)


def _identity(like: Tensor, size: int) -> Tensor:
    return torch.eye(size, dtype=like.dtype, device=like.device)
