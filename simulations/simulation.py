"""The base of every simulation: three verbs, exact budgets, blow-up detection.

``encode(fields) -> state``, ``advance(state, action) -> state``, ``readout(state, names)``: here
the state is the fields themselves, stepped pseudo-spectrally and read in physical units.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import Actuators
from simulations.grid import PeriodicGrid
from simulations.integrators import ETDRK4


@dataclass(frozen=True)
class Variable:
    """Name and metadata of one field."""

    name: str
    long_name: str
    units: str = "1"


@dataclass(frozen=True)
class Budget:
    """``dQ/dt = source + sum_j a_j output_j`` of a functional Q.

    Args:
        source: everything but the actuators' work, shape ``(batch,)``.
        output: what one unit of each action contributes, shape ``(batch, actuator)``.
    """

    source: Tensor
    output: Tensor


class Simulation(ABC):
    """A forced equation ``u_t = l u + N(u) + sum_j a_j g_j(x)`` on a periodic grid.

    Args:
        grid: the grid.
        actuators: what acts on the flow.
        control_interval: time over which an action is held constant.
        steps_per_interval: solver steps in one control interval, even (Simpson's rule averages
            the fluxes over them).
    """

    equation: ClassVar[str]
    variables: ClassVar[tuple[Variable, ...]]
    functional_names: ClassVar[tuple[str, ...]]
    parameters: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, grid: PeriodicGrid, actuators: Actuators, *, control_interval: float, steps_per_interval: int
    ) -> None:
        if not control_interval > 0:
            raise ValueError(f"{self.equation}: expected control_interval > 0, got {control_interval}.")
        if steps_per_interval < 2 or steps_per_interval % 2:
            raise ValueError(
                f"{self.equation}: expected an even steps_per_interval of at least 2, got {steps_per_interval}."
            )
        self.grid = grid
        self.forcing_shapes = actuators.shapes
        self.actuators = actuators.box
        self.control_interval = control_interval
        self.steps_per_interval = steps_per_interval
        self.integrator = ETDRK4(self.linear_symbol(), control_interval / steps_per_interval)
        self._tables: dict[tuple[torch.dtype, torch.device], dict[str, tuple[Tensor, ...]]] = {}

    # What an equation defines ---------------------------------------------------------------

    @abstractmethod
    def linear_symbol(self) -> NDArray[np.float64]:
        """Growth rate of each Fourier mode, shape ``(N/2 + 1,)``."""

    @abstractmethod
    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``N_hat(u_hat)``, dealiased, shape ``(batch, channel, N/2 + 1)``."""

    @abstractmethod
    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """One random smooth start, shape ``(channel, x)``, of root mean square ``amplitude``."""

    @abstractmethod
    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """Spatial means with a budget, each ``(batch,)``; fields ``(batch, channel, x)``."""

    @abstractmethod
    def budgets(self, fields: Tensor) -> dict[str, Budget]:
        """The instantaneous budget of every functional."""

    # The three verbs ------------------------------------------------------------------------

    def encode(self, fields: Tensor) -> Tensor:
        """The state of a simulation is its fields, shape ``(batch, channel, x)``."""
        self._require("fields", fields, (None, len(self.variables), self.grid.num_points))
        return fields

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under a held action ``(batch, actuator)`` in physical units."""
        state_hat, forcing_hat = self._enter(state, action)
        for _ in range(self.steps_per_interval):
            state_hat = self._step(state_hat, forcing_hat)
        return self._to_grid(state_hat)

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """The named functionals, and the fields under the name ``"fields"``."""
        functionals = self.functionals(state) if set(names) - {"fields"} else {}
        return {name: state if name == "fields" else functionals[name] for name in names}

    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, with every budget averaged over the interval (composite Simpson).

        Budgets from the values at the interval's ends alone are wrong by per cents of the change.
        """
        weights = np.array([1.0] + [4.0, 2.0] * (self.steps_per_interval // 2))
        weights[-1] = 1.0
        weights /= weights.sum()
        state_hat, forcing_hat = self._enter(state, action)
        mean = _weighted(self.budgets(state), weights[0])
        for weight in weights[1:]:
            state_hat = self._step(state_hat, forcing_hat)
            fields = self._to_grid(state_hat)
            mean = _add(mean, _weighted(self.budgets(fields), weight))
        return fields, mean

    def blown_up(self, state: Tensor) -> Tensor:
        """Which elements are no longer a solution: non-finite or absurdly large, ``(batch,)``."""
        return ~(state.abs().flatten(1).amax(dim=1) < 1e6)  # also true for nan

    # Spectral machinery ---------------------------------------------------------------------

    def table(self, name: str, like: Tensor) -> Tensor:
        """A precomputed spectral table in the precision and on the device of ``like``."""
        return self._tables_for(like)[name][0]

    def mean_product(self, a_hat: Tensor, b_hat: Tensor) -> Tensor:
        """``<a b>`` by Parseval's identity, shape ``(batch,)`` for one channel."""
        weights = self.table("parseval_weights", a_hat)
        return (weights * (a_hat * b_hat.conj()).real).sum(dim=(-2, -1))

    def spectrum(self, fields: Tensor) -> Tensor:
        """Real Fourier transform over ``x``."""
        return torch.fft.rfft(fields)

    def actuator_outputs(self, fields: Tensor) -> Tensor:
        """``<u g_j>``: the work rate of one unit of each action, shape ``(batch, actuator)``."""
        return fields[:, 0] @ self.table("shapes", fields).T / self.grid.num_points

    def self_advection(self, state_hat: Tensor) -> Tensor:
        """``-(u^2 / 2)_x`` of a single channel, by the 2/3 rule on both sides of the product."""
        mask = self.table("dealiasing_mask", state_hat)
        k = self.table("dealiased_wavenumbers", state_hat)
        return (-0.5j * k) * self.spectrum(self._to_grid(mask * state_hat).square())

    def mass_and_energy(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u> and ``energy`` = <u^2>/2 of a single channel."""
        return {"mass": fields[:, 0].mean(dim=1), "energy": fields[:, 0].square().mean(dim=1) / 2}

    def mass_budget(self, fields: Tensor) -> Budget:
        """The budget of ``<u>`` of a conservation law: only the actuators feed it."""
        mean_shape = self.table("shapes", fields).mean(dim=1)
        return Budget(torch.zeros_like(fields[:, 0, 0]), mean_shape.expand(len(fields), -1))

    def tendency(self, state_hat: Tensor, forcing_hat: Tensor) -> Tensor:
        """``N_hat + f_hat``: what the integrator sees beside the linear term."""
        return self.nonlinear_term(state_hat) + forcing_hat

    def _step(self, state_hat: Tensor, forcing_hat: Tensor) -> Tensor:
        coefficients = self._tables_for(state_hat)["integrator"]
        return self.integrator.advance(state_hat, lambda v, _: self.tendency(v, forcing_hat), coefficients)

    def _enter(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        self._require("state", state, (None, len(self.variables), self.grid.num_points))
        self._require("action", action, (state.shape[0], len(self.actuators)))
        forcing = action @ self.table("shapes", state)
        return self.spectrum(state), self.spectrum(forcing)[:, None]

    def _to_grid(self, state_hat: Tensor) -> Tensor:
        return torch.fft.irfft(state_hat, n=self.grid.num_points)

    def _require(self, name: str, value: Tensor, shape: tuple[int | None, ...]) -> None:
        wanted = tuple("batch" if s is None else s for s in shape)
        if value.ndim != len(shape) or any(w is not None and w != g for w, g in zip(shape, value.shape, strict=True)):
            raise ValueError(f"{self.equation}: expected {name} of shape {wanted}, got {tuple(value.shape)}.")

    def _tables_for(self, like: Tensor) -> dict[str, tuple[Tensor, ...]]:
        dtype = torch.float64 if like.dtype in (torch.float64, torch.complex128) else torch.float32
        key = (dtype, like.device)
        if key not in self._tables:
            real = {
                "integrator": self.integrator.coefficients(),
                "shapes": (self.forcing_shapes,),
                "parseval_weights": (self.grid.parseval_weights,),
                "wavenumbers": (self.grid.wavenumbers,),
                "dealiasing_mask": (self.grid.dealiasing_mask,),
                "dealiased_wavenumbers": (self.grid.wavenumbers * self.grid.dealiasing_mask,),
            }
            with torch.inference_mode(False):  # or tables made there would refuse gradients later
                self._tables[key] = {
                    name: tuple(torch.tensor(a, dtype=dtype, device=like.device) for a in arrays)
                    for name, arrays in real.items()
                }
        return self._tables[key]


def _weighted(budgets: dict[str, Budget], weight: float) -> dict[str, Budget]:
    return {name: Budget(weight * b.source, weight * b.output) for name, b in budgets.items()}


def _add(left: dict[str, Budget], right: dict[str, Budget]) -> dict[str, Budget]:
    return {n: Budget(b.source + right[n].source, b.output + right[n].output) for n, b in left.items()}
