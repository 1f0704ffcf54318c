"""The statistics of a trained latent over the data."""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories, sample_blocks
from sciwm.dynamics import encode_trajectory
from sciwm.model import WorldModel, fields_to_see, residual_of

NUMBERS_AT_ONCE = 2**22
"""The number of field values of somebody's data that are held at once; simulated ones are seen as a whole."""


@torch.no_grad()
def fit_statistics(model: WorldModel, training_sets: Sequence[Trajectories], validation_set: Trajectories) -> None:
    """Measure where latents lie and what decoding leaves out, and make it a part of the model.

    Args:
        model: The trained model; of one whose latent is too large for it nothing is measured.
        training_sets: For the mean and the covariance of the latent.
        validation_set: For what decoding leaves out.
    """
    statistics = model.with_statistics()
    if statistics is None:
        return
    names = [v.name for v in model.domain.variables]
    limit = fields_to_see(model)
    at_once = NUMBERS_AT_ONCE if model.domain.brought_in else sys.maxsize

    def blocks(sets: Sequence[Trajectories]) -> Iterator[Tensor]:
        return map(torch.from_numpy, sample_blocks(sets, names, limit, at_once))

    latents = torch.cat([model.latent(encode_trajectory(model, seen[None])[0]) for seen in blocks(training_sets)])
    residuals = [(_left_out(model, unseen), len(unseen)) for unseen in blocks([validation_set])]
    count = sum(several for _, several in residuals)
    residual = torch.stack([square * (n / count) for square, n in residuals]).sum(dim=0)
    valid = training_sets[0].valid
    unseen_first = _beginnings([validation_set], names, limit)
    first = torch.cat([_beginnings(training_sets, names, limit), unseen_first])
    begun = model.latent(encode_trajectory(model, first[None])[0]), _left_out(model, unseen_first)
    statistics.fit(latents, residual, None if valid is None else torch.from_numpy(valid), begun)


def _left_out(model: WorldModel, fields: Tensor) -> Tensor:
    """The mean square of what decoding leaves out of physical fields ``(sample, variable, *space)``."""
    return residual_of(model, fields, encode_trajectory(model, fields[None])[0]).square().mean(dim=0)


def _beginnings(sets: Sequence[Trajectories], names: Sequence[str], limit: int) -> Tensor:
    """The fields at the first instants of runs, ``(run, variable, *space)``."""
    runs = [(data, row) for data in sets for row in data.usable]
    chosen = runs[:: -(-len(runs) // limit)]
    first = [np.stack([np.asarray(data.array(name)[row, 0]) for name in names]) for data, row in chosen]
    return torch.from_numpy(np.stack(first).astype(np.float32))
