"""One pass over the values of a variable, a part at a time: what is missing, what is infinite, and the range."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sciwm.data.source.rows.material import Record
from sciwm.errors import Problem
from simulations.closeness import ROUNDING_STEPS

Flags = NDArray[np.bool_]


@dataclass
class Scan:
    """What one pass over a variable has found.

    Args:
        missing: The number of missing values at each instant of each record, within the mask if one is given.
        static: Where values are missing at every instant that has any, ``(*rest)``; None before the first.
        infinite: The number of infinite values.
        first_infinite: Where the first is.
        low, high: The range of finite values.
        points: The number of values at one instant, within the mask if one is given.
    """

    missing: list[NDArray[np.int64]] = field(default_factory=list)
    static: Flags | None = None
    infinite: int = 0
    first_infinite: str = ""
    low: float = np.inf
    high: float = -np.inf
    points: int = 0

    @property
    def always_missing(self) -> int:
        """The number of values that are missing at every instant."""
        return 0 if self.static is None else int(self.static.sum())

    @property
    def never_varies(self) -> bool:
        """Whether all values are the same, up to rounding to single precision, in which they are kept."""
        return same_in_single(self.low, self.high)

    def whole(self, record: int) -> Flags:
        """Whether all values of an instant are missing, ``(time,)``."""
        return np.asarray(self.missing[record] == self.points)

    def partly(self, record: int) -> Flags:
        """Whether some values are missing that are not always missing, ``(time,)``."""
        return np.asarray(self.missing[record] != self.always_missing) & ~self.whole(record)


def same_in_single(low: float, high: float) -> bool:
    """Whether two numbers are the same in single precision, up to a few steps of it."""
    return high - low <= ROUNDING_STEPS * float(np.finfo(np.float32).eps) * max(abs(low), abs(high))


def single_problems(low: float, high: float, place: str) -> list[Problem]:
    """A problem of values that are too large for single precision, in which they are kept, or all too small."""
    largest, smallest = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
    most, got = max(abs(low), abs(high)), f"values from {low:g} to {high:g}"
    if np.isfinite(most) and most > largest:
        remedy = "convert it to other units, or state the number that marks missing values as _FillValue"
        return [Problem(place, f"values up to {largest:.2g}, as in single precision", got, remedy)]
    if 0 < most < smallest:
        expected, remedy = f"values above {smallest:.2g}, as in single precision", "convert it to other units"
        return [Problem(place, expected, got, remedy)]
    return []


def scan(records: Sequence[Record], name: str, within: Flags | None = None) -> Scan:
    """Read a variable of all records once.

    Args:
        records: All records.
        name: The variable.
        within: Where values count, ``(*rest)``; everywhere by default.
    """
    found = Scan()
    for record in records:
        counts = []
        for start, stop in record.blocks(name):
            values = record.read(name, start, stop)
            counts.append(_take(found, record, name, values, start, within))
        found.missing.append(np.concatenate(counts))
    return found


def _take(
    found: Scan, record: Record, name: str, values: NDArray[np.float64], start: int, within: Flags | None
) -> NDArray[np.int64]:
    shape = values.shape[1:]
    chosen = np.ones(shape, dtype=bool) if within is None else within
    found.points = int(chosen.sum())
    missing = np.isnan(values) & chosen
    counts = missing.reshape(len(values), -1).sum(axis=1)
    partial = missing[counts < found.points]
    if len(partial):
        static = partial.all(axis=0)
        found.static = static if found.static is None else found.static & static
    infinite = np.isinf(values) & chosen
    if infinite.any():
        if not found.infinite:
            at = int(np.argmax(infinite.reshape(len(values), -1).any(axis=1)))
            found.first_infinite = record.place(start + at, infinite[at], name)
        found.infinite += int(infinite.sum())
    good = values[:, chosen][np.isfinite(values[:, chosen])] if shape else values[np.isfinite(values)]
    if good.size:
        found.low, found.high = min(found.low, float(good.min())), max(found.high, float(good.max()))
    return counts
