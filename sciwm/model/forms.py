"""Quadratic functionals of latents: linear in features, so that the best ones for given latents are known."""

import torch
from torch import Tensor, nn

from sciwm.model.least_squares import least_squares
from sciwm.model.spaces import LatentSpace

RIDGE = 1e-4
"""Of the variance of features: little enough to be right to a thousandth, and enough for few trajectories."""


class QuadraticForm(nn.Module):
    """``q(z) = b + sum_i w_i (f_i(z) - <f_i>) / std(f_i)``, a few numbers read from one or several latents.

    The features f are the coordinates and products of coordinates that the space allows. In a spectral
    space these are means, power and cross spectra: all linear and quadratic functionals that no
    translation changes, spatial means of local densities among them. Nothing here is learned by
    gradients, which would take long to be as precise as changes over one interval are small.

    Args:
        space: of all latents that are read together.
        count: of numbers.
    """

    def __init__(self, space: LatentSpace, count: int) -> None:
        super().__init__()
        self.features = space.quadratics()
        size = self.features.count
        for name, values in {
            "mean": torch.zeros(size),
            "inverse_deviation": torch.ones(size),
            "weight": torch.zeros(size, count),
            "bias": torch.zeros(count),
        }.items():
            self.register_buffer(name, values)
        self.mean: Tensor
        self.inverse_deviation: Tensor
        self.weight: Tensor
        self.bias: Tensor

    @torch.no_grad()
    def fit(self, latents: Tensor, values: Tensor) -> None:
        """Least squares over samples ``(sample, size)`` and ``(sample, count)``."""
        features = self.features(latents)
        deviation, largest = features.std(dim=0), features.abs().amax(dim=0)
        varies = deviation > 1e-6 * largest
        self.mean.copy_(features.mean(dim=0))
        self.inverse_deviation.copy_(torch.where(varies, 1 / deviation, torch.zeros(())))
        self.bias.copy_(values.mean(dim=0))
        self.weight.copy_(least_squares(self._standardised(features), values - self.bias, ridge=RIDGE))

    def forward(self, *latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` to ``(batch, count)``."""
        features = self.features(torch.cat(latents, dim=-1))
        return torch.addmm(self.bias, self._standardised(features), self.weight)

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) * self.inverse_deviation
