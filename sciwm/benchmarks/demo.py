"""The demo itself, seed by seed: every controller on the same held-out starts."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sciwm.benchmarks.cells import Cell as Measured
from sciwm.benchmarks.cells import kept, sections
from sciwm.benchmarks.results import Column, Row, mean_over_seeds, with_spread
from sciwm.config import Config
from sciwm.config.yaml_files import load_config, shipped_config
from sciwm.evaluation.control import CONTROLLERS
from sciwm.experiment import stages
from sciwm.experiment.run import Run


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row per controller, with the value of every seed.

    Args:
        quick: take the quick demo.
        folder: where the runs are kept; a benchmark that was killed goes on there.

    Raises:
        InputError: if a run there has data or a model of another configuration.
    """
    experiment = shipped_config("ks_control_quick.yaml" if quick else "ks_control.yaml")
    seeded = {seed: load_config(experiment, [f"seed={seed}"]) for seed in seeds}
    runs = [
        kept(folder / f"seed_{seed}.json", [sections(config)], partial(_run_all, config, folder / f"seed_{seed}"))
        for seed, config in seeded.items()
    ]
    (first,) = (k for k in runs[0]["control"] if k.startswith("mean_square_first") and not k.endswith("interval"))
    rows: list[Row] = [
        {
            "controller": name,
            "mean_square_first": [r["control"][first][name] for r in runs],
            "mean_square_final": [r["control"]["mean_square_final"][name] for r in runs],
            "seconds_per_decision": [r["control"]["seconds_per_decision"].get(name) for r in runs],
        }
        for name in runs[0]["control"][first]
    ]
    world_model = next(row for row in rows if row["controller"] == "world_model")
    world_model["valid_prediction_time"] = [r["rollout"]["valid_prediction_time"] for r in runs]
    world_model["total_seconds"] = [sum(r["time"].values()) for r in runs]
    return rows


def _run_all(config: Config, run: Path) -> Measured:
    stages.run_all(config, run)
    return Run(run).metrics()


def columns() -> list[Column]:
    """The table of the README: means over seeds with their standard deviations."""
    return [
        Column("controller", lambda row, _: CONTROLLERS[row["controller"]]),
        Column("mean square, first 40 time units", mean_over_seeds("mean_square_first")),
        Column("mean square, last 10 intervals", mean_over_seeds("mean_square_final", 2)),
        Column("ms per decision, 32 episodes", mean_over_seeds("seconds_per_decision", scale=1e3)),
        Column("gain", _gain),
    ]


def _gain(row: Row, rows: Sequence[Row]) -> str:
    """What a controller gains over none, as a share of what the gradient through the solver gains."""
    none, best = (next(r for r in rows if r["controller"] == n)["mean_square_first"] for n in ("none", "adjoint"))
    return with_spread([(n - j) / (n - b) for n, j, b in zip(none, row["mean_square_first"], best, strict=True)], 5)
