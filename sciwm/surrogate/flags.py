"""Whether to believe records: the scores of all detectors, flags and their reasons."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain
from sciwm.data.times import step_problems, steps_that_fit
from sciwm.errors import Problem, counted
from sciwm.model import WorldModel
from sciwm.surrogate.coding import encoded
from sciwm.surrogate.ends import missing_where, usual_actions
from sciwm.surrogate.extrapolation import furthest_outside
from sciwm.surrogate.forcing_names import is_unforced, no_forcing, side_by_side
from sciwm.surrogate.looks import action_score, look, parameter_score
from sciwm.surrogate.mapping import Array, from_batch, map_blocks, to_batch
from sciwm.surrogate.schedules import at_instants, held_forcing
from sciwm.uncertainty import DETECTORS, MEANINGS, Uncertainty, require_uncertainty

if TYPE_CHECKING:
    from sciwm.surrogate.surrogate import Surrogate

OF_RECORDS = tuple(name for name in DETECTORS if name != "disagreement")
"""The detectors that look at records; the disagreement is one of forecasts."""


def flagged(surrogate: "Surrogate", ds: Any, forcing: Any) -> xr.Dataset:
    """See ``Surrogate.flags``."""
    names = surrogate.names
    inside, there = _whole(names.inside(ds, "fields")[0], surrogate.domain)
    fields, problems = surrogate.fields(inside if there.ndim else ds)
    used = None
    if not problems and (forcing is not None or is_unforced(surrogate.domain)):
        used, problems = _actions(surrogate, fields, forcing)
    names.raise_if(problems)
    known = require_uncertainty(surrogate.uncertainty, "flags")
    told = flags_of(surrogate.model, known, fields, there, used)
    if not there.all():
        note = f"{int((~there).sum())} of {counted(there.size, 'instant')} are not judged, as fields are missing there"
        warnings.warn(f"{note}.", stacklevel=3)
        told.attrs["comment"] = note
    return names.renamed(told)


def _whole(inside: Any, domain: Domain) -> tuple[Any, xr.DataArray]:
    """Records in which instants that lack values hold the mean, and where none is lacking.

    All are said to be whole where every one lacks some, and for simulations of ours, in which nothing may be missing.
    """
    everywhere, space = xr.DataArray(True), domain.dimensions
    names = [v.name for v in domain.variables]
    known = isinstance(inside, xr.Dataset) and all(n in inside and set(space) <= set(inside[n].dims) for n in names)
    if not known or not domain.brought_in:
        return inside, everywhere
    there = everywhere
    for name in names:
        there = there & inside[name].notnull().all(space)
    there = there.compute().drop_vars([c for c in there.coords if c not in there.dims])
    if there.all() or not there.any():
        return inside, everywhere
    filled = {v.name: inside[v.name].where(there, v.mean) for v in domain.variables}
    return inside.assign({n: array.transpose(*inside[n].dims) for n, array in filled.items()}), there


def _actions(surrogate: "Surrogate", fields: xr.Dataset, forcing: Any) -> tuple[xr.DataArray, list[Problem]]:
    """The action of every interval between two instants, missing where two instants are not one interval apart."""
    domain, instants = surrogate.domain, fields.sizes.get("time", 1)
    first = fields.isel(time=0, missing_dims="ignore")
    if forcing is None:
        forcing, problems = no_forcing(max(1, instants - 1)), list[Problem]()
    else:
        forcing, problems = surrogate.names.inside(forcing, "forcing")
        forcing, unnamed = side_by_side(forcing, domain)
        problems += unnamed
    if problems:
        return xr.DataArray(), problems
    if not domain.brought_in or instants == 1:
        schedule, problems = held_forcing(forcing, first, domain)
        return schedule.forcing, problems or _length_problems(instants, schedule.forcing)
    fits = steps_that_fit(fields["time"], domain) if "time" in fields.coords else np.ones(instants - 1, bool)
    if fits is None:
        return xr.DataArray(), step_problems(fields["time"], domain, "fields")
    used, problems = at_instants(forcing, fields, domain)
    if problems:
        return used, problems
    used = used.isel(time=slice(0, instants - 1))
    return used.where(xr.DataArray(fits, dims="time")).transpose(*used.dims), []


def flags_of(
    model: WorldModel, known: Uncertainty, fields: xr.Dataset, there: xr.DataArray, forcing: xr.DataArray | None
) -> xr.Dataset:
    """Scores, flags and reasons of records.

    Args:
        model: The model.
        known: Its detectors and their thresholds.
        fields: Its variables, at one instant or over ``time``.
        there: Where there are fields, over all dimensions but space; elsewhere any.
        forcing: Actions over ``time`` and ``actuator``, from the first instant on, missing where no step is; None if
            they are not known.
    """
    state = encoded(model, fields)
    _, scores = look(model, known, fields, state)
    several = {str(name): scores.sel(detector=name, drop=True) for name in scores["detector"].values}
    several["parameter"] = parameter_score(model, known, state)
    if forcing is not None:
        forcing = forcing.compute()
        several |= _of_steps(model, known, state.where(there), forcing)
    nothing = 0 * several["residual"]
    looked = [name for name in several if name not in known.silent]
    found = [several[name].compute() if name in looked else (nothing + np.nan).compute() for name in OF_RECORDS]
    score = xr.concat(
        xr.broadcast(*found), xr.DataArray(list(OF_RECORDS), dims="detector", name="detector"), coords="minimal",
        compat="override", join="override",
    )  # fmt: skip
    score = score.where(there).transpose(*score.dims)
    score.attrs = {"units": "1", "long_name": "score in units of the threshold; NaN where nothing could be looked at"}
    flag = (score > 1).any("detector").assign_attrs(long_name="whether not to believe this record")
    if known.cautions:
        flag.attrs["comment"] = "; ".join(known.cautions)
    actions = _of_actions(score, forcing, model.domain)
    reason = xr.apply_ufunc(_reasons, score, actions, input_core_dims=[["detector"], []])
    reason.attrs = {"long_name": "why not"}
    return xr.Dataset({"score": score, "flag": flag, "reason": reason})


def _length_problems(instants: int, forcing: xr.DataArray) -> list[Problem]:
    if forcing.sizes["time"] >= instants - 1:
        return []
    expected = f"at least {instants - 1} intervals, one between two instants of the fields"
    return [Problem("forcing: time", expected, str(forcing.sizes["time"]))]


def _of_actions(score: xr.DataArray, forcing: xr.DataArray | None, domain: Domain) -> xr.DataArray:
    """Which action of the step that leads to each instant is outside of the data, and by how much."""
    if forcing is None or not domain.brought_in:
        return xr.DataArray("")
    words = xr.apply_ufunc(furthest_outside, forcing, domain, input_core_dims=[["actuator"], []])
    words = words.drop_vars("time", errors="ignore")
    if "time" not in score.dims:
        return words.isel(time=0)
    return words.isel(time=np.maximum(np.arange(score.sizes["time"]) - 1, 0))


def _of_steps(
    model: WorldModel, known: Uncertainty, state: xr.DataArray, forcing: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Innovation and action of the step that leads to each instant; those of the first are of the step from it."""
    single = "time" not in state.dims
    state = (state.drop_vars("time", errors="ignore").expand_dims("time") if single else state).transpose(
        ..., "time", "latent"
    )
    instants = state.sizes["time"]

    def seen(states: Array, actions: Array) -> tuple[Array, ...]:
        leading = np.broadcast_shapes(states.shape[:-2], actions.shape[:-2])
        lost = np.broadcast_to(np.isnan(actions).any(axis=-1), (*leading, actions.shape[-2]))[
            ..., : max(1, instants - 1)
        ]
        actions = np.where(np.isnan(actions).any(axis=-1, keepdims=True), usual_actions(model.domain), actions)
        own, held = to_batch(states, leading, 2), to_batch(actions, leading, 2)
        beyond = action_score(model, known, own[:, 0], held)[:, : max(1, instants - 1)]
        if instants == 1:
            nothing = torch.full((len(own), 1), torch.nan)
            return from_batch(nothing, leading), missing_where(lost, from_batch(beyond.float(), leading))
        before, after = own[:, :-1].flatten(0, 1), own[:, 1:].flatten(0, 1)
        step = model.advance(before, held[:, : instants - 1].flatten(0, 1))
        score = known.innovation_score(model.latent(after) - model.latent(step)).unflatten(0, (len(own), -1))
        judged = [missing_where(lost, from_batch(values.float(), leading)) for values in (score, beyond)]
        return tuple(np.concatenate([values[..., :1], values], axis=-1) for values in judged)

    plain = forcing.drop_vars("time", errors="ignore")
    reads = [["time", "latent"], ["time", "actuator"]]
    innovation, action = map_blocks(seen, [state, plain], reads, [["time"], ["time"]], {"time": instants})
    if single:
        return {"action": action.isel(time=0)} if forcing.sizes["time"] else {}
    times = {"time": state["time"]} if "time" in state.coords else {}
    return {"innovation": innovation.assign_coords(times), "action": action.assign_coords(times)}


def _reasons(scores: Array, actions: NDArray[Any]) -> NDArray[np.str_]:
    """The reasons of records ``(..., detector)`` in words, the strongest first; empty where nothing is wrong."""
    flat = scores.reshape(-1, scores.shape[-1])
    told = np.broadcast_to(actions, scores.shape[:-1]).reshape(-1)
    order = np.argsort(-np.nan_to_num(flat), axis=1)
    words = [
        "; ".join(_in_words(OF_RECORDS[place], str(more)) for place in places if one[place] > 1)
        for one, places, more in zip(flat, order, told, strict=True)
    ]
    return np.array(words, dtype=str).reshape(scores.shape[:-1])


def _in_words(detector: str, action: str) -> str:
    return f"{MEANINGS[detector]} ({action})" if detector == "action" and action else MEANINGS[detector]
