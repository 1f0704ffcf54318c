"""Methods without training: persistence, climatology, and DMDc with the parameters of a run as constant actions."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sciwm.baselines import Recordings, recordings, tune
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.forecasts import Forecaster, Starts
from sciwm.data import Trajectories
from sciwm.dynamics import readout_trajectory, rollout
from simulations import ActionBox


def persistence(starts: Starts) -> Tensor:
    """The fields stay as they are."""
    return starts.fields[:, None].expand_as(starts.truth)


def climatology(data: DataSet, first: int) -> Forecaster:
    """The mean of the training fields, at the same place of the season if there is one.

    Args:
        data: with the training set.
        first: at which instant of the record the forecast runs begin, if there is a season; there is one run then.
    """
    train, period = data.set("train"), max(1, data.season)
    names = [v.name for v in train.variables]
    runs = [np.stack([train.array(n)[i, : train.intervals_of(i) + 1] for n in names], axis=1) for i in train.usable]
    means = torch.from_numpy(
        np.stack([np.concatenate([fields[p::period] for fields in runs]).mean(axis=0) for p in range(period)])
    ).float()

    def forecast(starts: Starts) -> Tensor:
        leads = torch.arange(1, starts.truth.shape[1] + 1)
        return means[(first + torch.tensor(starts.instants)[:, None] + leads) % period]

    return forecast


def dmdc(data: DataSet, modes: int) -> tuple[Forecaster, float]:
    """DMDc with that many modes, its ridge tuned by forecasts of the validation runs.

    Returns:
        the forecaster, and the processor seconds of the fit.
    """
    train, validation = data.set("train"), data.set("validation")
    began = time.process_time()
    both = [_with_parameters(recordings(s), s) for s in (train, validation)]
    horizon = min(data.steps[-1], both[1].intervals)
    model, _ = tune(both[0], both[1], horizon=horizon, ranks=[modes])
    seconds = time.process_time() - began

    @torch.no_grad()
    def forecast(starts: Starts) -> Tensor:
        constant = starts.parameters[:, None].expand(-1, starts.actions.shape[1], -1)
        states = rollout(model, model.encode(starts.fields), torch.cat([starts.actions, constant], dim=2))
        return readout_trajectory(model, states, ["fields"])["fields"]

    return forecast, seconds


def _with_parameters(given: Recordings, data: Trajectories) -> Recordings:
    """Recordings whose parameters are further actions, which are constant in a run."""
    if not data.parameters.shape[1]:
        return given
    values = torch.from_numpy(data.parameters[data.usable])
    constant = values[:, None].expand(-1, given.intervals, -1)
    low, high = _bounds(data.parameters)
    names = tuple(f"parameter_{i}" for i in range(values.shape[1]))
    box = given.actuators
    wide = ActionBox((*box.names, *names), np.append(box.low, low), np.append(box.high, high), "1")
    return replace(given, actions=torch.cat([given.actions, constant], dim=2), actuators=wide)


def _bounds(parameters: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> tuple[Sequence[float], Sequence[float]]:
    """Something like the range of parameters; the two sets need not share it, as regression and forecast are linear."""
    size = float(np.abs(parameters).max()) or 1.0
    return [-size] * parameters.shape[1], [size] * parameters.shape[1]
