"""Chooses rank, ridge and products of a linear baseline by its forecasts of validation data."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciwm.baselines.dmdc import DMDc, fit_linear
from sciwm.baselines.modes import fit_modes
from sciwm.baselines.recordings import Recordings
from sciwm.dynamics import rollout
from sciwm.errors import Problem, raise_if

RANKS = (0.9, 0.99, 0.999, 0.9999)
RIDGES = (1e-12, 1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Candidate:
    """One choice of settings and its forecast error, infinite if its forecasts are not finite."""

    rank: int
    products: int
    ridge: float
    error: float


def tune(
    train: Recordings,
    validation: Recordings,
    *,
    horizon: int,
    ranks: Sequence[int | float] = RANKS,
    products: Sequence[int] = (0,),
    ridges: Sequence[float] = RIDGES,
) -> tuple[DMDc, list[Candidate]]:
    """Fit every combination to the training data and keep the one that forecasts the validation data best.

    Args:
        train, validation: trajectories of different simulations.
        horizon: control intervals of a forecast, best those that matter for the use, such as a planning horizon;
            forecasts start at every ``horizon``-th instant.
        ranks: numbers of modes, or shares of the variance below one.
        products: numbers of leading coefficients whose products are in the state, at most the rank: 0 for DMDc.
        ridges: penalties of the regression.

    Returns:
        the best model, and every candidate with its error, best first.

    Raises:
        InputError: if there is nothing to choose from, or the validation data are shorter than the horizon.
    """
    problems = [
        Problem(name, "at least one candidate", "none")
        for name, given in (("ranks", ranks), ("products", products), ("ridges", ridges))
        if not given
    ]
    if not 1 <= horizon <= validation.intervals:
        problems.append(Problem("horizon", f"1 to {validation.intervals}, the intervals to validate on", str(horizon)))
    raise_if(problems)
    every = fit_modes(train.fields.flatten(0, 1))
    sizes = sorted(
        {(len(every.truncated(rank)), min(q, len(every.truncated(rank)))) for rank in ranks for q in products}
    )
    scored = []
    for rank, q in sizes:
        fits = fit_linear(train, every.truncated(rank), q, ridges)
        scored += [(forecast_error(m, validation, horizon), r, m) for r, m in zip(ridges, fits, strict=True)]
    scored.sort(key=lambda each: each[0])
    return scored[0][2].to(train.fields.dtype), [
        Candidate(len(m.modes), m.products, ridge, error) for error, ridge, m in scored
    ]


@torch.no_grad()
def forecast_error(model: DMDc, data: Recordings, horizon: int) -> float:
    """Root mean square error of forecasts, relative to that of forecasting the mean field: 1 is no skill.

    Variables count in units of their deviation. What the modes cannot represent counts as error too.
    """
    model, fields = copy.deepcopy(model).double(), data.fields.double()  # shares of the variance may be tiny
    windows = data.intervals // horizon
    starts = fields[:, : windows * horizon : horizon].flatten(0, 1)
    actions = _windows(data.actions[:, : windows * horizon].double(), windows)
    truth = fields[:, 1 : windows * horizon + 1]
    coefficients = _windows(model.modes.encode(truth), windows)
    total = model.modes.normalized(truth).square().sum()
    forecast = rollout(model, model.encode(starts), actions)[..., : len(model.modes)]
    missed = total - coefficients.square().sum()  # modes are orthonormal: errors within and beyond them add up
    error = float((((forecast - coefficients).square().sum() + missed.clamp(min=0)) / total).sqrt())
    return error if math.isfinite(error) else math.inf


def _windows(values: Tensor, windows: int) -> Tensor:
    """``(simulation, time, ...)`` cut to ``(simulation * windows, horizon, ...)``."""
    return values.unflatten(1, (windows, -1)).flatten(0, 1)
