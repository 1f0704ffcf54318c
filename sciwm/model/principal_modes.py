"""Principal components of sampled fields (proper orthogonal decomposition)."""

import torch
from torch import Tensor

MOST_SNAPSHOTS = 1024
"""The number of fields above which a decomposition would take longer than a training."""

AT_ONCE = 2**22
"""The number of values that are held in double precision at once."""

NEGLIGIBLE = 1e-12
"""The variance of anomalies, in units of the variance of the fields, below which a variable does not vary in time."""

SMALLEST_SHARE = 1e-12
"""The share of the largest variance below which a mode of weighted fields is rounding."""


def principal_modes(fields: Tensor, count: int, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The modes of largest variance of fields ``(sample, V, *space)``, and their standard deviations.

    At most ``MOST_SNAPSHOTS`` fields, or four for each mode, are used, evenly spaced.

    Args:
        fields: ``(sample, V, *space)``.
        count: The number of modes; there are fewer where the fields have fewer points or samples.
        weights: What a point of a variable counts, ``(V, *space)``; all alike by default. Modes are zero where it is
            zero.

    Returns:
        The modes ``(count, V, *space)``, orthonormal with regard to the weights, and the deviations ``(count,)``.
    """
    stride = -(-len(fields) // max(MOST_SNAPSHOTS, 4 * count))
    if weights is not None:
        return _weighted_modes(fields[::stride], count, weights)
    flat = (fields - fields.mean(dim=0))[::stride].flatten(1).double()
    count = min(count, *flat.shape)
    _, singular, rows = torch.linalg.svd(flat, full_matrices=False)
    modes = rows[:count].unflatten(1, fields.shape[1:]).to(fields)
    return modes, (singular[:count] / max(len(flat) - 1, 1) ** 0.5).to(fields)


def weights_of_anomalies(fields: Tensor, points: Tensor) -> Tensor:
    """What a point of a variable counts where variables count by their anomalies, ``(V, *space)``.

    Variables with a strong mean pattern would else have weak anomalies, and be forgotten beside the others.

    Args:
        fields: Normalised fields, ``(sample, V, *space)``.
        points: What each point counts, ``(V, *space)``.
    """
    total = points.flatten(1).sum(dim=1).clamp(min=1e-30)
    variance = (fields.var(dim=0) * points).flatten(1).sum(dim=1) / total
    share = torch.where(variance > NEGLIGIBLE, 1 / variance, torch.zeros_like(variance))
    return points * share.view(-1, *(1 for _ in points.shape[1:]))


def _weighted_modes(fields: Tensor, count: int, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Modes by the method of snapshots (Sirovich 1987, doi:10.1090/qam/910462), a bounded number of values at once."""
    flat, roots = fields.flatten(1), weights.flatten().double().sqrt()
    width = max(1, AT_ONCE // len(flat))
    parts = list(zip(flat.split(width, dim=1), roots.split(width), strict=True))

    def weighted(part: Tensor, root: Tensor) -> Tensor:
        values = part.double()
        return (values - values.mean(dim=0)) * root

    products = sum((x @ x.T for x in (weighted(*part) for part in parts)), flat.new_zeros((), dtype=torch.float64))
    variances, vectors = torch.linalg.eigh(products)
    kept = (variances > SMALLEST_SHARE * variances[-1]).flip(0).nonzero().flatten()[:count]
    variances, vectors = variances.flip(0)[kept], vectors.flip(1)[:, kept]
    rows = torch.cat([vectors.T @ weighted(*part) for part in parts], dim=1) / variances.sqrt()[:, None]
    rows = torch.linalg.qr(rows.T).Q.T  # rounding spoils the orthogonality of weak modes
    modes = torch.where(roots > 0, rows / roots, torch.zeros_like(rows))
    deviations = (variances / max(len(flat) - 1, 1)).sqrt()
    return modes.unflatten(1, fields.shape[1:]).to(fields), deviations.to(fields)
