"""Kuramoto-Sivashinsky: the smallest equation with spatiotemporal chaos.

    u_t + u u_x + u_xx + u_xxxx = f(x, t)        on [0, L), periodic

Expected behaviour: long waves (|k| < 1) grow, short waves decay, the advection passes energy from
the first to the second; for L above about 18 the flow is chaotic and bounded, whatever the start.

Budgets, with <.> the spatial mean, M = <u> and E = <u^2>/2:

    dM/dt = <f>
    dE/dt = <u_x^2> - <u_xx^2> + <u f>

Good values: L = 22 (leading Lyapunov exponent 0.048, root mean square 1.19), N = 64, step 0.125;
L = 60 with N = 192, L = 100 with N = 256.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simulations.initial import random_waves
from simulations.simulation import Budget, Simulation, Variable


class KuramotoSivashinsky(Simulation):
    """Forced Kuramoto-Sivashinsky equation (Cvitanovic et al. 2010, doi:10.1137/070705623)."""

    equation = "kuramoto_sivashinsky"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")

    def linear_symbol(self) -> NDArray[np.float64]:
        """``k^2 - k^4``."""
        k = self.grid.wavenumbers
        return np.asarray(k**2 - k**4)

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
        """Energy is produced at slope, dissipated at curvature, and worked by the actuators."""
        state_hat = self.spectrum(fields)
        k = self.table("wavenumbers", fields)
        net_production = self.mean_product((k**2 - k**4) * state_hat, state_hat)
        return {
            "mass": self.mass_budget(fields),
            "energy": Budget(net_production, self.actuator_outputs(fields)),
        }
