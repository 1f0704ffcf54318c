"""The demo with several seeds: every controller on the same held-out starts."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sciwm.benchmarks.cells import Cell, cached, settings_bytes
from sciwm.benchmarks.results import Column, Row, mean_over_seeds, with_spread
from sciwm.config import Config, load_config, shipped_config
from sciwm.evaluation import CONTROLLERS, relative_reduction
from sciwm.experiment import Run, stages


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for each controller, with the value of every seed.

    Args:
        quick: run the quick demo.
        folder: where the runs are stored; an interrupted benchmark goes on there.

    Raises:
        InputError: if a run there has data or a model of another configuration.
    """
    experiment = shipped_config("ks_control_quick.yaml" if quick else "ks_control.yaml")
    seeded = {seed: load_config(experiment, [f"seed={seed}"]) for seed in seeds}
    runs = [
        cached(
            folder / f"seed_{seed}.json", [settings_bytes(config)], partial(_run_all, config, folder / f"seed_{seed}")
        )
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


def _run_all(config: Config, run: Path) -> Cell:
    stages.run_all(config, run)
    return Run(run).metrics()


def columns() -> list[Column]:
    """The columns of the table: means over seeds with their standard deviations."""
    return [
        Column("controller", lambda row, _: CONTROLLERS[row["controller"]]),
        Column("mean square, first 40 time units", mean_over_seeds("mean_square_first")),
        Column("mean square, last 10 intervals", mean_over_seeds("mean_square_final", 2)),
        Column("ms per decision, 32 episodes", mean_over_seeds("seconds_per_decision", scale=1e3)),
        Column("relative reduction", _relative_reduction),
    ]


def _relative_reduction(row: Row, rows: Sequence[Row]) -> str:
    """That of the mean square distance over the first part, with its standard deviation over seeds."""
    none, best = (next(r for r in rows if r["controller"] == n)["mean_square_first"] for n in ("none", "adjoint"))
    shares = [relative_reduction(n - x, n - b, n) for n, x, b in zip(none, row["mean_square_first"], best, strict=True)]
    return with_spread([share for share in shares if share is not None], 5)
