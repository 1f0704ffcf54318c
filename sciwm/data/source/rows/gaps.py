"""What of each record can be used, and what is missing inside."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sciwm.config import SourceSettings
from sciwm.data.source.meaning.clock import step_problems
from sciwm.data.source.rows.cutting import Extent
from sciwm.data.source.rows.material import Record
from sciwm.data.source.rows.scan import Scan
from sciwm.errors import Problem

CUT = "fill it in, or cut runs there with source.gaps: cut"


def extents_of(records: Sequence[Record], settings: SourceSettings, scans: Mapping[str, Scan]) -> list[Extent]:
    """What of each record can be used; instants at both ends at which no field is there do not belong to it."""
    extents = []
    for i, record in enumerate(records):
        fields = [scans[name] for name in settings.variables if name in scans]
        forcings = [scans[name] for name in settings.forcings if name in scans]
        ones = np.ones(record.instants, dtype=bool)
        usable = _all([~(s.partly(i) | s.whole(i)) for s in fields], ones)
        there = ~_all([s.whole(i) for s in fields], ones) if fields else ones
        present = np.flatnonzero(there)
        first, last = (int(present[0]), int(present[-1])) if len(present) else (0, 0)
        extents.append(Extent(first, last, usable, _all([~(s.partly(i) | s.whole(i)) for s in forcings], ones)))
    return extents


def missing_problems(
    records: Sequence[Record],
    settings: SourceSettings,
    scans: Mapping[str, Scan],
    extents: Sequence[Extent],
    mask: NDArray[np.bool_] | None,
) -> list[Problem]:
    """Missing values between the first and the last instant of records, and steps that are not the interval."""
    problems = []
    for name, found in scans.items():
        where = f"{records[0].given.where}: {name}"
        end = 1 if name in settings.variables else 0  # a forcing is not needed at the last instant
        count, first = 0, ""
        for i, (record, extent) in enumerate(zip(records, extents, strict=True)):
            inside = slice(extent.first, extent.last + end)
            wrong = (found.partly(i) | found.whole(i))[inside]
            if not wrong.any():
                continue
            count += int((found.missing[i][inside][wrong] - found.always_missing).sum())
            if not first:
                at = extent.first + int(np.argmax(wrong))
                missing = np.isnan(record.read(name, at, at + 1)[0])
                missing = missing if mask is None or name not in settings.variables else missing & mask
                first = record.place(at, missing if found.static is None else missing & ~found.static, name)
        if count:
            got = f"{count} missing, the first at {first}"
            problems.append(Problem(where, "finite values", got, CUT))
    seen: set[str] = set()
    for record in records:
        if record.given.where not in seen:
            seen.add(record.given.where)
            problems += step_problems(record.clock, f"{record.given.where}: {settings.time}")
    return problems


def _all(flags: Sequence[NDArray[np.bool_]], otherwise: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce(flags)) if flags else otherwise
