"""Forecasts of the world model, of linear models and of persistence, beside published ones.

The data of the scenarios are made by an exponential integrator of a quadratic equation. The predictor of the world
model has the same structure, so that it can represent the scheme of the data exactly, which no published network can:
the comparison shows how much this structure helps where it is right. The world model has as many updates and samples
as the published networks, but it trains on rollouts of up to four steps where they train on one, and a fifth of the
training trajectories are held out to choose settings and epoch. Neither weights nor settings were chosen on test
trajectories.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from sciwm.baselines import RANKS, RIDGES, DMDc, Persistence, Recordings, tune
from sciwm.benchmarks.apebench.learned import BUDGET, IDLE, parameters_of, settings, split, train_model
from sciwm.benchmarks.apebench.scenarios import DIFFICULTIES, NUM_POINTS, TEST_STEPS, TRAIN_STEPS, Scenario, scenario
from sciwm.benchmarks.apebench.score import JUDGED_STEPS, PUBLISHED, geometric_mean_nrmse, nrmse
from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.results import Column, Row, text
from sciwm.dynamics import Dynamics
from sciwm.evaluation import decoded
from sciwm.evaluation.climate import energy_spectrum, log_spectral_distance
from sciwm.provenance import source_commit
from simulations import PeriodicGrid

Fit = Callable[[Scenario, int, Path], tuple[Dynamics, int, float | None]]
"""``fit(data, seed, folder)``: a dynamics, its number of parameters, and the CPU seconds of its training."""

WORLD_MODEL = "sciwm world model"
QUICK_UPDATES = 40
LEADS = (1, 10, 50, 100, 200)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for each scenario and method; those that were measured have the value of every seed.

    Args:
        quick: train for few updates, and tune the linear models over few candidates.
        folder: where trainings and cells are stored. An interrupted benchmark goes on there; one of another commit
            begins anew.
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
    """The columns of the table."""
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
    """Rows by scenario, the smallest median error first."""
    order = list(DIFFICULTIES)
    return sorted(rows, key=lambda row: (order.index(row["scenario"]), _median(row["nrmse"])))


@torch.no_grad()
def forecast(dynamics: Dynamics, starts: Tensor, steps: int) -> Tensor:
    """Fields ``(sample, steps, 1, x)`` after each step from ``starts`` ``(sample, 1, x)``."""
    return decoded(dynamics, starts, starts.new_zeros(len(starts), steps, len(IDLE)))


def judge(dynamics: Dynamics, data: Scenario) -> dict[str, Any]:
    """The score on test and on validation trajectories, errors by step, and the spectral distance in decibel."""
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
    """By name: how it is fitted, and whether with every seed or with the first alone."""
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
    """Fit and score, unless the cell is stored already."""

    def fit_and_judge() -> Cell:
        dynamics, parameters, seconds = fit(data, seed, folder)
        return judge(dynamics, data) | {"parameters": parameters, "cpu_seconds": seconds}

    return cached(folder / f"seed_{seed}.json", [source_commit().encode()], fit_and_judge)


def _recordings(fields: Tensor, data: Scenario) -> Recordings:
    actions = fields.new_zeros(len(fields), fields.shape[1] - 1, len(IDLE))
    return Recordings(fields, actions, IDLE, data.step)


def _numbers(model: DMDc) -> int:
    return model.transition.numel() + model.offset.numel()


def _median(values: Sequence[float]) -> float:
    """The median; a value that is not a number counts as infinite."""
    return median(v if v == v else float("inf") for v in values)


def _median_and_range(values: Sequence[float]) -> str:
    spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{_median(values):.3g}{spread}"


def _median_of(row: Row, key: str) -> str:
    values = [v for v in row.get(key, []) if v is not None]
    return f"{_median(values):.3g}" if values else "-"
