"""Which dimension of somebody's data is time, and times of several files in the same units."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.axes import UNITS_OF_TIME, axis_kind
from sciwm.data.units import same_units, units_of, units_text

TIME_NAMES = ("t", "time", "times", "valid_time", "date", "datetime", "ocean_time", "time_counter", "nt", "elapsed")
"""Dimensions that are time by name, in lower case."""


def time_dimension(dataset: xr.Dataset) -> tuple[str, str] | None:
    """The dimension that is time, and why.

    Returns:
        Its name, and the reason in words; None where nothing says so.
    """
    dims = [str(d) for d in dataset.dims]
    found = next((d for d in dims if axis_kind(dataset, d) == "T"), None)
    if found is not None:
        return found, _why(dataset, found)
    named = next((d for d in dims if d.lower() in TIME_NAMES), None)
    if named is not None:
        return named, "by its name"
    return None


def _why(dataset: xr.Dataset, dim: str) -> str:
    attributes = dataset[dim].attrs if dim in dataset.coords else {}
    if str(attributes.get("axis", "")).upper() == "T":
        return "its attribute axis is T"
    if attributes.get("standard_name") == "time":
        return "its standard_name is time"
    units = units_text(attributes.get("units"))
    if " since " in units or units.lower() in UNITS_OF_TIME:
        return f"its units are those of time, '{units}'"
    return "by its name"


def in_units_of(time: xr.DataArray, first: xr.DataArray) -> NDArray[np.float64] | str:
    """Times as numbers in the units of others, of which they may be counted from another date.

    Args:
        time: A coordinate, as the file holds it.
        first: The coordinate that it shall be like.

    Returns:
        The numbers, or why there are none.
    """
    here, there = units_of(time, ""), units_of(first, "")
    values = time.values.astype(float)
    if here == there or not here or not there:
        return values if here == there else f"units '{here}' beside '{there}'"
    if " since " not in here or " since " not in there:
        return values if same_units(here, there) else f"units '{here}' beside '{there}'"
    import cftime  # type: ignore[import-untyped]

    calendars = [str(x.attrs.get("calendar", "standard")).lower() for x in (time, first)]
    if calendars[0] != calendars[1]:
        return f"the calendar '{calendars[0]}' beside '{calendars[1]}'"
    try:
        dates = cftime.num2date(values, here, calendar=calendars[0])
        return np.asarray(cftime.date2num(dates, there, calendar=calendars[0]), dtype=float)
    except Exception as error:  # whatever the reader of dates raises
        return f"units '{here}' beside '{there}' ({error})"


def disjoint(times: Sequence[NDArray[np.float64]]) -> list[int] | None:
    """The order in which stretches of time follow each other; None where two of them overlap."""
    order = sorted(range(len(times)), key=lambda i: float(times[i].min()))
    follows = all(times[a].max() < times[b].min() for a, b in pairwise(order))
    return order if follows else None
