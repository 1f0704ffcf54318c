"""Viscous Burgers in the plane: a compressible velocity without pressure.

    u_t + (u . grad) u = nu lap u + f(x, y, t)        on [0, L)^2, periodic, u = (u, v)

Expected behaviour: without forcing, the flow steepens into a network of viscous shocks of width about
nu / |u|, which merge and decay. A flow that is the gradient of a potential remains one.

Parameters: ``viscosity`` is nu.

Budgets, with <.> the spatial mean, M = <u> and E = <|u|^2>/2:

    dM/dt = <u div u> + <f>
    dE/dt = -nu <|grad u|^2> + <|u|^2 div u>/2 + <u . f>

Good values: L = 2 pi, nu = 0.1, N = 64, step 0.0125, |u| of order one. A shock is about nu / |u|
wide and needs a grid spacing of at most that: N >= L |u| / nu.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.initial import random_field
from simulations.parameters import positive
from simulations.pseudospectral import SpectralSimulation
from simulations.step_limits import StepLimit


class Burgers2D(SpectralSimulation):
    """Forced viscous Burgers equation in 2D (Hopf 1950, doi:10.1002/cpa.3160030302)."""

    equation = "burgers_2d"
    num_spatial_dims = (2,)
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity along x"), Variable("v", "velocity along y"))
    functional_names = ("momentum_x", "momentum_y", "energy")
    parameters = (positive("viscosity", "kinematic viscosity", 0.1),)

    def linear_symbol(self) -> NDArray[Any]:
        """``-nu |k|^2``."""
        return np.asarray(self.parameter("viscosity") * self.grid.laplacian)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-(u . grad) u``."""
        smooth_hat = self.dealiased(state_hat)
        velocity = self.to_grid(smooth_hat)
        along_x, along_y = (self.to_grid(self.derivative(smooth_hat, axis)) for axis in (0, 1))
        advection = velocity[:, :1] * along_x + velocity[:, 1:] * along_y
        return -self.dealiased(self.spectrum(advection))

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves with fewer than four periods across the domain in each component, without a mean flow."""
        return np.stack([random_field(self.grid, rng, cutoff=4, amplitude=amplitude) for _ in self.variables])

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``momentum_x`` = <u>, ``momentum_y`` = <v>, ``energy`` = <u^2 + v^2>/2."""
        return {
            "momentum_x": self.mean_over_space(fields[:, :1]),
            "momentum_y": self.mean_over_space(fields[:, 1:]),
            "energy": self.mean_over_space(fields.square()) / 2,
        }

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """The derivatives by (u, v): (1, 0), (0, 1) and (u, v)."""
        zero, one = torch.zeros_like(fields[:, :1]), torch.ones_like(fields[:, :1])
        return {
            "momentum_x": torch.cat([one, zero], dim=1),
            "momentum_y": torch.cat([zero, one], dim=1),
            "energy": fields,
        }

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection at the largest ``|u| + |v|``."""
        return [self.advective_limit(float(fields.abs().sum(dim=1).max()))]
