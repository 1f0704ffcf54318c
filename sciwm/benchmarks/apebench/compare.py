"""Forecasts of the world model, of linear models and of nothing, beside the published ones.

The data of the scenarios are made by a quadratic exponential integrator, and the predictor of the world
model is a learned one: it can hold the scheme of the data exactly, which no published network can. What is
compared is what this structure is worth where it is right. Ours has the updates and samples of the published
ones, but trains on rollouts of up to four steps where they train on one, and leaves a fifth of the training
trajectories to choose settings and epoch. Its weights see no test trajectory, and neither did its settings.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from sciwm.baselines.dmdc import DMDc
from sciwm.baselines.persistence import Persistence
from sciwm.baselines.recordings import Recordings
from sciwm.baselines.tuning import RANKS, RIDGES, tune
from sciwm.benchmarks.apebench.learned import BUDGET, IDLE, parameters_of, settings, split, train_model
from sciwm.benchmarks.apebench.scenarios import DIFFICULTIES, NUM_POINTS, TEST_STEPS, TRAIN_STEPS, Scenario, scenario
from sciwm.benchmarks.apebench.score import JUDGED_STEPS, PUBLISHED, geometric_mean_nrmse, nrmse
from sciwm.benchmarks.cells import Cell, kept
from sciwm.benchmarks.results import Column, Row, source_commit, text
from sciwm.dynamics import Dynamics, readout_trajectory, rollout
from sciwm.evaluation.climate.spectra import energy_spectrum, log_spectral_distance
from simulations import PeriodicGrid

Fit = Callable[[Scenario, int, Path], tuple[Dynamics, int, float | None]]
"""``fit(data, seed, folder)``: what forecasts, its number of parameters, and the CPU seconds of its training."""

WORLD_MODEL = "sciwm world model"
QUICK_UPDATES = 40
LEADS = (1, 10, 50, 100, 200)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row per scenario and method; those measured hold the value of every seed.

    Args:
        quick: train next to nothing, and choose the linear models among few.
        folder: where trainings and measured cells are kept; a benchmark that was killed goes on there,
            one of another commit begins anew.
    """
    rows = []
    for name in DIFFICULTIES:
        data = scenario(name)
        for method, (fit, repeated) in _methods(quick).items():
            place = folder / source_commit() / name / method.replace(" ", "_")
            cells = [_cell(fit, data, seed, place) for seed in (seeds if repeated else seeds[:1])]
            rows.append({"scenario": name, "method": method} | {key: [c[key] for c in cells] for key in cells[0]})
        rows += [
            {"scenario": name, "method": f"{method} (published)", "nrmse": [value]}
            for method, value in PUBLISHED[name].items()
        ]
    return rows


def columns() -> list[Column]:
    """The table of the README."""
    return [
        Column("scenario", text("scenario")),
        Column("method", text("method")),
        Column("nRMSE over 100 steps", lambda row, _: _median_and_range(row["nrmse"])),
        *(
            Column(f"after {lead}", lambda row, _, lead=lead: _median_of(row, f"nrmse_{lead}"))  # type: ignore[misc]
            for lead in LEADS
        ),
        Column("spectrum, step 100 [dB]", lambda row, _: _median_of(row, "spectral_distance")),
        Column("parameters", lambda row, _: str(row["parameters"][0]) if "parameters" in row else "about 32000"),
        Column("training [CPU s]", lambda row, _: _median_of(row, "cpu_seconds")),
    ]


def best_first(rows: Sequence[Row]) -> list[Row]:
    """By scenario, the smallest median error first."""
    order = list(DIFFICULTIES)
    return sorted(rows, key=lambda row: (order.index(row["scenario"]), _median(row["nrmse"])))


@torch.no_grad()
def forecast(dynamics: Dynamics, starts: Tensor, steps: int) -> Tensor:
    """Fields ``(sample, steps, 1, x)`` after each step from ``starts`` ``(sample, 1, x)``."""
    no_action = starts.new_zeros(len(starts), steps, len(IDLE))
    states = rollout(dynamics, dynamics.encode(starts), no_action)
    return readout_trajectory(dynamics, states, ["fields"])["fields"]


