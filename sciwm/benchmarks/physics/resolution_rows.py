"""The world model on finer grids than its own: how much the latent changes, and how well its plans control there."""

import math
from collections.abc import Collection, Sequence
from functools import partial

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.physics.claims import Claim, Found
from sciwm.benchmarks.physics.measure import LARGEST_ERROR
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.benchmarks.physics.trained import context_of, measurement_inputs
from sciwm.benchmarks.physics.variants import DEFAULT, NONLINEAR_ENCODER, VARIANTS
from sciwm.benchmarks.results import Row
from sciwm.evaluation import NothingSaved
from sciwm.evaluation.suite import EvaluationContext, Measure, measure_refined_control, measure_resolution
from sciwm.planning import NoLinearLaw
from simulations.generate import silent

MEASURED_VARIANTS = (DEFAULT, NONLINEAR_ENCODER)
"""Variants that are measured."""

FACTORS = (2, 4)
EPISODES = 8
ENCODED = tuple(f"change of the latent on a grid {factor} times as fine" for factor in FACTORS)
PLANNED = (
    "share of the cost reduction lost on a finer grid",
    "cost reduction on its own grid",
    "cost reduction on the finer grid",
)

LARGEST_CHANGE = {**dict.fromkeys(ENCODED, 1e-3), PLANNED[0]: 0.05}
"""Largest change with the grid that is wanted."""


def cell(scenario: Scenario, learned: Collection[str]) -> Cell:
    """Change of the latent with the grid, and for the default variant the share of the cost reduction that is lost.

    Args:
        scenario: with the trained variants.
        learned: names of variants whose training learned something; the others have no rows.
    """
    asked = (
        f"evaluation.resolution.factors={list(FACTORS)}",
        f"evaluation.refined_control.episodes={EPISODES}",
        f"evaluation.refined_control.intervals={scenario.config.control.first}",
    )
    rows = []
    for variant in MEASURED_VARIANTS:
        if variant in learned:
            config = scenario.experiment((*VARIANTS[variant].overrides, *asked))
            path = scenario.folder / "cells" / f"resolution_of_{variant}.json"
            made_from = measurement_inputs(scenario, variant, config)
            measure = partial(_measure, variant, context_of(scenario, variant, config))
            rows += cached(path, made_from, measure)["rows"]
    return {"rows": rows}


def claim_of(row: Row) -> tuple[Claim, Found] | None:
    """What is claimed of a row, and what was found; None if nothing is claimed."""
    if row["measure"] not in LARGEST_CHANGE:
        return None
    value = math.nan if row["value"] is None else row["value"]
    low, high = row["interval"] or (value, value)
    return Claim(row["variant"], row["measure"], "below", LARGEST_CHANGE[row["measure"]]), (value, low, high)


def _measure(variant: str, context: EvaluationContext) -> Cell:
    encoded = measure_resolution(context, silent).measures[: len(ENCODED)]  # the others are of translation
    rows = _rows(variant, ENCODED, encoded)
    if variant == DEFAULT:
        rows += _rows(variant, PLANNED, _planned(context))
    return {"rows": rows}


def _planned(context: EvaluationContext) -> Sequence[Measure]:
    try:
        return measure_refined_control(context, silent).measures
    except (NothingSaved, NoLinearLaw):
        return [Measure("no cost reduction on its own grid", math.nan)] * len(PLANNED)


def _rows(variant: str, names: Sequence[str], measures: Sequence[Measure]) -> list[Row]:
    return [
        {"variant": variant, "measure": name, "meaning": m.meaning, "value": _bounded(m.value),
         "interval": m.interval and [_bounded(end) for end in m.interval]}
        for name, m in zip(names, measures, strict=True)
    ]  # fmt: skip


def _bounded(value: float) -> float | None:
    """At most ``LARGEST_ERROR`` in size, as for an episode that blows up; None where there is no number."""
    return None if math.isnan(value) else min(max(value, -LARGEST_ERROR), LARGEST_ERROR)
