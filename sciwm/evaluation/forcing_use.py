"""Whether forecasts use the forcing, without a simulator that knows its effect: consistency checks on recorded runs.

A model that has learned what the forcing does is worse when it is given a wrong one. Responses to small changes of
each forcing tell their sign and size; they must add up, and grow in proportion, where the system is linear.
"""

import math
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


NUMBERS_AT_ONCE = 2**21
"""The number of field values that are forecast at once, if a single window has no more."""


@dataclass(frozen=True)
class Windows:
    """Recorded windows of one length; fields are read from the data when they are needed.

    Args:
        data: The runs.
        places: The row of the store and the first instant of each.
        actions: Physical, ``(sample, time, actuator)``.
    """

    data: Trajectories
    places: Sequence[tuple[int, int]]
    actions: Tensor

    @property
    def simulations(self) -> NDArray[np.int64]:
        """The row of the store that each comes from."""
        return np.array([row for row, _ in self.places])

    def fields(self, domain: Domain, part: slice, length: int) -> Tensor:
        """The first instants of some, ``(sample, length, variable, *space)``."""
        several = [
            np.stack([self.data.array(v.name)[row, start : start + length] for v in domain.variables], axis=1)
            for row, start in self.places[part]
        ]
        return torch.from_numpy(np.stack(several).astype(np.float32, copy=False))

    def parts(self, domain: Domain) -> list[slice]:
        """Windows that are forecast together."""
        numbers = len(domain.variables) * math.prod(domain.shape) * (self.actions.shape[1] + 1)
        each = max(1, NUMBERS_AT_ONCE // numbers)
        return [slice(first, first + each) for first in range(0, len(self.places), each)]


def recorded_windows(data: Trajectories, intervals: int) -> Windows:
    """Windows of at most ``intervals`` from evenly spread starts in every run that is long enough.

    They are as long as the shortest run, and at least half as long as the longest. One run follows another, so that
    what is shuffled comes from another run wherever there are several.
    """
    lengths = {row: data.intervals_of(row) for row in data.usable}
    length = min(intervals, max(min(lengths.values()), (max(lengths.values()) + 1) // 2))
    places: dict[tuple[int, int], None] = {}
    for k in range(STARTS):
        for row in (row for row in data.usable if lengths[row] >= length):
            places[row, round((lengths[row] - length) * k / (STARTS - 1))] = None
    actions = [np.asarray(data.array("action")[row, start : start + length]) for row, start in places]
    return Windows(data, list(places), torch.from_numpy(np.stack(actions).astype(np.float32)))


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
    windows = recorded_windows(data, intervals)
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
    errors: dict[str, list[Tensor]] = {name: [] for name in given}
    for part in windows.parts(domain):
        truth = windows.fields(domain, part, right.shape[1] + 1)[:, 1:]
        for name, actions in given.items():
            normalized = (_forecast(model, windows, part, actions) - truth) / scale
            square = torch.where(weights > 0, weights * normalized.square(), 0.0).flatten(2).sum(dim=2) / weights.sum()
            errors[name].append(square.sqrt())
    return {name: torch.cat(several) for name, several in errors.items()}


def _responses(model: WorldModel, windows: Windows, weights: Tensor) -> dict[str, Tensor]:
    domain, chosen = model.domain, _chosen(model.domain)
    span = torch.from_numpy(domain.actuators.high - domain.actuators.low).float()
    share = weights / weights.flatten(1).sum(dim=1).view(-1, *(1,) * len(domain.axes))
    scale = torch.tensor([v.size for v in domain.variables]).view(-1, *(1,) * len(domain.axes))
    steps = torch.eye(len(span))[chosen] * (SMALL * span)
    together, count = steps.sum(dim=0), len(windows.places)
    response = torch.zeros(len(chosen), len(domain.variables), windows.actions.shape[1])
    squares = dict.fromkeys(("superposition", "whole", "proportion", "twice"), torch.zeros(windows.actions.shape[1]))

    for part in windows.parts(domain):
        base = _forecast(model, windows, part, windows.actions)

        def change(step: Tensor, part: slice = part, base: Tensor = base) -> Tensor:
            """What a lasting change adds to the forecast, ``(sample, time, variable, *space)``."""
            return _forecast(model, windows, part, windows.actions + step) - base

        total = torch.zeros_like(base)
        for found, step, j in zip(response, steps, chosen, strict=True):
            one = change(step)
            total += one
            found += (one * share).flatten(3).sum(dim=(0, 3)).T / (count * step[j])
        whole, twice = change(together), change(2 * together)
        sizes = {"superposition": whole - total, "whole": whole, "proportion": twice - 2 * whole, "twice": twice}
        for name, values in sizes.items():
            squares[name] = squares[name] + (values / scale).square().transpose(0, 1).flatten(1).sum(dim=1)

    def relative(other: str, size: str) -> Tensor:
        return torch.where(squares[size] > 0, (squares[other] / squares[size]).sqrt(), torch.nan)

    return {
        "response": response,
        "superposition": relative("superposition", "whole"),
        "proportion": relative("proportion", "twice"),
    }


def _forecast(model: WorldModel, windows: Windows, part: slice, actions: Tensor) -> Tensor:
    """Decoded forecasts of some ``(sample, time, variable, *space)``, the first one interval after the start."""
    parameters = torch.from_numpy(windows.data.parameters[windows.simulations[part]])
    states = rollout(model, model.encode(windows.fields(model.domain, part, 1)[:, 0], parameters), actions[part])
    return readout_trajectory(model, states, ["fields"])["fields"]


def _chosen(domain: Domain) -> list[int]:
    """The actions whose single responses are computed, spread evenly where there are many."""
    count = len(domain.actuators)
    return sorted({round(j) for j in np.linspace(0, count - 1, min(count, MOST_FORCINGS))})


def _units_of(domain: Domain, action: int) -> str:
    found = [f.units for f in domain.forcings if f.first <= action < f.first + f.count]
    return found[0] if found else domain.actuators.units
