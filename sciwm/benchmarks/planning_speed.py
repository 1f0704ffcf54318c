"""How long one decision takes, through the latent and through the true solver, at equal planner budget."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch

import simulations
from sciwm import pipeline
from sciwm.benchmarks.results import Column, Row, mean_over_seeds, text
from sciwm.config import PlanningSettings
from sciwm.config_files import load_config, shipped_config
from sciwm.dynamics import Dynamics
from sciwm.evaluation.control import control_task
from sciwm.model.checkpoint import load_model
from sciwm.planning.build import build_planner

BUDGETS = {
    "gradient: horizon 12, 6 steps": {"planner": "gradient", "horizon": 12, "iterations": 6},
    "CEM: horizon 12, 64 samples x 3": {"planner": "cem", "horizon": 12, "iterations": 3, "samples": 64, "elites": 8},
    "CEM: horizon 5, 300 samples x 30": {
        "planner": "cem",
        "horizon": 5,
        "iterations": 30,
        "samples": 300,
        "elites": 30,
    },
}
EPISODES = (1, 32)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row per budget and number of episodes planned together; times are medians of interleaved repeats.

    The solver takes the coarse step that the references of the demo plan with. The weights of the
    model do not matter for its speed, so the quick demo's training is enough.
    """
    config = load_config(shipped_config("ks_control_quick.yaml"))
    pipeline.simulate(config, folder)
    pipeline.train(folder)
    model, _ = load_model(folder)
    settings = config.simulation.model_dump()
    steps = config.control.oracle_steps_per_interval or settings["steps_per_interval"]
    solver = simulations.build(settings | {"steps_per_interval": steps})
    starts = control_task(config).starts
    repeats = 1 if quick else 5
    rows = []
    for name, changes in BUDGETS.items():
        planning = config.planning.model_copy(update=changes)
        for episodes in EPISODES:
            fields = starts[torch.arange(episodes) % len(starts)]
            decide = [_decider(dynamics, planning, fields) for dynamics in (model, solver)]
            seconds = [[_seconds(d) for d in decide] for _ in range(repeats)]
            ours, true = (median(s[i] for s in seconds) for i in (0, 1))
            ratio = median(s[1] / s[0] for s in seconds)
            row = {"budget": name, "episodes": episodes, "world_model": [ours], "solver": [true], "ratio": [ratio]}
            rows.append(row)
    return rows


def columns() -> list[Column]:
    """The table of the README."""
    return [
        Column("planner", text("budget")),
        Column("episodes", text("episodes")),
        Column("world model [ms]", mean_over_seeds("world_model", scale=1e3)),
        Column("true solver [ms]", mean_over_seeds("solver", scale=1e3)),
        Column("solver / world model", mean_over_seeds("ratio", 2)),
    ]


def _decider(dynamics: Dynamics, planning: PlanningSettings, fields: torch.Tensor) -> Callable[[], None]:
    planner, cost = build_planner(planning, dynamics, torch.zeros_like(fields[0]))

    def decide() -> None:
        planner.plan(dynamics, dynamics.encode(fields), cost)

    decide()  # the first call allocates
    return decide


def _seconds(decide: Callable[[], None]) -> float:
    began = time.perf_counter()
    decide()
    return time.perf_counter() - began
