"""The forcing of a forecast: its values in the units and the order of the model, and how far they reach.

The forcing of somebody's record may have a gap ahead, or end earlier for some runs than for others, as that did which
the model was trained on. A forecast goes as far as the forcing does, and says so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data import Domain, check_forcing
from sciwm.data.labels import label_text, match
from sciwm.data.times import beginning_problems, flow_times, instants_before_gap
from sciwm.data.units import converted, without_quantities
from sciwm.data.values import fill_problems, masked_value, missing_remedy
from sciwm.errors import Problem, counted
from sciwm.surrogate.limits import intervals_of


@dataclass(frozen=True)
class Schedule:
    """Actions, one for each interval of a forecast.

    Args:
        forcing: Over (..., time, actuator), in the units and the order of the model. Those of a run that ends early are
            missing from there on.
        times: The times of the forecast, one more than actions.
        notes: Why it is shorter than what was given, in sentences.
        seen: Whether the values were looked at; those of a chunked forcing are when they are computed.
    """

    forcing: xr.DataArray
    times: xr.DataArray
    notes: tuple[str, ...] = ()
    seen: bool = True


NOTHING = Schedule(xr.DataArray(), xr.DataArray())
MOST_NAMED = 6
"""How many runs that end early are named."""


def held_forcing(
    forcing: Any, start: xr.Dataset, domain: Domain, *, intervals: Any = None
) -> tuple[Schedule, list[Problem]]:
    """The forcing as far as it is there, without a last action that is NaN.

    Of a chunked forcing the last instant alone is read here; its values are checked when they are computed.

    Args:
        forcing: See ``Surrogate.rollout``.
        start: One instant; if both have a time, it must be the first one of ``forcing``.
        domain: Variables, actuators and control interval of the model.
        intervals: How many intervals are wanted; None for all.

    Returns:
        The forcing and the times of the forecast under it; all problems.
    """
    if not isinstance(forcing, xr.DataArray):
        return NOTHING, [Problem("forcing", "an xarray.DataArray", type(forcing).__name__, "as ds['action']")]
    forcing = without_quantities(forcing)
    filled = fill_problems(forcing, "forcing")
    forcing = _in_units(forcing, domain)
    offered, problems = _without_the_unused(forcing, domain)
    if offered.sizes.get("time") and "actuator" in offered.dims:
        wanted, wrong = _wanted(intervals, offered.sizes["time"])
        problems += wrong
    else:
        wanted = 0  # as the check tells
    used = offered.isel(time=slice(0, wanted)) if wanted else offered
    lost, gap = None, forcing.sizes.get("time", 0)
    if domain.brought_in and wanted:
        gap = instants_before_gap(forcing["time"], domain) if "time" in forcing.coords else gap
        used = used.isel(time=slice(0, gap))
        lost = _lost(used)
        used, wrong = _while_any_is_there(used, lost, forcing, domain)
        problems += wrong
    problems = filled or problems + check_forcing(used, domain, may_end=domain.brought_in)
    if problems:
        return NOTHING, problems
    known = forcing.isel(time=slice(0, gap))
    times = flow_times(known if "time" in forcing.coords else start, used.sizes["time"], domain)
    if "time" in start.coords and "time" in forcing.coords:
        problems += beginning_problems(forcing["time"], start["time"], "forcing")
    used, differing = _with_labels_of(start, used)
    notes = _notes(used, lost, times, wanted, forcing, domain)
    aside = [c for c in used.coords if c not in used.dims]  # coordinates of the trajectory that it was taken from
    made = in_order(used.drop_vars(aside), domain)
    return Schedule(made, times, notes, seen=forcing.chunks is None), problems + differing


def at_instants(forcing: Any, fields: xr.Dataset, domain: Domain) -> tuple[xr.DataArray, list[Problem]]:
    """The forcing at the instants of a record, missing where it has none; and all problems.

    Args:
        forcing: Over ``time`` and ``actuator``; by its times, if both have some, else from the first instant on.
        fields: The record, over ``time``.
        domain: The actuators of the model.
    """
    if not isinstance(forcing, xr.DataArray) or "time" not in forcing.dims:
        return forcing, check_forcing(xr.DataArray(forcing), domain)
    forcing = without_quantities(forcing)
    filled = fill_problems(forcing, "forcing")
    forcing = _in_units(forcing, domain)
    _, problems = _without_the_unused(forcing, domain)
    instants = fields.sizes["time"]
    if "time" in fields.coords and "time" in forcing.coords:
        own, given = (one["time"].reset_coords(drop=True) for one in (fields, forcing))
        found = match(own, given, ("fields", "forcing"))
        if found.problems:
            return forcing, [*filled, *found.problems]
        place = np.zeros(instants, dtype=int)
        place[found.first] = found.second
        there = np.isin(np.arange(instants), found.first)
        forcing = forcing.drop_vars("time").isel(time=place).where(xr.DataArray(there, dims="time"))
    elif forcing.sizes["time"] < instants - 1:
        expected = f"at least {instants - 1} intervals, one between two instants of the fields"
        problems.append(Problem("forcing: time", expected, str(forcing.sizes["time"])))
    forcing = forcing.drop_vars("time", errors="ignore").compute()
    problems = filled or problems + check_forcing(forcing, domain, may_end=True)
    if problems:
        return forcing, problems
    used, differing = _with_labels_of(fields, forcing)
    return in_order(used.drop_vars([c for c in used.coords if c not in used.dims]), domain), differing


def _wanted(intervals: Any, offered: int) -> tuple[int, list[Problem]]:
    """How many intervals are wanted of those that a forcing has."""
    if intervals is None:
        return offered, []
    wanted, problems = intervals_of(intervals, "leave it out for all that the forcing has")
    if not problems and wanted > offered:
        remedy = "leave it out, or give a longer forcing"
        problems = [Problem("intervals", f"at most {offered}, as the forcing has", str(wanted), remedy)]
    return min(wanted, offered), problems


def _lost(forcing: xr.DataArray) -> xr.DataArray | None:
    """Where a run has ended, (..., time): from the first instant on at which an action is missing."""
    if forcing.chunks is not None:
        return None
    missing = forcing.isnull().any("actuator").transpose(..., "time")
    return missing.copy(data=np.logical_or.accumulate(missing.values, axis=-1))


def _while_any_is_there(
    forcing: xr.DataArray, lost: xr.DataArray | None, given: xr.DataArray, domain: Domain
) -> tuple[xr.DataArray, list[Problem]]:
    """The forcing up to the end of the longest run, and missing behind the end of each."""
    if lost is None or not lost.any():
        return forcing, []
    reach = int((~lost).sum("time").max())
    if not reach:
        got = f"{_missing_at(forcing, 0, domain)} missing at the first instant"
        return forcing, [Problem("forcing", "a value for at least one interval", got, missing_remedy(given))]
    return forcing.where(~lost).transpose(*forcing.dims).isel(time=slice(0, reach)), []


def _missing_at(forcing: xr.DataArray, instant: int, domain: Domain) -> str:
    """The forcings that are missing at an instant, by name."""
    there = in_order(forcing, domain).isel(time=instant).transpose(..., "actuator").isnull().values
    places = np.flatnonzero(there.reshape(-1, there.shape[-1]).any(axis=0))
    names = [domain.forcing_of(int(j)) for j in places]
    return " and ".join(f"'{name}'" for name in dict.fromkeys(names))


def _notes(
    used: xr.DataArray,
    lost: xr.DataArray | None,
    times: xr.DataArray,
    wanted: int,
    given: xr.DataArray,
    domain: Domain,
) -> tuple[str, ...]:
    """Why a forecast is shorter than what was given."""
    count, time, notes = used.sizes["time"], domain.time_name, list[str]()
    if count < wanted:
        ends = f"The forecast ends after {count} of {counted(wanted, 'interval')}, at {time} = {_text(times, count)}"
        if lost is not None and lost.sizes["time"] > count:
            notes.append(f"{ends}: from then on {_missing_at(given, count, domain)} is missing")
        else:
            before, after = _text(given["time"], count - 1), _text(given["time"], count)
            notes.append(f"{ends}: the times have a gap, from {before} to {after}")
    reached = (~lost).sum("time") if lost is not None else None
    if reached is not None and int(reached.min()) < count:
        each = reached.stack(one=reached.dims) if reached.ndim else reached.expand_dims("one")
        early = [(i, int(n)) for i, n in enumerate(each.values) if n < count]
        names = [f"{_name_of(each, i)} after {n}" for i, n in early[:MOST_NAMED]]
        more = ", ..." if len(early) > MOST_NAMED else ""
        notes.append(
            f"{counted(len(early), 'run')} of {each.size} end before interval {count}, where the forcing does "
            f"({', '.join(names)}{more}); behind, values are missing"
        )
    return tuple(notes)


def _name_of(runs: xr.DataArray, place: int) -> str:
    """A run by its labels."""
    labels = runs.coords["one"].values[place] if "one" in runs.coords else place
    return " ".join(map(str, labels)) if isinstance(labels, tuple) else str(labels)


def _text(times: xr.DataArray, instant: int) -> str:
    units = str(times.attrs.get("units", "1"))
    plain = times.dtype.kind in "iuf" and units != "1"
    return f"{label_text(times.values[instant])}{f' {units}' if plain else ''}"


def _in_units(forcing: xr.DataArray, domain: Domain) -> xr.DataArray:
    numbers = getattr(forcing.dtype, "kind", "O") in "iuf"
    return converted(forcing, domain.actuators.units, "forcing")[0] if numbers else forcing


def _without_the_unused(forcing: xr.DataArray, domain: Domain) -> tuple[xr.DataArray, list[Problem]]:
    """The forcing without its last instant, if that is NaN; a problem where what is missing may stand for an action.

    Reading turns the fill value of a file into NaN. Where that value is one that the actuators can take, nobody can
    tell an action from none.
    """
    if not forcing.sizes.get("time"):
        return forcing, []
    unused = bool(forcing.isel(time=-1).isnull().all())
    offered = forcing.isel(time=slice(0, -1)) if unused else forcing
    missing = unused or (domain.brought_in and forcing.chunks is None and bool(forcing.isnull().any()))
    fill, box = masked_value(forcing), domain.actuators
    if fill is None or not missing or not ((box.low <= fill) & (fill <= box.high)).any():
        return offered, []
    got = f"one that is missing, since every {fill:g} in the file reads as missing"
    remedy = (
        f"where {fill:g} is an action, read it with mask_and_scale=False and remove the attribute that states it, or "
        "write it with the fill value NaN; "
        "where no action follows, leave it out with forcing.isel(time=slice(0, -1))"
    )
    return offered, [Problem("forcing", "a last action that is a number, or NaN as written", got, remedy)]


def _with_labels_of(start: xr.Dataset, forcing: xr.DataArray) -> tuple[xr.DataArray, list[Problem]]:
    """The forcing with the labels of the fields along further dimensions, such as ``simulation``, if they agree."""
    problems = []
    for dim in (str(d) for d in forcing.dims if d not in ("time", "actuator")):
        place, got = f"forcing: {dim}", counted(forcing.sizes[dim], "label")
        if dim in start.coords and start[dim].ndim == 0:
            label = start[dim].item()
            problems.append(Problem(place, f"{label}, as the fields", got, f"use forcing.sel({dim}={label!r})"))
        elif dim in start.dims:
            wrong = _difference(start, forcing, dim)
            if wrong:
                problems.append(Problem(place, f"the {counted(start.sizes[dim], 'label')} of the fields", wrong))
            elif dim in start.indexes and dim in forcing.indexes:
                forcing = forcing.assign_coords({dim: start[dim].variable})
    return forcing, problems


def _difference(start: xr.Dataset, forcing: xr.DataArray, dim: str) -> str:
    """The number of labels if it differs, otherwise the first label that does; empty if all agree."""
    if start.sizes[dim] != forcing.sizes[dim]:
        return counted(forcing.sizes[dim], "label")
    if dim not in start.indexes or dim not in forcing.indexes:
        return ""
    there, here = start[dim], forcing[dim]
    if list(there.values) == list(here.values):
        return ""
    same = match(there.reset_coords(drop=True), here.reset_coords(drop=True), ("fields", "forcing"))
    apart = set(range(there.size)) - {int(i) for i, j in zip(same.first, same.second, strict=True) if i == j}
    first = min(apart, default=None)
    return (
        "" if first is None else f"{here.values[first].item()!r} where the fields have {there.values[first].item()!r}"
    )


def in_order(forcing: xr.DataArray, domain: Domain) -> xr.DataArray:
    """The forcing with its actuators in the order of the model, if they have labels (names or numbers)."""
    if "actuator" not in forcing.indexes:
        return forcing
    labels = list(forcing["actuator"].values)
    names, numbers = list(domain.actuators.names), list(range(len(domain.actuators)))
    return forcing.sel(actuator=names if set(labels) == set(names) else numbers)
