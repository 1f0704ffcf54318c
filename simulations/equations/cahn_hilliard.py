"""Cahn-Hilliard: a mixture that separates into two phases, each of which is conserved.

    u_t = m lap (u^3 - u - gamma lap u) + f(x, t)        on [0, L) or [0, L)^2, periodic

Expected behaviour: about the mixture u = 0, waves with k^2 < 1 / gamma grow at m k^2 (1 - gamma k^2), fastest
at wavelength 2 pi sqrt(2 gamma). They saturate at u = +-1, as a labyrinth for <u> = 0 and as drops of the
rarer phase otherwise. Interfaces are tanh(x / w) with w = sqrt(2 gamma). Lengths grow like t^(1/3).

Parameters: ``mobility`` is m, ``gradient_energy`` gamma.

Budgets, with <.> the spatial mean, M = <u>, the free energy F = <(1 - u^2)^2 / 4 + gamma |grad u|^2 / 2>
and the chemical potential mu = dF/du = u^3 - u - gamma lap u:

    dM/dt = <f>
    dF/dt = -m <|grad mu|^2> + <mu f>

Good values: gamma = m = 1, L = 32 with N = 64 or L = 64 with N = 128, step 0.1 to 0.25, actuators of zero
mean. An interface needs a grid spacing of at most 0.5 sqrt(gamma) for three digits, 0.3 sqrt(gamma) for five.
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


class CahnHilliard(SpectralSimulation):
    """Forced Cahn-Hilliard equation (Cahn & Hilliard 1958, doi:10.1063/1.1744102)."""

    equation = "cahn_hilliard"
    num_spatial_dims = (1, 2)
    dealiasing = 1 / 2
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "difference of the concentrations"),)
    functional_names = ("mass", "free_energy")
    parameters = (
        positive("mobility", "mobility", 1.0),
        positive("gradient_energy", "gradient energy coefficient", 1.0),
    )

    def linear_symbol(self) -> NDArray[Any]:
        """``m (k^2 - gamma k^4)``, the linearisation about the mixture u = 0."""
        laplacian = self.grid.laplacian
        return np.asarray(-self.parameter("mobility") * (laplacian + self.parameter("gradient_energy") * laplacian**2))

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``m lap u^3``."""
        cubed_hat = self.dealiased(self.spectrum(self.to_grid(self.dealiased(state_hat)) ** 3))
        return self.table("mobility", state_hat) * self.table("laplacian", state_hat) * cubed_hat

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves of all wavelengths that grow, about the mixture u = 0."""
        shortest = 2 * np.pi * np.sqrt(np.min(self.values["gradient_energy"]))
        cutoff = 1 + int(max(self.grid.extents) / shortest)
        return random_field(self.grid, rng, cutoff=max(cutoff, 2), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``free_energy`` = <(1 - u^2)^2 / 4 + gamma |grad u|^2 / 2>."""
        wells = (1 - fields.square()).square() / 4
        interfaces = -self.table("gradient_energy", fields) * fields * self.laplacian(fields) / 2
        return {"mass": self.mean_over_space(fields), "free_energy": self.mean_over_space(wells + interfaces)}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and the chemical potential ``dF/du = u^3 - u - gamma lap u``."""
        curvature = self.table("gradient_energy", fields) * self.laplacian(fields)
        return {"mass": torch.ones_like(fields), "free_energy": fields**3 - fields - curvature}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for the cubic term at waves of ``k^2 = 2 / gamma``, which the linear term damps little."""
        rate = 6 * self.table("mobility", fields) / self.table("gradient_energy", fields) * fields.square()
        return [self.reactive_limit(float(rate.max()))]
