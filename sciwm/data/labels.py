"""Labels of dimensions in two datasets: which are the same, whatever they are written as.

Numbers are the same within a hundredth of their spacing, or within the rounding that they show; units that differ are
converted first. Times may be numbers, durations or dates of any calendar. Text is compared as it stands.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.label_numbers import Floats, Numbers, read_labels
from sciwm.data.units import converted, same_units
from sciwm.errors import Problem
from simulations.closeness import distance_to_next

SHARE_OF_SPACING = 0.01
"""How far apart the same label may lie in two datasets, as a share of the distance to the next one."""
LARGEST_ROUNDING = 0.25
"""The largest rounding of labels that is forgiven, as a share of the distance; above, a label could be two."""
REAL_CALENDARS = ("standard", "gregorian", "proleptic_gregorian")


@dataclass(frozen=True)
class Matched:
    """The labels that two datasets share.

    Args:
        first: Their indices in the first, increasing.
        second: Their indices in the second, in the same order.
        problems: Why they cannot be compared; then there are no indices.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    problems: tuple[Problem, ...] = ()


def match(first: xr.DataArray, second: xr.DataArray, where: tuple[str, str] = ("forecast", "truth")) -> Matched:
    """Find the labels that two datasets share along a dimension, in whatever order each has them.

    Args:
        first: The labels of one dataset, one-dimensional.
        second: Those of the other.
        where: What the two are, for messages.

    Returns:
        Indices into both. Problems are labels of kinds that cannot be compared, such as dates and numbers, units that
        do not convert, labels that are not finite, and labels that stand more than once.
    """
    name = str(first.name)
    places = tuple(f"{w}: {name}" for w in where)
    if _is_text(first) and _is_text(second):
        problems = [p for x, place in zip((first, second), places, strict=True) for p in _repeated(_words(x), x, place)]
        if problems:
            return _nothing(*problems)
        index = {word: i for i, word in enumerate(_words(second))}
        shared = [(i, index[word]) for i, word in enumerate(_words(first)) if word in index]
        return Matched(np.array([i for i, _ in shared], int), np.array([j for _, j in shared], int))
    read = [read_labels(x, place) for x, place in zip((first, second), places, strict=True)]
    problems = [p for p in read if isinstance(p, Problem)]
    problems += [
        problem
        for x, numbers, place in zip((first, second), read, places, strict=True)
        if isinstance(numbers, Numbers)
        for problem in (*_not_finite(numbers, place), *_repeated(numbers.values.tolist(), x, place))
    ]
    here, there = read
    if not problems and 0 in (first.size, second.size):
        return _nothing()
    if problems or isinstance(here, Problem) or isinstance(there, Problem):
        return _nothing(*problems)
    brought = _alike(there, here, second, places, where[0])
    return _nothing(brought) if isinstance(brought, Problem) else _nearest(here, brought)


def in_units(times: xr.DataArray, units: str, where: str) -> tuple[Floats, list[Problem]]:
    """Times as numbers.

    Args:
        times: Numbers, durations, or dates of any calendar, ``(n,)`` or a single one.
        units: The units that are wanted; numbers that state none are taken to be in them.
        where: The input and the coordinate, for the message.

    Returns:
        Numbers, ``(n,)``; dates are counted from the first one. The problems are that times cannot be read, or have
        units that do not convert.
    """
    read = read_labels(times.reset_coords(drop=True), where)
    if isinstance(read, Problem):
        return np.full(times.size, np.nan), [read]
    stated = {"units": read.units} if read.kind == "number" and read.units else {}
    if read.kind != "number":
        stated = {"units": "s"}
    values = read.values - read.values[:1] if read.kind == "date" else read.values
    changed, problems = converted(xr.DataArray(values, dims="label", attrs=stated), units, where)
    return changed.values.astype(float), problems


def label_text(label: Any) -> str:
    """A label as text for messages, numbers short."""
    return f"{float(label):g}" if isinstance(label, float | np.floating) else str(label)


def range_text(labels: xr.DataArray, *, ends: bool = False) -> str:
    """The smallest and the largest label as text, or those at the two ends; the ends of labels that are no numbers."""
    values = labels.values.reshape(-1)
    if not values.size:
        return "none"
    if values.dtype.kind in "iufMm" and not ends:
        values = np.array([values.min(), values.max()])
    return f"{label_text(values[0])} to {label_text(values[-1])}"


def _nothing(*problems: Problem) -> Matched:
    none = np.array([], dtype=np.intp)
    return Matched(none, none, problems)


