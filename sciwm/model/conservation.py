"""Spatial means that the forcing alone changes, as every conservation law has it: exact, and not learned.

A mean that drifts moves a flow that transports itself, and phases are lost long before shapes are.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciwm.model.predictor import Step
from sciwm.model.spaces import SpectralSpace


def places_of_means(space: SpectralSpace, channels: Sequence[int]) -> Tensor:
    """Where the means of some channels stand among the coefficients: true there, ``(channel, *coefficients)``."""
    places = torch.zeros(space.channels, space.size // space.channels, dtype=torch.bool)
    places[list(channels), 0] = True
    return places.view(space.channels, *space.shape)


def conserving(step: Step, places: Tensor, supply: Tensor) -> Step:
    """The same step, but at some places ``z+ = z + a B``, exactly.

    Args:
        places: true there, ``(size,)``.
        supply: B, what scaled actions bring over one interval, ``(actuator, size)``.
    """

    def conserved(z: Tensor, action: Tensor) -> Tensor:
        return torch.where(places, torch.addmm(z, action, supply), step(z, action))

    return conserved
