"""Rows of a scenario: select some episodes of a batch, or replace them by others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Simulation
from simulations.tasks.task import Scenario

Rows = NDArray[np.int64]
Values = Mapping[str, NDArray[Any]]


def take_rows(scenario: Scenario, rows: Rows) -> Scenario:
    """The scenario with the episodes ``rows`` of a batch, in this order."""
    simulation = scenario.simulation
    if simulation.batch_of_parameters is not None:
        simulation = simulation.with_parameters({n: v[rows] if v.ndim else v for n, v in simulation.values.items()})
    target = None if scenario.target is None else scenario.target[rows]
    return Scenario(simulation, scenario.start[rows], target)


def put_rows(scenario: Scenario, rows: Rows, others: Scenario) -> Scenario:
    """A new scenario in which the episodes ``others`` replace the episodes ``rows`` of ``scenario``.

    A parameter that differs between the two gets one value for each episode.
    """
    if len(rows) == len(scenario.start):
        return take_rows(others, np.argsort(rows)) if np.any(rows != np.arange(len(rows))) else others
    return Scenario(
        _merge(scenario.simulation, rows, others.simulation, len(scenario.start)),
        _replaced(scenario.start, rows, others.start),
        None if scenario.target is None or others.target is None else _replaced(scenario.target, rows, others.target),
    )


def _merge(simulation: Simulation, rows: Rows, other: Simulation, batch: int) -> Simulation:
    old: Values = simulation.values
    new: Values = other.values
    if all(not old[n].ndim and not new[n].ndim and old[n] == new[n] for n in old):
        return simulation
    merged = {n: np.broadcast_to(v, (batch,)).copy() for n, v in old.items()}
    for name, values in new.items():
        merged[name][rows] = values
    return simulation.with_parameters(merged)


def _replaced(values: Tensor, rows: Rows, others: Tensor) -> Tensor:
    values = values.clone()
    values[torch.as_tensor(rows)] = others
    return values
