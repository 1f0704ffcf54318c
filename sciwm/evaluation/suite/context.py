"""What the parts of an evaluation have in common: a model, the truth, and held-out starts with their actions."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.config import Config, EvaluationSettings
from sciwm.data import SEEDS, Trajectories
from sciwm.evaluation.rollouts import evaluate_rollouts
from sciwm.model import WorldModel
from simulations import PeriodicGrid, Simulation

VISCOSITY_LIKE = ("viscosity", "diffusivity", "diffusivity_u", "mobility")
"""What dissipates, as the equations call it; the first one that is there is what changes by default."""

INTERVALS = 40
"""How far is followed without a Lyapunov exponent."""


@dataclass(frozen=True)
class Drawn:
    """Held-out starts with the actions of the data.

    Args:
        starts: ``(sample, variable, *space)``.
        actions: physical, ``(sample, interval, actuator)``.
        simulations: which simulation each sample comes from, ``(sample,)``; those of one are not independent.
    """

    starts: Tensor
    actions: Tensor
    simulations: "np.ndarray[tuple[int], np.dtype[np.int64]]"


@dataclass(frozen=True)
class EvaluationContext:
    """Of what and by what a model is evaluated.

    Args:
        simulation: the truth.
        test: simulations that the model has not seen.
        train: those it was trained on.
    """

    config: Config
    model: WorldModel
    simulation: Simulation
    test: Trajectories
    train: Trajectories

    @property
    def evaluation(self) -> EvaluationSettings:
        """The section of the configuration."""
        return self.config.evaluation

    @property
    def interval(self) -> float:
        """The control interval."""
        return self.simulation.control_interval

    @property
    def is_periodic(self) -> bool:
        """Whether the domain has no walls."""
        return isinstance(self.simulation.grid, PeriodicGrid)

    @property
    def sees_any_grid(self) -> bool:
        """Whether the model encodes fields of other resolutions than its own."""
        return self.model.encoder.sees_any_grid

    @cached_property
    def rollouts(self) -> xr.Dataset:
        """The test set, true and imagined; several parts look at it."""
        return evaluate_rollouts(self.model, self.test, steps=self.evaluation.steps)

    def lead(self, asked: float | None, *, share: float = 1.0) -> int:
        """Intervals of a lead time; if none is asked, ``share`` of a Lyapunov time or of 40 intervals."""
        if asked is None:
            exponent = self.evaluation.lyapunov_exponent
            whole = 1 / exponent / self.interval if exponent else INTERVALS
            return int(np.clip(round(share * whole), 1, self.test.intervals))
        return max(1, round(asked / self.interval))

    def generator(self, part: str) -> np.random.Generator:
        """Of all that a part draws, whatever else is evaluated."""
        return np.random.default_rng([self.config.seed, SEEDS["evaluation"], zlib.crc32(part.encode())])

    def draw(self, part: str, samples: int, intervals: int, *, of: Sequence[int] | None = None) -> Drawn:
        """Starts at any instants of the test simulations, each simulation as often as any other.

        Args:
            intervals: how many are recorded after each start at least.
            of: rows of the store to draw from, all usable ones if left out.
        """
        rng, rows = self.generator(part), np.array(self.test.usable if of is None else of)
        rounds = -(-samples // len(rows))
        chosen = np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:samples]
        instants = rng.integers(0, self.test.intervals - intervals + 1, samples)
        names = [v.name for v in self.simulation.variables]
        starts = [np.stack([self.test.array(n)[i, t] for n in names]) for i, t in zip(chosen, instants, strict=True)]
        actions = [
            np.asarray(self.test.array("action")[i, t : t + intervals]) for i, t in zip(chosen, instants, strict=True)
        ]
        return Drawn(_tensor(starts), _tensor(actions), chosen)

    def seed(self, part: str) -> int:
        """For what takes a whole number as seed."""
        return int(self.generator(part).integers(2**31))

    def changing_parameter(self, asked: str | None, factors: Sequence[float]) -> str | None:
        """The parameter to be changed, None where the equation has none that can be multiplied by ``factors``."""
        values = self.simulation.values
        named = [asked] if asked is not None else [n for n in VISCOSITY_LIKE if n in values]
        return next((n for n in named if np.all(values[n] != 0) and self._can_change(n, factors)), None)

    def _can_change(self, parameter: str, factors: Sequence[float]) -> bool:
        """Whether the solver's step is short enough for it."""
        try:
            for factor in factors:
                self.simulation.with_parameters({parameter: factor * self.simulation.values[parameter]})
        except ValueError:
            return False
        return True


def _tensor(rows: Sequence["np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32))
