"""Calibrated forecasts of runs, scored as distributions."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.evaluation.sureness.probabilistic import fair_crps, ranks, spread_skill
from sciwm.model import WorldModel
from sciwm.uncertainty import COVERAGES, Uncertainty, calibrated_forecast, spread_points
from simulations.generate import Progress

POINTS = 2048
"""The most points of each field that are scored."""


@torch.no_grad()
def score_ensemble(
    model: WorldModel, uncertainty: Uncertainty, data: Trajectories, steps: int, progress: Progress
) -> xr.Dataset:
    """Forecast every run from its first instant with calibrated errors, and score them.

    Args:
        model: What is evaluated.
        uncertainty: Its members and their calibration.
        data: Runs that neither was fitted to.
        steps: Number of control intervals to forecast; of shorter runs as many as they have.
        progress: Shows how far it is.

    Returns:
        Over ``simulation``, ``variable`` and ``time`` (lead time, the start included), in the units of each variable:
        ``rmse`` of the mean of the members, ``spread``, fair ``crps``, the mean absolute error ``absolute_error``, and
        ``covered``, the share of the truth in the band of each ``coverage``. Over ``variable`` and ``time``
        ``spread_skill``; over ``variable`` and ``rank`` how often the truth has each rank among the members.
    """
    places, count = spread_points(uncertainty.valid, POINTS), uncertainty.ensemble.members
    variables, rows = model.domain.variables, data.usable
    steps = min(steps, max(data.intervals_of(row) for row in rows))
    size = (len(rows), len(variables), steps + 1)
    squares, variances, crps, absolute = (np.full(size, np.nan) for _ in range(4))
    covered = np.full((len(COVERAGES), *size), np.nan)
    seen = np.zeros((len(variables), count + 1))
    for i, row in zip(range(len(rows)), progress(rows, "calibrated forecasts"), strict=True):
        for first, truth, forecast in calibrated_forecast(model, uncertainty, data, row, steps):
            at = slice(first, first + len(truth))

            def picked(values: Tensor) -> Tensor:
                shape = (*values.shape[: values.ndim - uncertainty.valid.ndim], *places.shape)
                flat = values.flatten(1 - uncertainty.valid.ndim)
                return flat.gather(-1, places.expand(shape))

            true, mean, deviation = picked(truth), picked(forecast.mean), picked(forecast.deviation)
            members = picked(forecast.members).transpose(0, 1)
            error = (mean - true).abs()
            kinds = (error.square(), deviation.square(), fair_crps(members, true), error)
            for whole, found in zip((squares, variances, crps, absolute), kinds, strict=True):
                whole[i, :, at] = found.mean(dim=-1).nan_to_num(torch.inf, torch.inf).T  # forecasts may diverge
            half = uncertainty.limits(torch.arange(first, first + len(truth))).flatten(3) * deviation
            covered[:, i, :, at] = (error <= half).double().mean(dim=-1).transpose(1, 2)
            for v, placed in enumerate(ranks(members, true)[max(0, 1 - first) :].transpose(0, 1)):
                seen[v] += np.bincount(placed.flatten().numpy(), minlength=count + 1)
    return _described(model, rows, [squares, variances, crps, absolute, covered], seen, count)


def _described(
    model: WorldModel, rows: list[int], values: list["np.ndarray[tuple[int, ...], np.dtype[np.float64]]"],
    seen: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", members: int,
) -> xr.Dataset:  # fmt: skip
    variables, interval = model.domain.variables, model.domain.control_interval
    squares, variances, crps, absolute, covered = values
    scale = np.array([v.size for v in variables])[:, None]
    dims = ("simulation", "variable", "time")
    shown = {
        "rmse": (np.sqrt(squares) * scale, "root mean square error of the mean of the members"),
        "spread": (np.sqrt(variances) * scale, "calibrated deviation of the error"),
        "crps": (crps * scale, "fair continuous ranked probability score"),
        "absolute_error": (absolute * scale, "mean absolute error of the mean of the members"),
    }
    units = "1" if {v.units for v in variables} == {"1"} else "as variable_units"
    pooled = [torch.from_numpy(np.nanmean(part, axis=0)) for part in (variances, squares)]
    members_variance = pooled[0] * members / (members + 1)  # spread is the deviation of the mean's error
    ratio = spread_skill(members_variance, pooled[1], members).numpy()
    time = np.arange(squares.shape[2]) * interval
    return xr.Dataset(
        {
            **{name: (dims, part, {"units": units, "long_name": text}) for name, (part, text) in shown.items()},
            "covered": (("coverage", *dims), covered, {"units": "1", "long_name": "share of the truth in the band"}),
            "spread_skill": (("variable", "time"), ratio, {"units": "1", "long_name": "spread over error"}),
            "ranks": (
                ("variable", "rank"), seen / seen.sum(axis=1, keepdims=True),
                {"units": "1", "long_name": "share of the truth with this rank among the members"},
            ),
        },
        {
            "simulation": rows, "variable": [v.name for v in variables], "coverage": list(COVERAGES),
            "time": ("time", time, {"units": model.domain.time_units, "long_name": "lead time"}),
            "variable_units": ("variable", [v.units for v in variables]),
        },
    )  # fmt: skip
