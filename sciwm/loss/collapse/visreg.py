"""VISReg: variance and sketching regularisation, with separate terms for scale and shape."""

import torch
from torch import Tensor

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.blocks import Blocks
from sciwm.loss.ranks import gather_over_ranks, mean_over_ranks

SMALLEST_VARIANCE = 1e-12
"""The variance below which a coordinate counts as constant: its standard deviation then has no gradient."""


class VISReg(AntiCollapse):
    """Separate penalties for scale, centre and shape of the latents (Wu et al. 2026, arXiv:2606.02572).

        scale = mean_i (1 - sigma_i)^2,    centre = mean_i mu_i^2,
        shape = mean over slices x of mean_n (x_(n) - q_n)^2,    slices of (z - mu) / sigma

    In the shape, sigma is a constant, and the sorted samples of a slice are compared with the quantiles of the
    standard normal (sliced Wasserstein distance). At collapse the gradient of the scale term with respect to sigma
    tends to the constant -2, where that of SIGReg vanishes.

    Args:
        weight: The weight of each of the three, about 1.
        directions: The number of slices of all blocks together; they are drawn anew every time. 256 are usual.
        blocks: The blocks of coordinates; each slice lies in one.
    """

    def __init__(self, weight: float, directions: int, blocks: Blocks) -> None:
        super().__init__()
        self.weight = weight
        self.directions = directions
        self.blocks = blocks

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The terms ``visreg_scale``, ``visreg_centre`` and ``visreg_shape``."""
        mean = mean_over_ranks(latents.mean(dim=0))
        centred = latents - mean
        variance = mean_over_ranks(centred.square().mean(dim=0))
        deviation = variance.clamp(min=SMALLEST_VARIANCE).sqrt()
        slices = self.blocks.slices(centred / deviation.detach(), self.directions, generator)
        return {
            "visreg_scale": self.weight * (1 - deviation).square().mean(),
            "visreg_centre": self.weight * mean.square().mean(),
            "visreg_shape": self.weight * wasserstein_from_normal(slices),
        }


def wasserstein_from_normal(slices: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance between samples and the standard normal, averaged over slices ``(N, M)``."""
    ordered = gather_over_ranks(slices).sort(dim=0).values
    return (ordered - normal_quantiles(ordered)[:, None]).square().mean()


def normal_quantiles(like: Tensor) -> Tensor:
    """Quantiles of the standard normal at ``(n - 1/2) / N``, scaled to unit variance, ``(N,)``.

    With this scaling any number of standardised samples can agree with them exactly.

    Args:
        like: A tensor of N rows, in the precision and on the device of the result.
    """
    levels = (torch.arange(len(like), device=like.device, dtype=like.dtype) + 0.5) / len(like)
    quantiles = torch.special.ndtri(levels)
    return quantiles / quantiles.square().mean().sqrt()
