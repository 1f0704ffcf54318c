"""Times of inputs and results: numbers, durations or dates of any calendar, in steps of the model's interval.

The interval of a model counts in the units of its training times. Where these state none, they count seconds as soon as
they meet durations, dates or times with units: nothing is compared by number alone.
"""

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.checks import time_problems
from sciwm.data.domain import Domain
from sciwm.data.labels import in_units, match
from sciwm.data.units import converted, units_of
from sciwm.data.values import missing_remedy, packed_problems
from sciwm.errors import Problem
from simulations.closeness import LARGEST_ROUNDING, SHARE_OF_SPACING, close, even, rounding_of

RESOLUTIONS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
STATED = ("units", "calendar", "dtype")
"""What a file says of the times in it. Dates and durations get these when they are written, and only then."""


def step_problems(time: xr.DataArray, domain: Domain, where: str) -> list[Problem]:
    """The problems that keep times from being one interval of the model apart.

    Args:
        time: The coordinate ``(time,)``.
        domain: Its control interval is the step, in its time units.
        where: What has these times, for messages.
    """
    packed = packed_problems(time, f"{where}: time")
    if packed:
        return packed
    if time.ndim > 1 or _plain(time) or time.dtype.kind in "USbcV":
        return time_problems(time, domain.control_interval, where)
    units = _time_units(domain)
    numbers, problems = in_units(time, units, f"{where}: time")
    if problems:
        return problems
    array = xr.DataArray(numbers, dims="time", name="time")
    remedy = "resample to that interval, or take a part without a gap"
    if even(numbers):
        remedy = (
            f"resample to that interval; or, if a step is one interval of the model, number the steps: "
            f"ds.assign_coords(time=np.arange(ds.sizes['time']) * {domain.control_interval:g})"
        )
    return [
        replace(problem, expected=f"{problem.expected} [{units}]", got=f"{problem.got} [{units}]", remedy=remedy)
        for problem in time_problems(array, domain.control_interval, where)
    ]


def steps_that_fit(time: xr.DataArray, domain: Domain) -> NDArray[np.bool_] | None:
    """Which steps are one interval of the model.

    Args:
        time: The coordinate ``(time,)``.
        domain: Its control interval is the step, in its time units.

    Returns:
        One for each step; None where times do not ascend or have another step all through, which
        :func:`step_problems` tells.
    """
    if time.ndim != 1 or time.dtype.kind in "USbcV":
        return None
    numbers, problems = in_units(time, "1" if _plain(time) else _time_units(domain), "time")
    steps = np.diff(numbers)
    if problems or not np.isfinite(numbers).all() or not (steps > 0).all():
        return None
    step = domain.control_interval
    rounding = 2 * rounding_of(numbers).max(initial=0.0)
    forgiven = max(SHARE_OF_SPACING * step, rounding if rounding <= LARGEST_ROUNDING * step else 0.0)
    fits = np.abs(steps - step) <= forgiven
    return fits if fits.any() or not len(fits) else None


def instants_before_gap(time: xr.DataArray, domain: Domain) -> int:
    """How many of some times stand before the first gap; all where there is none, or no time fits the model."""
    fits = steps_that_fit(time, domain)
    return time.size if fits is None or fits.all() else int(np.argmin(fits)) + 1


def instant_problems(time: xr.DataArray, domain: Domain, where: str) -> list[Problem]:
    """A problem if a time is not one finite number, duration or date, in units that are known."""
    place = f"{where}: time"
    if time.ndim:
        return [Problem(place, "one time", f"dimensions {time.dims}", f"choose one with ds.isel({time.dims[0]}=0)")]
    if time.dtype.kind in "USbcV":
        return [Problem(place, "one number or date", f"{time.dtype}")]
    numbers, problems = in_units(time, _time_units(domain) if not _plain(time) else "1", place)
    if problems or np.isfinite(numbers).all():
        return problems
    expected = "one number" if time.dtype.kind == "f" else "one date"
    return [Problem(place, expected, f"{time.values}", missing_remedy(time))]


