"""What every part of an evaluation is given: model, true simulation, data, and draws of held-out starts and actions."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.baselines import MOST_MODES, DMDc, fit_linear_of_runs, forecast_linearly, mean_fields
from sciwm.config import Config, EvaluationSettings
from sciwm.data import SEEDS, Trajectories
from sciwm.errors import InputError, Problem
from sciwm.evaluation.rollouts_in_groups import Beside, Rollouts, roll_out
from sciwm.model import WorldModel
from sciwm.uncertainty import Uncertainty
from simulations import Simulation

VISCOSITY_LIKE = ("viscosity", "diffusivity", "diffusivity_u", "mobility")
"""Names of dissipative parameters; the first one that an equation has is changed by default."""

INTERVALS = 40
"""Lead time in control intervals if no Lyapunov exponent is configured."""


@dataclass(frozen=True)
class Drawn:
    """Held-out starts and the recorded actions that follow them.

    Args:
        starts: Starts ``(sample, variable, *space)``.
        actions: Physical actions ``(sample, interval, actuator)``.
        simulations: The simulation that each sample comes from, ``(sample,)``; samples of one are not independent.
    """

    starts: Tensor
    actions: Tensor
    simulations: "np.ndarray[tuple[int], np.dtype[np.int64]]"


def _with_linear_forecasts(fitted: DMDc, data: Trajectories, made: xr.Dataset) -> xr.Dataset:
    """The forecasts of some runs, and those of a linear model under the names of variables that end in ``_linear``."""
    names, steps = [v.name for v in data.variables], made.sizes["time"] - 1
    parts: list[Tensor] = []
    for place, row in enumerate(made["simulation"].values):
        held = torch.from_numpy(np.asarray(data.array("action")[row, :steps], np.float32)).nan_to_num(0.0)
        held = torch.cat([held, held.new_zeros(steps - len(held), held.shape[1])])
        begun = np.stack([made[n].values[place, 0] for n in names])
        start = torch.from_numpy(begun.astype(np.float32)).nan_to_num(0.0)[None]  # 0 stands where no field is
        after = forecast_linearly(fitted, start, held[None], torch.from_numpy(data.parameters[[row]]))[0]
        parts.append(torch.cat([start, after]))
    together, dims = torch.stack(parts).numpy(), made[names[0]].dims
    return made.assign({f"{n}_linear": (dims, together[:, :, c]) for c, n in enumerate(names)})


@dataclass(frozen=True)
class EvaluationContext:
    """Model, true simulation and data of an evaluation.

    Args:
        config: The experiment.
        model: What is evaluated.
        simulation: The true simulation; None where data come from files.
        test: Simulations that the model was not trained on.
        train: Simulations that it was trained on.
        uncertainty: Its ensemble and calibration; None where it has none.
        validation: Simulations that chose its best epoch; None where nothing needs them.
    """

    config: Config
    model: WorldModel
    simulation: Simulation | None
    test: Trajectories
    train: Trajectories
    uncertainty: Uncertainty | None = None
    validation: Trajectories | None = None

    @property
    def evaluation(self) -> EvaluationSettings:
        """The section ``evaluation`` of the configuration."""
        return self.config.evaluation

    @property
    def truth(self) -> Simulation:
        """The true simulation.

        Raises:
            InputError: If data come from files.
        """
        if self.simulation is None:
            raise InputError([Problem(self.config.name, "a simulator", "data from files", "leave this part out")])
        return self.simulation

    @property
    def interval(self) -> float:
        """The control interval, in time units."""
        return self.model.control_interval

    @property
    def is_periodic(self) -> bool:
        """Whether the domain is periodic."""
        return self.model.domain.periodic

    @property
    def sees_any_grid(self) -> bool:
        """Whether the model encodes fields on other grids than its own."""
        return self.model.encoder.sees_any_grid

    @cached_property
    def rollouts(self) -> Rollouts:
        """Forecasts of the test set with the truth; computed once for several parts."""
        steps = min(self.evaluation.steps, self.test.intervals) if self.simulation is None else self.evaluation.steps
        beside = self._linear_model(steps)
        return roll_out(self.model, self.test, steps=steps, climatology=mean_fields(self.train), beside=beside)

    def _linear_model(self, steps: int) -> Beside | None:
        """What adds the forecasts of a linear model of as many numbers to those of the model.

        None without validation data, and where the training fields have fewer modes than the model has numbers.
        """
        if self.validation is None:
            return None
        numbers = min(self.model.latent_size, MOST_MODES)
        try:
            fitted = fit_linear_of_runs(self.train, self.validation, modes=numbers, horizon=steps)
        except InputError:
            return None
        return partial(_with_linear_forecasts, fitted, self.test)

    def lead(self, time: float | None, *, share: float = 1.0) -> int:
        """A lead time in control intervals.

        Args:
            time: Lead time in time units; by default a Lyapunov time, or 40 intervals without an exponent.
            share: Fraction of the default that is taken.
        """
        if time is None:
            exponent = self.evaluation.lyapunov_exponent
            whole = 1 / exponent / self.interval if exponent else INTERVALS
            return int(np.clip(round(share * whole), 1, self.test.intervals))
        return max(1, round(time / self.interval))

    def generator(self, part: str) -> np.random.Generator:
        """A random generator of a part's own, so that its draws do not depend on which other parts are evaluated."""
        return np.random.default_rng([self.config.seed, SEEDS["evaluation"], zlib.crc32(part.encode())])

    def draw(self, part: str, samples: int, intervals: int, *, of: Sequence[int] | None = None) -> Drawn:
        """Draw starts at random instants of the test simulations, equally many from each.

        Args:
            part: The part whose generator draws.
            samples: Number of starts.
            intervals: Length of the actions after each start.
            of: Rows of the store to draw from; by default all usable ones.
        """
        rng, rows = self.generator(part), np.array(self.test.usable if of is None else of)
        rounds = -(-samples // len(rows))
        chosen = np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:samples]
        instants = rng.integers(0, self.test.intervals - intervals + 1, samples)
        names = [v.name for v in self.test.variables]
        starts = [np.stack([self.test.array(n)[i, t] for n in names]) for i, t in zip(chosen, instants, strict=True)]
        actions = [
            np.asarray(self.test.array("action")[i, t : t + intervals]) for i, t in zip(chosen, instants, strict=True)
        ]
        return Drawn(_tensor(starts), _tensor(actions), chosen)

    def seed(self, part: str) -> int:
        """A seed of a part's own, as a whole number."""
        return int(self.generator(part).integers(2**31))

    def changing_parameter(self, name: str | None, factors: Sequence[float]) -> str | None:
        """The parameter to change; None if the equation has none that can be multiplied by all ``factors``."""
        values = self.truth.values
        named = [name] if name is not None else [n for n in VISCOSITY_LIKE if n in values]
        return next((n for n in named if np.all(values[n] != 0) and self._can_change(n, factors)), None)

    def _can_change(self, parameter: str, factors: Sequence[float]) -> bool:
        """Whether the simulation accepts the changed values; the step of the solver may be too long for them."""
        try:
            for factor in factors:
                self.truth.with_parameters({parameter: factor * self.truth.values[parameter]})
        except ValueError:
            return False
        return True


def _tensor(rows: Sequence["np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32))
