"""Energy spectra on periodic domains, and distances between spectra and between distributions."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulations import PeriodicGrid

Array = NDArray[np.float64]

SMALLEST_SHARE = 1e-8
"""Wavenumbers with less than this share of the largest true energy hold rounding errors and are not compared."""


def energy_spectrum(fields: Tensor, grid: PeriodicGrid) -> Tensor:
    """Mean square of fields by shells of ``|k|``; the sum over all shells is the mean square.

    Args:
        fields: Fields ``(..., *space)``.
        grid: Grid of the fields.

    Returns:
        ``(..., shell)``: shell n holds the waves whose ``|k|`` is nearest to n times the lowest wavenumber.
    """
    shells = torch.from_numpy(_shells(grid)).to(fields.device)
    weights = fields.new_tensor(np.broadcast_to(grid.parseval_weights, _shells(grid).shape))
    dims = tuple(range(-len(grid.shape), 0))
    energy = torch.fft.rfftn(fields, dim=dims).abs().square() * weights
    flat = energy.flatten(-len(grid.shape))
    summed = flat.new_zeros(*flat.shape[:-1], int(shells.max()) + 1)
    return summed.index_add(-1, shells.flatten(), flat)


def shell_wavenumbers(grid: PeriodicGrid) -> Array:
    """The physical wavenumber of every shell."""
    return np.arange(_shells(grid).max() + 1) * 2 * np.pi / max(grid.extents)


def log_spectral_distance(spectrum: Array, reference: Array) -> Array:
    """Root mean square over shells of ``10 log10 (E / E_ref)``, in decibel.

    The mean flow (shell 0) and shells that are empty in the reference are left out. A field that is c times too
    large has a distance of ``20 |log10 c|`` decibel.

    Args:
        spectrum, reference: ``(..., shell)``.

    Returns:
        ``(...)``; NaN where a spectrum is not finite, infinite where a shell is empty that is not in the reference.
    """
    spectrum, reference = spectrum[..., 1:].astype(float), reference[..., 1:].astype(float)
    compared = reference > SMALLEST_SHARE * reference.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        decibel = np.where(compared, 10 * np.log10(spectrum / np.where(compared, reference, 1.0)), 0.0)
        mean = (decibel**2).sum(axis=-1) / compared.sum(axis=-1)
    return np.asarray(np.sqrt(mean))


def wasserstein(values: ArrayLike, reference: ArrayLike) -> float:
    """The Wasserstein distance of two samples, in their units: ``int |F - G| dx`` with distribution functions F, G.

    Args:
        values, reference: Finite, ``(n,)`` and ``(m,)``.
    """
    samples = [np.sort(np.asarray(v, dtype=np.float64)) for v in (values, reference)]
    together = np.sort(np.concatenate(samples))
    below = [np.searchsorted(s, together[:-1], side="right") / len(s) for s in samples]
    return float(np.sum(np.abs(below[0] - below[1]) * np.diff(together)))


def _shells(grid: PeriodicGrid) -> NDArray[np.int64]:
    squares = sum(k**2 for k in grid.wavenumbers)
    lowest = 2 * np.pi / max(grid.extents)
    return np.asarray(np.rint(np.sqrt(np.asarray(squares)) / lowest).astype(np.int64))