def _nearest(first: Numbers, second: Numbers) -> Matched:
    """The pairs of labels that lie within the tolerance of each other; a few roundings may leave none but one."""
    order = np.argsort(second.values, kind="stable")
    ordered = second.values[order]
    right = np.searchsorted(ordered, first.values).clip(1, max(len(ordered) - 1, 1))
    left = right - 1
    right = right.clip(max=len(ordered) - 1)
    nearer = np.abs(ordered[left] - first.values) <= np.abs(ordered[right] - first.values)
    j = order[np.where(nearer, left, right)]
    spacing = np.minimum(distance_to_next(first.values), distance_to_next(second.values)[j])
    shown = np.maximum(first.rounding, second.rounding[j]) * (1 + 1e-6)
    within = np.maximum(SHARE_OF_SPACING * spacing, np.where(shown <= LARGEST_ROUNDING * spacing, shown, 0.0))
    single = 4 * np.finfo(np.float32).eps * np.maximum(np.abs(first.values), np.abs(second.values[j]))
    close = np.abs(first.values - second.values[j]) <= np.where(np.isfinite(spacing), within, np.maximum(single, shown))
    return Matched(np.flatnonzero(close), j[close])


def _alike(
    numbers: Numbers, wanted: Numbers, labels: xr.DataArray, places: tuple[str, ...], other: str
) -> "Numbers | Problem":
    """The second labels as numbers that can be compared with the first, or why they cannot."""
    if {numbers.kind, wanted.kind} == {"number", "duration"}:
        return _with_durations(numbers, wanted, places)
    if numbers.kind != wanted.kind:
        remedy = "give both as dates, or both as times since their start: ds.assign_coords(time=ds.time - ds.time[0])"
        return Problem(places[1], f"{wanted.kind}s as in the {other}", f"{numbers.kind}s", remedy)
    if numbers.kind == "date":
        if _calendar(numbers) != _calendar(wanted):
            expected = f"dates of the calendar '{wanted.calendar}' of the {other}"
            remedy = f"convert one, as ds.convert_calendar('{numbers.calendar}')"
            return Problem(places[1], expected, f"'{numbers.calendar}'", remedy)
        return replace(numbers, values=numbers.values + (numbers.origin - wanted.origin) * 1e-6)
    if not numbers.units or not wanted.units or same_units(numbers.units, wanted.units):
        return numbers
    return _in(numbers, wanted.units, places[1])


def _with_durations(numbers: Numbers, wanted: Numbers, places: tuple[str, ...]) -> "Numbers | Problem":
    """Durations and plain numbers: these need a unit, to be seconds."""
    plain, place = (numbers, places[1]) if numbers.kind == "number" else (wanted, places[0])
    if not plain.units:
        remedy = "say in their attribute 'units' what they count, as 'h'"
        return Problem(place, "a unit of time, since the other times are durations", "numbers without one", remedy)
    return _in(replace(numbers, units=numbers.units or "s"), wanted.units or "s", place)


def _in(numbers: Numbers, units: str, place: str) -> "Numbers | Problem":
    """Numbers and their rounding in other units."""
    changed, problems = converted(xr.DataArray(numbers.values, attrs={"units": numbers.units}), units, place)
    if problems:
        return problems[0]
    moved, _ = converted(xr.DataArray(numbers.values + numbers.rounding, attrs={"units": numbers.units}), units, place)
    return replace(numbers, values=changed.values, rounding=np.abs(moved.values - changed.values), units=units)


def _calendar(numbers: Numbers) -> str:
    names = {"365_day": "noleap", "366_day": "all_leap"}
    return "real" if numbers.calendar in REAL_CALENDARS else names.get(numbers.calendar, numbers.calendar)


def _is_text(labels: xr.DataArray) -> bool:
    """Whether labels are compared as they stand: text, and pairs of labels of stacked dimensions."""
    if labels.dtype.kind in "US":
        return True
    return labels.dtype.kind == "O" and all(isinstance(v, str | bytes | tuple) for v in labels.values)


def _words(labels: xr.DataArray) -> list[str]:
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in labels.values.tolist()]


def _not_finite(numbers: Numbers, place: str) -> list[Problem]:
    lost = np.flatnonzero(~np.isfinite(numbers.values))
    if not lost.size:
        return []
    got = f"{lost.size} that are not, the first at index {lost[0]}"
    return [Problem(place, "finite labels", got, "leave them out with ds.isel, or fill them")]


def _repeated(keys: list[Any], labels: xr.DataArray, place: str) -> list[Problem]:
    """A problem if labels stand more than once; NaN is told apart."""
    seen: dict[Any, int] = {}
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
    more = [label_text(labels.values.reshape(-1)[keys.index(key)]) for key, n in seen.items() if n > 1 and key == key]
    if not more:
        return []
    remedy = f"keep one of each, with ds.drop_duplicates('{labels.name}')"
    return [Problem(place, "every label once", f"the label {', '.join(more[:8])} more than once", remedy)]
