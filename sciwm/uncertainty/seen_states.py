"""States and steps of the training data, as a trained model sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import encode_trajectory
from sciwm.model import WorldModel, fields_to_see, residual_of
from sciwm.model.ensemble import inputs_of


@dataclass(frozen=True)
class SeenStates:
    """Intervals of the training data, spread evenly over its runs.

    Args:
        states: States at the beginning of each, ``(sample, state)``.
        inputs: What acts on them, scaled, ``(sample, inputs)``.
        innovations: The latent at the end minus that of the model's step, ``(sample, latent)``.
        truncation: The mean square of what decoding leaves out of normalised fields, ``(variable, *space)``.
        left_out: What it leaves out at some instants, ``(instant, variable, *space)``.
        runs: The run of each interval, ``(sample,)``.
        action_low, action_high: The smallest and the largest value of each action, scaled.
    """

    states: Tensor
    inputs: Tensor
    innovations: Tensor
    truncation: Tensor
    left_out: Tensor
    runs: Tensor
    action_low: Tensor
    action_high: Tensor


@torch.no_grad()
def look_at(model: WorldModel, sets: Sequence[Trajectories], kept: int) -> SeenStates:
    """See intervals of all runs.

    Args:
        model: The trained model.
        sets: The training data.
        kept: How many instants of what decoding leaves out are kept.
    """
    members = [(data, row) for data in sets for row in data.usable]
    each = max(1, fields_to_see(model, at_once=2) // len(members))
    parts: list[list[Tensor]] = []
    missed, count = torch.zeros(()), 0
    left_out: list[Tensor] = []
    for number, (data, row) in enumerate(members):
        intervals = data.intervals_of(row)
        begins = np.unique(np.linspace(0, intervals - 1, min(each, intervals)).round().astype(int))
        instants, places = np.unique(np.concatenate([begins, begins + 1]), return_inverse=True)
        fields, parameters = fields_at(model, data, row, instants), parameters_at(data, row, len(instants))
        states = model.with_parameters(encode_trajectory(model, fields[None])[0], parameters)
        residual = residual_of(model, fields, states, valid_of(data, model))
        missed, count = missed + residual.square().sum(dim=0), count + len(residual)
        if number % max(1, len(members) // kept) == 0 and len(left_out) < kept:
            several = -(-kept // len(members))  # of few runs more than one instant each
            shown = [(7 * number + i * len(residual) // several) % len(residual) for i in range(several)]
            left_out += list(residual[shown])[: kept - len(left_out)]
        before, after = states[places[: len(begins)]], states[places[len(begins) :]]
        action = torch.from_numpy(np.asarray(data.array("action")[row, :intervals])[begins].astype(np.float32))
        innovation = model.latent(after) - model.latent(model.advance(before, action))
        run = torch.full((len(begins),), number)
        parts.append([before, inputs_of(model, before, action), innovation, run])
    states, inputs, innovations, runs = (torch.cat(several) for several in zip(*parts, strict=True))
    actions = torch.cat(
        [torch.from_numpy(np.asarray(d.array("action")[r, : d.intervals_of(r)], np.float32)) for d, r in members]
    )
    low, high = (model.scaled(end) for end in (actions.min(dim=0).values, actions.max(dim=0).values))
    return SeenStates(states, inputs, innovations, missed / count, torch.stack(left_out), runs, low, high)


def fields_at(model: WorldModel, data: Trajectories, row: int, instants: NDArray[np.int64]) -> Tensor:
    """The physical fields of one run at some instants, ``(instant, variable, *space)``."""
    arrays = [np.asarray(data.array(v.name)[row, : instants.max() + 1])[instants] for v in model.domain.variables]
    return torch.from_numpy(np.stack(arrays, axis=1).astype(np.float32))


def parameters_at(data: Trajectories, row: int, count: int) -> Tensor:
    """The physical parameters of one run, ``(count, parameter)``."""
    return torch.from_numpy(data.parameters[row]).expand(count, -1)


def valid_of(data: Trajectories, model: WorldModel) -> Tensor:
    """Where fields exist, ``(variable, *space)``: 1 there, 0 elsewhere."""
    shape = (len(model.domain.variables), *model.domain.shape)
    return torch.ones(shape) if data.valid is None else torch.from_numpy(data.valid.astype(np.float32))


def spread_points(valid: Tensor, most: int) -> Tensor:
    """Some points of every variable, spread evenly over those where fields exist, ``(variable, point)``."""
    several = [torch.nonzero(there.flatten())[:, 0] for there in valid]
    count = min(most, min(len(one) for one in several))
    return torch.stack([one[torch.linspace(0, len(one) - 1, count).round().long()] for one in several])
