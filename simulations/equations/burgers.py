"""Viscous Burgers: advection that steepens, diffusion that smooths.

    u_t + u u_x = nu u_xx + f(x, t)        on [0, L), periodic

Expected behaviour: without forcing, slopes steepen into viscous shocks of width about nu / |u|, which merge
and decay. Under forcing, the shocks dissipate the energy that the forcing puts in.

Parameters: ``viscosity`` is nu.

Budgets, with <.> the spatial mean, M = <u> and E = <u^2>/2:

    dM/dt = <f>
    dE/dt = -nu <u_x^2> + <u f>

Good values: L = 2 pi, nu = 0.05, N = 128, step 0.0125, |u| of order one. A shock is about nu / |u|
wide and needs a grid spacing of at most that: N >= L |u| / nu.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.initial import random_waves
from simulations.parameters import positive
from simulations.quadratic import QuadraticAdvection
from simulations.step_limits import StepLimit


class Burgers(QuadraticAdvection):
    """Forced viscous Burgers equation in 1D (Cole 1951; Hopf 1950, doi:10.1002/cpa.3160030302)."""

    equation = "burgers"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")
    parameters = (positive("viscosity", "kinematic viscosity", 0.05),)

    def linear_symbol(self) -> NDArray[Any]:
        """``-nu k^2``."""
        return np.asarray(self.parameter("viscosity") * self.grid.laplacian)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves of the four longest wavelengths, without a mean flow."""
        return random_waves(self.grid, rng, modes=range(1, 5), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection at the largest ``|u|``."""
        return [self.advective_limit(float(fields.abs().max()))]
