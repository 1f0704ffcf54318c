"""Numbers read from latents: linear in features, so that the best ones for given latents are known."""

import torch
from torch import Tensor, nn

from sciwm.model.least_squares import least_squares

CONSTANT = 1e-6
"""Deviation relative to the largest value below which a feature is one."""


class LinearReadout(nn.Module):
    """``q(z) = b + sum_i w_i (f_i(z) - <f_i>) / std(f_i)``.

    Nothing here is learned by gradients, which would take long to be as precise as changes over one
    interval are small.

    Args:
        features: latents ``(batch, size)`` to f, ``(batch, inputs)``.
        inputs: number of features.
        count: of numbers that are read.
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
        """Least squares over samples ``(sample, size)`` and ``(sample, count)``."""
        features = self.features(latents)
        deviation, largest = features.std(dim=0), features.abs().amax(dim=0)
        self.mean.copy_(features.mean(dim=0))
        self.inverse_deviation.copy_(torch.where(deviation > CONSTANT * largest, 1 / deviation, torch.zeros(())))
        self.bias.copy_(values.mean(dim=0))
        self.weight.copy_(least_squares(self._standardised(features), values - self.bias))

    def forward(self, latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` to ``(batch, count)``."""
        return torch.addmm(self.bias, self._standardised(self.features(latents)), self.weight)

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) * self.inverse_deviation
