"""Kuramoto-Sivashinsky: one of the simplest equations with spatiotemporal chaos.

    u_t + u u_x + u_xx + nu u_xxxx = f(x, t)        on [0, L), periodic

Expected behaviour: long waves (nu k^2 < 1) grow, short waves decay, and advection carries energy from long to
short waves. For nu = 1 and L above about 18 the flow is chaotic; it stays bounded from every start.

Parameters: ``viscosity`` is nu. Changing nu is equivalent to changing L; the equation is usually written
with nu = 1.

Budgets, with <.> the spatial mean, M = <u> and E = <u^2>/2:

    dM/dt = <f>
    dE/dt = <u_x^2> - nu <u_xx^2> + <u f>

Good values: nu = 1, L = 22 (leading Lyapunov exponent 0.048, root mean square 1.19), N = 64, step 0.125;
larger domains L = 60 with N = 192, L = 100 with N = 256.
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


class KuramotoSivashinsky(QuadraticAdvection):
    """Forced Kuramoto-Sivashinsky equation (Cvitanovic et al. 2010, doi:10.1137/070705623)."""

    equation = "kuramoto_sivashinsky"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")
    parameters = (positive("viscosity", "hyperviscosity", 1.0),)

    def linear_symbol(self) -> NDArray[Any]:
        """``k^2 - nu k^4``."""
        return np.asarray(-self.grid.laplacian - self.parameter("viscosity") * self.grid.laplacian**2)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves of the four longest wavelengths, without a mean flow."""
        return random_waves(self.grid, rng, modes=range(1, 5), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def dissipation(self, fields: Tensor) -> Tensor:
        """The rate of dissipation of energy, ``nu <u_xx^2>``, ``(batch,)``."""
        return self.mean_over_space(self.table("viscosity", fields) * self.laplacian(fields).square())

    def equilibrium(self, waves: int) -> NDArray[np.float64]:
        """The odd steady state with a given number of waves.

        At L = 22 there are three, with one, two and three waves and energies 0.2609, 0.4382 and 1.5876.

        Args:
            waves: The number of periods across the domain.

        Returns:
            The field of shape ``(1, x)``.

        Raises:
            ValueError: If Newton's method finds no steady state, or there is a batch of viscosities.
        """
        from scipy.optimize import root  # slow to import, and seldom needed

        if self.batch_of_parameters is not None:
            raise ValueError("kuramoto_sivashinsky: expected one viscosity for a steady state, got a batch of them.")
        viscosity = float(self.values["viscosity"])
        modes = np.flatnonzero(self.grid.dealiasing_mask(self.dealiasing))[1:]
        k = 2 * np.pi * modes / self.grid.extents[0]
        phase = np.outer(k, self.grid.coordinates["x"])
        sines, cosines = np.sin(phase), np.cos(phase)

        def residual(heights: NDArray[np.float64]) -> NDArray[np.float64]:
            advection = (heights @ sines) * ((k * heights) @ cosines)
            return np.asarray((k**2 - viscosity * k**4) * heights - 2 * (advection @ sines.T) / self.grid.shape[0])

        solution = root(residual, 2.0 * (modes == waves), tol=1e-13)
        if not solution.success or np.abs(solution.x).max() < 1e-6:
            raise ValueError(
                f"kuramoto_sivashinsky: expected a steady state of {waves} waves on an extent of "
                f"{self.grid.extents[0]:g}, got none. On 22 there are steady states of 1, 2 and 3 waves."
            )
        return np.asarray(solution.x @ sines)[None]

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection at the largest ``|u|``."""
        return [self.advective_limit(float(fields.abs().max()))]
