"""A passive scalar in two-dimensional flow, such as a dye that does not act on the flow.

    c_t + u c_x + v c_y = kappa lap c + s(x, y, t),    with the flow of ``navier_stokes``

Expected behaviour: the flow stretches the scalar into filaments, and diffusion smooths these.

Parameters: ``diffusivity`` is kappa; the others are those of ``navier_stokes``.

Budgets, with <.> the spatial mean, in addition to those of the flow:

    d<c>/dt = <s>,    d<c^2>/dt / 2 = -kappa <|grad c|^2> + <c s>

Good values: those of the flow, kappa = 0.01; filaments are about sqrt(kappa / |grad u|) wide.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.equations.vorticity import VorticityFlow
from simulations.parameters import non_negative

Array = NDArray[Any]


class NavierStokesScalar(VorticityFlow):
    """Forced two-dimensional flow with a passive scalar as its second variable."""

    equation = "navier_stokes_scalar"
    variables = (*VorticityFlow.variables, Variable("c", "passive scalar"))
    functional_names = (*VorticityFlow.functional_names, "scalar_mean", "scalar_variance")
    parameters = (*VorticityFlow.parameters, non_negative("diffusivity", "diffusivity of the scalar", 0.01))

    def linear_symbol(self) -> Array:
        """``-nu |k|^2 - mu`` and ``-kappa |k|^2``."""
        diffusion = self.parameter("diffusivity") * self.grid.laplacian + self.carried()
        return np.concatenate(np.broadcast_arrays(super().linear_symbol(), diffusion), axis=1)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-(u w_x + v w_y)`` and ``-((u c)_x + (v c)_y)``."""
        velocity = self.smooth_velocity(state_hat)
        flux = self.dealiased(self.spectrum(velocity * self.to_grid(self.dealiased(state_hat[:, 1:]))))
        divergence = self.derivative(flux[:, :1], axis=0) + self.derivative(flux[:, 1:], axis=1)
        return torch.cat([self.vorticity_advection(velocity), -divergence], dim=1)

    def steady_forcing(self) -> Array:
        """``-A k cos(k y)`` for the vorticity, zero for the scalar."""
        forcing = super().steady_forcing()
        return np.concatenate([forcing, np.zeros_like(forcing)], axis=1)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A random vorticity, and a random scalar of the same root mean square."""
        vorticity = super().initial_state(rng, amplitude=amplitude)
        return np.concatenate([vorticity, super().initial_state(rng, amplitude=amplitude)])

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """Those of the flow, ``scalar_mean`` = <c> and ``scalar_variance`` = <c^2>/2."""
        scalar = fields[:, 1:]
        means = {
            "scalar_mean": self.mean_over_space(scalar),
            "scalar_variance": self.mean_over_space(scalar.square()) / 2,
        }
        return super().functionals(fields) | means

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """The derivatives by the vorticity, -psi and w, and by the scalar, 1 and c; all others are zero."""
        scalar = fields[:, 1:]
        none = torch.zeros_like(scalar)
        of_flow = {name: torch.cat([q, none], dim=1) for name, q in super().derivatives(fields).items()}
        of_scalar = {"scalar_mean": torch.ones_like(scalar), "scalar_variance": scalar}
        return of_flow | {name: torch.cat([none, q], dim=1) for name, q in of_scalar.items()}
