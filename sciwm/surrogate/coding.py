"""Fields to states, states in time, and states to fields, for arrays whose dimensions have names."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from sciwm.data import Domain, position_of
from sciwm.data.values import masked_value, missing_remedy
from sciwm.dynamics import rollout
from sciwm.model import LatentStatistics, WorldModel
from sciwm.surrogate.ends import look_at_chunk, missing_where, without_the_lost
from sciwm.surrogate.limits import require_finite
from sciwm.surrogate.mapping import Array, fields_to_batch, from_batch, map_blocks, to_batch
from sciwm.surrogate.schedules import Schedule

POINTS_AT_ONCE = 2**18  # bounds the memory of convolutions and decoder products
NUMBERS_OF_A_CHUNK = 2**23
"""How many numbers a lazy forecast of one variable holds at once: 32 megabytes."""


def encoded(model: WorldModel, ds: xr.Dataset) -> xr.DataArray:
    """The states of fields, with the parameters beside them, over ``latent`` in the place of the first dimension."""

    def encode(*arrays: Array) -> tuple[Array, ...]:
        given, own = arrays[: len(fields)], arrays[len(fields) :]
        shape = np.broadcast_shapes(*(one.shape[: one.ndim - len(space)] for one in given), *(p.shape for p in own))
        wide = [np.broadcast_to(one, (*shape, *one.shape[one.ndim - len(space) :])) for one in given]
        batch, leading = fields_to_batch(wide, len(space), remedy)
        beside = [to_batch(np.stack(np.broadcast_arrays(*own), -1), leading, 1)] if own else []
        at_once = _at_once(batch.shape[2:])
        parts = zip(*(one.split(at_once) for one in (batch, *beside)), strict=True)
        latents = [model.encode(*part) for part in parts]
        return _finite(model.domain, from_batch(torch.cat(latents), leading))

    space, fields = model.domain.dimensions, [ds[v.name] for v in model.domain.variables]
    parameters = [ds[p.name] for p in model.domain.parameters]
    remedy = missing_remedy(next((f for f in fields if masked_value(f) is not None), fields[0]))
    sizes = {"latent": model.state_size}
    reads: list[Sequence[str]] = [space] * len(fields) + [[]] * len(parameters)
    (latent,) = map_blocks(encode, [*fields, *parameters], reads, [["latent"]], sizes)
    first = next(d for d in fields[0].dims if d in space)
    in_place = ["latent" if d == first else d for d in fields[0].dims if d == first or d not in space]
    latent = latent.transpose(..., *in_place).rename("latent")
    return latent.assign_attrs(units="1", long_name="latent state")


def decoded(model: WorldModel, latent: xr.DataArray, *, may_end: bool = False) -> xr.Dataset:
    """The fields and functionals of states over ``latent``.

    Args:
        model: The model.
        latent: The states.
        may_end: Whether states may be missing: what is decoded of them is, too.
    """
    domain, names = model.domain, [f.name for f in model.domain.functionals]

    def decode(latents: Array) -> tuple[Array, ...]:
        lost = np.asarray(np.isnan(latents).all(axis=-1) & may_end)
        batch = to_batch(np.where(lost[..., None], 0, latents), latents.shape[:-1], 1)
        several = torch.split(batch, _at_once(domain.shape))
        parts = [model.readout(part, ["fields", *names]) for part in several]
        fields = torch.cat([part["fields"] for part in parts]).unbind(dim=1)
        functionals = [torch.cat([part[name] for part in parts]) for name in names]
        made = _finite(domain, *(from_batch(values, latents.shape[:-1]) for values in (*fields, *functionals)))
        return tuple(missing_where(lost, values) for values in made)

    space = dict(zip(domain.dimensions, domain.shape, strict=True))
    gives = [list(space)] * len(domain.variables) + [[]] * len(names)
    read = map_blocks(decode, [latent], [["latent"]], gives, space)
    in_place = [d for dim in latent.dims for d in (space if dim == "latent" else (dim,))]
    decoded = xr.Dataset()
    for v, values in zip(domain.variables, read, strict=False):
        decoded[v.name] = values.transpose(*in_place)
        decoded[v.name].attrs = {"units": v.units, "long_name": v.long_name}
    for name, values in zip(names, read[len(domain.variables) :], strict=True):
        decoded[name] = values
        decoded[name].attrs = {"units": "1", "long_name": f"spatial mean {name}"}
    return decoded.assign_coords({axis.name: position_of(axis) for axis in domain.axes})


def advanced(model: WorldModel, start: xr.DataArray, schedule: Schedule) -> xr.DataArray:
    """The states of a forecast, missing behind the end of a run.

    Args:
        model: The model.
        start: The states at the first instant.
        schedule: The actions.
    """
    forcing, times = schedule.forcing, schedule.times

    def advance(states: Array, actions: Array) -> tuple[Array, ...]:
        if not schedule.seen:
            look_at_chunk(actions, model.domain)
        leading = np.broadcast_shapes(states.shape[:-1], actions.shape[:-2])
        actions, lost = without_the_lost(actions, leading, model.domain)
        state = to_batch(states, leading, 1)
        future = from_batch(rollout(model, state, to_batch(actions, leading, 2)), leading)
        future = np.where(lost[..., None], 0, future) if lost.any() else future
        together = np.concatenate([from_batch(state, leading)[..., None, :], future], axis=-2)
        _finite(model.domain, together, instants=len(leading) + 1)
        ended = np.concatenate([np.zeros_like(lost[..., :1]), lost], axis=-1)
        return (missing_where(ended, together),)

    state = start.drop_vars("time", errors="ignore").transpose(..., "latent")
    along = dict((forcing if state.chunks is None else state).chunksizes)
    arrays = [
        array.chunk({d: c for d, c in along.items() if d in array.dims}) if along else array
        for array in (state, forcing)
    ]
    reads, sizes = [["latent"], ["time", "actuator"]], {"time": times.size, "latent": model.state_size}
    (latents,) = map_blocks(advance, arrays, reads, [["time", "latent"]], sizes)
    return _few_instants(latents, model.domain.shape).assign_coords(time=times)


def departure_of(model: WorldModel, latents: xr.DataArray, statistics: LatentStatistics) -> xr.DataArray:
    """How far latents are from the training data."""
    size = model.latent_size

    def departure(states: Array) -> tuple[Array, ...]:
        return (statistics.departure(torch.from_numpy(states[..., :size].copy())).numpy(),)

    (found,) = map_blocks(departure, [latents], [["latent"]], [[]], {})
    return found.assign_attrs(units="1", long_name="distance from the training data, of which 1 % lie beyond 1")


def _finite(domain: Domain, *results: Array, instants: int = 0) -> tuple[Array, ...]:
    require_finite(results, instants, domain)
    return results


def _at_once(shape: Sequence[int]) -> int:
    """How many instants of a grid are computed together, which bounds the memory."""
    return max(1, POINTS_AT_ONCE // math.prod(shape))


def _few_instants(latents: xr.DataArray, shape: Sequence[int]) -> xr.DataArray:
    """Lazy latents in chunks so short in time that the fields of one are bounded in memory."""
    if latents.chunks is None:
        return latents
    rows = math.prod(max(sizes) for d, sizes in latents.chunksizes.items() if d not in ("time", "latent"))
    return latents.chunk(time=max(1, NUMBERS_OF_A_CHUNK // (rows * math.prod(shape))))
