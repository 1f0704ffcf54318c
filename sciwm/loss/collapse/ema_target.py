"""Targets by a slowly moving copy of the encoder, which sees what the encoder in training does not."""

import copy

import torch
from torch import Tensor, nn

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.masking import hide_boxes

HIDDEN_SHARE = 0.5
"""The others are whole, as those are that the encoder is used on."""


class EMATarget(AntiCollapse):
    """The latents to predict come from an exponential moving average of the encoder,

        theta~ <- m theta~ + (1 - m) theta,    m from ``momentum`` to ``final_momentum``, linear in progress,

    to which no gradient flows, while the encoder in training sees every second field with boxes hidden (Assran et
    al. 2023, arXiv:2301.08243; Bardes et al. 2024, arXiv:2404.08471). Collapse is not penalised: it is
    only no longer what a gradient leads to.

    Args:
        encoder: a module from normalised fields to latents, copied as it is now.
        momentum: m at the beginning.
        final_momentum: m at the end; with 1 the copy would rest in any training that follows.
        mask_fraction, mask_boxes: see :func:`hide_boxes`.
    """

    def __init__(
        self, encoder: nn.Module, momentum: float, final_momentum: float, mask_fraction: float, mask_boxes: int
    ) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(False).eval()
        self.momentum = momentum
        self.final_momentum = final_momentum
        self.mask_fraction = mask_fraction
        self.mask_boxes = mask_boxes

    def train(self, mode: bool = True) -> "EMATarget":
        """The copy stays in evaluation mode."""
        return self

    def hide(self, fields: Tensor, generator: torch.Generator) -> Tensor:
        """Fields, in a share of which boxes are hidden."""
        return hide_boxes(fields, self.mask_fraction, self.mask_boxes, generator, share=HIDDEN_SHARE)

    def targets(self, fields: Tensor, encoded: Tensor) -> Tensor:
        """Latents of the whole fields by the copy, without a gradient."""
        with torch.no_grad():
            target: Tensor = self.encoder(fields)
        return target

    @torch.no_grad()
    def after_update(self, encoder: nn.Module, progress: float) -> None:
        """Move the copy's parameters towards those of ``encoder``; buffers are copied."""
        momentum = self.momentum + (self.final_momentum - self.momentum) * progress
        for mine, theirs in zip(self.encoder.parameters(), encoder.parameters(), strict=True):
            mine.lerp_(theirs, 1 - momentum)
        for kept, given in zip(self.encoder.buffers(), encoder.buffers(), strict=True):
            kept.copy_(given)
