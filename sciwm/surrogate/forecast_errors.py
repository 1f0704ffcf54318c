"""Forecasts with calibrated errors: members, or bands about their mean, and at each step whether to believe them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.data import Domain, position_of
from sciwm.errors import InputError, Problem
from sciwm.model import WorldModel
from sciwm.model.ensemble import rollout_members
from sciwm.surrogate.ends import look_at_chunk, missing_where, without_the_lost
from sciwm.surrogate.looks import action_score, look, parameter_score
from sciwm.surrogate.mapping import Array, from_batch, map_blocks, to_batch
from sciwm.surrogate.schedules import Schedule
from sciwm.uncertainty import COVERAGES, DETECTORS, MEANINGS, START_DETECTORS, Uncertainty

KINDS = ("bands", "members")
"""What a forecast may carry."""
POINTS_AT_ONCE = 2**18
NUMBERS_OF_A_CHUNK = 2**23
"""How many numbers of decoded members a lazy forecast holds at once."""


def kind_problems(kind: object) -> list[Problem]:
    """The problem of a kind of uncertainty that there is not."""
    if kind is None or kind in KINDS:
        return []
    return [Problem("uncertainty", "'bands', 'members' or None", repr(kind))]


def forecast_with_errors(
    model: WorldModel,
    known: Uncertainty,
    start: xr.Dataset,
    state: xr.DataArray,
    schedule: Schedule,
    kind: str,
) -> xr.Dataset:
    """Forecast an ensemble and calibrate it.

    Args:
        model: The model.
        known: Its members and their calibration.
        start: The variables of the model at one instant.
        state: Their states, over ``latent``.
        schedule: The actions and the times.
        kind: One of ``KINDS``.

    Returns:
        As bands for every variable the mean of the members, ``NAME_deviation``, ``NAME_lower`` and ``NAME_upper`` over
        ``coverage``; as members the variable over ``realization``. ``flag`` over ``time`` says with its bits why not to
        believe a step.
    """
    domain, times = model.domain, schedule.times
    excess, scores = look(model, known, start, state)
    state = state.drop_vars("time", errors="ignore").transpose(..., "latent")
    latents, acted = _members(model, known, state, schedule)
    lead = xr.DataArray(np.arange(times.size, dtype=np.float32), dims="time", coords={"time": times})
    latents = _few_instants(latents.assign_coords(time=times), known, domain)
    read, disagreement = _read(model, known, latents, excess, lead, kind)
    made = _described(read, domain, kind, known)
    starts = dict(zip(START_DETECTORS, known.starts.tolist(), strict=True))
    told = [scores.sel(detector=name, drop=True) / largest for name, largest in starts.items()]
    told += [acted.assign_coords(time=times), parameter_score(model, known, state), disagreement]
    flag = _flag([name for name in DETECTORS if name != "innovation"], told, lead)
    made = made.assign(flag=flag.transpose(..., "time"))
    return made.assign_coords({axis.name: position_of(axis) for axis in domain.axes})


def _members(
    model: WorldModel, known: Uncertainty, state: xr.DataArray, schedule: Schedule
) -> tuple[xr.DataArray, xr.DataArray]:
    """The states of all members over ``realization`` and ``time``, and how far actions so far were beyond the data."""

    def advance(states: Array, actions: Array) -> tuple[Array, ...]:
        if not schedule.seen:
            look_at_chunk(actions, model.domain)
        leading = np.broadcast_shapes(states.shape[:-1], actions.shape[:-2])
        actions, lost = without_the_lost(actions, leading, model.domain)
        begin, held = to_batch(states, leading, 1), to_batch(actions, leading, 2)
        beyond = action_score(model, known, begin, held).cummax(dim=1).values
        beyond = torch.cat([torch.zeros_like(beyond[:, :1]), beyond], dim=1)
        members = from_batch(rollout_members(model, known.ensemble, begin, held), leading)
        ended = np.concatenate([np.zeros_like(lost[..., :1]), lost], axis=-1)
        everywhere = np.broadcast_to(ended[..., None, :], members.shape[:-1])
        return missing_where(everywhere, members), missing_where(ended, from_batch(beyond.float(), leading))

    forcing = schedule.forcing
    along = dict((forcing if state.chunks is None else state).chunksizes)
    arrays = [
        array.chunk({d: c for d, c in along.items() if d in array.dims}) if along else array
        for array in (state, forcing)
    ]
    sizes = {"realization": known.ensemble.members, "time": schedule.times.size, "latent": model.state_size}
    latents, beyond = map_blocks(
        advance, arrays, [["latent"], ["time", "actuator"]], [["realization", "time", "latent"], ["time"]], sizes
    )
    return latents, beyond


def _read(
    model: WorldModel, known: Uncertainty, latents: xr.DataArray, excess: xr.DataArray, lead: xr.DataArray, kind: str
) -> tuple[dict[str, xr.DataArray], xr.DataArray]:
    """Everything that a forecast carries, by name, and the disagreement of its members."""
    domain, space = model.domain, dict(zip(model.domain.dimensions, model.domain.shape, strict=True))
    functionals = [f.name for f in domain.functionals]
    banded = kind == "bands"

    def read(states: Array, starts: Array, leads: Array) -> tuple[Array, ...]:
        leading = np.broadcast_shapes(states.shape[:-2], starts.shape[:-1], leads.shape)
        ended = np.broadcast_to(np.isnan(states).all(axis=(-2, -1)), leading)
        states = np.where(ended[..., None, None], np.float32(0), states)
        rows = [to_batch(states, leading, 2), to_batch(starts, leading, 1), to_batch(leads, leading, 0)]
        each = max(1, POINTS_AT_ONCE // (known.ensemble.members * math.prod(domain.shape)))
        pieces = zip(*(values.split(each) for values in rows), strict=True)
        parts = [_values(model, known, several, banded=banded) for several in pieces]
        whole = [torch.cat(values) for values in zip(*parts, strict=True)]
        if not all(bool(values.isfinite().all()) for values in whole):
            remedy = "start from fields like those of the training data, or forecast fewer intervals"
            raise InputError([Problem("forecast", "finite values", "members that diverge", remedy)])
        return tuple(missing_where(ended, from_batch(values.float(), leading)) for values in whole)

    of_field = [list(space), list(space), ["coverage", *space], ["coverage", *space]]
    names = [f"{v.name}{end}" for v in domain.variables for end in ("", "_deviation", "_lower", "_upper")]
    gives = of_field * len(domain.variables)
    if not banded:
        names, gives = [v.name for v in domain.variables], [["realization", *space]] * len(domain.variables)
    gives = [*gives, *([[] if banded else ["realization"]] * len(functionals)), []]
    sizes = {**space, **({"coverage": len(COVERAGES)} if banded else {"realization": known.ensemble.members})}
    reads = [["realization", "latent"], ["variable"], []]
    made = map_blocks(read, [latents, excess, lead], reads, gives, sizes)
    front = [] if banded else ["realization"]
    named = dict(zip([*names, *functionals], made, strict=False))
    return {
        name: values.transpose(*front, ..., *(d for d in space if d in values.dims)) for name, values in named.items()
    }, made[-1]


def _values(model: WorldModel, known: Uncertainty, several: tuple[Tensor, ...], *, banded: bool) -> list[Tensor]:
    """The values that a forecast carries, in the order of their names: those of fields, functionals, disagreement.

    Args:
        model: The model.
        known: The calibration.
        several: States of members ``(batch, member, state)``, excess ``(batch, variable)`` and lead ``(batch,)``.
        banded: Whether bands are asked for, or members.
    """
    (states, excess, lead), domain = several, model.domain
    names = ["fields", *(f.name for f in domain.functionals)]
    flat = model.readout(states.flatten(0, 1), names)
    read = {name: values.unflatten(0, states.shape[:2]) for name, values in flat.items()}
    fields = model.normalize(read["fields"])
    deviation, mean = (
        torch.tensor([getattr(v, part) for v in domain.variables]).view(-1, *(1,) * len(domain.axes))
        for part in ("deviation", "mean")
    )
    found: list[Tensor] = []
    if banded:
        middle, spread = known.spread(fields, excess, lead)
        half = known.limits(lead) * spread
        low, high = ((middle + sign * half) * deviation + mean for sign in (-1, 1))
        middle, spread = middle * deviation + mean, spread * deviation
        for v in range(len(domain.variables)):
            found += [middle[:, v], spread[:, v], low[:, :, v].transpose(0, 1), high[:, :, v].transpose(0, 1)]
    else:
        members = known.calibrated(fields, excess, lead) * deviation + mean
        found += list(members.unbind(dim=2))
    found += [read[f.name].mean(dim=1) if banded else read[f.name] for f in domain.functionals]
    return [*found, known.disagreement(fields, lead)]


def _few_instants(latents: xr.DataArray, known: Uncertainty, domain: Domain) -> xr.DataArray:
    """Lazy latents in chunks so short in time that the members of one are bounded in memory."""
    if latents.chunks is None:
        return latents
    rows = math.prod(
        max(sizes) for d, sizes in latents.chunksizes.items() if d not in ("time", "latent", "realization")
    )
    numbers = rows * known.ensemble.members * math.prod(domain.shape)
    return latents.chunk(time=max(1, NUMBERS_OF_A_CHUNK // numbers))


def _flag(names: Sequence[str], scores: Sequence[xr.DataArray], lead: xr.DataArray) -> xr.DataArray:
    """The bits of all detectors whose score is above 1."""
    masks = {name: np.int8(1 << place) for place, name in enumerate(DETECTORS)}
    bits = [(one > 1).astype(np.int8) * masks[name] for name, one in zip(names, scores, strict=True)]
    flag = sum(bits, (0 * lead).astype(np.int8))
    return flag_described(flag.astype(np.int8))


def flag_described(flag: xr.DataArray) -> xr.DataArray:
    """A flag with the meaning of its bits, as CF writes it."""
    flag.attrs = {
        "standard_name": "quality_flag",
        "long_name": "why not to believe this step; 0 where nothing speaks against it",
        "flag_masks": np.array([1 << place for place in range(len(DETECTORS))], dtype=np.int8),
        "flag_meanings": " ".join(DETECTORS),
        "comment": "; ".join(f"{name}: {MEANINGS[name]}" for name in DETECTORS),
    }
    return flag


def _described(read: dict[str, xr.DataArray], domain: Domain, kind: str, known: Uncertainty) -> xr.Dataset:
    calibration = known.calibration
    longest = calibration.longest * domain.control_interval
    about = (
        f"calibrated by forecasts of {calibration.runs} validation runs up to lead time {longest:g}; "
        "beyond, their factors stay the same"
    )
    made = xr.Dataset(read)
    for v in domain.variables:
        made[v.name].attrs = {"units": v.units, "long_name": v.long_name}
        if kind == "members":
            made[v.name].attrs["comment"] = f"members as if drawn like the truth, {about}"
            continue
        names = {end: f"{v.name}_{end}" for end in ("deviation", "lower", "upper")}
        made[v.name].attrs |= {
            "cell_methods": "realization: mean",
            "ancillary_variables": " ".join([*names.values(), "flag"]),
        }
        made[names["deviation"]].attrs = {
            "units": v.units,
            "long_name": f"standard deviation of the error of {v.long_name}",
            "cell_methods": "realization: standard_deviation",
            "comment": about,
        }
        for end in ("lower", "upper"):
            made[names[end]].attrs = {"units": v.units, "long_name": f"{end} end of the band of {v.long_name}"}
    for f in domain.functionals:
        made[f.name].attrs = {"units": "1", "long_name": f"spatial mean {f.name}"}
    if kind == "bands":
        shares = {"units": "1", "long_name": "share of the truth that the band should hold"}
        return made.assign_coords(coverage=("coverage", list(COVERAGES), shares))
    number = {"units": "1", "standard_name": "realization", "long_name": "member of the ensemble"}
    return made.assign_coords(realization=("realization", np.arange(known.ensemble.members), number))
