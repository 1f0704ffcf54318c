"""The runs of somebody's Datasets, once their roles, dimensions and coordinates are looked at."""

from collections.abc import Sequence

from sciwm.config import SourceSettings
from sciwm.data.source.meaning.clock import Clock, read_clock
from sciwm.data.source.rows.assignment import assignment_problems, unit_problems_between
from sciwm.data.source.rows.material import Given, Record, run_labels
from sciwm.data.source.rows.space_axes import SpaceAxis, read_axis, unlike_axes
from sciwm.data.units import same_units
from sciwm.errors import Problem
from simulations.closeness import SHARE_OF_SPACING, close


def records_of(
    given: Sequence[Given], settings: SourceSettings
) -> tuple[list[Record], tuple[SpaceAxis, ...], set[str], list[Problem]]:
    """The runs of all Datasets.

    Args:
        given: The Datasets, all over the same space.
        settings: The roles and dimensions.

    Returns:
        The runs, the space dimensions as far as they are sound, the names of the variables that can be read, and what
        is wrong with roles, dimensions and coordinates.
    """
    problems: list[Problem] = []
    records: list[Record] = []
    sound: set[str] | None = None
    first: tuple[SpaceAxis, ...] = ()
    for one in given:
        found, names = assignment_problems(one, settings)
        problems += found
        axes: list[SpaceAxis] = []
        for name in settings.space:
            if name in one.dataset.dims:
                periodic = name in (settings.periodic or ())
                axis, found = read_axis(one.dataset, name, periodic=periodic, where=one.where)
                problems += found
                axes += [axis] if axis is not None else []
        if one is given[0]:
            first = tuple(axes)
        elif len(axes) == len(first):
            problems += [p for a, b in zip(first, axes, strict=True) for p in unlike_axes(a, b, one.where)]
            problems += unit_problems_between(given[0], one, sorted(names & (sound or set())))
        sound = names if sound is None else sound & names
        if settings.run is not None and one.dataset.sizes.get(settings.run, 1) == 0:
            problems.append(Problem(f"{one.where}: {settings.run}", "at least one run", "none"))
        if settings.time in one.dataset.dims:
            clock, found = _clock(one, settings)
            problems += found
            runs_there = settings.run is None or settings.run in one.dataset.dims
            if clock is not None and records:
                problems += _unlike_clocks(records[0].clock, clock, f"{one.where}: {settings.time}")
            if clock is not None and runs_there and len(axes) == len(settings.space):
                records += _records(one, settings, clock, tuple(axes))
    return records, first, sound or set(), problems


def _clock(one: Given, settings: SourceSettings) -> tuple[Clock | None, list[Problem]]:
    place = f"{one.where}: {settings.time}"
    if settings.time not in one.dataset.coords:
        remedy = f"number them: ds.assign_coords({settings.time}=np.arange({one.dataset.sizes[settings.time]}))"
        return None, [Problem(place, "times as a coordinate", "none", remedy)]
    return read_clock(one.dataset[settings.time], settings.interval, place)


def _records(one: Given, settings: SourceSettings, clock: Clock, axes: tuple[SpaceAxis, ...]) -> list[Record]:
    if settings.run is None:
        return [Record(one, None, one.only or 0, clock, settings, axes)]
    labels, _ = run_labels(one.dataset, settings.run)
    return [Record(one, row, label, clock, settings, axes) for row, label in enumerate(labels)]


def _unlike_clocks(first: Clock, other: Clock, place: str) -> list[Problem]:
    """A problem if two Datasets have other steps in time."""
    if same_units(first.units, other.units) and close(first.interval, other.interval, rtol=SHARE_OF_SPACING):
        return []
    expected, got = f"steps of {first.interval:g} [{first.units}]", f"{other.interval:g} [{other.units}]"
    return [Problem(place, f"{expected}, as in the other data", got, "resample to the same steps")]
