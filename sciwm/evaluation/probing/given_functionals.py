"""Functionals that somebody's files hold, read from latents by ridge regression, and tested on held-out runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Trajectories
from sciwm.dynamics import rollout
from sciwm.evaluation.held_out_scores import lead_attributes
from sciwm.evaluation.probing.probes import ridge_probe
from sciwm.model import WorldModel

MOST_INSTANTS = 256
"""The number of instants of each run, spread evenly, that are read at most."""

Array = NDArray[Any]


@torch.no_grad()
def read_functionals(model: WorldModel, train: Trajectories, test: Trajectories, steps: Sequence[int]) -> xr.Dataset:
    """Read functionals from the latent and the parameters of a run.

    Regressions are fitted to encoded latents of the training runs, a quarter of which chooses the penalty. Numbers that
    are missing do not count.

    Args:
        model: Encodes and forecasts.
        train: Runs that regressions are fitted to.
        test: Runs that they are tested on.
        steps: The lengths of the forecasts, in control intervals, whose latents are read; 0 for encoded ones.

    Returns:
        ``r2`` over ``target`` and ``horizon``: 1 - mean square error over the variance of the test runs; NaN where they
        have fewer than two different values. ``rmse`` likewise, in the units of each target (``target_units``).
    """
    names = list(train.roles.functionals) if train.roles is not None else []
    taught = _encoded(model, train)
    probes = []
    for name in names:
        values = np.concatenate([_values(train, name, i, t) for i, t, _ in taught])
        features = np.concatenate([latents for _, _, latents in taught])
        groups = np.concatenate([np.full(len(t), n) for n, (_, t, _) in enumerate(taught)])
        known = np.isfinite(values)
        held_out = _a_quarter(groups[known])
        probes.append(ridge_probe(features[known], values[known, None], held_out))
    scores = np.full((2, len(names), len(steps)), np.nan)
    for k, length in enumerate(steps):
        tested = _encoded(model, test) if length == 0 else _forecast(model, test, length)
        for j, (name, probe) in enumerate(zip(names, probes, strict=True)):
            pairs = [(_values(test, name, i, t), probe(latents)[:, 0]) for i, t, latents in tested if len(t)]
            if pairs:
                scores[:, j, k] = _scored(*map(np.concatenate, zip(*pairs, strict=True)))
    units = train.units_of(names)
    return xr.Dataset(
        {
            "r2": (("target", "horizon"), scores[0], {"units": "1", "long_name": "R2 on held-out runs"}),
            "rmse": (("target", "horizon"), scores[1], {"units": "as target_units", "long_name": "error"}),
        },
        {
            "target": names, "target_units": ("target", units),
            "horizon": ("horizon", list(steps), {"units": "1", "long_name": "control intervals of the forecast"}),
            "lead_time": ("horizon", np.array(steps) * model.control_interval, lead_attributes(model.domain)),
        },
    )  # fmt: skip


def _scored(truth: Array, guess: Array) -> tuple[float, float]:
    known = np.isfinite(truth)
    truth, guess = truth[known].astype(float), guess[known]
    if len(truth) < 2 or not truth.std() > 0:
        return np.nan, np.nan
    square = float(np.mean((guess - truth) ** 2))
    return 1 - square / float(truth.var()), square**0.5


def _a_quarter(groups: Array) -> NDArray[np.bool_]:
    """Every fourth run, or of a single one the last quarter."""
    runs = np.unique(groups)
    if len(runs) < 2:
        return np.arange(len(groups)) >= 3 * len(groups) // 4
    return np.isin(groups, runs[:: max(2, min(4, len(runs)))])


def _values(data: Trajectories, name: str, row: int, times: Array) -> Array:
    return np.asarray(data.array(name)[row])[times].astype(np.float64)


def _encoded(model: WorldModel, data: Trajectories) -> list[tuple[int, Array, Array]]:
    """For each run its row, some instants, and the states there."""
    found = []
    for row in data.usable:
        times = np.unique(np.linspace(0, data.intervals_of(row), MOST_INSTANTS).round().astype(int))
        fields = _fields(model, data, row, times)
        parameters = torch.from_numpy(data.parameters[[row] * len(times)])
        found.append((row, times, _features(model.encode(fields, parameters))))
    return found


def _forecast(model: WorldModel, data: Trajectories, steps: int) -> list[tuple[int, Array, Array]]:
    """For each run its row, instants that are so many intervals after a start, and the states forecast there."""
    found = []
    for row in data.usable:
        starts = np.unique(np.linspace(0, max(0, data.intervals_of(row) - steps), MOST_INSTANTS // 8).astype(int))
        starts = starts[starts + steps <= data.intervals_of(row)]
        if len(starts):
            actions = np.stack([np.asarray(data.array("action")[row, t : t + steps]) for t in starts])
            parameters = torch.from_numpy(data.parameters[[row] * len(starts)])
            start = model.encode(_fields(model, data, row, starts), parameters)
            states = rollout(model, start, torch.from_numpy(actions.astype(np.float32)))
            found.append((row, starts + steps, _features(states[:, -1])))
    return found


def _fields(model: WorldModel, data: Trajectories, row: int, times: Array) -> torch.Tensor:
    values = np.stack([np.asarray(data.array(v.name)[row])[times] for v in model.domain.variables], axis=1)
    return torch.from_numpy(values.astype(np.float32))


def _features(states: torch.Tensor) -> Array:
    return states.flatten(1).double().numpy()
