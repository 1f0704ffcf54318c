"""``sciwm benchmark own-data``: what learning from the files of others is worth, part by part."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sciwm.benchmarks.own_data import (
    crash,
    flagged_plate,
    plate,
    reaction,
    reading,
    record,
    resident_memory,
    sensed_plate,
)
from sciwm.benchmarks.results import Column, Row, text

PARTS: dict[str, Callable[[bool, Path, Sequence[int]], list[Row]]] = {
    "plate": plate.run,
    "reaction": reaction.run,
    "record": record.run,
    "sensors": sensed_plate.run,
    "flags": flagged_plate.run,
    "memory": resident_memory.run,
    "reading": reading.run,
    "crash": crash.run,
}
"""Each part gives rows of the two tables: forecasts by all methods, and checks."""


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """The rows of all parts."""
    return run_some(quick, folder, seeds, tuple(PARTS))


def run_some(quick: bool, folder: Path, seeds: Sequence[int], names: Sequence[str]) -> list[Row]:
    """As :func:`run`, of some parts."""
    return [row for name in names for row in PARTS[name](quick, folder, seeds)]


def forecasts(rows: Sequence[Row]) -> list[Row]:
    """The rows of the table of forecasts."""
    return [row for row in rows if row["kind"] == "forecast"]


def checks_of(rows: Sequence[Row]) -> list[Row]:
    """The rows of the table of checks."""
    return [row for row in rows if row["kind"] == "check"]


def columns() -> list[Column]:
    """The columns of the table of forecasts."""
    return [
        Column("data", text("data")),
        Column("method", lambda row, _: row["words"] + (f", chose {_chosen(row)}" if _chosen(row) else "")),
        Column("numbers", lambda row, _: str(row["size"] or "-")),
        Column("steps", lambda row, _: " / ".join(map(str, row["steps"]))),
        Column("RMSE", lambda row, _: f"{_listed(row['rmse'])} {'' if row['unit'] == 'deviation' else row['unit']}"),
        Column("95 % interval at the last step", lambda row, _: " to ".join(map(_shown, row["interval"][-1]))),
        Column("training [s]", lambda row, _: f"{sum(row['seconds']) / len(row['seconds']):.3g}"),
    ]


def _chosen(row: Row) -> str:
    return ", ".join(dict.fromkeys(filter(None, row.get("chose", []))))


def _listed(values: Sequence[float | None]) -> str:
    return " / ".join(map(_shown, values))


def _shown(value: float | None) -> str:
    return "infinite" if value is None else f"{value:.3g}"
