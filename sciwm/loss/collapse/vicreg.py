"""VICReg: variance and covariance regularisation."""

import torch
from torch import Tensor

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.blocks import Blocks
from sciwm.loss.ranks import mean_over_ranks, num_ranks


class VICReg(AntiCollapse):
    """A hinge on standard deviations and off-diagonal covariances (Bardes et al. 2022, arXiv:2105.04906, eqs. 1, 3).

        v = mean_i max(0, gamma - std(z_i)),    c = 1/d sum_{i != j} Cov(z)_ij^2

    It uses second moments alone, so that latents need not be Gaussian. With blocks the sum of c runs over the pairs
    within each block.

    Args:
        weight: The weight of v, about 1.
        covariance: The weight of c relative to that of v.
        deviation: gamma, the standard deviation below which a coordinate is penalised.
        blocks: The blocks of coordinates that are decorrelated.
    """

    def __init__(self, weight: float, covariance: float, deviation: float, blocks: Blocks) -> None:
        super().__init__()
        self.weight = weight
        self.covariance = covariance
        self.deviation = deviation
        self.blocks = blocks

    def penalties(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The terms ``variance`` and ``covariance``."""
        centred = latents - mean_over_ranks(latents.mean(dim=0))
        unbiased = len(latents) / (len(latents) - 1 / num_ranks())
        variance = unbiased * mean_over_ranks(centred.square().mean(dim=0))
        hinge = torch.relu(self.deviation - (variance + 1e-4).sqrt()).mean()
        off_diagonal = torch.stack([_off_diagonal(part, unbiased) for part in self.blocks.split(centred)]).sum()
        return {
            "variance": self.weight * hinge,
            "covariance": self.weight * self.covariance * off_diagonal / latents.shape[1],
        }


def _off_diagonal(centred: Tensor, unbiased: float) -> Tensor:
    """Sum of squared covariances between different coordinates of each block, ``(N, blocks, block size)``."""
    covariance = unbiased * mean_over_ranks(torch.einsum("nbi,nbj->bij", centred, centred) / len(centred))
    return (covariance - torch.diag_embed(covariance.diagonal(dim1=1, dim2=2))).square().sum()
