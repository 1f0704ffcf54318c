"""What is known of a state before anything is measured: a normal distribution of latent and parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciwm.model import WorldModel


@dataclass(frozen=True)
class Prior:
    """The mean and the covariance of the unknowns, which are the latent and beside it the scaled parameters.

    Args:
        mean: ``(batch or 1, unknown)``.
        root: A factor L of the covariance L L^T, ``(batch or 1, unknown, direction)``; zero for what is known.
    """

    mean: Tensor
    root: Tensor


def climatological_prior(model: WorldModel, parameters: Tensor | None = None) -> Prior:
    """The prior of somebody who knows the training data alone.

    The latent has its mean and covariance there. Parameters have theirs over the runs, independently of the latent, as
    runs are few; those that are given count as known.

    Args:
        model: A model with statistics of its latent; without, latents count as of zero mean and unit deviation.
        parameters: The known physical parameters of each run, ``(batch, parameter)``, NaN where one is not known;
            none is by default.
    """
    size, count, statistics = model.latent_size, len(model.domain.parameters), model.statistics
    mean = torch.zeros(size, dtype=torch.float64)
    covariance = torch.eye(size, dtype=torch.float64)
    if statistics is not None:
        mean, covariance = statistics.mean.double(), statistics.covariance.double()
    given = torch.full((1, count), torch.nan) if parameters is None else parameters
    unknown = given.isnan() & (model.parameter_deviation > 0)
    middle = model.scaled_parameters(given).double().nan_to_num()
    of_latent = torch.linalg.cholesky(covariance)
    root = torch.stack([torch.block_diag(of_latent, torch.diag(varies.double())) for varies in unknown])
    return Prior(torch.cat([mean.expand(len(middle), -1), middle], dim=1), root)
