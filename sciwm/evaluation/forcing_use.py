"""Whether forecasts use the forcing, without a simulator that knows its effect: consistency checks on recorded runs.

A model that has learned what the forcing does is worse when it is given a wrong one. Responses to small changes of
each forcing tell their sign and size; they must add up, and grow in proportion, where the system is linear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import Domain, Trajectories, point_weights
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.evaluation.actions import wrong_actions
from sciwm.evaluation.held_out_scores import lead_attributes
from sciwm.model import WorldModel

SMALL = 0.05
"""The change of a forcing whose response is looked at, as a share of its range."""
MOST_FORCINGS = 12
"""Responses to no more single forcings are computed."""
STARTS = 4
"""The number of starts in each run, spread evenly."""


@dataclass(frozen=True)
class Windows:
    """Recorded windows of one length.

    Args:
        fields: ``(sample, time + 1, variable, *space)``.
        actions: Physical, ``(sample, time, actuator)``.
        parameters: Physical, ``(sample, parameter)``.
        simulations: The row of the store that each comes from.
    """

    fields: Tensor
    actions: Tensor
    parameters: Tensor
    simulations: NDArray[np.int64]


def recorded_windows(data: Trajectories, intervals: int, names: Sequence[str]) -> Windows:
    """Windows of at most ``intervals`` from evenly spread starts in every run that is long enough.

    They are as long as the shortest run, and at least half as long as the longest. One run follows another, so that
    what is shuffled comes from another run wherever there are several.
    """
    lengths = {row: data.intervals_of(row) for row in data.usable}
    length = min(intervals, max(min(lengths.values()), (max(lengths.values()) + 1) // 2))
    seen: set[tuple[int, int]] = set()
    fields, actions, rows = [], [], []
    for k in range(STARTS):
        for row in (row for row in data.usable if lengths[row] >= length):
            start = round((lengths[row] - length) * k / (STARTS - 1))
            if (row, start) in seen:
                continue
            seen.add((row, start))
            fields.append(np.stack([data.array(n)[row, start : start + length + 1] for n in names], axis=1))
            actions.append(np.asarray(data.array("action")[row, start : start + length]))
            rows.append(row)
    return Windows(
        torch.from_numpy(np.stack(fields).astype(np.float32)),
        torch.from_numpy(np.stack(actions).astype(np.float32)),
        torch.from_numpy(data.parameters[rows]),
        np.array(rows),
    )


@torch.no_grad()
def forcing_use(model: WorldModel, data: Trajectories, intervals: int) -> xr.Dataset:
    """Errors under right and wrong forcings, and responses to small changes of each.

    Args:
        model: What is evaluated.
        data: Runs that it was not trained on.
        intervals: The length of the forecasts in control intervals.

    Returns:
        ``error`` over ``given``, ``sample`` and ``time``, in deviations of the training data: with the ``right``
        forcing, a ``zeroed`` one (or the value within bounds nearest to zero), that of another run or window
        (``shuffled``), and one that is a quarter of the forecast late (``shifted``); where there are several forcings,
        each of them shuffled alone too (``shuffled NAME``). ``response`` over ``actuator``, ``variable`` and ``time``:
        the change of the mean over space for each unit of a small lasting change of one forcing, in the units of the
        variable; ``superposition`` and ``proportion`` over ``time``: by how much the response to all changes together
        differs from the sum of those to each, and that to twice the changes from twice the response, relative to their
        size.
    """
    domain = model.domain
    windows = recorded_windows(data, intervals, [v.name for v in domain.variables])
    weights = torch.from_numpy(point_weights(data))
    errors = _errors(model, windows, weights)
    responses = _responses(model, windows, weights)
    time = np.arange(1, windows.actions.shape[1] + 1) * domain.control_interval
    chosen = _chosen(domain)
    units = "1" if len({v.units for v in domain.variables}) > 1 else domain.variables[0].units
    made: dict[str, tuple[tuple[str, ...], Tensor, str, str]] = {
        "error": (("given", "sample", "time"), torch.stack(list(errors.values())), "1", "error in deviations"),
        "response": (("actuator", "variable", "time"), responses["response"], units,
                     "change of the mean over space for each unit of the forcing"),
        "superposition": (("time",), responses["superposition"], "1",
                          "response to all forcings against the sum of those to each, relative"),
        "proportion": (("time",), responses["proportion"], "1",
                       "response to twice the changes against twice the response, relative"),
    }  # fmt: skip
    return xr.Dataset(
        {n: (dims, v.numpy(), {"units": u, "long_name": text}) for n, (dims, v, u, text) in made.items()},
        {
            "given": list(errors),
            "simulation": ("sample", windows.simulations, {"units": "1", "long_name": "row of the test set"}),
            "label": ("sample", [data.labels[i] for i in windows.simulations]),
            "time": ("time", time, lead_attributes(domain)),
            "actuator": [domain.actuators.names[j] for j in chosen],
            "actuator_units": ("actuator", [_units_of(domain, j) for j in chosen]),
            "variable": [v.name for v in domain.variables],
            "variable_units": ("variable", [v.units for v in domain.variables]),
        },
        {"small_change": SMALL, "forcings": len(domain.actuators)},
    )


def _errors(model: WorldModel, windows: Windows, weights: Tensor) -> Mapping[str, Tensor]:
    """The error in deviations under each kind of forcing, ``(sample, time)``."""
    box, right, domain = model.domain.actuators, windows.actions, model.domain
    late = max(1, right.shape[1] // 4)
    given = {name: wrong(right) for name, wrong in wrong_actions(box, shift=late).items()}
    if len(right) < 2:
        del given["shuffled"]  # there is none to exchange it with
    elif len(domain.forcings) > 1:
        for forcing in domain.forcings:
            columns = slice(forcing.first, forcing.first + forcing.count)
            given[f"shuffled {forcing.name}"] = right.clone()
            given[f"shuffled {forcing.name}"][..., columns] = given["shuffled"][..., columns]
    scale = torch.tensor([v.size for v in domain.variables]).view(-1, *(1,) * len(domain.axes))
    truth = windows.fields[:, 1:]
    errors = {}
    for name, actions in given.items():
        normalized = (_forecast(model, windows, actions) - truth) / scale
        square = torch.where(weights > 0, weights * normalized.square(), 0.0).flatten(2).sum(dim=2) / weights.sum()
        errors[name] = square.sqrt()
    return errors


def _responses(model: WorldModel, windows: Windows, weights: Tensor) -> dict[str, Tensor]:
    domain = model.domain
    span = torch.from_numpy(domain.actuators.high - domain.actuators.low).float()
    base = _forecast(model, windows, windows.actions)
    share = weights / weights.flatten(1).sum(dim=1).view(-1, *(1,) * len(domain.axes))
    scale = torch.tensor([v.size for v in domain.variables]).view(-1, *(1,) * len(domain.axes))

    def change(step: Tensor) -> Tensor:
        """What a lasting change adds to the forecast, ``(sample, time, variable, *space)``."""
        return _forecast(model, windows, windows.actions + step) - base

    chosen, single, total = _chosen(domain), [], torch.zeros_like(base)
    together = torch.zeros_like(span)
    for j in chosen:
        step = torch.zeros_like(span)
        step[j] = SMALL * span[j]
        together[j] = step[j]
        one = change(step)
        total += one
        single.append((one * share).flatten(3).sum(dim=3).mean(dim=0).T / step[j])
    whole = change(together)

    def relative(other: Tensor, size: Tensor) -> Tensor:
        by_time = [(part / scale).square().transpose(0, 1).flatten(1).mean(dim=1).sqrt() for part in (other, size)]
        return torch.where(by_time[1] > 0, by_time[0] / by_time[1], torch.nan)

    twice = change(2 * together)
    return {
        "response": torch.stack(single),
        "superposition": relative(whole - total, whole),
        "proportion": relative(twice - 2 * whole, twice),
    }


def _forecast(model: WorldModel, windows: Windows, actions: Tensor) -> Tensor:
    """Decoded forecasts ``(sample, time, variable, *space)``, the first one interval after the start."""
    parts = []
    for rows in torch.arange(len(actions)).split(8):
        states = rollout(model, model.encode(windows.fields[rows, 0], windows.parameters[rows]), actions[rows])
        parts.append(readout_trajectory(model, states, ["fields"])["fields"])
    return torch.cat(parts)


def _chosen(domain: Domain) -> list[int]:
    """The actions whose single responses are computed, spread evenly where there are many."""
    count = len(domain.actuators)
    return sorted({round(j) for j in np.linspace(0, count - 1, min(count, MOST_FORCINGS))})


def _units_of(domain: Domain, action: int) -> str:
    found = [f.units for f in domain.forcings if f.first <= action < f.first + f.count]
    return found[0] if found else domain.actuators.units
