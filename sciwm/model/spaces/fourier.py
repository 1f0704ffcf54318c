"""Truncated Fourier series of real fields: basis, layout of the coefficients, and quarter turns of the phase.

Coefficients along an axis are ordered as ``[c_0, c_1 .. c_K, s_1 .. s_K]`` in the orthonormal basis
``1, sqrt(2) cos(k x), sqrt(2) sin(k x)`` on ``[0, 2 pi)``. *Split* coefficients are ``[c_0 .. c_K, s_0 .. s_K]`` with
``s_0 = 0``, so that every wavenumber has the same number.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def basis(modes: int, num_points: int) -> Tensor:
    """The basis functions on equispaced points, ``(2 modes + 1, num_points)``."""
    x = torch.arange(num_points, dtype=torch.float64) * (2 * math.pi / num_points)
    kx = torch.arange(1, modes + 1, dtype=torch.float64)[:, None] * x
    ones = torch.ones(1, num_points, dtype=torch.float64)
    return torch.cat([ones, math.sqrt(2) * kx.cos(), math.sqrt(2) * kx.sin()]).float()


def along_axes(values: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Multiply each of the last one or two axes by a matrix, ``(..., n_1 .. n_D) -> (..., m_1 .. m_D)``."""
    for axis, matrix in enumerate(reversed(matrices)):
        values = values @ matrix if axis == 0 else matrix.T @ values
    return values


def split(coefficients: Tensor, modes: Sequence[int]) -> Tensor:
    """Split the first ``modes`` wavenumbers along the last axes, ``(..., 2 K_1 + 1 ..) -> (..., 2 (k_1 + 1) ..)``."""
    for axis, k in enumerate(modes, start=coefficients.ndim - len(modes)):
        cosines = coefficients.narrow(axis, 0, k + 1)
        sines = coefficients.narrow(axis, coefficients.shape[axis] // 2 + 1, k)
        coefficients = torch.cat([cosines, torch.zeros_like(cosines.narrow(axis, 0, 1)), sines], dim=axis)
    return coefficients


def joined(values: Tensor, modes: Sequence[int]) -> Tensor:
    """Inverse of :func:`split`, to ``modes`` wavenumbers or more; those that were not split are zero."""
    for axis, k in enumerate(modes, start=values.ndim - len(modes)):
        kept = values.shape[axis] // 2 - 1
        cosines, sines = values.narrow(axis, 0, kept + 1), values.narrow(axis, kept + 2, kept)
        beyond = [torch.zeros_like(cosines.narrow(axis, 0, 1)).repeat_interleave(k - kept, axis)] if k > kept else []
        values = torch.cat([cosines, *beyond, sines, *beyond], dim=axis)
    return values


def by_wave_vector(values: Tensor, dimensions: int) -> Tensor:
    """Sort split coefficients by wave vector; the sines of an axis come last.

    Returns:
        ``(batch, channel, 2 n_1 .. 2 n_D) -> (n_1 ... n_D, batch, channel 2^D)``.
    """
    batch, channels, *pairs = values.shape
    values = values.reshape(batch, channels, *(m for n in pairs for m in (2, n // 2)))
    kinds, waves = range(2, 2 + 2 * dimensions, 2), range(3, 3 + 2 * dimensions, 2)
    return values.permute(*waves, 0, 1, *kinds).reshape(-1, batch, channels * 2**dimensions)


def from_wave_vectors(values: Tensor, points: Sequence[int]) -> Tensor:
    """Inverse of :func:`by_wave_vector`, for ``points`` wavenumbers along each axis."""
    d, batch = len(points), values.shape[1]
    values = values.view(*points, batch, -1, *(2,) * d)
    pairs = [place for axis in range(d) for place in (d + 2 + axis, axis)]
    return values.permute(d, d + 1, *pairs).reshape(batch, -1, *(2 * n for n in points))


def wavenumbers(modes: int) -> Tensor:
    """The wavenumber of each coefficient along one axis: ``0, 1 .. K, 1 .. K``."""
    k = torch.arange(1, modes + 1)
    return torch.cat([torch.zeros(1, dtype=torch.long), k, k])


def quarter_turn(modes: int) -> Tensor:
    """The matrix, multiplied from the right, that maps ``c_k`` to ``s_k`` and ``s_k`` to ``-c_k``."""
    turn, k = torch.zeros(2 * modes + 1, 2 * modes + 1), torch.arange(1, modes + 1)
    turn[k, modes + k], turn[modes + k, k] = 1.0, -1.0
    return turn


def wave_vectors(modes: Sequence[int]) -> Tensor:
    """For each coefficient the number of its ``(|k_1| .. |k_D|)``, counted row by row; ``(*coefficients)``."""
    label = torch.zeros((1,) * len(modes), dtype=torch.long)
    for axis, k in enumerate(modes):
        label = label * (k + 1) + wavenumbers(k).reshape([-1 if d == axis else 1 for d in range(len(modes))])
    return label


def turns(modes: Sequence[int]) -> Tensor:
    """The quarter turns J^e, e in {0, 1}^D, of each wave vector, ``(2^D, 2^D, 2^D, wave vectors)``, from the right.

    The middle axes are cosines and sines in the order of :func:`by_wave_vector`; the sine of wavenumber 0 stays zero.
    """
    both = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]])
    every = []
    for e in itertools.product((0, 1), repeat=len(modes)):
        turn = torch.ones(1, 1, 1)
        for axis, k in enumerate(modes):
            one = both[e[axis], :, :, None].repeat(1, 1, k + 1)
            one[1, :, 0] = one[:, 1, 0] = 0
            turn = torch.einsum("pqm,rsn->prqsmn", turn, one).reshape(2 * len(turn), 2 * len(turn), -1)
        every.append(turn)
    return torch.stack(every)
