"""How far linear and nonlinear encoders, and their predictors, are from commuting with translations by any distance."""

from collections.abc import Collection
from functools import partial

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.physics.claims import Claim, Found
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.benchmarks.physics.trained import measurement_inputs, trained_model
from sciwm.benchmarks.physics.variants import BASE, NONLINEAR_ENCODER, VARIANTS
from sciwm.benchmarks.results import Row
from sciwm.evaluation import bootstrap_interval, translation_errors

MEASURED_VARIANTS = (BASE, NONLINEAR_ENCODER)
"""Variants that are measured."""

TOLERANCE = 1e-4
"""Largest relative error that is wanted."""


def cell(scenario: Scenario, learned: Collection[str]) -> Cell:
    """The largest error over shifts of each sample, mean over samples.

    Args:
        scenario: with the trained variants.
        learned: names of variants whose training learned something; the others have no rows.
    """
    rows = []
    for variant in MEASURED_VARIANTS:
        if variant in learned:
            config = scenario.experiment(VARIANTS[variant].overrides)
            path = scenario.folder / "cells" / f"symmetry_of_{variant}.json"
            made_from = measurement_inputs(scenario, variant, config)
            rows += cached(path, made_from, partial(_measure, scenario, variant))["rows"]
    return {"rows": rows}


def claim_of(row: Row) -> tuple[Claim, Found]:
    """What is claimed of a row, and what was found."""
    return Claim(row["variant"], row["measure"], "below", TOLERANCE), (row["value"], *row["interval"])


def _measure(scenario: Scenario, variant: str) -> Cell:
    starts, actions = scenario.draw("translation", scenario.config.evaluation.resolution.samples, 1)
    found = translation_errors(trained_model(scenario, variant), starts, actions[:, 0], seed=scenario.seed)
    largest = found.max("shift", skipna=False)
    return {
        "rows": [
            {
                "variant": variant,
                "measure": f"translation error of the {str(name).removesuffix('_error')}",
                "value": float(values.mean()),
                "interval": bootstrap_interval(values),
            }
            for name, values in largest.items()
        ]
    }
