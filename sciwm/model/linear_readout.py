"""Values read from latents: linear in features, so that the best weights follow in closed form."""

import torch
from torch import Tensor, nn

from sciwm.model.least_squares import least_squares

CONSTANT = 1e-6
"""The standard deviation, relative to the largest value, below which a feature counts as constant, and below which
values of unit size do."""


class LinearReadout(nn.Module):
    """``q(z) = b + sum_i w_i (f_i(z) - <f_i>) / std(f_i)``, fitted in closed form.

    Training by gradients would take long to reach the precision that a budget needs: changes over one interval are
    small against the values.

    Args:
        features: The map of latents ``(batch, size)`` to features f, ``(batch, inputs)``.
        inputs: The number of features.
        count: The number of values that are read.
    """

    def __init__(self, features: nn.Module, inputs: int, count: int) -> None:
        super().__init__()
        self.features = features
        for name, values in {
            "mean": torch.zeros(inputs),
            "inverse_deviation": torch.ones(inputs),
            "weight": torch.zeros(inputs, count),
            "bias": torch.zeros(count),
        }.items():
            self.register_buffer(name, values)
        self.mean: Tensor
        self.inverse_deviation: Tensor
        self.weight: Tensor
        self.bias: Tensor

    @torch.no_grad()
    def fit(self, latents: Tensor, values: Tensor) -> None:
        """Fit the weights by least squares.

        Args:
            latents: ``(sample, size)``.
            values: ``(sample, count)``, of about unit size; those that vary by rounding alone are read as their mean.
        """
        features = self.features(latents)
        deviation, largest = features.std(dim=0), features.abs().amax(dim=0)
        self.mean.copy_(features.mean(dim=0))
        self.inverse_deviation.copy_(torch.where(deviation > CONSTANT * largest, 1 / deviation, torch.zeros(())))
        self.bias.copy_(values.mean(dim=0))
        weight = least_squares(self._standardised(features), values - self.bias)
        self.weight.copy_(weight.masked_fill(values.std(dim=0) < CONSTANT, 0.0))  # rounding is not worth a fit

    def forward(self, latents: Tensor) -> Tensor:
        """Read values ``(batch, count)`` from latents ``(batch, size)``."""
        return torch.addmm(self.bias, self._standardised(self.features(latents)), self.weight)

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) * self.inverse_deviation
