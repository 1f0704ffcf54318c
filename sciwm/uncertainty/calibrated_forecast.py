"""Calibrated forecasts of the runs of a store, a few lead times at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import readout_trajectory
from sciwm.model import WorldModel, residual_of
from sciwm.model.ensemble import StepEnsemble, rollout_members
from sciwm.uncertainty.seen_states import fields_at, parameters_at
from sciwm.uncertainty.uncertainty import Uncertainty

NUMBERS_AT_ONCE = 2**22
"""How many numbers of states or decoded fields are held at once."""


@dataclass(frozen=True)
class CalibratedForecast:
    """Normalised fields at some leads.

    Args:
        mean: The mean of the members, ``(lead, variable, *space)``.
        deviation: The calibrated deviation of its error, likewise.
        members: Calibrated members, ``(lead, member, variable, *space)``.
    """

    mean: Tensor
    deviation: Tensor
    members: Tensor


def calibrated_forecast(
    model: WorldModel, uncertainty: Uncertainty, data: Trajectories, row: int, steps: int
) -> Iterator[tuple[int, Tensor, CalibratedForecast]]:
    """Forecast a run from its first instant under its recorded actions.

    Yields:
        The first lead of a piece, the true normalised fields, and the forecast.
    """
    ((_, states),) = forecast_members(model, uncertainty.ensemble, data, [row], steps)
    fields = fields_at(model, data, row, np.arange(states.shape[1]))
    excess = uncertainty.excess(residual_of(model, fields[:1], states[0, :1], uncertainty.valid))
    for first, truth, guess in in_pieces(model, fields, states):
        lead = torch.arange(first, first + len(guess))
        several = excess.expand(len(guess), -1)
        mean, deviation = uncertainty.spread(guess, several, lead)
        yield first, truth, CalibratedForecast(mean, deviation, uncertainty.calibrated(guess, several, lead))


def forecast_members(
    model: WorldModel, ensemble: StepEnsemble, data: Trajectories, rows: Sequence[int], steps: int
) -> Iterator[tuple[int, Tensor]]:
    """Each run, and the states of members from its first instant, ``(member, lead, state)``, as long as it is."""
    at_once = max(1, NUMBERS_AT_ONCE // (ensemble.members * (steps + 1) * model.state_size))
    for first in range(0, len(rows), at_once):
        several = rows[first : first + at_once]
        fields = torch.cat([fields_at(model, data, row, np.zeros(1, int)) for row in several])
        parameters = torch.cat([parameters_at(data, row, 1) for row in several])
        actions = torch.zeros(len(several), steps, len(model.actuators))
        lengths = [min(steps, data.intervals_of(row)) for row in several]
        for held, row, length in zip(actions, several, lengths, strict=True):
            held[:length] = torch.from_numpy(np.asarray(data.array("action")[row, :length], dtype=np.float32))
        together = rollout_members(model, ensemble, model.encode(fields, parameters), actions)
        for row, states, length in zip(several, together, lengths, strict=True):
            yield row, states[:, : length + 1]


def in_pieces(model: WorldModel, fields: Tensor, states: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """First lead, true normalised fields and those of the members ``(lead, member, variable, *space)``, by pieces."""
    each = max(1, NUMBERS_AT_ONCE // (states.shape[0] * fields[0].numel()))
    for first in range(0, len(fields), each):
        part = slice(first, first + each)
        yield first, model.normalize(fields[part]), normalized_fields(model, states[:, part].transpose(0, 1))


def normalized_fields(model: WorldModel, states: Tensor) -> Tensor:
    """The normalised fields that states ``(batch, member, state)`` decode to."""
    return model.normalize(readout_trajectory(model, states, ["fields"])["fields"])
