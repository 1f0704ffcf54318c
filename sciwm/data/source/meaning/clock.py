"""The times of somebody's data: numbers from 0 in the user's units, their interval, and where they break off."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.units import units_of
from sciwm.data.values import missing_remedy, not_finite
from sciwm.errors import Problem, counted
from simulations.closeness import LARGEST_ROUNDING, SHARE_OF_SPACING, rounding_of

DATES = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
"""The units in which dates and durations are counted: the largest of which steps are whole multiples."""


@dataclass(frozen=True)
class Clock:
    """The times of a record.

    Args:
        times: Increasing numbers, ``(time,)``.
        units: Their units, without a date; "1" where none are stated.
        since: The date from which they count; empty where there is none.
        calendar: The calendar of the date; empty where none is stated.
        interval: The time between two states.
    """

    times: NDArray[np.float64]
    units: str
    since: str
    calendar: str
    interval: float

    def follows(self) -> NDArray[np.bool_]:
        """Whether each instant but the first comes one interval after the one before, ``(time - 1,)``."""
        rounding = rounding_of(self.times).max(initial=0.0)
        forgiven = 2 * rounding if rounding <= LARGEST_ROUNDING * self.interval else 0.0
        away = np.abs(np.diff(self.times) - self.interval)
        return np.asarray(away <= max(SHARE_OF_SPACING * self.interval, forgiven))


def read_clock(time: xr.DataArray, interval: float | None, place: str) -> tuple[Clock | None, list[Problem]]:
    """The clock of a record.

    Args:
        time: The coordinate, as numbers with or without units, durations, or dates of any calendar.
        interval: The time between two states; the most frequent step by default.
        place: The input and the name of the coordinate, for messages.
    """
    if time.ndim != 1:
        return None, [Problem(place, "times over one dimension", f"dimensions {time.dims}", "bring runs in one by one")]
    if time.size < 2:
        return None, [Problem(place, "at least two instants", str(time.size))]
    numbers, units, since, calendar = _as_numbers(time)
    if numbers is None:
        return None, [Problem(place, "numbers, durations or dates", f"{time.dtype}")]
    if not np.isfinite(numbers).all():
        return None, [Problem(place, "finite times", not_finite(numbers), missing_remedy(time))]
    steps = np.diff(numbers)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0))
        got = f"{numbers[at + 1]:g} after {numbers[at]:g}"
        remedy = (
            f"sort with ds.sortby('{time.name}')" if len(set(numbers)) == len(numbers) else "leave the repeated out"
        )
        return None, [Problem(place, "increasing times", got, remedy)]
    return Clock(numbers, units, since, calendar, interval or _most_frequent(steps)), []


def step_problems(clock: Clock, place: str) -> list[Problem]:
    """A problem if times are not one interval apart, which tells the first place."""
    follows = clock.follows()
    if follows.all():
        return []
    steps, at = np.diff(clock.times), int(np.argmin(follows))
    expected = f"equal steps of {clock.interval:g} [{clock.units}]"
    got = f"{counted(int((~follows).sum()), 'other')}, the first {steps[at]:g} after {clock.times[at]:g}"
    remedy = "cut runs there with source.gaps: cut, or interpolate to equal steps first"
    return [Problem(place, expected, got, remedy)]


def _most_frequent(steps: NDArray[np.float64]) -> float:
    """The step to which most steps are close, averaged over these."""
    middle = float(np.sort(steps)[(len(steps) - 1) // 2])
    return float(steps[np.abs(steps - middle) <= LARGEST_ROUNDING * middle].mean())


def _as_numbers(time: xr.DataArray) -> tuple[NDArray[np.float64] | None, str, str, str]:
    """Times as numbers, with units, date and calendar; None where they are none."""
    values, kind = time.values, time.dtype.kind
    if kind in "iuf":
        units, _, since = units_of(time).partition(" since ")
        calendar = str(time.attrs.get("calendar", "standard" if since else ""))
        return values.astype(np.float64), units, since, calendar
    if kind == "M":
        return *_counted((values - values[0]).astype("m8[ns]").astype(np.float64) / 1e9), str(values[0]), "standard"
    if kind == "m":
        return *_counted(values.astype("m8[ns]").astype(np.float64) / 1e9), "", ""
    if kind == "O" and all(hasattr(value, "calendar") for value in values):
        seconds = np.array([_seconds(value - values[0]) for value in values])
        return *_counted(seconds), str(values[0]), str(values[0].calendar)
    return None, "", "", ""


def _seconds(duration: Any) -> float:
    return float(duration.total_seconds())


def _counted(seconds: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Seconds in the largest unit of which all steps are whole multiples."""
    if not np.isfinite(seconds).all():
        return seconds, "seconds"
    steps = np.diff(seconds)
    names = [name for name, one in DATES.items() if np.all(np.abs(np.remainder(steps + one / 2, one) - one / 2) < 1e-6)]
    name = names[0] if names else "seconds"
    return seconds / DATES[name], name
