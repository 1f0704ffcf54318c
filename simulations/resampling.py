"""Fourier interpolation of periodic fields to a finer or a coarser grid."""

from collections.abc import Sequence

import torch
from torch import Tensor


def resample(fields: Tensor, shape: Sequence[int]) -> Tensor:
    """Interpolate fields from equispaced periodic points to others; the first point of both grids is the same.

    The interpolation is exact for waves below the Nyquist wavenumbers of both grids. Waves that the
    coarser grid cannot represent are removed, not aliased. At the Nyquist wavenumber of the coarser grid
    only the cosine remains, so that refining and then coarsening again returns the original values.

    Args:
        fields: Real fields of shape ``(..., *space)``; space is the last ``len(shape)`` axes.
        shape: The number of points to interpolate to, one for each space dimension.

    Returns:
        Fields of shape ``(..., *shape)``.

    Raises:
        ValueError: If there are fewer axes than space dimensions, or a number of points is below 1.

    Example:
        >>> import torch
        >>> from simulations import resample
        >>> x = torch.arange(8) * 2 * torch.pi / 8
        >>> resample(x.cos(), (16,)).shape
        torch.Size([16])
    """
    if not 1 <= len(shape) <= fields.ndim or min(shape) < 1:
        raise ValueError(
            f"resample: expected one number of points of at least 1 along each of the last axes of fields "
            f"{tuple(fields.shape)}, got {tuple(shape)}."
        )
    for axis, wanted in zip(range(-len(shape), 0), shape, strict=True):
        fields = _along(fields.movedim(axis, -1), wanted).movedim(-1, axis)
    return fields


def _along(values: Tensor, wanted: int) -> Tensor:
    given = values.shape[-1]
    if wanted == given:
        return values
    spectrum = torch.fft.rfft(values)
    coarser = min(given, wanted)
    weights = values.new_ones(spectrum.shape[-1])
    if coarser % 2 == 0:  # the coarser grid stores +k and -k in one coefficient, the finer grid in two
        weights[coarser // 2] = 0.5 if wanted > given else 2.0
    return torch.fft.irfft(spectrum * weights, n=wanted) * (wanted / given)
