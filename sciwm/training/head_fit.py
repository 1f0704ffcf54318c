"""Heads that are fitted to what the latents are now."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from sciwm.data import Batch, Domain, Trajectories, Windows
from sciwm.dynamics import encode_trajectory
from sciwm.model import Labels, WorldModel

MOST, FEWEST, NUMBERS = 4096, 256, 2**25
"""Transitions: so many, or fewer of large fields, until there are so many numbers in them."""


def transitions(sets: Sequence[Trajectories], domain: Domain, seed: int) -> Batch:
    """A sample of single intervals, always the same."""
    size = 2 * len(domain.variables) * math.prod(domain.shape)
    count = max(FEWEST, min(MOST, NUMBERS // size))
    return Windows(sets, domain).draw(np.random.default_rng(seed), count, 1)


@torch.no_grad()
def fit_heads(model: WorldModel, pairs: Batch) -> None:
    """Fit the heads, where there are functionals to read."""
    if not model.domain.functionals:
        return
    before, after = encode_trajectory(model, pairs.fields).unbind(dim=1)
    labels = Labels(pairs.functionals[:, 0], pairs.sources[:, 0], pairs.outputs[:, 0])
    model.fit_heads(before, pairs.actions[:, 0], after, labels)
