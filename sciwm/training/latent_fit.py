"""The statistics of a trained latent over the data."""

import math
from collections.abc import Sequence

import torch

from sciwm.data import Trajectories, sample_fields
from sciwm.dynamics import encode_trajectory, readout_trajectory
from sciwm.model import WorldModel

MOST, FEWEST, NUMBERS = 4096, 256, 2**25
"""Most and fewest instants, and the number of field values above which there are fewer than most."""


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
    limit = max(FEWEST, min(MOST, NUMBERS // (len(names) * math.prod(model.domain.shape))))
    seen, unseen = (
        torch.from_numpy(sample_fields(sets, names, limit))[None] for sets in (training_sets, [validation_set])
    )
    latents = model.latent(encode_trajectory(model, seen)[0])
    decoded = readout_trajectory(model, encode_trajectory(model, unseen), ["fields"])["fields"]
    residual = (model.normalize(decoded[0]) - model.normalize(unseen[0])).square().mean(dim=0)
    valid = training_sets[0].valid
    statistics.fit(latents, residual, None if valid is None else torch.from_numpy(valid))
