"""Some instants of the training rows, and how many modes the states at them have."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sciwm.data.source.meaning.counted_modes import count_modes
from sciwm.data.source.rows.cutting import Piece
from sciwm.data.source.rows.material import Record

MOST_NUMBERS, MOST_INSTANTS = 2**24, 512
"""How many values of the training runs are read."""


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
    return np.concatenate([records[record].read(name, instant, instant + 1) for record, instant in chosen])


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
    most = max(MOST_INSTANTS, 2 * wanted)
    several = ((sampled(records, rows, name, last=True, most=most), where) for name, where in valid.items())
    return count_modes((v.reshape(len(v), -1) if where is None else v[:, where] for v, where in several), wanted)
