"""Statistics over the whole batch, where every process (rank) holds a part of it.

A loss that is nonlinear in batch means needs the means over all ranks: the average of the ranks' own losses is
biased. Gradients are scaled for training that averages gradients over ranks afterwards, as
``DistributedDataParallel`` does: the result is the gradient of the mean of the ranks' losses. Every rank must hold
the same number of samples and make the same calls in the same order. Without a process group everything here is the
identity.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def num_ranks() -> int:
    """The number of processes that train together; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rows_of_this_rank(count: int) -> slice:
    """The rows of this rank's ``count`` samples among those of all ranks."""
    rank = dist.get_rank() if num_ranks() > 1 else 0
    return slice(rank * count, (rank + 1) * count)


def mean_over_ranks(values: Tensor) -> Tensor:
    """The mean over ranks of a tensor that has the same shape on each, element by element; differentiable."""
    return _Mean.apply(values) if num_ranks() > 1 else values  # type: ignore[no-untyped-call]


def gather_over_ranks(samples: Tensor) -> Tensor:
    """The rows of all ranks in order, ``(n, ...) -> (ranks n, ...)``; differentiable."""
    return _Gather.apply(samples) if num_ranks() > 1 else samples  # type: ignore[no-untyped-call]


class _Mean(torch.autograd.Function):
    """The mean, which is its own adjoint: averaging gradients over ranks afterwards adds the missing factor."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _sum(values) / num_ranks()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _sum(gradient) / num_ranks()


class _Gather(torch.autograd.Function):
    """The gather; its adjoint sums the gradients of all ranks and keeps this rank's rows."""

    @staticmethod
    def forward(ctx: Any, samples: Tensor) -> Tensor:
        ctx.rows = rows_of_this_rank(len(samples))
        parts = [torch.empty_like(samples) for _ in range(num_ranks())]
        dist.all_gather(parts, samples.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _sum(gradient)[ctx.rows]


def _sum(values: Tensor) -> Tensor:
    total = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total
