"""Everything about somebody's data that must be known before a value is written; all problems are told at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.config import SourceSettings
from sciwm.data.roles import ForcingVariable
from sciwm.data.source.meaning.clock import Clock
from sciwm.data.source.rows.assignment import is_spatial
from sciwm.data.source.rows.components import Components, leading_components
from sciwm.data.source.rows.cutting import Extent, Piece, most_instants, set_problems, split
from sciwm.data.source.rows.fixed_values import constant_problems, empty_problems, parameter_values, static_values
from sciwm.data.source.rows.forcings import (
    NONE,
    bounds_problems,
    forcing_variables,
    range_problems,
    stated_bounds,
    units_of_box,
)
from sciwm.data.source.rows.gaps import extents_of, missing_problems
from sciwm.data.source.rows.material import Given, Record, decoded, run_labels
from sciwm.data.source.rows.records import records_of
from sciwm.data.source.rows.sampling import modes_of
from sciwm.data.source.rows.scan import Scan, scan
from sciwm.data.source.rows.space_axes import SpaceAxis
from sciwm.data.source.rows.thinning import thinned
from sciwm.errors import Problem, counted, raise_if
from simulations import ActionBox

T = TypeVar("T")
Progress = Callable[[Iterable[T], str], Iterable[T]]


@dataclass(frozen=True)
class Sizes:
    """What an experiment may have rules about.

    Args:
        axes: The space dimensions.
        values: The number of values in one state.
        interval: The control interval.
        longest: The number of control intervals of the longest row of each set.
        instants: The number of instants for training.
        modes: How many modes the training states have, of as many as are asked for.
    """

    axes: Sequence[SpaceAxis]
    values: int
    interval: float
    longest: Mapping[str, int]
    instants: int
    modes: Callable[[int], int]


Rules = Callable[[Sizes], Sequence[Problem]]


@dataclass(frozen=True)
class Inventory:
    """What is known of somebody's data.

    Args:
        settings: The roles and dimensions.
        dataset: The first Dataset that was given, for attributes.
        records: The runs.
        axes: The space dimensions in the order of the settings.
        rows: The rows of every set.
        valid: Where each variable exists, ``(variable, *space)``; None where all do everywhere.
        box: Names and bounds of the actions.
        forcings: The variables whose values the actions are.
        bounds: Where the bounds of each forcing came from, in words.
        components: The principal components of forcings that vary in space.
        parameters: The parameters of each record, ``(record, parameter)``.
        static: The static fields, ascending along every axis.
        notes: What was made of the data, in words.
    """

    settings: SourceSettings
    dataset: xr.Dataset
    records: Sequence[Record]
    axes: tuple[SpaceAxis, ...]
    rows: Mapping[str, Sequence[Piece]]
    valid: NDArray[np.bool_] | None
    box: ActionBox
    forcings: tuple[ForcingVariable, ...]
    bounds: Mapping[str, str]
    components: Mapping[str, Components]
    parameters: NDArray[np.float64]
    static: Mapping[str, NDArray[np.float64]]
    notes: Sequence[str]

    @property
    def clock(self) -> Clock:
        """The clock of the first record; all have its interval and units."""
        return self.records[0].clock


def take_inventory(
    given: Sequence[Given],
    settings: SourceSettings,
    needed: Mapping[str, int],
    progress: Progress[str],
    rules: Rules = lambda sizes: (),
) -> Inventory:
    """Look at all of somebody's data, once.

    Args:
        given: The Datasets.
        settings: The roles and dimensions.
        needed: The number of control intervals that the longest row of each set must have.
        progress: Shows how far the pass over the values is.
        rules: What else the data must be for an experiment.

    Raises:
        InputError: With everything that is wrong.
    """
    found_thinned = [thinned(Given(decoded(one.dataset), one.where, one.only), settings) for one in given]
    given, told_of_thinning = [one for one, _, _ in found_thinned], found_thinned[0][1]
    wrong_interval = [problem for _, _, several in found_thinned for problem in several]
    if wrong_interval:
        settings = settings.model_copy(update={"interval": None})
    records, axes, sound, problems = records_of(given, settings)
    problems += wrong_interval
    if not records or len(axes) < len(settings.space):
        raise_if(problems)
    where = given[0].where
    mask = _mask(records[0], settings, sound)
    scans: dict[str, Scan] = {}
    for name in progress([n for n in (*settings.variables, *settings.forcings) if n in sound], "reading"):
        within = mask if name in settings.variables else None
        scans[name] = scan(records, name, within)
        problems += range_problems(scans[name], f"{where}: {name}")
    if empty := empty_problems(settings, scans, where):  # from which all else would follow
        raise_if([*problems, *empty])
    extents = extents_of(records, settings, scans)
    if settings.gaps == "refuse":
        problems += missing_problems(records, settings, scans, extents, mask)
    rows, wrong = split(records, extents, settings.split, where)
    problems += wrong
    if set(settings.variables) <= scans.keys() and not wrong:
        problems += set_problems(rows, needed, settings.split, where, records=len(records))
    valid, notes = _valid(settings, scans, mask, axes)
    notes += [*told_of_thinning, *(note for axis in axes for note in axis.notes()), *_cut_notes(records, extents, rows)]
    problems += rules(_sizes(records, settings, axes, rows, valid, readable=not problems))
    found, more = constant_problems(settings, scans, where)
    problems, notes = problems + found, notes + more
    parameters, wrong = parameter_values(records, settings, sound)
    static, wrong_static, told = static_values(records[0], settings, sound)
    problems, notes = [*problems, *wrong, *wrong_static], notes + told
    components = {
        name: leading_components(records, rows["train"], name, scans[name].static)
        for name in settings.forcings
        if name in scans and is_spatial(given[0].dataset[name], settings) and rows["train"] and not problems
    }
    for name, one in components.items():
        count = counted(len(one.shapes), "principal component")
        notes.append(f"{name}: varies in space, replaced by {count} with {one.share:.2%} of its variance")
    box, forcings, bounds, wrong = _actions(records, settings, scans, components, where)
    raise_if([*problems, *wrong])
    notes += [f"{name}: bounds from {words}" for name, words in bounds.items()]
    if settings.run is not None:
        notes += dict.fromkeys(said for one in given if (said := run_labels(one.dataset, settings.run)[1]))
    if not settings.forcings:
        notes.append("no forcings: the single action 'none' stays zero")
    return Inventory(
        settings, given[0].dataset, records, axes, rows, valid, box, forcings, bounds, components, parameters, static,
        notes,
    )  # fmt: skip


def _mask(record: Record, settings: SourceSettings, sound: set[str]) -> NDArray[np.bool_] | None:
    """Where fields exist by a variable that says so, ``(*space)``."""
    if settings.mask is None or settings.mask not in sound:
        return None
    values = record.read(settings.mask)
    return np.asarray(np.isfinite(values) & (values != 0))


def _valid(
    settings: SourceSettings, scans: Mapping[str, Scan], mask: NDArray[np.bool_] | None, axes: Sequence[SpaceAxis]
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Where each variable exists, ``(variable, *space)``, and this in words."""
    shape = tuple(len(axis.values) for axis in axes)
    everywhere = np.ones(shape, dtype=bool)
    valid = []
    for name in settings.variables:
        static = scans[name].static if name in scans else None
        inside = everywhere if static is None else ~static
        valid.append(inside if mask is None else inside & mask)
    masks = np.stack(valid)
    if masks.all():
        return None, []
    shares = [f"{name} at {inside.mean():.1%}" for name, inside in zip(settings.variables, masks, strict=True)]
    return masks, [f"fields exist at some points alone: {', '.join(shares)}"]


