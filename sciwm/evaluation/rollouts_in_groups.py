"""Forecasts of a test set that need not fit into memory: a few simulations are forecast and scored at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import xarray as xr
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import encode_trajectory
from sciwm.evaluation.held_out_scores import square_errors
from sciwm.evaluation.rollouts import evaluate_rollouts
from sciwm.model import WorldModel

NUMBERS_AT_ONCE, NUMBERS_KEPT = 2**23, 2**24
"""How many field values of somebody's data are forecast at once, and about how many are kept to be shown."""

Beside = Callable[[xr.Dataset], xr.Dataset]
"""Adds further forecasts to those of ``evaluate_rollouts``."""


@dataclass(frozen=True)
class Rollouts:
    """Forecasts of a test set.

    Args:
        shown: As from ``evaluate_rollouts``, of all simulations; of somebody's data that are too large, of some that
            are spread evenly.
        errors: What of it has no space, of all simulations; of somebody's data with that of ``square_errors``.
        latents: Those of the true fields, ``(simulation, time, size)``.
    """

    shown: xr.Dataset
    errors: xr.Dataset
    latents: Tensor


def roll_out(
    model: WorldModel,
    data: Trajectories,
    *,
    steps: int,
    climatology: Tensor | None = None,
    beside: Beside | None = None,
) -> Rollouts:
    """Forecast every usable simulation from its first instant, in groups that fit into memory.

    Args:
        model, data, steps, climatology: As for :func:`sciwm.evaluation.rollouts.evaluate_rollouts`; climatology is
            needed where data come from files.
        beside: What adds forecasts of somebody's data by another model, which are scored too.
    """
    domain, rows = model.domain, data.usable
    of_one = (steps + 1) * len(domain.variables) * math.prod(domain.shape)
    together = len(rows) if data.roles is None else max(1, NUMBERS_AT_ONCE // of_one)
    groups = [rows[first : first + together] for first in range(0, len(rows), together)]
    every = 1 if data.roles is None else -(-len(groups) // max(1, NUMBERS_KEPT // (together * of_one)))
    shown, errors, latents = [], [], []
    for number, group in enumerate(groups):
        made = evaluate_rollouts(model, data, steps=steps, climatology=climatology, rows=group)
        latents.append(_latents(model, made))
        small = made.drop_vars([n for n, v in made.variables.items() if set(domain.dimensions) & set(v.dims)])
        errors.append(
            small if data.roles is None else small.merge(square_errors(beside(made) if beside else made, domain))
        )
        if number % every == 0:
            shown.append(made)
    return Rollouts(_joined(shown), _joined(errors), torch.cat(latents))


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    return parts[0] if len(parts) == 1 else xr.concat(parts, "simulation", data_vars="minimal")


@torch.no_grad()
def _latents(model: WorldModel, made: xr.Dataset) -> Tensor:
    fields = torch.stack([torch.from_numpy(made[v.name].values) for v in model.domain.variables], dim=2)
    return model.latent(encode_trajectory(model, fields.nan_to_num(0.0)))  # 0 stands where no field is
