"""Observations of fields at points, as the estimate of a state needs them."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Observations:
    """What was measured at the instants of a window, each value a weighted mean of a few values of the fields.

    Args:
        values: What was measured, physical, ``(batch, instant, point)``; NaN where nothing was.
        deviation: The standard deviation of its error, what the model cannot represent included, likewise.
        places: Which values of the fields ``(variable, *space)``, flattened, each is a mean of,
            ``(batch or 1, instant or 1, point, corner)``.
        weights: Their weights, of the same shape, which sum to one over the corners.
    """

    values: Tensor
    deviation: Tensor
    places: Tensor
    weights: Tensor

    @property
    def instants(self) -> int:
        """The number of instants of the window."""
        return self.values.shape[1]

    @property
    def count(self) -> Tensor:
        """The number of values that were measured, ``(batch,)``."""
        return self.values.isfinite().flatten(1).sum(dim=1)

    def of_rows(self, rows: slice) -> "Observations":
        """The observations of some elements of the batch."""
        own = slice(None) if len(self.places) == 1 else rows
        return Observations(self.values[rows], self.deviation[rows], self.places[own], self.weights[own])

    def predicted(self, fields: Tensor, instant: int) -> Tensor:
        """What would be measured of fields ``(rows, variable, *space)``, ``(rows, point)``.

        The rows are those of the batch, or several whole batches one after another.
        """
        flat = fields.flatten(1)
        places, weights = (of[:, min(instant, of.shape[1] - 1)] for of in (self.places, self.weights))
        if len(places) == 1:
            return (flat[:, places[0].flatten()].unflatten(1, places[0].shape) * weights[0].to(flat)).sum(dim=2)
        times = len(flat) // len(places)
        index, own = places.repeat(times, 1, 1), weights.to(flat).repeat(times, 1, 1)
        return (flat.gather(1, index.flatten(1)).unflatten(1, index.shape[1:]) * own).sum(dim=2)

    def misfit(self, predicted: Tensor, instant: int) -> Tensor:
        """Observed minus predicted, in standard deviations, ``(batch, point)``, double; 0 where nothing was."""
        away = (self.values[:, instant].double() - predicted) / self.deviation[:, instant]
        return torch.where(away.isfinite(), away, 0.0)
