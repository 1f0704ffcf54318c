"""SIGReg: sketched isotropic Gaussian regularisation."""

import torch
from torch import Tensor

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.blocks import Blocks
from sciwm.loss.ranks import mean_over_ranks


class SIGReg(AntiCollapse):
    """Random slices of the latents are compared with the standard normal (Balestriero & LeCun 2025, arXiv:2511.08544).

    The gradient vanishes as the scale s of the latents does, ``dT/ds = -3.24 s``, so that a collapsed latent does not
    recover. With blocks, correlations between blocks are not seen.

    Args:
        weight: The weight, about 10. The term has no factor of the number of samples.
        directions: The number of slices of all blocks together; they are drawn anew every time. 256 to 1024 are
            usual.
        blocks: The blocks of coordinates; each slice lies in one.
    """

    def __init__(self, weight: float, directions: int, blocks: Blocks) -> None:
        super().__init__()
        self.weight = weight
        self.directions = directions
        self.blocks = blocks

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The term ``sigreg``; see :func:`distance_from_normal`."""
        slices = self.blocks.slices(latents, self.directions, generator)
        return {"sigreg": self.weight * distance_from_normal(slices)}


def distance_from_normal(slices: Tensor) -> Tensor:
    """Epps-Pulley distance between samples and the standard normal, averaged over slices,

        T = int exp(-t^2/2) [ (mean cos t x - exp(-t^2/2))^2 + (mean sin t x)^2 ] dt,

    by the trapezoidal rule with 19 knots on [0, 4.5], doubled by symmetry. It has no factor of the number N of
    samples. For a normal of standard deviation s

        T(s) = sqrt(2 pi) [ (2 s^2 + 1)^(-1/2) - 2 (s^2 + 2)^(-1/2) + 3^(-1/2) ],

    which is 0.41 for a point and 0 for s = 1; N samples of the standard normal itself give about 1.06/N.

    Args:
        slices: M slices of N samples, ``(N, M)``.
    """
    knots = torch.linspace(0, 4.5, 19, device=slices.device, dtype=slices.dtype)
    window = torch.exp(-knots.square() / 2)
    weights = torch.full_like(knots, 2 * 0.25)
    weights[0] = weights[-1] = 0.25
    phase = slices[..., None] * knots
    real, imaginary = mean_over_ranks(torch.stack([phase.cos().mean(dim=0), phase.sin().mean(dim=0)]))
    distance = (real - window).square() + imaginary.square()
    return (distance * (window * weights)).sum(dim=-1).mean()
