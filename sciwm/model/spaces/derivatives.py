"""The differential operators of transport and diffusion, as multipliers of Fourier coefficients."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def differential_operators(modes: Sequence[int], extents: Sequence[float]) -> Tensor:
    """The identity, the first derivatives, the Laplacian, and the inverse Laplacian of the first two.

    In one dimension the inverse Laplacian of a derivative is the antiderivative; in two dimensions it maps vorticity to
    velocity. A multiplier is real on every combination of quarter turns of the phase (``SpectralLinear``): a derivative
    along x is ``-k_x`` times a quarter turn along x.

    Args:
        modes: K along each axis.
        extents: The lengths of the axes; wavenumbers are in units of the largest one.

    Returns:
        ``(operator, 2^D, K_1 + 1 .. K_D + 1)``.
    """
    dimensions = len(modes)
    axes = [torch.arange(k + 1) * (2 * math.pi / extent) for k, extent in zip(modes, extents, strict=True)]
    largest = max(float(axis[-1]) for axis in axes) or 1.0
    waves = torch.meshgrid(*(axis / largest for axis in axes), indexing="ij")
    square = torch.stack([k.square() for k in waves]).sum(dim=0)
    inverse = torch.where(square > 0, 1 / square, torch.zeros(()))
    turns = list(itertools.product((False, True), repeat=dimensions))

    def multiplier(values: Tensor, turned: tuple[bool, ...]) -> Tensor:
        by_turn = torch.zeros(len(turns), *values.shape)
        by_turn[turns.index(turned)] = values
        return by_turn

    none = (False,) * dimensions
    along = [tuple(axis == a for a in range(dimensions)) for axis in range(dimensions)]
    operators = [multiplier(torch.ones_like(square), none), multiplier(-square, none), multiplier(-inverse, none)]
    for k, turned in zip(waves, along, strict=True):
        operators += [multiplier(-k, turned), multiplier(k * inverse, turned)]
    return torch.stack(operators)
