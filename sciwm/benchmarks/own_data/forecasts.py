"""Forecasts of held-out runs from many starts, and their errors at every lead time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.model import WorldModel

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Starts:
    """Where forecasts begin, what drives them, and what came of it.

    Args:
        fields: physical, ``(sample, variable, *space)``.
        actions: physical, ``(sample, time, actuator)``.
        parameters: physical, ``(sample, parameter)``.
        truth: the fields at the lead times 1, 2, ..., ``(sample, time, variable, *space)``.
        runs: the run of each sample.
        instants: the instant of each start, counted from that of its run.
    """

    fields: Tensor
    actions: Tensor
    parameters: Tensor
    truth: Tensor
    runs: tuple[int, ...]
    instants: tuple[int, ...]


Forecaster = Callable[[Starts], Tensor]
"""Forecasts the fields at all lead times, ``(sample, time, variable, *space)``, and does not look at the truth."""


def starts_of(data: Trajectories, steps: int, stride: int) -> Starts:
    """Starts at every ``stride``-th instant of every run that is long enough."""
    places = [(i, t) for i in data.usable for t in range(0, data.intervals_of(i) - steps + 1, stride)]

    def cut(name: str, length: int) -> Tensor:
        return torch.from_numpy(np.stack([data.array(name)[i, t : t + length] for i, t in places]).astype(np.float32))

    fields = torch.stack([cut(v.name, steps + 1) for v in data.variables], dim=2)
    return Starts(
        fields[:, 0],
        cut("action", steps),
        torch.from_numpy(np.stack([data.parameters[i] for i, _ in places])),
        fields[:, 1:],
        tuple(i for i, _ in places),
        tuple(t for _, t in places),
    )


def scale_of(data: Trajectories, unit: str) -> Tensor:
    """What errors of each variable are divided by: its deviation about its mean field, or 1 for physical units."""
    if unit != "deviation":
        return torch.ones(len(data.variables))
    rows = data.usable
    found = []
    for variable in data.variables:
        fields = np.concatenate([data.array(variable.name)[i, : data.intervals_of(i) + 1] for i in rows]).astype(float)
        found.append(np.sqrt(np.square(fields - fields.mean(axis=0))[:, _there(data)].mean()))
    return torch.tensor(np.array(found), dtype=torch.float32)


def square_errors(guess: Tensor, starts: Starts, scale: Tensor, where: Tensor | None = None) -> Array:
    """Mean square error of each run and lead time, ``(run, time)``; infinite where a forecast is not finite.

    Args:
        guess: a forecast.
        starts: with the truth.
        scale: of each variable, as from :func:`scale_of`.
        where: the points that count, over space; all of them if left out.
    """
    space = guess.ndim - 3
    error = ((guess - starts.truth) / scale.view(-1, *(1,) * space)).square().flatten(3)
    kept = error if where is None else error[..., where.flatten()]
    mean = kept.double().mean(dim=(2, 3)).nan_to_num(nan=torch.inf).numpy()
    return np.stack([mean[np.array(starts.runs) == run].mean(axis=0) for run in sorted(set(starts.runs))])


def fields_exist(data: Trajectories) -> Tensor:
    """Where fields exist, over space."""
    return torch.from_numpy(_there(data))


def _there(data: Trajectories) -> NDArray[np.bool_]:
    shape = tuple(axis.num_points for axis in data.axes)
    return np.ones(shape, bool) if data.valid is None else np.asarray(data.valid.all(axis=0))


@torch.no_grad()
def by_model(model: WorldModel) -> Forecaster:
    """Forecasts by a trained world model."""

    def forecast(starts: Starts) -> Tensor:
        states = rollout(model, model.encode(starts.fields, starts.parameters), starts.actions)
        with torch.no_grad():
            return readout_trajectory(model, states, ["fields"])["fields"]

    return forecast