def judge(dynamics: Dynamics, data: Scenario) -> dict[str, Any]:
    """The score on the test trajectories, that on those that chose the settings, and what explains them."""
    validation = split(data)[1]
    seen = geometric_mean_nrmse(forecast(dynamics, validation[:, 0], TRAIN_STEPS), validation[:, 1:], TRAIN_STEPS)
    predicted, truth = forecast(dynamics, data.test[:, 0], TEST_STEPS), data.test[:, 1:]
    by_step = nrmse(predicted, truth).mean(dim=0)
    grid = PeriodicGrid.line(NUM_POINTS, data.domain_extent)
    last = [energy_spectrum(u[:, JUDGED_STEPS - 1, 0], grid).mean(dim=0).numpy() for u in (predicted, truth)]
    return {
        "nrmse": float(geometric_mean_nrmse(predicted, truth)),
        "nrmse_validation": float(seen),
        "nrmse_by_step": [float(f"{value:.4g}") for value in by_step],
        "spectral_distance": float(log_spectral_distance(*last)),
    } | {f"nrmse_{lead}": float(by_step[lead - 1]) for lead in LEADS}


def _methods(quick: bool) -> dict[str, tuple[Fit, bool]]:
    """What is measured, and whether with every seed or the first alone."""

    updates = QUICK_UPDATES if quick else BUDGET["updates"]

    def world_model(*, one_step: bool) -> Fit:
        def fit(data: Scenario, seed: int, folder: Path) -> tuple[Dynamics, int, float | None]:
            config = settings(data.name, seed, updates=updates, one_step=one_step)
            model, seconds = train_model(config, data, folder / f"seed_{seed}")
            return model, parameters_of(model), seconds

        return fit

    def persistence(data: Scenario, seed: int, folder: Path) -> tuple[Dynamics, int, float | None]:
        return Persistence(IDLE, data.step), 0, None

    def linear(products: Sequence[int]) -> Fit:
        def fit(data: Scenario, seed: int, folder: Path) -> tuple[Dynamics, int, float | None]:
            train, validation = (_recordings(fields, data) for fields in split(data))
            model, _ = tune(
                train,
                validation,
                horizon=TRAIN_STEPS // 2,
                ranks=RANKS[1::3] if quick else RANKS,
                products=products[:1] if quick else products,
                ridges=RIDGES[1::3] if quick else RIDGES,
            )
            return model, _numbers(model), None

        return fit

    return {
        WORLD_MODEL: (world_model(one_step=False), True),
        f"{WORLD_MODEL} trained on one step": (world_model(one_step=True), False),
        "persistence": (persistence, False),
        "DMDc": (linear([0]), False),
        "DMDc with products": (linear([8, 16, 32]), False),
    }


def _cell(fit: Fit, data: Scenario, seed: int, folder: Path) -> Cell:
    """Fit and judge once, or read what was measured before the benchmark was killed."""

    def fit_and_judge() -> Cell:
        dynamics, parameters, seconds = fit(data, seed, folder)
        return judge(dynamics, data) | {"parameters": parameters, "cpu_seconds": seconds}

    return kept(folder / f"seed_{seed}.json", [source_commit().encode()], fit_and_judge)


def _recordings(fields: Tensor, data: Scenario) -> Recordings:
    actions = fields.new_zeros(len(fields), fields.shape[1] - 1, len(IDLE))
    return Recordings(fields, actions, IDLE, data.step)


def _numbers(model: DMDc) -> int:
    return model.transition.numel() + model.offset.numel()


def _median(values: Sequence[float]) -> float:
    """What is not finite is worse than anything."""
    return median(v if v == v else float("inf") for v in values)


def _median_and_range(values: Sequence[float]) -> str:
    spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{_median(values):.3g}{spread}"


def _median_of(row: Row, key: str) -> str:
    values = [v for v in row.get(key, []) if v is not None]
    return f"{_median(values):.3g}" if values else "-"
