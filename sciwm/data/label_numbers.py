"""Labels of a dimension as numbers: plain ones, durations in seconds, or dates in seconds."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.units import converted, units_of, units_text
from sciwm.errors import Problem
from simulations.closeness import rounding_of

EPOCH = "microseconds since 1970-01-01"
NO_LENGTH = ("month", "year", "common_year", "mon", "yr")
"""Units of time without a fixed length in seconds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Numbers:
    """Labels as numbers.

    Args:
        kind: ``number``, ``duration`` or ``date``.
        values: Numbers in ``units``; durations in seconds; dates in seconds since ``origin``.
        rounding: The error by rounding that each label shows, in the same.
        units: The units of numbers; empty where they state none.
        calendar: The calendar of dates.
        origin: Microseconds from 1970 in that calendar.
    """

    kind: str
    values: Floats
    rounding: Floats
    units: str = ""
    calendar: str = ""
    origin: int = 0


def read_labels(labels: xr.DataArray, place: str) -> "Numbers | Problem":
    """Labels as numbers of one of three kinds, or why they are none."""
    values = np.atleast_1d(labels.values)
    kind = values.dtype.kind
    if kind == "m":
        return _exact("duration", values / np.timedelta64(1, "s"))
    if kind == "M":
        first = values[~np.isnat(values)][:1].astype("M8[us]")
        origin = first[0] if len(first) else np.datetime64(0, "us")
        dates = _exact("date", (values - origin) / np.timedelta64(1, "s"))
        return replace(dates, calendar="proleptic_gregorian", origin=int(origin.astype(np.int64)))
    if kind in "iufb":
        return _read_numbers(values.astype(float), labels, place)
    if kind == "O" and all(hasattr(v, "calendar") for v in values):
        return _read_calendar(values, place)
    return Problem(place, "numbers, dates or text", f"{values.dtype}", "make them one kind with ds.assign_coords")


def _exact(kind: str, values: Floats) -> Numbers:
    return Numbers(kind, values, np.spacing(np.abs(values)))


def _read_numbers(values: Floats, labels: xr.DataArray, place: str) -> "Numbers | Problem":
    units = units_of(labels, "")
    rounding = rounding_of(values) if np.isfinite(values).all() else np.zeros(len(values))
    unit, since, start = units.partition(" since ")
    if not since:
        return Numbers("number", values, rounding, units)
    import cftime  # type: ignore[import-untyped]

    calendar = units_text(labels.attrs.get("calendar", "standard"))
    if unit.strip().lower().rstrip("s") in NO_LENGTH:  # they can be compared with their like alone
        return Numbers("number", values, rounding, f"{units} ({calendar})")
    seconds, problems = converted(xr.DataArray([1.0], attrs={"units": unit}), "s", place)
    if problems:
        return Problem(place, "days, hours, minutes or seconds since a date", f"'{units}'")
    try:
        date = cftime.num2date(0, f"days since {start}", calendar=calendar)
        origin = int(cftime.date2num(date, EPOCH, calendar=calendar))
    except Exception:  # whatever the reader of dates raises
        return Problem(place, "times since a date of a calendar", f"'{units}' in the calendar '{calendar}'")
    length = float(seconds[0])
    return Numbers("date", values * length, rounding * length, "", calendar, origin)


def _read_calendar(values: NDArray[Any], place: str) -> "Numbers | Problem":
    import cftime

    calendars = sorted({str(v.calendar) for v in values})
    if len(calendars) > 1 or not calendars[0]:
        return Problem(place, "dates of one calendar", ", ".join(map(repr, calendars)))
    counts = [int(n) for n in np.atleast_1d(cftime.date2num(values, EPOCH, calendar=calendars[0]))]
    seconds = np.array([n - counts[0] for n in counts]) * 1e-6
    return replace(_exact("date", seconds), calendar=calendars[0], origin=counts[0])
