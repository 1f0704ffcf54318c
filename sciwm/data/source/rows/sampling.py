"""Some instants of the training rows, and how many modes the states at them have."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sciwm.data.source.meaning.counted_modes import count_modes
from sciwm.data.source.rows.cutting import Piece
from sciwm.data.source.rows.material import Record

MOST_NUMBERS, MOST_INSTANTS = 2**24, 512
"""How many values of the training runs are held, and at how many instants."""
MOST_READ = 2**26
"""The most values of training data whose modes are counted."""


def sampled(
    records: Sequence[Record], rows: Sequence[Piece], name: str, *, last: bool, most: int = MOST_INSTANTS
) -> NDArray[np.float64]:
    """Instants of a variable, spread evenly over the rows, ``(instant, *rest)``.

    Args:
        records: All records.
        rows: The rows for training.
        name: The variable.
        last: Whether the last instant of a row is one of them; a forcing has none there.
        most: The most instants.
    """
    instants = [(row.record, instant) for row in rows for instant in range(row.first, row.last + last)]
    points = max(1, records[rows[0].record].read(name, rows[0].first, rows[0].first + 1).size)
    count = max(2, min(len(instants), most, MOST_NUMBERS // points))
    chosen = [instants[i] for i in np.unique(np.linspace(0, len(instants) - 1, count).round().astype(int))]
    return np.concatenate(
        [
            part
            for index in dict.fromkeys(r for r, _ in chosen)
            for part in _of_record(
                records[index], name, np.array([instant for record, instant in chosen if record == index])
            )
        ]
    )


def _of_record(record: Record, name: str, instants: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    """Instants of one record, read by the blocks in which they lie, since files hold many instants in a chunk."""
    for start, stop in record.blocks(name):
        inside = instants[(instants >= start) & (instants < stop)]
        if len(inside):
            yield record.read(name, int(inside[0]), int(inside[-1]) + 1)[inside - inside[0]]


def modes_of(
    records: Sequence[Record], rows: Sequence[Piece], valid: Mapping[str, NDArray[np.bool_] | None], wanted: int
) -> int:
    """How many modes the training states have, as far as it can be told from some; ``wanted`` where they have enough.

    Args:
        records: All records.
        rows: The rows for training.
        valid: The state variables, and where each exists, ``(*space)``; None for everywhere.
        wanted: How many modes are asked for.
    """
    points = sum(records[rows[0].record].lazy(name).isel({records[0].settings.time: 0}).size for name in valid)
    if points * sum(row.last - row.first + 1 for row in rows) > MOST_READ:
        return wanted  # so many values hold modes enough, and reading them again takes its time
    most = max(MOST_INSTANTS, 2 * wanted)
    several = ((sampled(records, rows, name, last=True, most=most), where) for name, where in valid.items())
    return count_modes((v.reshape(len(v), -1) if where is None else v[:, where] for v, where in several), wanted)
