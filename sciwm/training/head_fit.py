"""The fit of the heads to the present latents."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from sciwm.data import Batch, Domain, Trajectories, Windows
from sciwm.dynamics import encode_trajectory
from sciwm.model import Labels, WorldModel

MOST, FEWEST, NUMBERS = 4096, 256, 2**25
"""Most and fewest transitions, and the number of field values above which there are fewer than most."""


def transitions(sets: Sequence[Trajectories], domain: Domain, seed: int) -> Batch:
    """A fixed random sample of single control intervals."""
    size = 2 * len(domain.variables) * math.prod(domain.shape)
    count = max(FEWEST, min(MOST, NUMBERS // size))
    return Windows(sets, domain).draw(np.random.default_rng(seed), count, 1)


@torch.no_grad()
def fit_heads(model: WorldModel, pairs: Batch) -> None:
    """Fit the heads in closed form, if there are functionals.

    Args:
        model: The model in training.
        pairs: Windows of one interval.
    """
    if not model.domain.functionals:
        return
    before, after = encode_trajectory(model, pairs.fields).unbind(dim=1)
    labels = Labels(pairs.functionals[:, 0], pairs.sources[:, 0], pairs.outputs[:, 0])
    model.fit_heads(before, pairs.actions[:, 0], after, labels)
