"""Every method on one data set: the errors of its forecasts of held-out runs, for every seed."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from sciwm.benchmarks.own_data.closed_form import climatology, dmdc, persistence
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.forecasts import (
    Array,
    Forecaster,
    by_model,
    fields_exist,
    scale_of,
    square_errors,
    starts_of,
)
from sciwm.benchmarks.own_data.trained_methods import METHODS, trained_run
from sciwm.benchmarks.results import Row
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.model import load_model

Judge = Callable[[str, int, int, Forecaster], None]
"""Looks further at a learned method: ``judge(method, size, seed, forecaster)``."""


def compare(
    part: str, data: DataSet, sizes: Sequence[int], seeds: Sequence[int], methods: Sequence[str] = tuple(METHODS)
) -> list[Row]:
    """One row for each method and size of the latent.

    Args:
        part: of the benchmark.
        data: what is forecast.
        sizes: numbers of the latent, and of modes of DMDc.
        seeds: of trainings.
        methods: those of ``METHODS`` to train.

    Returns:
        rows with ``rmse`` at every lead time, the seeds together, and its ``interval`` over runs and seeds.
    """
    test, steps = data.set("test"), data.steps[-1]
    starts = starts_of(test, steps, data.stride)
    scale, where = scale_of(data.set("train"), data.unit), fields_exist(test)

    def errors(forecaster: Forecaster) -> Array:
        return square_errors(forecaster(starts), starts, scale, where)

    def row(method: str, words: str, size: int, squares: list[Array], **more: object) -> Row:
        return _row(part, data, method, words, squares) | {"size": size} | more

    before = sum(data.set(name).intervals + 1 for name in ("train", "validation")) if data.season else 0
    free = {"seconds": [0.0], "updates": [0]}
    rows = [
        row("persistence", "persistence", 0, [errors(persistence)], **free),
        row("climatology", "climatology", 0, [errors(climatology(data, before))], **free),
    ]
    unknown = np.full((len(set(starts.runs)), steps), np.inf)
    for size in sizes:
        forecaster, seconds = dmdc(data, size)
        rows.append(row("dmdc", "DMDc, tuned", size, [errors(forecaster)], seconds=[seconds], updates=[0]))
    for method in methods:
        for size in sizes[:1] if method == "fno" else sizes:
            cells, squares = [], []
            for seed in seeds:
                run, cell = trained_run(data, method, seed, size)
                cells.append(cell)
                squares.append(unknown if "failed" in cell else errors(by_model(load_model(run)[0])))
            more = {"seconds": [c["cpu_seconds"] for c in cells], "updates": [c["updates"] for c in cells]}
            chosen = [c["chose"] for c in cells]
            shown = 0 if method == "fno" else size
            rows.append(row(method, METHODS[method].words, shown, squares, **more, chose=chosen))
    return rows


def _row(part: str, data: DataSet, method: str, words: str, squares: list[Array]) -> Row:
    together = np.concatenate(squares)  # (seed and run, time)
    of_run = np.stack(squares).mean(axis=0)  # runs are what differs by chance; seeds share them
    row: Row = {"kind": "forecast", "part": part, "data": data.name, "unit": data.unit}
    row |= {"method": method, "words": words, "steps": list(data.steps)}
    row["rmse"] = [_root(together[:, step - 1].mean()) for step in data.steps]
    row["interval"] = [[_root(x) for x in bootstrap_interval(of_run[:, step - 1])] for step in data.steps]
    row["by_seed"] = [[_root(s[:, step - 1].mean()) for step in data.steps] for s in squares]
    row["every_lead"] = [[_root(x) for x in s.mean(axis=0)] for s in squares]
    return row


def _root(value: float) -> float | None:
    return math.sqrt(value) if math.isfinite(value) else None


def found(rows: Sequence[Row], method: str, size: int = 0) -> Row:
    """The row of a method."""
    return next(r for r in rows if r["kind"] == "forecast" and r["method"] == method and r["size"] in (0, size))
