"""Allen-Cahn: two phases, u = 1 and u = -1, separated by interfaces that move by curvature.

    u_t = D lap u + r (u - u^3) + f(x, t)        on [0, L) or [0, L)^2, periodic

Expected behaviour: every point reaches one of the phases within a few times 1 / r. The interfaces between
the phases are tanh(x / w) with w = sqrt(2 D / r). In 1D they attract each other like exp(-2 distance / w);
in 2D they move at D times their curvature, so that drops shrink. Neither phase is conserved.

Parameters: ``diffusivity`` is D, ``reaction_rate`` r. Actions may also add to ``reaction_rate``, which then
varies over space.

Budgets, with <.> the spatial mean, M = <u>, the free energy F = <D |grad u|^2 / 2 + r (1 - u^2)^2 / 4>
and its derivative dF/du = -D lap u - r (u - u^3):

    dM/dt = r <u - u^3> + <f>
    dF/dt = -<(dF/du)^2> + <dF/du f>

Good values: L = 2 pi, D = 0.02, r = 1, N = 192 in 1D; D = 0.1, N = 64 in 2D; step 0.0125 to 0.1. An
interface needs a grid spacing of at most w / 6 for five digits, w / 3 for two. Both phases exist only
under a forcing |f| below 2 r / sqrt(27) = 0.38 r.
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


class AllenCahn(SpectralSimulation):
    """Forced Allen-Cahn equation (Allen & Cahn 1979, doi:10.1016/0001-6160(79)90196-2)."""

    equation = "allen_cahn"
    num_spatial_dims = (1, 2)
    dealiasing = 1 / 2
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "order parameter"),)
    functional_names = ("mass", "free_energy")
    parameters = (
        positive("diffusivity", "diffusivity of the order parameter", 0.02),
        positive("reaction_rate", "rate at which the phases form", 1.0),
    )
    modulated_parameters = ("reaction_rate",)

    def linear_symbol(self) -> NDArray[Any]:
        """``-D |k|^2 + r``, the linearisation about the unstable mixture u = 0."""
        return np.asarray(self.parameter("diffusivity") * self.grid.laplacian + self.parameter("reaction_rate"))

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-r u^3``."""
        cubed = self.to_grid(self.dealiased(state_hat)) ** 3
        return -self.dealiased(self.spectrum(self.table("reaction_rate", state_hat) * cubed))

    def parameter_response(self, name: str, fields: Tensor) -> Tensor:
        """``u - u^3``, the derivative of ``u_t`` by the reaction rate."""
        return fields - fields**3

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves with fewer than four periods across the domain, about the mixture u = 0."""
        return random_field(self.grid, rng, cutoff=4, amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``free_energy`` = <D |grad u|^2 / 2 + r (1 - u^2)^2 / 4>."""
        wells = self.table("reaction_rate", fields) * (1 - fields.square()).square() / 4
        interfaces = -self.table("diffusivity", fields) * fields * self.laplacian(fields) / 2
        return {"mass": self.mean_over_space(fields), "free_energy": self.mean_over_space(wells + interfaces)}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dF/du = -D lap u - r (u - u^3)``."""
        wells = self.table("reaction_rate", fields) * (fields**3 - fields)
        return {
            "mass": torch.ones_like(fields),
            "free_energy": wells - self.table("diffusivity", fields) * self.laplacian(fields),
        }

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for the cubic term at the largest order parameter."""
        return [self.reactive_limit(float((3 * self.table("reaction_rate", fields) * fields.square()).max()))]
