"""Data with a shorter spacing in time than the model shall have: every so many instants are kept."""

from itertools import pairwise

import numpy as np
import xarray as xr

from sciwm.config import SourceSettings
from sciwm.data.source.meaning.clock import Clock, read_clock
from sciwm.data.source.rows.material import Given
from sciwm.errors import Problem, counted
from simulations.closeness import SHARE_OF_SPACING

WITHIN = "step within the interval"
"""A dimension that no data have."""


def thinned(given: Given, settings: SourceSettings) -> tuple[Given, list[str], list[Problem]]:
    """Somebody's data at the interval that was asked for.

    The states are those at the kept instants. A forcing is averaged over the steps from each of them to the next; one
    that is missing at any of these is missing. Instants are counted anew behind every step that is not the spacing.

    Args:
        given: The Dataset; nothing of it is read.
        settings: The roles and dimensions.

    Returns:
        The Dataset, what was made of it in words, and a problem if the interval is no whole multiple of the spacing.
    """
    place, time = f"{given.where}: {settings.time}", settings.time
    if settings.interval is None or time not in given.dataset.coords:
        return given, [], []
    clock, _ = read_clock(given.dataset[time], None, place)
    if clock is None:  # which is told where clocks are read
        return given, [], []
    count = round(settings.interval / clock.interval)
    if abs(settings.interval - count * clock.interval) > SHARE_OF_SPACING * clock.interval:
        near = dict.fromkeys(f"{max(1, n) * clock.interval:g}" for n in (count, count + 1))
        expected = f"a whole multiple of the spacing of the data, {clock.interval:g} [{clock.units}]"
        remedy = f"state {' or '.join(near)}, or leave it out"
        return given, [], [Problem(f"{place} (source.interval)", expected, f"{settings.interval:g}", remedy)]
    if count == 1:
        return given, [], []
    dataset, changed = given.dataset, dict[str, xr.DataArray]()
    stretches = _stretches(clock)
    kept = np.concatenate([np.arange(a, b, count) for a, b in stretches])
    for name in settings.forcings:
        if name in dataset and time in dataset[name].dims:
            changed[name] = _averaged(dataset[name], time, stretches, count)
    fields = dataset.drop_vars(list(changed)).isel({time: kept if len(stretches) > 1 else slice(None, None, count)})
    words = f"{time}: one of {counted(count, 'instant')} is kept, as source.interval is {settings.interval:g}"
    averaged = f", and {', '.join(changed)} averaged over each interval" if changed else ""
    return Given(fields.assign(changed), given.where, given.only), [words + averaged], []


def _stretches(clock: Clock) -> list[tuple[int, int]]:
    """First instants, and ones behind the last, between which all steps are the spacing."""
    bounds = [0, *(np.flatnonzero(~clock.follows()) + 1).tolist(), len(clock.times)]
    return list(pairwise(bounds))


def _averaged(forcing: xr.DataArray, time: str, stretches: list[tuple[int, int]], count: int) -> xr.DataArray:
    """The means over so many steps from each kept instant on; missing where there are fewer."""
    parts = []
    for first, end in stretches:
        whole = first + (end - first) // count * count
        if whole > first:
            steps = forcing.isel({time: slice(first, whole)}).drop_vars(time)
            parts.append(steps.coarsen({time: count}).construct({time: (time, WITHIN)}).mean(WITHIN, skipna=False))
        if whole < end:
            parts.append(forcing.isel({time: slice(whole, whole + 1)}).drop_vars(time) * np.nan)
    joined: xr.DataArray = xr.concat(parts, time, coords="minimal", compat="override").transpose(*forcing.dims)
    joined = joined.assign_attrs(forcing.attrs)
    joined.encoding = dict(forcing.encoding)
    return joined
