"""The time of one decision that is planned through the latent and through the true solver, with the same planner."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from sciwm.benchmarks.results import Column, Row, mean_over_seeds, text
from sciwm.config import CEMSettings, GradientSettings, PlanningSettings, load_config, shipped_config
from sciwm.dynamics import Dynamics
from sciwm.evaluation import control_task
from sciwm.experiment import stages
from sciwm.model import load_model
from sciwm.planning import build_planner

BUDGETS: dict[str, tuple[int, GradientSettings | CEMSettings]] = {
    "gradient: horizon 12, 6 steps": (12, GradientSettings(iterations=6)),
    "CEM: horizon 12, 64 samples x 3": (12, CEMSettings(iterations=3, samples=64, elites=8)),
    "CEM: horizon 5, 300 samples x 30": (5, CEMSettings(iterations=30, samples=300, elites=30)),
}
"""Horizon and planner; the last is the budget of LeWorldModel (arXiv:2603.19312)."""


@dataclass(frozen=True)
class Flow:
    """The system for which decisions are planned.

    Args:
        experiment: name of a shipped one.
        overrides: that shorten its training, since the speed of a model does not depend on its weights.
        episodes: numbers of episodes that are planned together, a row each.
        repeats: of every decision; the median counts.
    """

    experiment: str
    overrides: tuple[str, ...]
    episodes: tuple[int, ...]
    repeats: int


FLOWS = {
    "Kuramoto-Sivashinsky, 64 points": Flow("ks_control_quick.yaml", (), (1, 32), 5),
    "Kolmogorov, 64²": Flow(
        "kolmogorov_control.yaml",
        (
            *(f"data.{part}.simulations=4" for part in ("train", "validation", "test")),
            "training.updates=20",
            "training.updates_per_epoch=20",
            "training.batch_size=4",
        ),
        (1,),
        2,
    ),
}


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for each flow, planner and number of episodes planned together; times are medians of interleaved repeats.

    The solver takes the coarse step with which the references of the experiment are planned.

    Args:
        quick: one dimension alone, without repeats.
        folder: where data and models are stored.
        seeds: not used; times do not depend on the weights.
    """
    names = list(FLOWS)[:1] if quick else list(FLOWS)
    return [row for name in names for row in _rows(name, folder, 1 if quick else FLOWS[name].repeats)]


def _rows(name: str, folder: Path, repeats: int) -> Iterator[Row]:
    flow = FLOWS[name]
    folder = folder / Path(flow.experiment).stem
    config = load_config(shipped_config(flow.experiment), flow.overrides)
    stages.simulate(config, folder)
    stages.train(folder)
    model, _ = load_model(folder)
    task = control_task(config)
    solver = task.reference_solver()
    for budget, (horizon, planner) in BUDGETS.items():
        planning = config.planning.model_copy(update={"horizon": horizon, "planner": planner})
        for episodes in flow.episodes:
            fields = task.starts[torch.arange(episodes) % len(task.starts)]
            decide = [_decider(dynamics, planning, fields, task.target) for dynamics in (model, solver)]
            seconds = [[_seconds(d) for d in decide] for _ in range(repeats)]
            yield {
                "flow": name,
                "budget": budget,
                "episodes": episodes,
                "world_model": [median(ours for ours, _ in seconds)],
                "solver": [median(true for _, true in seconds)],
                "ratio": [median(true / ours for ours, true in seconds)],
            }


def columns() -> list[Column]:
    """The columns of the table."""
    return [
        Column("flow", text("flow")),
        Column("planner", text("budget")),
        Column("episodes", text("episodes")),
        Column("world model [ms]", mean_over_seeds("world_model", scale=1e3)),
        Column("true solver [ms]", mean_over_seeds("solver", scale=1e3)),
        Column("solver / world model", mean_over_seeds("ratio", 2)),
    ]


def _decider(dynamics: Dynamics, planning: PlanningSettings, fields: Tensor, target: Tensor) -> Callable[[], None]:
    planner, cost = build_planner(planning, dynamics, target)

    def decide() -> None:
        planner.plan(dynamics, dynamics.encode(fields), cost)

    decide()  # the first call allocates
    return decide


def _seconds(decide: Callable[[], None]) -> float:
    began = time.perf_counter()
    decide()
    return time.perf_counter() - began
