"""Linear least squares with a ridge chosen by cross-validation."""

import torch
from torch import Tensor

RIDGES = tuple(10.0**-n for n in range(2, 11))
"""The ridges to choose from, relative to the mean square of features of unit size."""


def least_squares(features: Tensor, values: Tensor) -> Tensor:
    """The weights w of ``features w ~ values``, in double precision:

        < |x w - y|^2 > + ridge |w|^2 -> min

    The ridge of each value has the least error of generalised cross-validation (Golub, Heath & Wahba 1979,
    doi:10.1080/00401706.1979.10489751), < |x w - y|^2 > / (1 - degrees of freedom / samples)^2.

    Args:
        features: ``(sample, n)``, of about unit size.
        values: ``(sample, m)``.

    Returns:
        ``(n, m)``.
    """
    x, y = features.double(), values.double()
    spectrum, axes = torch.linalg.eigh(x.T @ x / len(x))
    spectrum, along = spectrum.clamp(min=0)[:, None], axes.T @ (x.T @ y) / len(x)
    best, least = torch.zeros_like(along), torch.full_like(y[0], torch.inf)
    for ridge in RIDGES:
        w = along / (spectrum + ridge)
        freedom = float((spectrum / (spectrum + ridge)).sum()) / len(x)
        error = (y.square().mean(dim=0) - (w * (2 * along - spectrum * w)).sum(dim=0)) / max(1 - freedom, 1e-6) ** 2
        best, least = torch.where(error < least, w, best), torch.minimum(error, least)
    return axes @ best
