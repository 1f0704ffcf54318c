"""Records cut into the rows of the sets: at gaps, at the ends of what was recorded, and between the sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sciwm.config import SplitSettings
from sciwm.data.source.rows.material import Record
from sciwm.errors import Problem, counted

SETS = ("train", "validation", "test")
DRAW_SEED = 0
"""Runs are drawn for the sets by this seed and not by that of the experiment, so that seeds can be compared."""


@dataclass(frozen=True)
class Piece:
    """Consecutive instants of one record: a row of a store.

    Args:
        record: The place of the record.
        first, last: Its first and its last instant.
    """

    record: int
    first: int
    last: int

    @property
    def intervals(self) -> int:
        """The number of control intervals."""
        return self.last - self.first


@dataclass(frozen=True)
class Extent:
    """What of a record can be used.

    Args:
        first, last: Its first and its last instant at which anything is there.
        usable: Whether all fields are there at an instant, ``(time,)``.
        forced: Whether all forcings are there at an instant, ``(time,)``.
    """

    first: int
    last: int
    usable: NDArray[np.bool_]
    forced: NDArray[np.bool_]


LARGEST_ROW = 2**25
"""The bytes of one variable above which a row is cut, as rows are written whole and need several times the memory."""
FEWEST_INSTANTS = 48
"""Rows are not cut shorter, whatever their size."""


def pieces_of(index: int, record: Record, extent: Extent, first: int, last: int) -> list[Piece]:
    """The longest parts of a record between two instants in which nothing is missing and steps are equal.

    Parts of a single instant are left out, and very large ones cut into equal ones.
    """
    linked = record.clock.follows() & extent.usable[:-1] & extent.usable[1:] & extent.forced[:-1]
    most = most_instants(record)
    pieces, start = list[Piece](), first
    for instant in range(first, last + 1):
        if instant == last or not linked[instant]:
            if instant > start:
                pieces += _in_parts(Piece(index, start, instant), most)
            start = instant + 1
    return pieces


def most_instants(record: Record) -> int:
    """The number of instants of the longest row that a record may have."""
    points = int(np.prod([len(axis.values) for axis in record.axes]))
    return max(FEWEST_INSTANTS, LARGEST_ROW // (4 * points))


def _in_parts(piece: Piece, most: int) -> list[Piece]:
    """A piece as pieces of at most so many instants, of nearly equal length, which share none."""
    instants = piece.last - piece.first + 1
    bounds = np.linspace(piece.first, piece.last + 1, -(-instants // most) + 1).round().astype(int)
    return [Piece(piece.record, int(a), int(b) - 1) for a, b in pairwise(bounds)]


def split(
    records: Sequence[Record], extents: Sequence[Extent], settings: SplitSettings, where: str
) -> tuple[dict[str, list[Piece]], list[Problem]]:
    """The rows of every set.

    Args:
        records: All records.
        extents: What of each can be used.
        settings: How they are split.
        where: The input, for messages.

    Returns:
        The rows by set, which share no instant, and what is wrong with the split.
    """
    rows: dict[str, list[Piece]] = {name: [] for name in SETS}
    free = [i for i, record in enumerate(records) if record.given.only is None]
    for i, record in enumerate(records):
        if record.given.only is not None:
            rows[record.given.only] += pieces_of(i, record, extents[i], extents[i].first, extents[i].last)
    if settings.by == "run":
        chosen, problems = _runs_by_set(records, free, settings, where)
        for name, members in chosen.items():
            for i in members:
                rows[name] += pieces_of(i, records[i], extents[i], extents[i].first, extents[i].last)
        return rows, problems
    shares = {name: share for name, share in _shares(settings).items() if isinstance(share, float)}
    for i in free:
        ends = extents[i].last + 1
        for name in ("test", "validation", "train"):
            count = round(shares.get(name, 1.0) * (extents[i].last + 1 - extents[i].first))
            begins = extents[i].first if name == "train" else max(extents[i].first, ends - count)
            if begins < ends:
                rows[name] += pieces_of(i, records[i], extents[i], begins, ends - 1)
            ends = begins
    return rows, []


def _shares(settings: SplitSettings) -> dict[str, float | tuple[int | float | str, ...]]:
    return {"validation": settings.validation, "test": settings.test}


def _runs_by_set(
    records: Sequence[Record], free: Sequence[int], settings: SplitSettings, where: str
) -> tuple[dict[str, list[int]], list[Problem]]:
    """The places of the runs of each set; of shares they are drawn, and stay in their order."""
    labels = {str(records[i].label): i for i in free}
    chosen: dict[str, list[int]] = {}
    problems = []
    for name, wanted in _shares(settings).items():
        if isinstance(wanted, tuple):
            unknown = [str(label) for label in wanted if str(label) not in labels]
            if unknown:
                known = ", ".join(list(labels)[:12]) + (", ..." if len(labels) > 12 else "")
                place = f"{where}: source.split.{name}"
                problems.append(Problem(place, f"labels of runs, {known}", ", ".join(unknown)))
            chosen[name] = [labels[str(label)] for label in wanted if str(label) in labels]
    named = {i for members in chosen.values() for i in members}
    drawn = [int(i) for i in np.random.default_rng(DRAW_SEED).permutation([i for i in free if i not in named])]
    for name, wanted in _shares(settings).items():
        if isinstance(wanted, float):
            count = max(round(wanted * len(free)), int(wanted > 0))
            chosen[name], drawn = sorted(drawn[:count]), drawn[count:]
    return chosen | {"train": sorted(drawn)}, problems


def set_problems(
    rows: Mapping[str, Sequence[Piece]], needed: Mapping[str, int], settings: SplitSettings, where: str, *, records: int
) -> list[Problem]:
    """Sets without a row that is long enough.

    Args:
        rows: The rows by set.
        needed: The number of control intervals that the longest row of each set must have.
        settings: How they are split.
        where: The input, for messages.
        records: How many records there are: a single one is split by time alone.
    """
    problems = []
    for name, least in needed.items():
        longest = max((piece.intervals for piece in rows[name]), default=0)
        if longest >= least:
            continue
        got = f"{counted(len(rows[name]), 'run')}" + (f", the longest of {longest}" if rows[name] else "")
        other = "time" if settings.by == "run" else "run"
        helps = "hold out less" if other == "run" and records == 1 else f"'by: {other}' may help"
        remedy = f"change source.split ({helps}), or lower loss.horizon"
        problems.append(
            Problem(f"{where}: {name}", f"a run of at least {counted(least, 'control interval')}", got, remedy)
        )
    return problems
