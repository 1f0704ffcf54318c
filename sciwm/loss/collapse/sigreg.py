"""Sketched isotropic Gaussian regularisation."""

import torch
from torch import Tensor

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.blocks import Blocks
from sciwm.loss.ranks import mean_over_ranks


class SIGReg(AntiCollapse):
    """Slices of the latent are pushed towards the standard normal (Balestriero & LeCun 2025, arXiv:2511.08544).

    Its gradient vanishes with the scale s of a latent that has collapsed, ``dT/ds = -3.24 s``. Within
    blocks it does not see what couples blocks.

    Args:
        weight: about 10.
        directions: slices in all, shared among the blocks; drawn anew every time.
        blocks: what the slices lie in.
    """

    def __init__(self, weight: float, directions: int, blocks: Blocks) -> None:
        super().__init__()
        self.weight = weight
        self.directions = directions
        self.blocks = blocks

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``sigreg``: see :func:`distance_from_normal`."""
        slices = self.blocks.slices(latents, self.directions, generator)
        return {"sigreg": self.weight * distance_from_normal(slices)}


def distance_from_normal(slices: Tensor) -> Tensor:
    """Epps-Pulley distance between samples and the standard normal, averaged over slices,

        T = int exp(-t^2/2) [ (mean cos t x - exp(-t^2/2))^2 + (mean sin t x)^2 ] dt,

    by the trapezoidal rule with 19 knots on [0, 4.5], doubled by symmetry. It is written without a
    factor of the number of samples: for a normal of deviation s

        T(s) = sqrt(2 pi) [ (2 s^2 + 1)^(-1/2) - 2 (s^2 + 2)^(-1/2) + 3^(-1/2) ],

    0.41 for a point, 0 for s = 1, and about 1.06/N for N true samples.

    Args:
        slices: ``(N, M)``.
    """
    knots = torch.linspace(0, 4.5, 19, device=slices.device, dtype=slices.dtype)
    window = torch.exp(-knots.square() / 2)
    weights = torch.full_like(knots, 2 * 0.25)
    weights[0] = weights[-1] = 0.25
    phase = slices[..., None] * knots
    real, imaginary = mean_over_ranks(torch.stack([phase.cos().mean(dim=0), phase.sin().mean(dim=0)]))
    distance = (real - window).square() + imaginary.square()
    return (distance * (window * weights)).sum(dim=-1).mean()
