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

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.initial import random_waves
from simulations.simulation import StepLimit, Variable
from simulations.spectral import SpectralSimulation


class KuramotoSivashinsky(SpectralSimulation):
    """Forced Kuramoto-Sivashinsky equation (Cvitanovic et al. 2010, doi:10.1137/070705623)."""

    equation = "kuramoto_sivashinsky"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")

    def linear_symbol(self) -> NDArray[Any]:
        """``k^2 - k^4``."""
        return np.asarray(-self.grid.laplacian - self.grid.laplacian**2)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-(u^2 / 2)_x``."""
        return self.self_advection(state_hat)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Waves of the four longest wavelengths, without a mean flow."""
        return random_waves(self.grid, rng, modes=range(1, 5), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """1 and u."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """Advection by the fastest fluid."""
        return [self.advective_limit(float(fields.abs().max()))]
