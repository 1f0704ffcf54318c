"""Variance and sketching regularisation: scale and shape apart."""

import torch
from torch import Tensor

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.blocks import Blocks
from sciwm.loss.ranks import gather_over_ranks, mean_over_ranks

SMALLEST_VARIANCE = 1e-12
"""Below it a coordinate is a point and has no direction to grow in."""


class VISReg(AntiCollapse):
    """Scale, centre and shape of the latent, each on its own (Wu et al. 2026, arXiv:2606.02572).

        scale = mean_i (1 - sigma_i)^2,    centre = mean_i mu_i^2,
        shape = mean over slices x of mean_n (x_(n) - q_n)^2,    slices of (z - mu) / sigma

    with sigma taken as a constant in the shape, where the sorted samples of a slice meet the
    quantiles of the standard normal (the sliced Wasserstein distance). The pull of the scale term on
    sigma tends to the constant -2 at collapse, where that of SIGReg vanishes.

    Args:
        weight: of each of the three, about 1.
        directions: slices in all, shared among the blocks; drawn anew every time.
        blocks: what the slices lie in.
    """

    def __init__(self, weight: float, directions: int, blocks: Blocks) -> None:
        super().__init__()
        self.weight = weight
        self.directions = directions
        self.blocks = blocks

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``visreg_scale``, ``visreg_centre`` and ``visreg_shape``."""
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
    """Quantiles at ``(n - 1/2) / N`` as many as ``like`` has rows, scaled to unit variance, ``(N,)``.

    So scaled, standardised samples can meet them exactly, however few they are.
    """
    levels = (torch.arange(len(like), device=like.device, dtype=like.dtype) + 0.5) / len(like)
    quantiles = torch.special.ndtri(levels)
    return quantiles / quantiles.square().mean().sqrt()
