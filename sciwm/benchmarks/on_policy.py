"""What on-policy rounds are worth in the demo: every one adds its episodes, and its updates, to those before.

All are measured on the same held-out rollouts, unseen actions and starts. How the parts of the
objective compare at equal training is the physics benchmark's.
"""

from collections.abc import Sequence
from pathlib import Path

from sciwm.benchmarks.cells import Cell, kept, sections
from sciwm.benchmarks.results import Column, Row, mean_over_seeds, text
from sciwm.config import Config
from sciwm.config.yaml_files import load_config, shipped_config
from sciwm.data.schema import Trajectories
from sciwm.evaluation.control import ControlTask, control_task, first_mean_square, run_control, summarize_control
from sciwm.evaluation.suite.imagination import budgets_under_unseen_actions, measure_rollouts
from sciwm.experiment import stages
from sciwm.model.checkpoint import load_model
from sciwm.progress import bar
from sciwm.run_paths import RunPaths

ROUNDS = (0, 1, 2)
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
    """One row per number of rounds, with the value of every seed.

    Args:
        quick: take the quick demo, and train and control even less.
        folder: where runs are kept; a benchmark that was killed goes on there.
    """
    config_path = shipped_config("ks_control_quick.yaml" if quick else "ks_control.yaml")
    common = QUICK if quick else []
    measured = [_one_seed(config_path, [f"seed={seed}", *common], folder / f"seed_{seed}") for seed in seeds]
    return [{"rounds": r} | {key: [m[r][key] for m in measured] for key in measured[0][r]} for r in ROUNDS]


def columns() -> list[Column]:
    """The table of the README: means over seeds with their standard deviations."""
    return [
        Column("rounds", text("rounds")),
        *(Column(f"nRMSE, {lead} steps", mean_over_seeds(f"nrmse_{lead}", 2)) for lead in LEADS),
        Column("valid time [Lyapunov], at least", mean_over_seeds("valid_prediction_time", 3)),
        Column("energy change error", mean_over_seeds("energy_change_error")),
        Column("mean square, first 40", mean_over_seeds("mean_square_first", 4)),
        Column("final", mean_over_seeds("mean_square_final")),
        Column("gain", mean_over_seeds("gain", 6)),
    ]


def _one_seed(config_path: Path, overrides: Sequence[str], folder: Path) -> list[Cell]:
    """Rounds after rounds in one run: one with more goes on where that with fewer stopped."""
    base = load_config(config_path, overrides)
    task = control_task(base)
    bounds = kept(folder / "bounds.json", [sections(base)], lambda: _bounds(task))
    measured = []
    for rounds in ROUNDS:
        config = load_config(config_path, [*overrides, f"training.on_policy.rounds={rounds}"])

        def train_and_measure(config: Config = config) -> Cell:
            stages.simulate(config, folder / "run")
            stages.train(folder / "run")
            return _measure(config, folder / "run", task, bounds)

        measured.append(kept(folder / f"rounds_{rounds}.json", [sections(config)], train_and_measure))
    return measured


def _bounds(task: ControlTask) -> Cell:
    """Floor and ceiling of the task: no control, and the adjoint through the true solver."""
    references = task.references()
    result = run_control(task, {n: references[n] for n in ("none", "adjoint")}, bar)
    return dict(first_mean_square(result, task.config))


def _measure(config: Config, run: Path, task: ControlTask, bounds: Cell) -> Cell:
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
        "gain": (bounds["none"] - first) / (bounds["none"] - bounds["adjoint"]),
    }
