"""Long forecasts: a predictor that is right for some intervals may leave the data later, and explode."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.model import WorldModel

INTERVALS, STARTS = 200, 64
"""The length of the forecasts, and about how many there are."""

FAR = 3.0
"""How many times as far from the mean of the data as anything in them forecasts may go."""


@torch.no_grad()
def runs_away(model: WorldModel, sets: Sequence[Trajectories]) -> bool:
    """Whether any of many long forecasts goes far beyond the data, or is not finite.

    They start from instants that are spread evenly over the data, and are driven by the actions that were recorded from
    there on, which begin anew where the record ends.

    Args:
        model: A trained model.
        sets: The data.
    """
    places = [(data, row, t) for data in sets for row in data.usable for t in range(data.intervals_of(row))]
    chosen = places[:: -(-len(places) // STARTS)]
    fields = torch.stack([_fields(*place) for place in chosen])
    parameters = torch.from_numpy(np.stack([data.parameters[row] for data, row, _ in chosen]))
    actions = torch.stack([_actions(*place) for place in chosen])
    state = model.encode(fields, parameters)
    seen = model.latent(state)
    mean = seen.mean(dim=0)
    limit = FAR * float((seen - mean).norm(dim=1).max())
    with model.assembled():
        for action in actions.unbind(dim=1):
            state = model.advance(state, action)
            if not bool(((model.latent(state) - mean).norm(dim=1) <= limit).all()):  # nor is a number that is none
                return True
    return False


def _fields(data: Trajectories, row: int, instant: int) -> Tensor:
    several = [np.asarray(data.array(v.name)[row, instant], dtype=np.float32) for v in data.variables]
    return torch.from_numpy(np.stack(several))


def _actions(data: Trajectories, row: int, instant: int) -> Tensor:
    recorded = np.asarray(data.array("action")[row, : data.intervals_of(row)], dtype=np.float32)
    return torch.from_numpy(recorded[np.arange(instant, instant + INTERVALS) % len(recorded)])
