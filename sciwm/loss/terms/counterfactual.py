"""Counterfactual actions: those that the data do not hold."""

import torch
from torch import Tensor

from sciwm.model import WorldModel


def any_action(model: WorldModel, like: Tensor, generator: torch.Generator) -> Tensor:
    """Physical actions, uniform in the whole box, of the shape of ``like`` ``(..., actuator)``."""
    return model.actuators.to_physical(2 * torch.rand(like.shape, generator=generator).to(like) - 1)
