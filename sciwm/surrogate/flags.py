"""Whether to believe records: the scores of all detectors, flags and their reasons."""

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciwm.errors import Problem, raise_if
from sciwm.model import WorldModel
from sciwm.surrogate.looks import action_score, look, parameter_score
from sciwm.surrogate.mapping import Array, from_batch, map_blocks, to_batch
from sciwm.uncertainty import DETECTORS, MEANINGS, Uncertainty

OF_RECORDS = tuple(name for name in DETECTORS if name != "disagreement")
"""The detectors that look at records; the disagreement is one of forecasts."""


def flags_of(
    model: WorldModel, known: Uncertainty, fields: xr.Dataset, state: xr.DataArray, forcing: xr.DataArray | None
) -> xr.Dataset:
    """Scores, flags and reasons of records.

    Args:
        model: The model.
        known: Its detectors and their thresholds.
        fields: Its variables, at one instant or over ``time``.
        state: Their states.
        forcing: Actions over ``time`` and ``actuator``, from the first instant on; None if they are not known.
    """
    raise_if(_length_problems(fields, forcing))
    _, scores = look(model, known, fields, state)
    several = {str(name): scores.sel(detector=name, drop=True) for name in scores["detector"].values}
    several["parameter"] = parameter_score(model, known, state)
    if forcing is not None:
        several |= _of_steps(model, known, state, forcing)
    nothing = 0 * several["residual"]
    found = [several[name].compute() if name in several else (nothing + np.nan).compute() for name in OF_RECORDS]
    score = xr.concat(
        xr.broadcast(*found), xr.DataArray(list(OF_RECORDS), dims="detector", name="detector"), coords="minimal",
        compat="override", join="override",
    )  # fmt: skip
    score.attrs = {"units": "1", "long_name": "score in units of the threshold; NaN where nothing could be looked at"}
    flag = (score > 1).any("detector").assign_attrs(long_name="whether not to believe this record")
    reason = xr.apply_ufunc(_reasons, score, input_core_dims=[["detector"]]).assign_attrs(long_name="why not")
    return xr.Dataset({"score": score, "flag": flag, "reason": reason})


def _length_problems(fields: xr.Dataset, forcing: xr.DataArray | None) -> list[Problem]:
    needed = fields.sizes.get("time", 1) - 1
    if forcing is None or forcing.sizes["time"] >= needed:
        return []
    expected = f"at least {needed} intervals, one between two instants of the fields"
    return [Problem("forcing: time", expected, str(forcing.sizes["time"]))]


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
        own, held = to_batch(states, leading, 2), to_batch(actions, leading, 2)
        beyond = action_score(model, known, own[:, 0], held)[:, : max(1, instants - 1)]
        if instants == 1:
            return from_batch(torch.full((len(own), 1), torch.nan), leading), from_batch(beyond.float(), leading)
        before, after = own[:, :-1].flatten(0, 1), own[:, 1:].flatten(0, 1)
        step = model.advance(before, held[:, : instants - 1].flatten(0, 1))
        score = known.innovation_score(model.latent(after) - model.latent(step)).unflatten(0, (len(own), -1))
        score, beyond = (torch.cat([values[:, :1], values], dim=1) for values in (score, beyond))
        return from_batch(score.float(), leading), from_batch(beyond.float(), leading)

    plain = forcing.drop_vars("time", errors="ignore")
    reads = [["time", "latent"], ["time", "actuator"]]
    innovation, action = map_blocks(seen, [state, plain], reads, [["time"], ["time"]], {"time": instants})
    if single:
        return {"action": action.isel(time=0)} if forcing.sizes["time"] else {}
    times = {"time": state["time"]} if "time" in state.coords else {}
    return {"innovation": innovation.assign_coords(times), "action": action.assign_coords(times)}


def _reasons(scores: Array) -> NDArray[np.str_]:
    """The reasons of records ``(..., detector)`` in words, the strongest first; empty where nothing is wrong."""
    flat = scores.reshape(-1, scores.shape[-1])
    order = np.argsort(-np.nan_to_num(flat), axis=1)
    words = [
        "; ".join(MEANINGS[OF_RECORDS[place]] for place in places if one[place] > 1)
        for one, places in zip(flat, order, strict=True)
    ]
    return np.array(words, dtype=str).reshape(scores.shape[:-1])
