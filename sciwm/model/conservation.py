"""Conserved means: spatial means that the forcing alone changes are advanced exactly, not learned.

A mean flow that drifts would transport the whole flow, and phases would be lost before shapes.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from sciwm.model.predictor import Step
from sciwm.model.spaces import SpectralSpace


def places_of_means(space: SpectralSpace, channels: Sequence[int]) -> Tensor:
    """Where the means of some channels are among the coefficients: true there, ``(channel, *coefficients)``."""
    places = torch.zeros(space.channels, space.size // space.channels, dtype=torch.bool)
    places[list(channels), 0] = True
    return places.view(space.channels, *space.shape)


def conserving(step: Step, places: Tensor, supply: Tensor) -> Step:
    """The same step, except that coordinates at some places advance as ``z+ = z + a B``, exactly.

    Args:
        step: The step.
        places: True at these coordinates, ``(size,)``.
        supply: B, what scaled actions add over one interval, ``(actuator, size)``.
    """
    return partial(_conserved, step, places, supply)


def _conserved(step: Step, places: Tensor, supply: Tensor, z: Tensor, action: Tensor) -> Tensor:
    return torch.where(places, torch.addmm(z, action, supply), step(z, action))
