"""How well the default model detects violations of the physics, and takes none of the controls for one: a row each."""

from collections.abc import Collection

import numpy as np
import xarray as xr

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.physics.claims import CONTROL_AUROC, VIOLATION_AUROC, Claim, Found
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.benchmarks.physics.trained import context_of, measurement_inputs
from sciwm.benchmarks.physics.variants import DEFAULT, VARIANTS
from sciwm.benchmarks.results import Row
from sciwm.evaluation.suite import EvaluationContext, measure_surprise
from simulations.generate import silent

MEASURED_VARIANTS = (DEFAULT,)
"""Variants that are measured."""


def cell(scenario: Scenario, learned: Collection[str]) -> Cell:
    """AUROC of every detector for every violation at its default size, and the smallest size that is detected.

    Args:
        scenario: with the trained default variant.
        learned: names of variants whose training learned something; no rows if the default one is not among them.
    """
    config = scenario.experiment(VARIANTS[DEFAULT].overrides)
    if DEFAULT not in learned:
        return {"rows": []}
    path = scenario.folder / "cells" / "surprise.json"
    return cached(
        path, measurement_inputs(scenario, DEFAULT, config), lambda: _measure(context_of(scenario, DEFAULT, config))
    )


def claim_of(row: Row) -> tuple[Claim, Found]:
    """What is claimed of the AUROC of prediction errors in the latent, and what was found."""
    measure = f"AUROC, {row['violation']}"
    value, low, high = row["latent"]
    if row["control"]:
        return Claim(DEFAULT, measure, "below", CONTROL_AUROC), (value, low, high)
    return Claim(DEFAULT, measure, "above", VIOLATION_AUROC), (value, low, high)


def _measure(context: EvaluationContext) -> Cell:
    found = measure_surprise(context, silent).dataset
    rows = []
    for name in map(str, found["violation"].values):
        one = found.sel(violation=name)
        smallest, sizes = one["smallest_detectable"], one["size"].values[one["auroc"].notnull().any("detector").values]
        curve = one["auroc"].sel(size=sizes)
        one = one.sel(size=one["default_size"])
        rows.append(
            {
                "violation": name,
                "control": bool(one["control"]),
                "size": float(one["default_size"]),
                **{
                    str(d): [float(one.sel(detector=d)[f"auroc{end}"]) for end in ("", "_low", "_high")]
                    for d in one["detector"].values
                },
                "sizes": sizes.tolist(),
                "curve": {str(d): [_finite(v) for v in curve.sel(detector=d)] for d in one["detector"].values},
                "smallest": {str(d): _finite(smallest.sel(detector=d)) for d in one["detector"].values},
            }
        )
    return {"rows": rows}


def _finite(value: xr.DataArray) -> float | None:
    """The number; None if it is not finite."""
    return float(value) if np.isfinite(float(value)) else None
