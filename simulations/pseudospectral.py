"""Periodic equations ``u_t = l u + N(u) + f``, solved pseudo-spectrally.

Within a control interval the state stays in Fourier space. The integrator takes the forcing together with
the nonlinear term, so that the order of the scheme holds for the forcing too.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import Actuators
from simulations.base import Budget, Simulation
from simulations.checkpointing import march
from simulations.grid import PeriodicGrid
from simulations.integrators import ETDRK2, ETDRK4, Scheme
from simulations.step_limits import StepLimit

Array = NDArray[Any]


class SpectralSimulation(Simulation):
    """A forced equation on a periodic grid, advanced by exponential time differencing.

    Args:
        grid: The periodic grid.
        actuators: Actuators with their shapes on this grid. Each acts on a variable of the equation or on one
            of its ``modulated_parameters``.
        parameters: See :class:`~simulations.base.Simulation`.
        control_interval: The time over which an action is held constant, in units of time.
        steps_per_interval: The number of solver steps in one control interval. It must be even, as Simpson's
            rule averages the budgets over the steps.
        order: The order of the time integrator, 2 or 4. 4 is a good choice; a step of order 2 costs half as
            much, and needs to be shorter.

    Raises:
        ValueError: If an argument does not fit, or an actuator acts on what the equation does not have.
    """

    dealiasing: ClassVar[float] = 2 / 3
    """The share of wavenumbers that the nonlinear term sees: 2/3 for quadratic terms, 1/2 for cubic ones."""
    modulated_parameters: ClassVar[tuple[str, ...]] = ()
    """The parameters that actions may change in space."""
    grid: PeriodicGrid

    def __init__(
        self,
        grid: PeriodicGrid,
        actuators: Actuators,
        *,
        parameters: Mapping[str, float | Sequence[float] | Array],
        control_interval: float,
        steps_per_interval: int,
        order: int = 4,
    ) -> None:
        if len(grid.shape) not in self.num_spatial_dims:
            wanted = " or ".join(f"{d}D" for d in self.num_spatial_dims)
            raise ValueError(
                f"{self.equation}: expected a {wanted} grid, got {len(grid.shape)}D. Use another PeriodicGrid."
            )
        if steps_per_interval < 2 or steps_per_interval % 2:
            raise ValueError(
                f"{self.equation}: expected an even steps_per_interval of at least 2, got {steps_per_interval}."
            )
        if order not in (2, 4):
            raise ValueError(f"{self.equation}: expected order 2 or 4, got {order}. Use 4 unless order 2 is needed.")
        if actuators.shapes.shape[1:] != grid.shape:
            raise ValueError(
                f"{self.equation}: expected actuator shapes on {grid.shape} points, got {actuators.shapes.shape[1:]}. "
                "Make the actuators on the grid of the simulation."
            )
        self.order = order
        self.profiles = actuators
        self.forcing_shapes, self.modulations = self._split_by_target(actuators)
        self.impulsive = actuators.impulsive
        super().__init__(
            grid,
            actuators.box,
            parameters=parameters,
            control_interval=control_interval,
            steps_per_interval=steps_per_interval,
        )

    @classmethod
    def grid_of(cls, shape: Sequence[int], extents: Sequence[float]) -> PeriodicGrid:
        """The grid with these numbers of points and these lengths."""
        return PeriodicGrid(tuple(shape), tuple(extents))

    # What an equation defines ---------------------------------------------------------------

    @abstractmethod
    def linear_symbol(self) -> Array:
        """The growth rate ``l`` of each Fourier mode, broadcastable to ``(batch, channel, *modes)``."""

    @abstractmethod
    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """The nonlinear term ``N`` as a spectrum.

        Args:
            state_hat: The spectrum of the fields, ``(batch, channel, *modes)``.

        Returns:
            The dealiased spectrum of ``N``, of the same shape.
        """

    def steady_forcing(self) -> Array | None:
        """A forcing that does not depend on actions, broadcastable to ``(batch, channel, *space)``; None for none."""
        return None

    def parameter_response(self, name: str, fields: Tensor) -> Tensor:
        """``d u_t / d parameter`` at every point, for one of ``modulated_parameters``.

        Args:
            name: The parameter.
            fields: ``(batch, channel, *space)``.
        """
        raise KeyError(name)

    # The verbs --------------------------------------------------------------------------------

    def nothing_limits_growth(self) -> bool:
        """Whether waves may grow without bound, as the equation is linear.

        Otherwise a wave that grows must be one that the nonlinear term sees, as nothing else limits it.
        """
        return False

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """See :class:`~simulations.base.Simulation`."""
        self._require_fields("state", state)
        self._require_action(state, action)
        state = self.to_grid(self.integrate(self.spectrum(state), action))
        return state + self._kick(action) if self.impulsive else state

    def advance_with_fluxes(self, state: Tensor, action: Tensor) -> tuple[Tensor, dict[str, Budget]]:
        """:meth:`advance`, and every budget averaged over the interval by the composite Simpson rule."""
        self._require_fields("state", state)
        self._require_action(state, action)
        weights = np.array([1.0] + [4.0, 2.0] * (self.steps_per_interval // 2))
        weights[-1] = 1.0
        weights /= weights.sum()
        state_hat = self.spectrum(state)
        step = self._stepper(state_hat, action)
        mean = _weighted(self.budgets(state), weights[0])
        for weight in weights[1:]:
            state_hat = step(state_hat)
            state = self.to_grid(state_hat)
            mean = _add(mean, _weighted(self.budgets(state), weight))
        return self._kicked(state, action, mean) if self.impulsive else (state, mean)

    def rates(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """``l u + N(u)`` with the steady forcing, and the actuators' shapes, as the solver uses them."""
        state_hat = self.spectrum(fields)
        steady = self.table("steady_forcing", state_hat)
        drift_hat = self.table("linear", state_hat) * state_hat + self.tendency(state_hat, steady)
        return self.to_grid(drift_hat), self._response(fields)

    # Spectral machinery -----------------------------------------------------------------------

    def spectrum(self, fields: Tensor) -> Tensor:
        """The real Fourier transform over space, ``(batch, channel, *space)`` to ``(batch, channel, *modes)``."""
        return torch.fft.rfftn(fields, dim=self._space)

    def to_grid(self, state_hat: Tensor) -> Tensor:
        """The inverse of :meth:`spectrum`."""
        return torch.fft.irfftn(state_hat, s=self.grid.shape, dim=self._space)

    def dealiased(self, state_hat: Tensor) -> Tensor:
        """The spectrum without the modes whose products alias."""
        return self.table("dealiasing_mask", state_hat) * state_hat

    def derivative(self, state_hat: Tensor, axis: int = 0) -> Tensor:
        """The spectrum of the first derivative along one dimension."""
        return 1j * self.table(f"odd_wavenumbers_{axis}", state_hat) * state_hat

    def self_advection(self, state_hat: Tensor) -> Tensor:
        """``-(u^2 / 2)_x`` of every channel, dealiased before and after the product."""
        return -0.5 * self.derivative(self.dealiased(self.spectrum(self.to_grid(self.dealiased(state_hat)).square())))

    def advective_limit(self, speed: float) -> StepLimit:
        """The limit of stability for advection at ``speed``: the step times the largest frequency stays below 2.8."""
        largest = max(float(np.abs(k).max()) for k in self.grid.odd_wavenumbers) * self.dealiasing
        return StepLimit(2.8 / (largest * speed + 1e-300), f"advection at speed {speed:.3g}")

    def reactive_limit(self, rate: float) -> StepLimit:
        """The limit of stability for a reaction at ``rate``: the step times the rate stays below 2.8."""
        return StepLimit(2.8 / (rate + 1e-300), f"reaction at rate {rate:.3g}")

    def gradient_squared(self, fields: Tensor) -> Tensor:
        """``|grad u|^2`` at every point, ``(batch, channel, *space)``."""
        state_hat = self.spectrum(fields)
        slopes = [self.to_grid(self.derivative(state_hat, axis)).square() for axis in range(len(self.grid.shape))]
        return torch.stack(slopes).sum(dim=0)

    def laplacian(self, fields: Tensor) -> Tensor:
        """``lap u`` at every point, ``(batch, channel, *space)``."""
        state_hat = self.spectrum(fields)
        return self.to_grid(self.table("laplacian", state_hat) * state_hat)

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """Parameters, wavenumbers, masks, coefficients of the integrator, and spectra of the forcing."""
        steady = self.steady_forcing()
        shapes_hat = np.fft.rfftn(self.forcing_shapes, axes=self._space)
        steady_hat = 0 * shapes_hat[0] if steady is None else np.fft.rfftn(steady, axes=self._space)
        scheme = ETDRK2 if self.order == 2 else ETDRK4
        self.integrator: Scheme = scheme(self.linear_symbol(), self.step)
        return super().tables() | {
            "integrator": self.integrator.coefficients(),
            "linear": (self.integrator.linear,),
            "laplacian": (self.grid.laplacian,),
            "dealiasing_mask": (self.grid.dealiasing_mask(self.dealiasing).astype(float),),
            "parseval_weights": (self.grid.parseval_weights,),
            "shapes": (self.forcing_shapes,),
            "shapes_hat": (shapes_hat,),
            "steady_forcing": (steady_hat,),
            **{f"modulation_{name}": (shapes,) for name, shapes in self.modulations.items()},
            **{f"wavenumbers_{d}": (k,) for d, k in enumerate(self.grid.wavenumbers)},
            **{f"odd_wavenumbers_{d}": (k,) for d, k in enumerate(self.grid.odd_wavenumbers)},
        }

    def tendency(self, state_hat: Tensor, forcing_hat: Tensor) -> Tensor:
        """``N_hat + f_hat``: the time derivative without the linear term."""
        return self.nonlinear_term(state_hat) + forcing_hat

    def integrate(self, state_hat: Tensor, action: Tensor) -> Tensor:
        """One control interval in Fourier space, without impulses."""
        return march(self._stepper(state_hat, action), state_hat, self.steps_per_interval, action)

    def step_in_fourier_space(self, state_hat: Tensor, forcing_hat: Tensor) -> Tensor:
        """One solver step under a constant forcing."""
        coefficients = self._tables_for(state_hat)["integrator"]
        return self.integrator.advance(state_hat, lambda v, _: self.tendency(v, forcing_hat), coefficients)

    def forcing_spectrum(self, state_hat: Tensor, action: Tensor) -> Tensor:
        """The spectrum of the forcing: the steady one, plus that of ``action`` unless it is impulsive."""
        forcing_hat = self.table("steady_forcing", state_hat).expand(len(state_hat), *self._spectral_shape)
        if self.impulsive:
            return forcing_hat
        shapes_hat = self.table("shapes_hat", state_hat)
        return forcing_hat + torch.tensordot(action.to(shapes_hat.dtype), shapes_hat, 1)

    def _stepper(self, state_hat: Tensor, action: Tensor) -> Callable[[Tensor], Tensor]:
        """The function that takes one solver step in Fourier space under the held ``action``."""
        coefficients = self._tables_for(state_hat)["integrator"]
        forcing_hat = self.forcing_spectrum(state_hat, action)
        if not self.modulations:
            return lambda state_hat: self.step_in_fourier_space(state_hat, forcing_hat)
        modulations = {
            name: torch.tensordot(action, self.table(f"modulation_{name}", state_hat), 1) for name in self.modulations
        }

        def tendency(state_hat: Tensor, time: float) -> Tensor:
            fields = self.to_grid(self.dealiased(state_hat))
            change = sum(m * self.parameter_response(name, fields) for name, m in modulations.items())
            return self.tendency(state_hat, forcing_hat) + self.dealiased(self.spectrum(change))

        return lambda state_hat: self.integrator.advance(state_hat, tendency, coefficients)

    def _response(self, fields: Tensor) -> Tensor:
        """The time derivative per unit of each action, ``(batch or 1, actuator, channel, *space)``."""
        response = self.table("shapes", fields)[None]
        if self.modulations:
            smooth = self.to_grid(self.dealiased(self.spectrum(fields)))
            for name in self.modulations:
                modulated = self.table(f"modulation_{name}", fields) * self.parameter_response(name, smooth)[:, None]
                response = response + self.to_grid(self.dealiased(self.spectrum(modulated)))
        return response

    def _kick(self, action: Tensor) -> Tensor:
        return torch.tensordot(action, self.table("shapes", action), 1)

    def _kicked(self, state: Tensor, action: Tensor, mean: dict[str, Budget]) -> tuple[Tensor, dict[str, Budget]]:
        """Add the impulse to the state and its work to the budgets.

        Simpson's rule along the impulse is exact for functionals of up to fourth order in the fields.
        """
        kick = self._kick(action)
        shapes = self.table("shapes", state)
        along = [(1 / 6, self.derivatives(state)), (2 / 3, self.derivatives(state + kick / 2))]
        along.append((1 / 6, self.derivatives(state + kick)))
        for name in self.functional_names:
            parts = [weight * self.mean_over_space(q[name][:, None] * shapes) for weight, q in along]
            output = torch.stack(parts).sum(dim=0) / self.control_interval
            mean[name] = Budget(mean[name].source, output.expand(len(state), -1))
        return state + kick, mean

    def _split_by_target(self, actuators: Actuators) -> tuple[Array, dict[str, Array]]:
        """Split the actuators by what they act on.

        Returns:
            The shapes that are added to variables, ``(actuator, channel, *space)``, and by parameter those that
            change it, ``(actuator, 1, *space)``.
        """
        names = [v.name for v in self.variables]
        targets = actuators.targets(names[0])
        unknown = sorted(set(targets) - set(names) - set(self.modulated_parameters))
        if unknown or (actuators.impulsive and set(targets) & set(self.modulated_parameters)):
            allowed = names if actuators.impulsive else [*names, *self.modulated_parameters]
            raise ValueError(
                f"{self.equation}: expected actuators on {' or '.join(allowed)}, got {', '.join(unknown or targets)}. "
                "Set acts_on of these actuators."
            )
        added = np.zeros((len(targets), len(names), *actuators.shapes.shape[1:]))
        modulations: dict[str, Array] = {}
        for j, target in enumerate(targets):
            if target in names:
                added[j, names.index(target)] = actuators.shapes[j]
            else:
                shapes = modulations.setdefault(target, np.zeros((len(targets), 1, *actuators.shapes.shape[1:])))
                shapes[j, 0] = actuators.shapes[j]
        return added, modulations

    def _prepare(self) -> None:
        super()._prepare()
        beyond = ~self.grid.dealiasing_mask(self.dealiasing)
        if not self.nothing_limits_growth() and np.any(np.real(self.linear_symbol()) * beyond > 0):
            points = " x ".join(map(str, self.grid.shape))
            raise ValueError(
                f"{self.equation}: expected every growing wave below {self.dealiasing:.2g} of the largest wavenumber, "
                f"where the nonlinear term limits it, got one beyond. {points} points are too few here: "
                f"try {' x '.join(str(2 * n) for n in self.grid.shape)}, or a smaller domain_extent."
            )

    @property
    def _spectral_shape(self) -> tuple[int, ...]:
        return len(self.variables), *self.grid.laplacian.shape

    @property
    def _space(self) -> tuple[int, ...]:
        return tuple(range(-len(self.grid.shape), 0))


def _weighted(budgets: dict[str, Budget], weight: float) -> dict[str, Budget]:
    return {name: Budget(weight * b.source, weight * b.output) for name, b in budgets.items()}


def _add(left: dict[str, Budget], right: dict[str, Budget]) -> dict[str, Budget]:
    return {n: Budget(b.source + right[n].source, b.output + right[n].output) for n, b in left.items()}
