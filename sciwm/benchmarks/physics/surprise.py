"""Whether the world model notices what cannot happen, and stays calm at what can: one row a violation."""

from sciwm.benchmarks.kept import Cell, kept
from sciwm.benchmarks.physics.arms import ARMS, OURS
from sciwm.benchmarks.physics.cells import trained_model, weights_of
from sciwm.benchmarks.physics.ground import Ground
from sciwm.evaluation.suite.latents import measure_surprise
from sciwm.evaluation.suite.setting import Setting
from simulations.generate import silent


def surprise_cell(ground: Ground) -> Cell:
    """AUROC of every detector for every violation in its default size, of the main arm."""
    config = ground.experiment(ARMS[OURS].overrides)
    path = ground.folder / "cells" / "surprise.json"
    return kept(path, config, lambda: _measure(ground), of_file=weights_of(ground, OURS))


def setting_of(ground: Ground) -> Setting:
    """The trained main arm with what it is evaluated by."""
    model = trained_model(ground, OURS)
    return Setting(ground.config, model, ground.simulation, ground.test, ground.train)


def _measure(ground: Ground) -> Cell:
    found = measure_surprise(setting_of(ground), silent).dataset
    rows = []
    for name in map(str, found["violation"].values):
        one = found.sel(violation=name)
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
            }
        )
    return {"rows": rows}
