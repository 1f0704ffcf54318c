"""The limits that a user sets a plan: bounds, given forcings and rates, in physical units and by name."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain, ForcingVariable, finite_problems
from sciwm.errors import Problem
from sciwm.surrogate.forcing_names import from_instant, part_of

Numbers = NDArray[np.float64]

ROUNDING = 1e-6
"""By how much less an action changes than it may, of half its range, so that rounding does not exceed the limit."""


@dataclass(frozen=True)
class PlanLimits:
    """Limits with actions in ``[-1, 1]``.

    Args:
        low, high: The bounds over (..., time, actuator).
        max_change: The largest change from interval to interval, ``(actuator,)``; None where there is none.
        previous: The actions before the first ones, over (..., actuator); None where these are not known.
    """

    low: xr.DataArray
    high: xr.DataArray
    max_change: Numbers | None
    previous: xr.DataArray | None


def acting(domain: Domain) -> dict[str, ForcingVariable]:
    """What acts on a model by name: its forcing variables, or each of its actuators."""
    if domain.forcings:
        return {f.name: f for f in domain.forcings}
    box = domain.actuators
    return {n: ForcingVariable(n, n, box.units, "", (), first=j, count=1) for j, n in enumerate(box.names)}


def limits_of(
    domain: Domain, start: xr.Dataset, horizon: int, *, bounds: Any, given: Any, max_change: Any, previous: Any
) -> tuple[PlanLimits, list[Problem]]:
    """The limits of a plan, and all problems; see ``Surrogate.plan`` for the arguments.

    Warns where bounds or given forcings lie outside of those of the training data.
    """
    known, box, problems = acting(domain), domain.actuators, list[Problem]()
    for where, asked in (("bounds", bounds), ("given", given), ("max_change", max_change), ("previous", previous)):
        problems += _names_problems(asked, known, where)
    if problems:
        nothing = xr.DataArray(np.zeros((horizon, len(box))), dims=("time", "actuator"))
        return PlanLimits(nothing, nothing, None, None), problems
    low, high = box.low.astype(float).copy(), box.high.astype(float).copy()
    for name, pair in (bounds or {}).items():
        problems += _set_bounds(low, high, known[name], pair)
    held = {}
    for name, values in (given or {}).items():
        array, wrong = _given(values, known[name], start, horizon)
        problems += wrong
        held[name] = array
    rates, wrong = _rates(max_change or {}, known, held, len(box))
    problems += wrong
    before, wrong = _previous(previous, known, domain)
    problems += wrong
    lowest, highest = (xr.DataArray(np.tile(b, (horizon, 1)), dims=("time", "actuator")) for b in (low, high))
    if not problems:
        for name, array in held.items():
            lowest, highest = (_with(b, known[name], array) for b in (lowest, highest))
        _warn_of_extrapolation(lowest, highest, domain)
        if before is not None and rates is not None:
            problems += _unreachable(before, low, high, rates, domain, {known[n].first for n in held})
    half, middle = (box.high - box.low) / 2, (box.high + box.low) / 2
    change = None if rates is None else np.maximum(rates / half - ROUNDING, 0)
    since = None if before is None else (before - middle) / half
    return PlanLimits((lowest - middle) / half, (highest - middle) / half, change, since), problems


def _names_problems(asked: Any, known: Mapping[str, ForcingVariable], where: str) -> list[Problem]:
    names = ", ".join(known)
    if asked is None:
        return []
    if not isinstance(asked, Mapping):
        return [
            Problem(where, f"values by name, of {names}", type(asked).__name__, f"as {{'{next(iter(known))}': ...}}")
        ]
    return [Problem(f"{where}: {name}", f"one of {names}", f"'{name}'") for name in asked if name not in known]


def _set_bounds(low: Numbers, high: Numbers, one: ForcingVariable, pair: Any) -> list[Problem]:
    place, of_variable = f"bounds: {one.name}", slice(one.first, one.first + one.count)
    try:
        lower, upper = (np.broadcast_to(np.asarray(b, dtype=float), (one.count,)) for b in pair)
    except (TypeError, ValueError):
        return [Problem(place, f"a lower and an upper bound [{one.units}]", f"{pair!r}", "as (0, 5)")]
    if not (np.isfinite([lower, upper]).all() and (lower < upper).all()):
        remedy = "to hold a forcing at a value, name it in given"
        return [Problem(place, f"finite bounds, low below high [{one.units}]", f"{pair!r}", remedy)]
    low[of_variable], high[of_variable] = lower, upper
    return []


def _given(values: Any, one: ForcingVariable, start: xr.Dataset, horizon: int) -> tuple[xr.DataArray, list[Problem]]:
    """A forcing that is given over the horizon, over (..., time, actuator)."""
    place = f"given: {one.name}"
    if not isinstance(values, xr.DataArray):
        try:
            values = xr.DataArray(float(values)).expand_dims(time=horizon)
            values = values.expand_dims({one.dimension: one.count}) if one.dimension else values
        except (TypeError, ValueError):
            expected = f"an xarray.DataArray over time [{one.units}], or a number"
            return xr.DataArray(), [Problem(place, expected, type(values).__name__)]
    array, problems = part_of(values.to_dataset(name=one.name), one, "given")
    if problems:
        return array, problems
    array = from_instant(array, start, horizon)
    if array.sizes["time"] < horizon:
        got = f"{array.sizes['time']} from the start on"
        return array, [Problem(f"{place}: time", f"{horizon} intervals, as the plan", got)]
    array = array.isel(time=slice(0, horizon)).drop_vars("time", errors="ignore").compute()
    return array, finite_problems(array, place)


def _rates(
    asked: Mapping[str, Any], known: Mapping[str, ForcingVariable], held: Mapping[str, Any], count: int
) -> tuple[Numbers | None, list[Problem]]:
    rates, problems = np.full(count, np.inf), list[Problem]()
    for name, value in asked.items():
        one = known[name]
        place, expected = f"max_change: {name}", f"a positive number [{one.units}] for each interval"
        try:
            rate = np.broadcast_to(np.asarray(value, dtype=float), (one.count,))
        except (TypeError, ValueError):
            problems.append(Problem(place, expected, f"{value!r}"))
            continue
        if not (np.isfinite(rate) & (rate > 0)).all():
            problems.append(Problem(place, expected, f"{value!r}"))
        elif name in held:
            problems.append(Problem(place, "none, as it is given", f"{value!r}", "leave it out of one of them"))
        rates[one.first : one.first + one.count] = rate
    return (rates if np.isfinite(rates).any() else None), problems


def _previous(
    previous: Any, known: Mapping[str, ForcingVariable], domain: Domain
) -> tuple[xr.DataArray | None, list[Problem]]:
    """The actions before the first ones over (..., actuator); those not named are free, in the middle."""
    if not previous:
        return None, []
    parts, problems = [], list[Problem]()
    if set(previous) != set(known):
        problems.append(Problem("previous", f"all of {', '.join(known)}", ", ".join(previous)))
    for name, values in previous.items():
        one = known[name]
        array = values if isinstance(values, xr.DataArray) else _constant(values, one)
        if array is None:
            problems.append(Problem(f"previous: {name}", f"one value for each action [{one.units}]", f"{values!r}"))
            continue
        array = array.drop_vars("time", errors="ignore") if "time" not in array.dims else array
        array = array if "time" in array.dims else array.expand_dims(time=1)
        part, wrong = part_of(array.to_dataset(name=name), one, "previous")
        if not wrong and part.sizes["time"] != 1:
            wrong = [Problem(f"previous: {name}: time", "one instant", f"{part.sizes['time']}", "choose the last one")]
        problems += wrong or finite_problems(part, f"previous: {name}")
        parts.append((one.first, part.isel(time=0, drop=True)) if not wrong else (one.first, part))
    if problems:
        return None, problems
    ordered = [part for _, part in sorted(parts, key=lambda p: p[0])]
    whole = xr.concat(xr.broadcast(*ordered, exclude=["actuator"]), dim="actuator", coords="minimal")
    return whole.transpose(..., "actuator"), problems


def _constant(values: Any, one: ForcingVariable) -> xr.DataArray | None:
    try:
        numbers = np.broadcast_to(np.asarray(values, dtype=float), (one.count,))
    except (TypeError, ValueError):
        return None
    return xr.DataArray(numbers, dims=one.dimension) if one.dimension else xr.DataArray(float(numbers[0]))


def _with(bound: xr.DataArray, one: ForcingVariable, array: xr.DataArray) -> xr.DataArray:
    """A bound in which one forcing variable is held at given values."""
    before, after = bound.isel(actuator=slice(0, one.first)), bound.isel(actuator=slice(one.first + one.count, None))
    parts = xr.broadcast(before, array, after, exclude=["actuator"])
    return xr.concat(parts, dim="actuator", coords="minimal").transpose(..., "time", "actuator")


def _unreachable(
    before: xr.DataArray, low: Numbers, high: Numbers, rates: Numbers, domain: Domain, held: set[int]
) -> list[Problem]:
    """Previous actions so far outside of the bounds that the first ones cannot be inside."""
    beyond = ((before > high + rates) | (before < low - rates)).values.reshape(-1, len(low)).any(axis=0)
    return [
        Problem(f"previous: {domain.actuators.names[j]}", "a value from which the bounds can be reached", "one too far")
        for j in np.flatnonzero(beyond)
        if j not in held
    ]


def _warn_of_extrapolation(low: xr.DataArray, high: xr.DataArray, domain: Domain) -> None:
    box = domain.actuators
    slack = 1e-6 * (box.high - box.low)
    over = [d for d in low.dims if d != "actuator"]
    lowest, highest = low.min(over).values, high.max(over).values
    wide = [j for j in range(len(box)) if lowest[j] < box.low[j] - slack[j] or highest[j] > box.high[j] + slack[j]]
    if wide:
        told = ", ".join(
            f"{box.names[j]} from {lowest[j]:g} to {highest[j]:g} (data: {box.low[j]:g} to {box.high[j]:g})"
            for j in wide
        )
        warnings.warn(f"Beyond the bounds of the training data the model extrapolates: {told}.", stacklevel=6)
