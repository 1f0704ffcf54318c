"""What the rows of a store are called: what their authors call the runs, and where in a run they begin."""

import json
from collections import Counter
from typing import Any

import xarray as xr

NOTES = "sciwm_notes"
"""The attribute of a store with what was made of somebody's data, in words, and with where every row comes from."""


UNTITLED = "files of others"
"""The source of a store of files without a title."""


def notes_of(dataset: xr.Dataset) -> dict[str, Any]:
    """What was made of somebody's data: ``rows`` with the run and the times of each, and ``notes`` in words.

    Empty where the store was simulated, or states nothing that can be read.
    """
    try:
        return dict(json.loads(str(dataset.attrs[NOTES])))
    except (KeyError, ValueError, TypeError):
        return {}


def run_word(name: str) -> str:
    """What a run is called in texts, by the name of the dimension over runs: its own, or a record where it has none."""
    return "record" if name == "simulation" else name


def row_labels(dataset: xr.Dataset) -> tuple[str, ...]:
    """The names of all rows, no two alike."""
    rows = notes_of(dataset).get("rows", [])
    if len(rows) != dataset.sizes.get("simulation", 0):
        return tuple(map(str, range(dataset.sizes.get("simulation", 0))))
    runs = Counter(str(row["run"]) for row in rows)
    return tuple(
        str(row["run"]) if runs[str(row["run"])] == 1 else f"{row['run']} from {row.get('from', row['first']):g}"
        for row in rows
    )