def _sizes(
    records: Sequence[Record],
    settings: SourceSettings,
    axes: Sequence[SpaceAxis],
    rows: Mapping[str, Sequence[Piece]],
    valid: NDArray[np.bool_] | None,
    *,
    readable: bool,
) -> Sizes:
    values = len(settings.variables) * int(np.prod([len(axis.values) for axis in axes]))
    longest = {name: max((piece.intervals for piece in pieces), default=0) for name, pieces in rows.items()}
    instants = sum(piece.intervals + 1 for piece in rows["train"])
    values = values if valid is None else int(valid.sum())
    where = dict(zip(settings.variables, [None] * len(settings.variables) if valid is None else valid, strict=True))
    modes = partial(modes_of, records, rows["train"], where) if rows["train"] and readable else lambda wanted: wanted
    return Sizes(axes, values, records[0].clock.interval, longest, instants, modes)


def _cut_notes(records: Sequence[Record], extents: Sequence[Extent], rows: Mapping[str, Sequence[Piece]]) -> list[str]:
    lengths = [extent.last - extent.first for extent in extents]
    notes = []
    if len(set(lengths)) > 1:
        notes.append(f"runs of {min(lengths)} to {max(lengths)} control intervals")
    kept = sum(piece.intervals + 1 for pieces in rows.values() for piece in pieces)
    recorded = sum(extent.last - extent.first + 1 for extent in extents)
    if kept < recorded:
        notes.append(f"{recorded - kept} of {recorded} instants left out, at gaps or alone")
    most = min(most_instants(record) for record in records)
    if max(lengths) >= most:
        notes.append(f"large records are cut into rows of at most {most} instants")
    sizes = ", ".join(f"{name} {counted(len(pieces), 'run')}" for name, pieces in rows.items())
    return [*notes, f"{counted(len(records), 'record')}: {sizes}"]


def _actions(
    records: Sequence[Record],
    settings: SourceSettings,
    scans: Mapping[str, Scan],
    components: Mapping[str, Components],
    where: str,
) -> tuple[ActionBox, tuple[ForcingVariable, ...], dict[str, str], list[Problem]]:
    """Names and bounds of the actions, the forcings they are, and where bounds came from."""
    if not settings.forcings:
        return NONE, (), {}, []
    if not set(settings.forcings) <= scans.keys():  # a problem that is told
        return NONE, (), {}, []
    dataset, problems, words = records[0].given.dataset, list[Problem](), dict[str, str]()
    low: list[float] = []
    high: list[float] = []
    forcings, names = forcing_variables(dataset, settings, {name: len(c.shapes) for name, c in components.items()})
    for forcing in forcings:
        found = scans[forcing.name]
        if forcing.name in components:
            spans = [components[forcing.name].coordinates(np.nan_to_num(r.read(forcing.name, a, b)))
                     for r in records for a, b in r.blocks(forcing.name)]  # fmt: skip
            least, most = np.min([s.min(axis=0) for s in spans], axis=0), np.max([s.max(axis=0) for s in spans], axis=0)
            low, high = [*low, *map(float, least)], [*high, *map(float, most)]
            words[forcing.name] = "the range of the data"
            continue
        a, b, words[forcing.name] = stated_bounds(dataset[forcing.name], settings, found)
        problems += bounds_problems(dataset[forcing.name], a, b, words[forcing.name], found, f"{where}: {forcing.name}")
        low, high = [*low, *[a] * forcing.count], [*high, *[b] * forcing.count]
    if problems:
        return NONE, forcings, words, problems
    return ActionBox(names, np.array(low), np.array(high), units_of_box(forcings)), forcings, words, []
