"""The same function on other points of a periodic box."""

from collections.abc import Sequence

import torch
from torch import Tensor


def resample(fields: Tensor, shape: Sequence[int]) -> Tensor:
    """Fourier interpolation from equispaced periodic points to others, the first one in common.

    Exact for waves below the Nyquist wavenumbers of both grids. Towards a coarser grid waves beyond
    it are left out rather than aliased. A wave at the Nyquist wavenumber of the coarser grid is seen
    there as its cosine alone, so that refining and coarsening again gives back what was there.

    Args:
        fields: ``(..., *space)``, real.
        shape: number of points wanted along each space dimension, ``len(shape)`` of them.

    Raises:
        ValueError: if there are fewer axes than space dimensions, or a number of points is below 1.

    Example:
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
    if coarser % 2 == 0:  # one coefficient stands for both signs on the coarser grid, for one on the finer
        weights[coarser // 2] = 0.5 if wanted > given else 2.0
    return torch.fft.irfft(spectrum * weights, n=wanted) * (wanted / given)
