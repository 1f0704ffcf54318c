"""How far states and steps are from those of the training data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciwm.uncertainty.seen_states import SeenStates

SMALLEST = 1e-6
"""The variance of a direction, as a share of that of its coordinates, below which it counts as rounding."""
MARGIN = 0.05
"""How far beyond the data an action may be, in half ranges; a parameter, of which each run has one, by more."""


@dataclass(frozen=True)
class Familiarity:
    """What is usual.

    Args:
        mean: The mean of latent and scaled parameters, together ``(size,)``.
        state_whitening: What makes their deviations from it independent and of unit variance, ``(size, size)``.
        step_whitening: The same for the one-step errors of the model, about zero, ``(latent, latent)``.
        low, high: The ends of the range of actions and parameters, scaled and a little widened, ``(inputs,)``.
    """

    mean: Tensor
    state_whitening: Tensor
    step_whitening: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, latents: Tensor, parameters: Tensor, seen: SeenStates, others: Tensor) -> "Familiarity":
        """Measure it.

        Args:
            latents: ``(sample, latent)``.
            parameters: Scaled, ``(sample, parameter)``: an offset that is like others among latents may be unlike them
                for this parameter.
            seen: Intervals of the training data.
            others: The scaled parameters of each run that calibrates, ``(run, parameter)``.
        """
        together = torch.cat([latents, parameters], dim=1).double()
        errors, floor = seen.innovations.double(), 1e-5 * latents.double().std(dim=0)
        of_runs = torch.cat([parameters, others])
        ranges = [
            _range(torch.stack([seen.action_low, seen.action_high]), MARGIN),
            _range(of_runs, max(MARGIN, 2 / (int(seen.runs.max()) + 1 + len(others)))),
        ]
        low, high = (torch.cat(ends) for ends in zip(*ranges, strict=True))
        mean = together.mean(dim=0)
        return cls(mean, _whitening(together - mean, 1e-6), _whitening(errors, floor), low, high)

    def distance(self, latents: Tensor, parameters: Tensor) -> Tensor:
        """The distance of Mahalanobis of states ``(..., size)`` from the training data, ``(...)``: about 1 within."""
        together = torch.cat([latents, parameters], dim=-1).double() - self.mean
        return _length(together @ self.state_whitening)

    def surprise(self, innovations: Tensor) -> Tensor:
        """The size of one-step errors ``(..., latent)`` among those of the training data, ``(...)``."""
        return _length(innovations.double() @ self.step_whitening)

    def beyond(self, inputs: Tensor) -> Tensor:
        """How far scaled actions and parameters are from the middle of the data, each ``(..., inputs)``.

        1 is the end of their range.
        """
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        return (inputs.double() - middle).abs() / half


def _range(values: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """The range of values ``(sample, n)``, a little widened; of one that does not vary, rounding."""
    if not values.shape[1]:
        return values.new_zeros(0).double(), values.new_zeros(0).double()
    low, high = values.double().min(dim=0).values, values.double().max(dim=0).values
    more = (margin * (high - low) / 2).clamp(min=1e-3)
    return low - more, high + more


def _length(values: Tensor) -> Tensor:
    return values.square().mean(dim=-1).sqrt()


def _whitening(errors: Tensor, smallest: Tensor | float) -> Tensor:
    """A matrix W with ``mean |e W|^2 = size``, by the second moments about zero of ``(sample, size)``."""
    scales = errors.square().mean(dim=0).sqrt().clamp(min=1e-30).maximum(torch.as_tensor(smallest).to(errors))
    x = errors / scales
    variances, axes = torch.linalg.eigh(x.T @ x / len(x))
    return axes / (variances + SMALLEST).sqrt() / scales[:, None]