def beginning_problems(time: xr.DataArray, start: xr.DataArray, where: str) -> list[Problem]:
    """A problem if the first of the times is not the one of the fields, whatever each is written as."""
    one = start.expand_dims("time").rename("time")
    found = match(time, one.reset_coords(drop=True), (where, "fields"))
    if found.problems or 0 in found.first:
        return list(found.problems)
    began, got = _in_words(one), _in_words(time)
    first = int(found.first[0]) if len(found.first) else None
    slicing = f"use forcing.isel(time=slice({first}, None))" if first else "take the forcing of that time"
    expected = f"{began} first, the time of the fields"
    return [Problem(f"{where}: time", expected, got, f"{slicing}, or forcing.drop_vars('time')")]


def flow_times(known: xr.DataArray | xr.Dataset, intervals: int, domain: Domain) -> xr.DataArray:
    """The ``intervals + 1`` times of a forecast: those of ``known``, continued by the control interval; else from 0.

    They are what those of ``known`` are: numbers in their units, durations, or dates of their calendar.
    """
    attributes: dict[str, Any] = {"units": domain.time_units, "long_name": "time", "axis": "T"}
    values: NDArray[Any] = np.zeros(1)
    step: Any = domain.control_interval
    if "time" in known.coords:
        time = known["time"]
        attributes = dict(time.attrs) or attributes
        values = np.atleast_1d(time.values)[: intervals + 1]
        step = _step_of(time, domain)
    missing = range(1, intervals + 2 - len(values))
    if values.dtype.kind == "f" or (values.dtype.kind in "iu" and missing and not float(step).is_integer()):
        values = values.astype(float)
    if missing:
        values = np.concatenate([values, _continued(values, missing, step)])
    if values.dtype.kind not in "iuf":
        attributes = {name: value for name, value in attributes.items() if name not in STATED}
    return xr.DataArray(values, dims="time", attrs=attributes)


def _continued(values: NDArray[Any], steps: Sequence[int], step: Any) -> NDArray[Any]:
    later = [values[-1] + n * step for n in steps]
    return np.array(later, dtype=None if values.dtype.kind in "Mm" else values.dtype)


def _step_of(time: xr.DataArray, domain: Domain) -> Any:
    """The control interval as what is added to a time of this kind."""
    kind = time.dtype.kind
    if kind in "iuf":
        return _interval_in(_unit_of(time), domain) if not _plain(time) else domain.control_interval
    seconds = _interval_in("s", domain)
    if kind == "O":
        return datetime.timedelta(seconds=seconds)
    names = list(RESOLUTIONS)
    finer = names[names.index(np.datetime_data(time.dtype)[0]) :]  # the coarsest that holds the interval
    counts = {name: seconds / RESOLUTIONS[name] for name in finer}
    name = next((n for n, count in counts.items() if round(count) and close(count, round(count))), "ns")
    return np.array(round(counts[name])).astype(f"m8[{name}]")[()]


def _interval_in(units: str, domain: Domain) -> float:
    one = xr.DataArray([domain.control_interval], attrs={"units": _time_units(domain)})
    return float(converted(one, units, "time")[0][0])


def _time_units(domain: Domain) -> str:
    return "s" if domain.time_units == "1" else domain.time_units


def _plain(time: xr.DataArray) -> bool:
    """Whether times are numbers without units, which count as the model does."""
    return time.dtype.kind in "iuf" and units_of(time) == "1"


def _unit_of(time: xr.DataArray) -> str:
    return units_of(time).partition(" since ")[0]


def _in_words(time: xr.DataArray) -> str:
    first = time.values.reshape(-1)[0]
    return f"{first:g}" if isinstance(first, np.number) and not isinstance(first, np.timedelta64) else f"{first}"
