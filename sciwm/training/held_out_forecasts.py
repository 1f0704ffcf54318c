"""Forecasts of the validation data by lead time, which choose between epochs, and between predictors."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories, point_weights
from sciwm.dynamics import rollout
from sciwm.model import WorldModel
from sciwm.model.linear_step import LinearStep

STARTS = 8
"""The most starts in one run."""

MOST_NUMBERS, MOST_NUMBERS_OF_WINDOWS, MOST_WINDOWS = 2**24, 2**22, 256
"""The number of field values that are kept of forecasts, and of windows, and the number of windows."""


class HeldOutForecasts:
    """The errors of forecasts from the same starts every time, relative to the spread of the data.

    The error of a lead time is the root of the mean over variables of ``<|u^ - u|^2> / <|u - mean|^2>``: forecasts of
    the training mean, the climatology, have about 1. Points count by their areas.

    Args:
        data: The validation data.
        steps: The longest lead time in control intervals; shorter where runs are.
        mean: The mean of the training data, physical, ``(variable, *space)``.
    """

    def __init__(self, data: Trajectories, steps: int, mean: Tensor) -> None:
        lengths = {row: data.intervals_of(row) for row in data.usable}
        self.steps = max(1, min(steps, 3 * max(lengths.values()) // 4))
        rows = [row for row in data.usable if lengths[row] >= self.steps]
        self.points = torch.from_numpy(point_weights(data))
        most = max(1, MOST_NUMBERS // (self.points.numel() * (self.steps + 1)))
        rows = rows[:: -(-len(rows) // most)]
        starts = max(1, min(STARTS, most // len(rows)))
        places = [
            (row, int(start))
            for row in rows
            for start in sorted({round(x) for x in np.linspace(0, lengths[row] - self.steps, starts)})
        ]

        def cut(name: str, length: int) -> Tensor:
            array = data.array(name)
            return torch.from_numpy(np.stack([array[row, t : t + length] for row, t in places]).astype(np.float32))

        self.fields = torch.stack([cut(v.name, self.steps + 1) for v in data.variables], dim=2)
        self.actions = cut("action", self.steps)
        self.parameters = torch.from_numpy(np.stack([data.parameters[row] for row, _ in places]))
        self.mean = mean
        self.spread = torch.stack([self._square(fields - mean) for fields in self._truth]).mean(dim=0)

    @property
    def _truth(self) -> tuple[Tensor, ...]:
        return self.fields[:, 1:].unbind(dim=1)

    def windows_of(self, horizon: int) -> int:
        """The number of windows of that length that are measured."""
        return max(2, min(MOST_WINDOWS, MOST_NUMBERS_OF_WINDOWS // (self.points.numel() * (horizon + 1))))

    @cached_property
    def persistence(self) -> list[float]:
        """The errors of forecasts that the fields stay as they are."""
        return self._relative([self.fields[:, 0]] * self.steps)

    @cached_property
    def climatology(self) -> list[float]:
        """The errors of forecasts of the training mean."""
        return self._relative([self.mean] * self.steps)

    @torch.no_grad()
    def errors(self, model: WorldModel) -> list[float]:
        """The error of each lead time; infinite where forecasts explode."""
        with model.assembled():
            states = rollout(model, model.encode(self.fields[:, 0], self.parameters), self.actions)
        return self._relative(_decoded(model, states.unbind(dim=1)))

    @torch.no_grad()
    def errors_of_step(self, model: WorldModel, step: LinearStep) -> list[float]:
        """The same of a linear step of the model's latents, whatever its predictor is."""
        z = model.latent(model.encode(self.fields[:, 0], self.parameters)).double()
        parameters = model.scaled_parameters(self.parameters)
        matrix, forcing, constant = (torch.from_numpy(x) for x in (step.matrix, step.forcing, step.constant))
        latents = []
        for action in self.actions.unbind(dim=1):
            inputs = torch.cat([model.scaled(action), parameters], dim=1).double()
            z = z @ matrix + inputs @ forcing + constant
            latents.append(z.float())
        return self._relative(_decoded(model, map(model.state_of, latents)))

    @torch.no_grad()
    def truncation(self, model: WorldModel) -> list[float]:
        """What the latent does not hold: the errors of encoded truth."""
        return self._relative(_decoded(model, map(model.encode, self._truth)))

    def _relative(self, forecasts: Iterable[Tensor]) -> list[float]:
        varies = self.spread > 0
        squares = [self._square(guess - fields) for fields, guess in zip(self._truth, forecasts, strict=True)]
        errors = [float((square[varies] / self.spread[varies]).mean().sqrt()) for square in squares]
        return [error if math.isfinite(error) else math.inf for error in errors]

    def _square(self, differences: Tensor) -> Tensor:
        """The weighted mean square of each variable, of differences ``(window, variable, *space)``."""
        total = self.points.flatten(1).sum(dim=1).clamp(min=1e-30)
        return (differences.double().square().mean(dim=0) * self.points).flatten(1).sum(dim=1) / total


def _decoded(model: WorldModel, states: Iterable[Tensor]) -> Iterator[Tensor]:
    for state in states:
        yield model.readout(state, ["fields"])["fields"]


def typical(errors: Sequence[float]) -> float:
    """The geometric mean over lead times, so that a given ratio counts alike at early and at late ones."""
    return math.exp(sum(math.log(max(e, 1e-12)) for e in errors) / len(errors)) if errors else math.inf
