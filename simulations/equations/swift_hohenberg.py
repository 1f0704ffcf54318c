"""Swift-Hohenberg: one of the simplest equations that form a pattern of one wavelength.

    u_t = r u - (1 + lap)^2 u + g u^2 - u^3 + f(x, t)        on [0, L) or [0, L)^2, periodic

Expected behaviour: for r > 0 waves grow at r - (1 - k^2)^2, fastest at wavelength 2 pi. With g = 0 they saturate
as rolls (stripes in 2D), near onset u = sqrt(4 r / 3) cos x; with g of order one they saturate as hexagons.

Parameters: ``growth`` is r, ``quadratic`` g. Actions may also add to ``growth``, which then varies over space.

Budgets, with <.> the spatial mean, M = <u>, E = <u^2>/2, the free energy
F = <((1 + lap) u)^2 / 2 - r u^2 / 2 - g u^3 / 3 + u^4 / 4> and its derivative dF/du = -(u_t without forcing):

    dM/dt = (r - 1) M + g <u^2> - <u^3> + <f>
    dE/dt = -<((1 + lap) u)^2> + 2 r E + g <u^3> - <u^4> + <u f>
    dF/dt = -<(dF/du)^2> + <dF/du f>

Good values: r = 0.3, g = 0 (stripes); r = 0.1, g = 1 (hexagons); L = 16 pi, N = 128, step 0.0625 to 0.25. A
wavelength of 2 pi needs at least 8 points, and 16 for five digits.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.initial import random_field
from simulations.parameters import Parameter
from simulations.pseudospectral import SpectralSimulation
from simulations.step_limits import StepLimit


class SwiftHohenberg(SpectralSimulation):
    """Forced Swift-Hohenberg equation (Swift & Hohenberg 1977, doi:10.1103/PhysRevA.15.319)."""

    equation = "swift_hohenberg"
    num_spatial_dims = (1, 2)
    dealiasing = 1 / 2
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "order parameter"),)
    functional_names = ("mass", "energy", "free_energy")
    parameters = (
        Parameter("growth", "growth rate of the critical wave", 0.3),
        Parameter("quadratic", "coefficient of the quadratic term", 0.0),
    )
    modulated_parameters = ("growth",)

    def linear_symbol(self) -> NDArray[Any]:
        """``r - (1 - |k|^2)^2``."""
        return np.asarray(self.parameter("growth") - (1 + self.grid.laplacian) ** 2)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``g u^2 - u^3``."""
        u = self.to_grid(self.dealiased(state_hat))
        return self.dealiased(self.spectrum((self.table("quadratic", state_hat) - u) * u.square()))

    def parameter_response(self, name: str, fields: Tensor) -> Tensor:
        """``u``, the derivative of ``u_t`` by the growth rate."""
        return fields

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves of all wavelengths down to 1/1.2 of the critical one."""
        cutoff = 1 + int(1.2 * max(self.grid.extents) / (2 * np.pi))
        return random_field(self.grid, rng, cutoff=max(cutoff, 2), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2, ``free_energy`` = F of the module's docstring."""
        local = fields.square() * (
            fields.square() / 4 - self.table("quadratic", fields) * fields / 3 - self.table("growth", fields) / 2
        )
        detuned = fields + self.laplacian(fields)
        return {
            "mass": self.mean_over_space(fields),
            "energy": self.mean_over_space(fields.square()) / 2,
            "free_energy": self.mean_over_space(local + detuned.square() / 2),
        }

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1``, ``dE/du = u`` and ``dF/du = (1 + lap)^2 u - r u - g u^2 + u^3``."""
        detuned = fields + self.laplacian(fields)
        local = fields * (fields.square() - self.table("quadratic", fields) * fields - self.table("growth", fields))
        return {
            "mass": torch.ones_like(fields),
            "energy": fields,
            "free_energy": detuned + self.laplacian(detuned) + local,
        }

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for the cubic and quadratic terms where they are largest."""
        rate = (3 * fields.square() - 2 * self.table("quadratic", fields) * fields).abs()
        return [self.reactive_limit(float(rate.max()))]
