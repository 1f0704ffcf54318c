"""Principal components of sampled fields (proper orthogonal decomposition)."""

import torch
from torch import Tensor

MOST_SNAPSHOTS = 1024
"""The number of fields above which a decomposition would take longer than a training."""


def principal_modes(fields: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The orthonormal modes of largest variance of fields ``(sample, V, *space)``, and their standard deviations.

    At most ``MOST_SNAPSHOTS`` fields, or four for each mode, are used, evenly spaced.

    Args:
        fields: ``(sample, V, *space)``.
        count: The number of modes; there are fewer where the fields have fewer points or samples.

    Returns:
        The modes ``(count, V, *space)`` and the deviations ``(count,)``.
    """
    stride = -(-len(fields) // max(MOST_SNAPSHOTS, 4 * count))
    flat = (fields - fields.mean(dim=0))[::stride].flatten(1).double()
    count = min(count, *flat.shape)
    _, singular, rows = torch.linalg.svd(flat, full_matrices=False)
    modes = rows[:count].unflatten(1, fields.shape[1:]).to(fields)
    return modes, (singular[:count] / max(len(flat) - 1, 1) ** 0.5).to(fields)
