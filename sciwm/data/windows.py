"""Windows of consecutive instants, cut quickly from one or several stores of trajectories."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data.domain import Domain
from sciwm.data.schema import Trajectories


@dataclass(frozen=True)
class Batch:
    """Windows of H control intervals, that is of ``H + 1`` instants. Functionals are normalised by their scales.

    Args:
        fields: The fields, physical, ``(batch, H + 1, variable, *space)``.
        actions: The actions, physical, ``(batch, H, actuator)``.
        parameters: The parameters of each run, physical, ``(batch, parameter)``.
        functionals: The functionals, normalised, ``(batch, H + 1, functional)``.
        sources: The sources of their budgets, averaged over each interval, normalised, ``(batch, H, functional)``.
        outputs: The outputs of their budgets, averaged over each interval, normalised,
            ``(batch, H, functional, actuator)``.
    """

    fields: Tensor
    actions: Tensor
    parameters: Tensor
    functionals: Tensor
    sources: Tensor
    outputs: Tensor

    def first(self, count: int) -> "Batch":
        """The first ``count`` windows."""
        return Batch(*(values[:count] for values in vars(self).values()))


class Windows:
    """Random windows from several sets of trajectories; every simulation is equally likely.

    Args:
        sets: Trajectories of one domain.
        domain: The order of the variables, and the scales of the functionals.
    """

    def __init__(self, sets: Sequence[Trajectories], domain: Domain) -> None:
        self.sets = sets
        self.domain = domain
        self.members = [(s, i) for s in sets for i in s.usable]

    def draw(self, rng: np.random.Generator, count: int, horizon: int) -> Batch:
        """Draw ``count`` windows of ``horizon`` intervals, from different simulations where there are enough."""
        long_enough = [(s, i) for s, i in self.members if s.intervals_of(i) >= horizon]
        replace = count > len(long_enough)
        chosen = rng.choice(len(long_enough), size=count, replace=replace)
        places = [long_enough[i] for i in chosen]
        starts = [int(rng.integers(0, s.intervals_of(i) - horizon + 1)) for s, i in places]

        def cut(name: str, length: int) -> Tensor:
            rows = [s.array(name)[i, t : t + length] for (s, i), t in zip(places, starts, strict=True)]
            return torch.from_numpy(np.stack(rows).astype(np.float32, copy=False))

        functionals = self.domain.functionals
        return Batch(
            fields=torch.stack([cut(v.name, horizon + 1) for v in self.domain.variables], dim=2),
            actions=cut("action", horizon),
            parameters=torch.from_numpy(np.stack([s.parameters[i] for s, i in places])),
            functionals=_stack(
                [(cut(f.name, horizon + 1) - f.mean) / f.deviation for f in functionals], count, horizon + 1
            ),
            sources=_stack(
                [(cut(f"{f.name}_source", horizon) - f.source_mean) / f.source_deviation for f in functionals],
                count,
                horizon,
            ),
            outputs=_stack(
                [cut(f"{f.name}_output", horizon) / f.output_deviation for f in functionals], count, horizon
            ),
        )


def _stack(values: list[Tensor], *empty: int) -> Tensor:
    return torch.stack(values, dim=2) if values else torch.zeros(*empty, 0)


def sample_fields(sets: Sequence[Trajectories], names: Sequence[str], limit: int) -> NDArray[np.float32]:
    """About ``limit`` instants, spread evenly over all simulations, ``(sample, variable, *space)``."""
    total = sum(len(s.usable) * (s.intervals + 1) for s in sets)
    stride = max(1, total // limit)
    parts = [
        np.stack([s.array(name)[i, (n % stride) : s.intervals_of(i) + 1 : stride] for name in names], axis=1)
        for s in sets
        for n, i in enumerate(s.usable)
    ]
    return np.concatenate(parts)
