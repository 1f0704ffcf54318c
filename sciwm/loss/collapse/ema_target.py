"""Targets by an exponential moving average (EMA) of the encoder, and completion of masked fields."""

import copy

import torch
from torch import Tensor, nn

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.masking import hide_boxes
from sciwm.loss.ranks import mean_over_ranks
from sciwm.model import Encoder
from sciwm.model.spaces import LatentSpace

RANK = 4
"""The rank of the quadratic part of a completion."""


class EMATarget(AntiCollapse):
    """The latents to predict come from an exponential moving average of the encoder, without a gradient to it,

        theta~ <- m theta~ + (1 - m) theta,    m from ``momentum`` to ``final_momentum``, linear in progress

    and the latents of fields with hidden boxes are completed to the same targets (Assran et al. 2023, arXiv:2301.08243;
    Bardes et al. 2024, arXiv:2404.08471), with the error

        e = < |r(E(u with holes)) - z~|^2 > / < |z~ - <z~>|^2 >,    z~ = E~(u),    r(z) = z W + quadratic

    which is one for a completion by the mean. The predictor learns from whole fields. Collapse is not penalised;
    it is avoided as no gradient leads to it.

    Args:
        encoder: The encoder, from normalised fields to latents; its present weights are copied.
        momentum: m at the beginning.
        final_momentum: m at the end. With 1 the copy would no longer move in any training that follows.
        weight: The weight of e.
        mask_fraction, mask_boxes: See :func:`hide_boxes`; with a fraction of zero nothing is completed.
    """

    def __init__(
        self,
        encoder: Encoder,
        momentum: float,
        final_momentum: float,
        weight: float,
        mask_fraction: float,
        mask_boxes: int,
    ) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(False).eval()
        space: LatentSpace = encoder.space
        self.linear = space.linear(space).set_identity(1.0)
        self.quadratic = space.product(space, RANK, deviation=0.1)
        self.quadratic.fit(encoder.scale)
        self.momentum = momentum
        self.final_momentum = final_momentum
        self.weight = weight
        self.mask_fraction = mask_fraction
        self.mask_boxes = mask_boxes

    def train(self, mode: bool = True) -> "EMATarget":
        """Keep the copy in evaluation mode."""
        return self

    def with_holes(self, fields: Tensor, generator: torch.Generator) -> Tensor | None:
        """The fields with boxes hidden; None without a mask or a weight."""
        if not self.mask_fraction or not self.weight:
            return None
        return hide_boxes(fields, self.mask_fraction, self.mask_boxes, generator)

    def completion(self, encoded: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The error e."""
        centred = targets - mean_over_ranks(targets.mean(dim=0))
        variance = mean_over_ranks(centred.square().mean()).clamp(min=1e-12)
        error = self.linear(encoded) + self.quadratic(encoded) - targets
        return {"completion": self.weight * error.square().mean() / variance}

    def targets(self, fields: Tensor, encoded: Tensor) -> Tensor:
        """The latents by the copy, without a gradient."""
        with torch.no_grad():
            target: Tensor = self.encoder(fields)
        return target

    @torch.no_grad()
    def after_update(self, encoder: nn.Module, progress: float) -> None:
        """Move the weights of the copy towards those of ``encoder``; buffers are copied."""
        momentum = self.momentum + (self.final_momentum - self.momentum) * progress
        for average, current in zip(self.encoder.parameters(), encoder.parameters(), strict=True):
            average.lerp_(current, 1 - momentum)
        for copied, buffer in zip(self.encoder.buffers(), encoder.buffers(), strict=True):
            copied.copy_(buffer)
