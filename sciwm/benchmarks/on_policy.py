"""On-policy rounds in the demo: each adds its episodes to the data, and its updates to the training.

All are measured on the same held-out rollouts, unseen actions and starts. The terms of the objective are compared
at equal training in the physics benchmark.
"""

from collections.abc import Sequence
from pathlib import Path

from sciwm.benchmarks.cells import Cell, cached, settings_bytes
from sciwm.benchmarks.results import Column, Row, mean_over_seeds, text
from sciwm.config import Config, load_config, shipped_config
from sciwm.data import Trajectories
from sciwm.evaluation import (
    ControlTask,
    control_task,
    first_mean_square,
    relative_reduction,
    run_control,
    summarize_control,
)
from sciwm.evaluation.suite import budgets_under_unseen_actions, measure_rollouts
from sciwm.experiment import stages
from sciwm.model import load_model
from sciwm.progress import bar
from sciwm.run_paths import RunPaths

ROUNDS = (0, 1, 2)
LEADS = (1, 12, 40)
MEASURES = (
    *(f"nrmse_{lead}" for lead in LEADS),
    "valid_prediction_time",
    "energy_change_error",
    "mean_square_first",
    "mean_square_final",
    "relative_reduction",
)
"""Of every number of rounds; a row has the values of all seeds."""

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
    """One row for each number of rounds, with the value of every seed.

    Args:
        quick: run the quick demo with a shorter training and fewer episodes.
        folder: where runs are stored; an interrupted benchmark goes on there.
    """
    config_path = shipped_config("ks_control_quick.yaml" if quick else "ks_control.yaml")
    common = QUICK if quick else []
    measured = [_one_seed(config_path, [f"seed={seed}", *common], folder / f"seed_{seed}") for seed in seeds]
    return [{"rounds": r} | {key: [m[r][key] for m in measured] for key in MEASURES} for r in ROUNDS]


def columns() -> list[Column]:
    """The columns of the table: means over seeds with their standard deviations."""
    return [
        Column("rounds", text("rounds")),
        *(Column(f"nRMSE, {lead} steps", mean_over_seeds(f"nrmse_{lead}", 2)) for lead in LEADS),
        Column("valid prediction time [Lyapunov times], at least", mean_over_seeds("valid_prediction_time", 3)),
        Column("energy change error", mean_over_seeds("energy_change_error")),
        Column("mean square, first 40", mean_over_seeds("mean_square_first", 4)),
        Column("final", mean_over_seeds("mean_square_final")),
        Column("relative reduction", mean_over_seeds("relative_reduction", 6)),
    ]


def _one_seed(config_path: Path, overrides: Sequence[str], folder: Path) -> list[Cell]:
    """All numbers of rounds in one run folder: a training with more rounds goes on from one with fewer."""
    base = load_config(config_path, overrides)
    task = control_task(base)
    bounds = cached(folder / "bounds.json", [settings_bytes(base)], lambda: _bounds(task))
    measured = []
    for rounds in ROUNDS:
        config = load_config(config_path, [*overrides, f"training.on_policy.rounds={rounds}"])

        def train_and_measure(config: Config = config) -> Cell:
            stages.simulate(config, folder / "run")
            stages.train(folder / "run")
            return _measure(config, folder / "run", task)

        cell = cached(folder / f"rounds_{rounds}.json", [settings_bytes(config)], train_and_measure)
        reduction, best = bounds["none"] - cell["mean_square_first"], bounds["none"] - bounds["adjoint"]
        measured.append(cell | {"relative_reduction": relative_reduction(reduction, best, bounds["none"])})
    return measured


def _bounds(task: ControlTask) -> Cell:
    """Costs without control, and under gradient planning through the true solver."""
    references = task.references()
    result = run_control(task, {n: references[n] for n in ("none", "adjoint")}, bar)
    return dict(first_mean_square(result, task.config))


def _measure(config: Config, run: Path, task: ControlTask) -> Cell:
    model, _ = load_model(run)
    _, numbers = measure_rollouts(config, model, Trajectories(RunPaths(run).store("test")))
    energy = budgets_under_unseen_actions(config, model, task.simulation).sel(functional="energy")
    result = run_control(task, {"world_model": lambda: task.plan_with(model)}, bar)
    first = first_mean_square(result, config)["world_model"]
    return {f"nrmse_{lead}": numbers["rollout"]["nrmse"][lead - 1] for lead in LEADS} | {
        "valid_prediction_time": numbers["rollout"]["valid_prediction_time"],
        "energy_change_error": float((energy["change_error"] ** 2).mean(skipna=False) ** 0.5),
        "mean_square_first": first,
        "mean_square_final": summarize_control(result, config)["mean_square_final"]["world_model"],
    }
