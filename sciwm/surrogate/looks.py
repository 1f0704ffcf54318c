"""What a model's detectors see of instants, actions and parameters."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.errors import InputError, Problem
from sciwm.model import WorldModel, residual_of
from sciwm.model.ensemble import inputs_of
from sciwm.surrogate.extrapolation import share_outside
from sciwm.surrogate.mapping import Array, from_batch, map_blocks, to_batch
from sciwm.uncertainty import START_DETECTORS, Uncertainty

AT_ONCE = 2**20
"""How many numbers of fields are looked at together."""


def look(
    model: WorldModel, known: Uncertainty, fields: xr.Dataset, state: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    """How much decoding leaves out of instants, and the scores of what looks at single ones.

    Args:
        model: The model.
        known: Its detectors.
        fields: Its variables, physical.
        state: Their states, over ``latent``.

    Returns:
        The excess over ``variable``, and scores in units of thresholds over ``detector``.

    Raises:
        InputError: If the fields are on another grid than the model's, of which they hold no points.
    """
    domain = model.domain
    strides = {axis.name: _stride(fields.sizes[axis.name], axis.num_points, axis.name) for axis in domain.axes}
    on_grid = fields[[v.name for v in domain.variables]].isel({d: slice(None, None, n) for d, n in strides.items()})

    def seen(*arrays: Array) -> tuple[Array, ...]:
        *given, states = arrays
        axes = len(domain.axes)
        leading = np.broadcast_shapes(*(one.shape[: one.ndim - axes] for one in given), states.shape[:-1])
        batch = torch.stack([to_batch(one, leading, axes) for one in given], dim=1)
        own = to_batch(states, leading, 1)
        each = max(1, AT_ONCE // batch[0].numel())
        excess, scores = [], []
        for part, begin in zip(batch.split(each), own.split(each), strict=True):
            residual = residual_of(model, part, begin, known.valid)
            excess.append(known.excess(residual))
            scores.append(known.start_scores(model, residual, begin))
        return from_batch(torch.cat(excess), leading), from_batch(torch.cat(scores).float(), leading)

    given = [on_grid[v.name].drop_vars(domain.dimensions, errors="ignore") for v in domain.variables]
    reads = [list(domain.dimensions)] * len(given) + [["latent"]]
    sizes = {"variable": len(domain.variables), "detector": len(START_DETECTORS)}
    excess, scores = map_blocks(seen, [*given, state], reads, [["variable"], ["detector"]], sizes)
    scores = scores.assign_coords(detector=list(START_DETECTORS))
    return excess.drop_vars("time", errors="ignore") if "time" not in excess.dims else excess, scores


def _stride(points: int, wanted: int, name: str) -> int:
    if points % wanted == 0:
        return points // wanted
    remedy = f"interpolate to {wanted} points, or forecast without uncertainty"
    raise InputError(
        [Problem(f"fields: {name}", f"{wanted} points or a multiple, for error bars", str(points), remedy)]
    )


def action_score(model: WorldModel, known: Uncertainty, state: Tensor, actions: Tensor) -> Tensor:
    """How far actions ``(batch, time, actuator)`` are outside the training data, ``(batch, time)``; 1 is their end."""
    inputs = inputs_of(model, state[:, None].expand(-1, actions.shape[1], -1), actions)
    usual = known.familiarity.beyond(inputs)[..., : actions.shape[2]].amax(dim=-1)
    if not model.domain.brought_in:  # whose actions are within bounds
        return usual
    away = torch.from_numpy(share_outside(actions.numpy(), model.domain))
    return torch.maximum(usual, away.amax(dim=-1))


def parameter_score(model: WorldModel, known: Uncertainty, state: xr.DataArray) -> xr.DataArray:
    """How far the parameters of states over ``latent`` are outside the training data; 0 without parameters."""

    def beyond(states: Array) -> tuple[Array, ...]:
        batch = to_batch(states, states.shape[:-1], 1)
        count = len(model.domain.parameters)
        if not count:
            return (np.zeros(states.shape[:-1], np.float32),)
        inputs = inputs_of(model, batch, torch.zeros(len(batch), len(model.actuators)))
        found = known.familiarity.beyond(inputs)[:, -count:].amax(dim=1)
        return (from_batch(found.float(), states.shape[:-1]),)

    (found,) = map_blocks(beyond, [state], [["latent"]], [[]], {})
    return found
