"""Translation by any distance: of encoders that are linear and that bend, and of their predictor."""

from collections.abc import Collection
from functools import partial

from sciwm.benchmarks.cells import Cell, kept
from sciwm.benchmarks.physics.claims import Claim, Found
from sciwm.benchmarks.physics.scenario import Ground
from sciwm.benchmarks.physics.trained import seen_in, trained_model
from sciwm.benchmarks.physics.variants import ARMS, BASE, BENT
from sciwm.benchmarks.results import Row
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.evaluation.symmetry import translation_errors

SEEN = (BASE, BENT)
"""Arms that it looks at."""

MOST = 1e-4
"""Error relative to what is moved."""


def cell(ground: Ground, learned: Collection[str]) -> Cell:
    """Largest errors over shifts, means over samples, of those arms that have learned."""
    rows = []
    for arm in SEEN:
        if arm in learned:
            path, config = ground.folder / "cells" / f"symmetry_of_{arm}.json", ground.experiment(ARMS[arm].overrides)
            found = kept(path, seen_in(ground, arm, config), partial(_measure, ground, arm))
            rows += found["rows"]
    return {"rows": rows}


def claim_of(row: Row) -> tuple[Claim, Found]:
    """What is claimed of a row of the cell, and what was found."""
    return Claim(row["arm"], row["what"], "below", MOST), (row["value"], *row["interval"])


def _measure(ground: Ground, arm: str) -> Cell:
    starts, actions = ground.draw("translation", ground.config.evaluation.resolution.samples, 1)
    found = translation_errors(trained_model(ground, arm), starts, actions[:, 0], seed=ground.seed)
    largest = found.max("shift", skipna=False)
    return {
        "rows": [
            {
                "arm": arm,
                "what": f"{str(name).removesuffix('_error')} moved by any distance",
                "value": float(values.mean()),
                "interval": bootstrap_interval(values),
            }
            for name, values in largest.items()
        ]
    }
