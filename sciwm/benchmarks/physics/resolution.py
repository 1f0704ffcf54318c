"""The world model on finer grids than its own: what it encodes, and what its plans are worth there."""

import math

from sciwm.benchmarks.kept import Cell, kept
from sciwm.benchmarks.physics.arms import ARMS, OURS
from sciwm.benchmarks.physics.cells import has_learned, weights_of
from sciwm.benchmarks.physics.claims import Claim, Found
from sciwm.benchmarks.physics.ground import Ground
from sciwm.benchmarks.physics.surprise import setting_of
from sciwm.benchmarks.results import Row
from sciwm.evaluation.suite.grids import measure_refined_control, measure_resolution
from sciwm.evaluation.suite.measures import Measure
from sciwm.evaluation.suite.setting import Setting
from sciwm.problems import InputError
from simulations.generate import silent

FACTORS = (2, 4)
EPISODES = 8
WHAT = (
    *(f"change of the latent on a grid {factor} times as fine" for factor in FACTORS),
    "share of the gain lost on a finer grid",
    "gain on the own grid",
    "gain there",
)


MOST = {WHAT[0]: 1e-3, WHAT[1]: 1e-3, WHAT[2]: 0.05}
"""What may change with the grid."""


def cell(ground: Ground) -> Cell:
    """Change of the latent with the grid, and the share of the gain that is lost on a finer one, of the main arm."""
    asked = (
        f"evaluation.resolution.factors={list(FACTORS)}",
        f"evaluation.refined_control.episodes={EPISODES}",
        f"evaluation.refined_control.intervals={ground.config.control.first}",
    )
    config = ground.experiment((*ARMS[OURS].overrides, *asked))
    if not has_learned(ground, OURS):
        return {"rows": []}
    path = ground.folder / "cells" / "resolution.json"
    return kept(path, config, lambda: _measure(setting_of(ground, config)), of_file=weights_of(ground, OURS))


def claim_of(row: Row) -> tuple[Claim, Found] | None:
    """What is claimed of a row of the cell, if anything, and what was found."""
    if row["what"] not in MOST:
        return None
    value = math.nan if row["value"] is None else row["value"]
    low, high = row["interval"] or (value, value)
    return Claim(OURS, row["what"], "below", MOST[row["what"]]), (value, low, high)


def _measure(setting: Setting) -> Cell:
    measures = list(measure_resolution(setting, silent).measures[: len(FACTORS)])  # translation has cells of its own
    try:
        measures += measure_refined_control(setting, silent).measures
    except InputError:  # nothing is gained on the own grid
        measures += [Measure("nothing gained", float("nan"))] * (len(WHAT) - len(FACTORS))
    return {
        "rows": [
            {"what": what, "where": m.meaning, "value": m.value if math.isfinite(m.value) else None,
             "interval": m.interval}
            for what, m in zip(WHAT, measures, strict=True)
        ]
    }  # fmt: skip
