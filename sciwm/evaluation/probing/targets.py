"""Targets of probes: functionals, phases, and parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

BANDS = ((1, 2), (3, 4), (5, 8), (9, 16))
"""Octaves of wavenumbers, in units of the lowest one of the domain, both ends included."""


@dataclass(frozen=True)
class Target:
    """One quantity at every instant of every trajectory.

    Args:
        name: Name of the quantity.
        kind: ``functional`` (stored in the data, so that a model may have been trained on it),
            ``held_out`` (computed from the fields here, which no model was trained on), ``phase`` or ``parameter``.
        values: Values ``(simulation, time, component)``; its components are scored together.
    """

    name: str
    kind: str
    values: Array


def held_out_functionals(fields: Tensor, names: Sequence[str], extents: Sequence[float]) -> dict[str, Tensor]:
    """Functionals of any fields on a periodic grid, per variable v, with <.> the spatial mean:

        <|grad v|^2>,  <(lap v)^2>,  <v^3>,  <v^4>,  and  sum_(k in band) |v_k|^2 for octaves of |k|

    Args:
        fields: Fields ``(batch, variable, *space)``.
        names: Names of the variables.
        extents: Length of the domain along each space dimension.

    Returns:
        Each ``(batch,)``; bands without waves on the grid are left out.
    """
    power, squared, relative = _spectrum(fields, extents)
    space = tuple(range(2, fields.ndim))
    columns = {
        "mean |grad {}|^2": (power * squared).sum(space),
        "mean (lap {})^2": (power * squared.square()).sum(space),
        "mean {}^3": fields.pow(3).mean(space),
        "mean {}^4": fields.pow(4).mean(space),
    }
    for low, high in BANDS:
        inside = (relative > low - 0.5) & (relative <= high + 0.5)
        if inside.any() and high <= min(fields.shape[2:]) // 2:
            columns[f"{{}} energy, waves {low}-{high}"] = (power * inside).sum(space)
    return {text.format(v): column[:, i] for i, v in enumerate(names) for text, column in columns.items()}


def phases(fields: Tensor, names: Sequence[str], *, modes: int) -> dict[str, Tensor]:
    """Cosine and sine of the phase of the leading Fourier modes along the first space dimension.

    Args:
        fields: Fields ``(batch, variable, *space)``, on a periodic grid.
        names: Names of the variables.
        modes: Number of modes, from the longest wave on.

    Returns:
        Each ``(batch, 2)``; zero where a mode vanishes.
    """
    along = fields.mean(dim=tuple(range(3, fields.ndim))) if fields.ndim > 3 else fields
    spectrum = torch.fft.rfft(along, dim=2)[:, :, 1 : modes + 1]
    size = spectrum.abs()
    unit = torch.where(size > 0, spectrum / size.clamp_min(torch.finfo(size.dtype).tiny), 0.0)
    pairs = torch.stack([unit.real, unit.imag], dim=-1)
    return {f"phase of {v}, wave {k + 1}": pairs[:, i, k] for i, v in enumerate(names) for k in range(pairs.shape[2])}


def _spectrum(fields: Tensor, extents: Sequence[float]) -> tuple[Tensor, Tensor, Tensor]:
    """Power of every wave ``(batch, variable, *modes)``, its physical ``|k|^2``, its ``|k|`` in lowest waves."""
    shape = fields.shape[2:]
    power = torch.fft.fftn(fields, dim=tuple(range(2, fields.ndim))).abs().square() / float(np.prod(shape)) ** 2
    along = [torch.fft.fftfreq(n, 1 / n).to(power) for n in shape]
    integers = torch.meshgrid(*along, indexing="ij")
    squared = sum((2 * torch.pi * k / extent).square() for k, extent in zip(integers, extents, strict=True))
    squared = torch.as_tensor(squared)
    return power, squared, squared.sqrt() * max(extents) / (2 * torch.pi)
