"""Whether the world model notices what cannot happen, and stays calm at what can: one row a violation."""

from collections.abc import Collection

import numpy as np
import xarray as xr

from sciwm.benchmarks.cells import Cell, kept
from sciwm.benchmarks.physics.claims import CALM, NOTICED, Claim, Found
from sciwm.benchmarks.physics.scenario import Ground
from sciwm.benchmarks.physics.trained import seen_in, trained_model
from sciwm.benchmarks.physics.variants import ARMS, OURS
from sciwm.benchmarks.results import Row
from sciwm.config import Config
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.latents import measure_surprise
from simulations.generate import silent

SEEN = (OURS,)
"""Arms that it looks at."""


def cell(ground: Ground, learned: Collection[str]) -> Cell:
    """AUROC of every detector for every violation in its default size, of the main arm, and the smallest it detects.

    Nothing if that arm is not among those that have learned.
    """
    config = ground.experiment(ARMS[OURS].overrides)
    if OURS not in learned:
        return {"rows": []}
    path = ground.folder / "cells" / "surprise.json"
    return kept(path, seen_in(ground, OURS, config), lambda: _measure(context_of(ground, OURS, config)))


def context_of(ground: Ground, arm: str, config: Config) -> EvaluationContext:
    """A trained arm with what it is evaluated by."""
    return EvaluationContext(config, trained_model(ground, arm), ground.simulation, ground.test, ground.train)


def claim_of(row: Row) -> tuple[Claim, Found]:
    """What is claimed of a row of the cell, by prediction errors in the latent, and what was found."""
    measure = f"AUROC, {row['violation']}"
    value, low, high = row["latent"]
    if row["control"]:
        return Claim(OURS, measure, "below", CALM), (value, low, high)
    return Claim(OURS, measure, "above", NOTICED), (value, low, high)


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
    """The number, if it is one."""
    return float(value) if np.isfinite(float(value)) else None
