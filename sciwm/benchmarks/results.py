"""Benchmark results as files, and as Markdown tables."""

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sciwm.errors import InputError, Problem
from sciwm.provenance import machine, source_commit
from sciwm.version import __version__

ACCEPTED = Path(__file__).parent / "results"

Row = dict[str, Any]
Result = Mapping[str, Any]
Show = Callable[[Row, Sequence[Row]], str]
"""The text of one cell of a table, from its row and all rows to compare it with."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        title: its heading.
        show: makes the text of its cells.
    """

    title: str
    show: Show


def text(key: str) -> Show:
    """Cells that show a value as it is."""
    return lambda row, _: str(row[key])


def mean_over_seeds(key: str, digits: int = 3, *, scale: float = 1.0) -> Show:
    """Cells that show the mean over seeds and their standard deviation; a dash where nothing was measured.

    Args:
        key: of the values in the row.
        digits: significant ones.
        scale: factor of the values, such as 1e3 to show seconds in milliseconds.
    """
    return lambda row, _: with_spread([scale * v for v in row.get(key, []) if v is not None], digits)


def with_spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation of the values of several seeds."""
    if not values:
        return "-"
    spread = f" ± {np.std(values, ddof=1):.1g}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}g}{spread}"


def provenance(name: str, command: str, seeds: Sequence[int]) -> dict[str, Any]:
    """With which code, on which machine and when a result is measured; call it before the measurement begins."""
    return {
        "name": name,
        "commit": source_commit(),
        "sciwm": __version__,
        "torch": torch.__version__,
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": command,
        "seeds": list(seeds),
    }


def accepted_results(name: str, parts: Sequence[str] = ()) -> list[Result]:
    """The accepted result of a benchmark, or those of its parts that there are.

    Raises:
        InputError: if there is none.
    """
    whole = ACCEPTED / f"{name}.json"
    paths = [path for path in [whole] if path.exists()]
    paths = paths or [path for part in parts if (path := ACCEPTED / f"{name}-{part}.json").exists()]
    if not paths:
        remedy = f"run 'sciwm benchmark {name} --out {whole}'"
        raise InputError([Problem(str(whole), "an accepted result", "none", remedy)])
    return [json.loads(path.read_text()) for path in paths]


def markdown_table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """The rows under the columns."""
    lines = [
        "| " + " | ".join(c.title for c in columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(c.show(row, rows) for c in columns) + " |" for row in rows),
    ]
    return "\n".join(lines)


def origin(result: Result) -> str:
    """A line that says how a result can be measured again, and where it was measured."""
    return (
        f"`{result['command']}`, seeds {', '.join(map(str, result['seeds']))}, {result['machine']}, {result['date']}, "
        f"commit {result['commit'][:9]}{'+changes' if result['commit'].endswith('+changes') else ''}."
    )
