"""The optimiser and its learning rate."""

import math

import torch

from sciwm.config import TrainingSettings
from sciwm.loss import Objective
from sciwm.model import WorldModel, starts_linear

SLOW_RATE = 0.2
"""The learning rate of a predictor that starts from the best linear step, relative to that of a network beside it."""


def build_optimizer(
    settings: TrainingSettings, model: WorldModel, objective: Objective
) -> tuple[torch.optim.Optimizer, list[list[torch.nn.Parameter]]]:
    """AdamW with a small learning rate for the encoder, and gradients of the decoder clipped apart.

    The fitted encoder is good already, and large first updates would collapse it. So is the linear step that a
    predictor may start from, and a network beside it learns more quickly. Clipped together, large gradients of the
    decoder would slow the latent down.

    Returns:
        The optimiser, and the groups of parameters that are clipped together.
    """
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    apart = {id(p) for p in encoder + decoder}
    learned = (p for module in (model, objective) for p in module.parameters())
    rest = [p for p in learned if p.requires_grad and id(p) not in apart]
    linear = starts_linear(model.settings, model.domain)
    quick = {id(p) for p in (model.predictor.quick_part() if linear else rest)}
    slow_ones, quick_ones = ([p for p in rest if (id(p) in quick) == which] for which in (False, True))
    groups = [
        {"params": members, "share": share}
        for members, share in ((encoder, settings.encoder_rate), (slow_ones, SLOW_RATE), (quick_ones + decoder, 1.0))
        if members
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return optimizer, [group for group in (encoder + rest, decoder) if group]


def scheduled_rate(settings: TrainingSettings, update: int, total: int, *, first: bool) -> float:
    """The learning rate of an update: linear warm-up, then a cosine to zero.

    Args:
        settings: The largest rate and the fraction of warm-up.
        update: The update, from 0.
        total: The number of updates of the phase.
        first: Whether this is the first phase; later ones start at a third of the largest rate.
    """
    warm_up = max(1.0, settings.warm_up * total)
    peak = settings.learning_rate / (1 if first else 3)
    if update < warm_up:
        return peak * (update + 1) / (warm_up + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (update - warm_up) / (total - warm_up)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of each group to its share of ``rate``."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
