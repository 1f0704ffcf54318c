"""The world model on finer grids than its own: what it encodes, and what its plans are worth there."""

import math
from collections.abc import Collection, Sequence
from functools import partial

from sciwm.benchmarks.cells import Cell, kept
from sciwm.benchmarks.physics.claims import Claim, Found
from sciwm.benchmarks.physics.measure import LOST
from sciwm.benchmarks.physics.scenario import Ground
from sciwm.benchmarks.physics.surprise_rows import context_of
from sciwm.benchmarks.physics.trained import seen_in
from sciwm.benchmarks.physics.variants import ARMS, BENT, OURS
from sciwm.benchmarks.results import Row
from sciwm.evaluation.resolution import NothingGained
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.grids import measure_refined_control, measure_resolution
from sciwm.evaluation.suite.measures import Measure
from sciwm.planning.linear_law import NoLinearLaw
from simulations.generate import silent

SEEN = (OURS, BENT)
"""Arms that it looks at."""

FACTORS = (2, 4)
EPISODES = 8
ENCODED = tuple(f"change of the latent on a grid {factor} times as fine" for factor in FACTORS)
PLANNED = ("share of the gain lost on a finer grid", "gain on the own grid", "gain there")

MOST = {**dict.fromkeys(ENCODED, 1e-3), PLANNED[0]: 0.05}
"""What may change with the grid."""


def cell(ground: Ground, learned: Collection[str]) -> Cell:
    """Change of the latent with the grid, also where the encoder bends, and the share of the gain that is lost.

    Of those arms that have learned.
    """
    asked = (
        f"evaluation.resolution.factors={list(FACTORS)}",
        f"evaluation.refined_control.episodes={EPISODES}",
        f"evaluation.refined_control.intervals={ground.config.control.first}",
    )
    rows = []
    for arm in SEEN:
        if arm in learned:
            config = ground.experiment((*ARMS[arm].overrides, *asked))
            path, context = ground.folder / "cells" / f"resolution_of_{arm}.json", context_of(ground, arm, config)
            rows += kept(path, seen_in(ground, arm, config), partial(_measure, arm, context))["rows"]
    return {"rows": rows}


def claim_of(row: Row) -> tuple[Claim, Found] | None:
    """What is claimed of a row of the cell, if anything, and what was found."""
    if row["what"] not in MOST:
        return None
    value = math.nan if row["value"] is None else row["value"]
    low, high = row["interval"] or (value, value)
    return Claim(row["arm"], row["what"], "below", MOST[row["what"]]), (value, low, high)


def _measure(arm: str, context: EvaluationContext) -> Cell:
    encoded = measure_resolution(context, silent).measures[: len(ENCODED)]  # translation has cells of its own
    rows = _rows(arm, ENCODED, encoded)
    if arm == OURS:
        rows += _rows(arm, PLANNED, _planned(context))
    return {"rows": rows}


def _planned(context: EvaluationContext) -> Sequence[Measure]:
    try:
        return measure_refined_control(context, silent).measures
    except (NothingGained, NoLinearLaw):
        return [Measure("nothing gained", math.nan)] * len(PLANNED)


def _rows(arm: str, names: Sequence[str], measures: Sequence[Measure]) -> list[Row]:
    return [
        {"arm": arm, "what": what, "where": m.meaning, "value": _bounded(m.value),
         "interval": m.interval and [_bounded(end) for end in m.interval]}
        for what, m in zip(names, measures, strict=True)
    ]  # fmt: skip


def _bounded(value: float) -> float | None:
    """``LOST`` for what is lost beyond measure, as in an episode that blows up; None for what there is no number of."""
    return None if math.isnan(value) else min(max(value, -LOST), LOST)
