"""The instants that probes are fitted to and tested on, as fields and as latents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data import Trajectories
from sciwm.dynamics import Dynamics
from sciwm.evaluation.probing.targets import Target, held_out_functionals, phases

Array = NDArray[Any]

AT_ONCE = 4096  # bounds the memory of encoding and rolling out


@dataclass(frozen=True)
class Samples:
    """Fields at the starts ``(simulation, start, variable, *space)``, actions after them, and targets at every lead."""

    starts: Array
    fields: Tensor
    actions: Tensor
    targets: list[Target]
    leads: Sequence[int]


def read_samples(
    data: Trajectories,
    names: Sequence[str],
    leads: Sequence[int],
    instants: int,
    modes: int,
    given: Mapping[str, Array],
) -> Samples:
    """Read simulations one after the other, so that only the instants that are needed stay in memory."""
    starts = np.unique(np.linspace(0, data.intervals - leads[-1], instants).round().astype(int))
    times = (starts + np.array(leads)[:, None]).ravel()  # lead by lead
    extents = _extents(data)
    fields, actions, rows = [], [], []
    for i in data.usable:
        record = np.stack([np.asarray(data.array(n)[i])[times] for n in names], axis=1)
        flow = torch.from_numpy(record.astype(np.float64))
        fields.append(flow[: starts.size].float())
        action = np.asarray(data.array("action")[i])
        actions.append(np.stack([action[t : t + leads[-1]] for t in starts]))
        found = {("functional", n): np.asarray(data.array(n)[i])[times] for n in data.functional_names}
        found |= {("held_out", n): v.numpy() for n, v in held_out_functionals(flow, names, extents).items()}
        found |= {("phase", n): v.numpy() for n, v in phases(flow, names, modes=modes).items()}
        found |= {("parameter", n): np.full(times.size, v[i]) for n, v in given.items()}
        rows.append(found)
    targets = [
        Target(name, kind, np.stack([row[kind, name] for row in rows]).reshape(len(rows), times.size, -1).astype(float))
        for kind, name in rows[0]
    ]
    return Samples(starts, torch.stack(fields), torch.from_numpy(np.stack(actions)).float(), targets, leads)


def _extents(data: Trajectories) -> tuple[float, ...]:
    return tuple(axis.extent for axis in data.axes)


def targets_at(samples: Samples, rows: Array, lead: int) -> Array:
    """``(simulation, start, component of all targets)`` at one lead."""
    span = slice(lead * samples.starts.size, (lead + 1) * samples.starts.size)
    return np.concatenate([t.values[rows][:, span] for t in samples.targets], axis=2)


def encode(dynamics: Dynamics, fields: Tensor) -> Tensor:
    return torch.cat([dynamics.encode(part) for part in torch.split(fields.flatten(0, 1), AT_ONCE)])


def roll(dynamics: Dynamics, samples: Samples, rows: Array, leads: Sequence[int]) -> list[Tensor]:
    """Latents ``(sample, ...)`` of some simulations at every lead: encoded at the start, then rolled out."""
    fields, actions = samples.fields[rows].flatten(0, 1), samples.actions[rows].flatten(0, 1)
    parts = [
        list(_along(dynamics, f, a, leads))
        for f, a in zip(torch.split(fields, AT_ONCE), torch.split(actions, AT_ONCE), strict=True)
    ]
    return [torch.cat(states) for states in zip(*parts, strict=True)]


def _along(dynamics: Dynamics, fields: Tensor, actions: Tensor, leads: Sequence[int]) -> Iterator[Tensor]:
    state = dynamics.encode(fields)
    yield state
    for before, after in pairwise(leads):
        for t in range(before, after):
            state = dynamics.advance(state, actions[:, t])
        yield state


def flat(latents: Tensor) -> Array:
    return latents.flatten(1).double().numpy()
