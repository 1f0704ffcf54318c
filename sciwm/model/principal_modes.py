"""Proper orthogonal decomposition of sampled fields."""

import torch
from torch import Tensor

MOST_SNAPSHOTS = 1024
"""A decomposition of more would take longer than a training."""


def principal_modes(fields: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Orthonormal modes ``(count, V, *space)`` that hold the most variance, and the deviation of each.

    Of many fields, at most ``MOST_SNAPSHOTS`` or four for each mode, spread evenly over all, are taken; there may
    be fewer modes than asked for.
    """
    stride = -(-len(fields) // max(MOST_SNAPSHOTS, 4 * count))
    flat = (fields - fields.mean(dim=0))[::stride].flatten(1).double()
    count = min(count, *flat.shape)
    _, singular, rows = torch.linalg.svd(flat, full_matrices=False)
    modes = rows[:count].unflatten(1, fields.shape[1:]).to(fields)
    return modes, (singular[:count] / max(len(flat) - 1, 1) ** 0.5).to(fields)
