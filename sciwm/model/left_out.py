"""What decoding leaves out of fields, and how many of them are looked at to know it."""

import math

from torch import Tensor

from sciwm.dynamics import readout_trajectory
from sciwm.model.world_model import WorldModel

MOST, FEWEST, NUMBERS = 4096, 256, 2**25
"""Most and fewest fields, and the number of values above which there are fewer than most."""


def fields_to_see(model: WorldModel, at_once: int = 1) -> int:
    """How many instants of the training data, of so many fields each, tell enough about a model and fit in memory."""
    values = at_once * len(model.domain.variables) * math.prod(model.domain.shape)
    return max(FEWEST, min(MOST, NUMBERS // values))


def residual_of(model: WorldModel, fields: Tensor, states: Tensor, valid: Tensor | float = 1.0) -> Tensor:
    """What decoding leaves out of normalised fields, ``(sample, variable, *space)``; zero where there are none.

    Args:
        model: The model.
        fields: Physical fields, ``(sample, variable, *space)``.
        states: Their states, ``(sample, state)``.
        valid: Where fields exist, ``(variable, *space)``.
    """
    decoded = readout_trajectory(model, states[None], ["fields"])["fields"][0]
    return (model.normalize(fields) - model.normalize(decoded)) * valid
