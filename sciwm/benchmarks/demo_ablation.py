"""What each part of the objective, the rollout loss and the on-policy rounds are worth in the demo.

Every cell is measured on the same held-out rollouts, unseen actions and starts. The cells of the
objective train on the same data with the same number of updates; an on-policy round adds its episodes
and its updates to the demo.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from sciwm import pipeline
from sciwm.benchmarks.results import Column, Row, mean_over_seeds, text
from sciwm.config import Config
from sciwm.config_files import dump_config, load_config, shipped_config
from sciwm.data.schema import Trajectories
from sciwm.evaluation.control import ControlTask, control_task, first_mean_square, run_control, summarize_control
from sciwm.evaluation.suite.imagination import measure_rollouts
from sciwm.files import write_atomically, write_json
from sciwm.model.checkpoint import load_model
from sciwm.progress import bar

NO_PHYSICS = ["heads_encoded=0", "heads_rolled=0", "budget=0"]
OBJECTIVES = {
    "prediction + anti-collapse": [f"loss.physics.{o}" for o in NO_PHYSICS],
    "+ functional heads": ["loss.physics.budget=0"],
    "+ budget (the demo)": [],
    "one-step loss only": ["loss.rollout=0"],
}
ROUNDS = {1: "on-policy rounds: 1", 2: "on-policy rounds: 2"}
BASE = "+ budget (the demo)"
LEADS = (1, 12, 40)
QUICK = [
    "training.updates=60",
    "training.on_policy.updates=20",
    "training.on_policy.intervals=20",
    "training.on_policy.episodes=4",
    "control.episodes=4",
    "control.intervals=40",
    "control.first=40",
]


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row per cell, with the value of every seed.

    Args:
        quick: take the quick demo, and train and control even less.
        folder: where runs are kept; a benchmark that was killed goes on there.
    """
    config_path = shipped_config("ks_control_quick.yaml" if quick else "ks_control.yaml")
    common = QUICK if quick else []
    measured: dict[str, list[dict[str, float]]] = {}
    for seed in seeds:
        for name, values in _one_seed(config_path, common, folder / f"seed_{seed}", seed):
            measured.setdefault(name, []).append(values)
    return [{"cell": name} | {key: [v[key] for v in values] for key in values[0]} for name, values in measured.items()]


def columns() -> list[Column]:
    """The table of the README: means over seeds with their standard deviations."""
    return [
        Column("cell", text("cell")),
        *(Column(f"nRMSE, {lead} steps", mean_over_seeds(f"nrmse_{lead}", 2)) for lead in LEADS),
        Column("valid time [Lyapunov], at least", mean_over_seeds("valid_prediction_time", 3)),
        Column("energy change error", mean_over_seeds("energy_change_error")),
        Column("mean square, first 40", mean_over_seeds("mean_square_first", 4)),
        Column("final", mean_over_seeds("mean_square_final")),
        Column("gain", mean_over_seeds("gain", 6)),
    ]


def _one_seed(
    config_path: Path, common: Sequence[str], folder: Path, seed: int
) -> Iterator[tuple[str, dict[str, float]]]:
    base = load_config(config_path, [f"seed={seed}", *common])
    pipeline.simulate(base, folder)
    task = control_task(base)
    bounds = _bounds(task, folder / "bounds.json")
    for name, overrides in OBJECTIVES.items():
        yield (
            name,
            _cell(load_config(config_path, [f"seed={seed}", *common, *overrides]), folder, name, name, task, bounds),
        )
    for rounds, name in ROUNDS.items():
        # a run with more rounds begins as the run with fewer: it goes on where that one stopped
        config = load_config(config_path, [f"seed={seed}", *common, f"training.on_policy.rounds={rounds}"])
        yield name, _cell(config, folder, BASE, name, task, bounds)


def _cell(
    config: Config, folder: Path, run_name: str, name: str, task: ControlTask, bounds: dict[str, float]
) -> dict[str, float]:
    """Train and measure one cell, or read what was measured before the benchmark was killed."""
    cell = folder / "cells" / _file_name(run_name)
    measured = cell / f"{_file_name(name)}.json"
    if not measured.exists():
        _share_data(folder, cell)
        write_atomically(cell / "config.yaml", dump_config(config).encode())
        pipeline.train(cell)
        write_json(measured, _measure(config, cell, task, bounds))
    values: dict[str, float] = json.loads(measured.read_text())
    return values


def _file_name(cell: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in cell).split())


def _share_data(folder: Path, cell: Path) -> None:
    """All cells of a seed learn from the same simulations."""
    (cell / "data").mkdir(parents=True, exist_ok=True)
    for store in (folder / "data").iterdir():
        if not (cell / "data" / store.name).exists():
            (cell / "data" / store.name).symlink_to(store.resolve())


def _bounds(task: ControlTask, path: Path) -> dict[str, float]:
    """Floor and ceiling of the task: no control, and the adjoint through the true solver."""
    if not path.exists():
        references = task.references()
        result = run_control(task, {n: references[n] for n in ("none", "adjoint")}, bar)
        write_json(path, first_mean_square(result, task.config))
    bounds: dict[str, float] = json.loads(path.read_text())
    return bounds


def _measure(config: Config, cell: Path, task: ControlTask, bounds: dict[str, float]) -> dict[str, float]:
    model, _ = load_model(cell)
    _, numbers = measure_rollouts(config, model, Trajectories(cell / "data" / "test.zarr"), task.simulation)
    result = run_control(task, {"world_model": lambda: task.plan_with(model)}, bar)
    first = first_mean_square(result, config)["world_model"]
    residual = numbers["budget"].get("residual_unseen_actions", {}).get("energy")
    return {f"nrmse_{lead}": numbers["rollout"]["nrmse"][lead - 1] for lead in LEADS} | {
        "valid_prediction_time": numbers["rollout"]["valid_prediction_time"],
        "participation_ratio": numbers["latent"]["participation_ratio"],
        "energy_change_error": numbers["budget"]["change_error_unseen_actions"]["energy"],
        "energy_residual": residual,
        "mean_square_first": first,
        "mean_square_final": summarize_control(result, config)["mean_square_final"]["world_model"],
        "gain": (bounds["none"] - first) / (bounds["none"] - bounds["adjoint"]),
    }
