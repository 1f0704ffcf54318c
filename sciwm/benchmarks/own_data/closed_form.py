"""Methods without training: persistence, climatology, and DMDc with the parameters of a run as constant actions."""

import time

import numpy as np
import torch
from torch import Tensor

from sciwm.baselines import fit_linear_of_runs, forecast_linearly
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.forecasts import Forecaster, Starts


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
    began = time.process_time()
    model = fit_linear_of_runs(data.set("train"), data.set("validation"), modes=modes, horizon=data.steps[-1])
    seconds = time.process_time() - began
    return lambda starts: forecast_linearly(model, starts.fields, starts.actions, starts.parameters), seconds
