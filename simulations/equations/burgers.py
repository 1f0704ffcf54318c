"""Viscous Burgers: advection that steepens, diffusion that smooths.

    u_t + u u_x = nu u_xx + f(x, t)        on [0, L), periodic

Expected behaviour: unforced, ramps steepen into viscous shocks of width about nu / |u| that merge
and decay; under forcing, the energy put in is burnt in the shocks.

Budgets, with <.> the spatial mean, M = <u> and E = <u^2>/2:

    dM/dt = <f>
    dE/dt = -nu <u_x^2> + <u f>

Good values: L = 2 pi, nu = 0.05, N = 128, step 0.0125, |u| of order one. A shock is about nu / |u|
wide and needs a grid spacing of at most that: N >= L |u| / nu.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import Actuators
from simulations.grid import PeriodicGrid
from simulations.initial import random_waves
from simulations.simulation import Budget, Simulation, Variable


class Burgers(Simulation):
    """Forced viscous Burgers equation (Cole 1951; Hopf 1950, doi:10.1002/cpa.3160030302).

    Args:
        viscosity: nu > 0.
    """

    equation = "burgers"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")
    parameters = ("viscosity",)

    def __init__(
        self,
        grid: PeriodicGrid,
        actuators: Actuators,
        *,
        viscosity: float,
        control_interval: float,
        steps_per_interval: int,
    ) -> None:
        if not viscosity > 0:
            raise ValueError(f"burgers: expected viscosity > 0, got {viscosity}.")
        self.viscosity = viscosity
        super().__init__(grid, actuators, control_interval=control_interval, steps_per_interval=steps_per_interval)

    def linear_symbol(self) -> NDArray[np.float64]:
        """``-nu k^2``."""
        return np.asarray(-self.viscosity * self.grid.wavenumbers**2)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-(u^2 / 2)_x``."""
        return self.self_advection(state_hat)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Waves of the four longest wavelengths, without a mean flow."""
        return random_waves(self.grid, rng, modes=range(1, 5), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return self.mass_and_energy(fields)

    def budgets(self, fields: Tensor) -> dict[str, Budget]:
        """Energy is dissipated at slope and worked by the actuators."""
        slope_hat = self.table("wavenumbers", fields) * self.spectrum(fields)
        dissipation = self.viscosity * self.mean_product(slope_hat, slope_hat)
        return {
            "mass": self.mass_budget(fields),
            "energy": Budget(-dissipation, self.actuator_outputs(fields)),
        }
