"""DMDc of the runs of files: parameters are constant actions, lengths may differ, and there may be more than fits."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.baselines.dmdc import DMDc
from sciwm.baselines.recordings import Recordings
from sciwm.baselines.tuning import tune
from sciwm.data import Trajectories
from sciwm.dynamics import readout_trajectory, rollout
from simulations import ActionBox

MOST_NUMBERS, MOST_INSTANTS = 2**26, 2048
"""The most values, and the most instants, of each set that are held; of larger ones there are pieces, spread evenly."""
FEWEST_PIECES = 16


def fit_linear_of_runs(
    train: Trajectories, validation: Trajectories, *, modes: int, horizon: int, most: int = MOST_NUMBERS
) -> DMDc:
    """Fit DMDc with so many modes, its ridge tuned by forecasts of the validation runs.

    Args:
        train: The runs that it is fitted to.
        validation: The runs that choose the ridge.
        modes: The number of modes, as many as the latent of a model that it is compared with has numbers.
        horizon: The control intervals of a forecast.
        most: The most values of fields that are held of each set.

    Raises:
        InputError: If the training fields have fewer modes.
    """
    both = [_with_parameters(*_pieces(data, horizon, most)) for data in (train, validation)]
    return tune(both[0], both[1], horizon=min(horizon, both[1].intervals), ranks=[modes])[0]


@torch.no_grad()
def forecast_linearly(model: DMDc, fields: Tensor, actions: Tensor, parameters: Tensor) -> Tensor:
    """Forecast runs with a model of :func:`fit_linear_of_runs`.

    Args:
        model: The model.
        fields: Physical fields at the start, ``(batch, variable, *space)``.
        actions: Physical, ``(batch, time, actuator)``.
        parameters: Physical, ``(batch, parameter)``.

    Returns:
        The fields after each action, ``(batch, time, variable, *space)``.
    """
    constant = parameters[:, None].expand(-1, actions.shape[1], -1)
    states = rollout(model, model.encode(fields), torch.cat([actions, constant], dim=2))
    return readout_trajectory(model, states, ["fields"])["fields"]


def _pieces(data: Trajectories, horizon: int, most: int) -> tuple[Recordings, NDArray[np.float32]]:
    """Pieces of equal length, and the parameters of each: whole runs where they are alike and not too large."""
    lengths = {row: data.intervals_of(row) for row in data.usable}
    length = min((n for n in lengths.values() if n >= horizon), default=max(lengths.values()))
    values = len(data.variables) * math.prod(axis.num_points for axis in data.axes)
    budget = max(2, min(MOST_INSTANTS, most // values))
    if sum(n + 1 for n in lengths.values()) > budget:
        length = max(1, min(length, budget // FEWEST_PIECES - 1))
    places = [(row, first) for row, n in lengths.items() for first in range(0, n - length + 1, length)]
    count = max(1, min(len(places), budget // (length + 1)))
    chosen = [places[i] for i in np.unique(np.linspace(0, len(places) - 1, count).round().astype(int))]

    def cut(name: str, instants: int) -> Tensor:
        parts = [np.asarray(data.array(name)[row, first : first + instants]) for row, first in chosen]
        return torch.from_numpy(np.stack(parts).astype(np.float32))

    fields = torch.stack([cut(v.name, length + 1) for v in data.variables], dim=2)
    made = Recordings(fields, cut("action", length), data.actuators, data.control_interval)
    return made, data.parameters[[row for row, _ in chosen]]


def _with_parameters(given: Recordings, parameters: NDArray[np.float32]) -> Recordings:
    """Recordings whose parameters are further actions, which are constant in a run."""
    if not parameters.shape[1]:
        return given
    constant = torch.from_numpy(parameters)[:, None].expand(-1, given.intervals, -1)
    low, high = _bounds(parameters)
    names = tuple(f"parameter_{i}" for i in range(parameters.shape[1]))
    box = given.actuators
    wide = ActionBox((*box.names, *names), np.append(box.low, low), np.append(box.high, high), "1")
    return replace(given, actions=torch.cat([given.actions, constant], dim=2), actuators=wide)


def _bounds(parameters: NDArray[np.float32]) -> tuple[Sequence[float], Sequence[float]]:
    """Something like the range of parameters; the two sets need not share it, as regression and forecast are linear."""
    size = float(np.abs(parameters).max()) or 1.0
    return [-size] * parameters.shape[1], [size] * parameters.shape[1]
