"""Advection, diffusion and reaction of a concentration: linear waves, or Fisher's fronts.

    u_t + c . grad u = D lap u + r u - s u^2 + f(x, t)        on [0, L) or [0, L)^2, periodic

Expected behaviour: without saturation (s = 0) the equation is linear, every wave travels at c and grows at
r - D k^2, and a control interval is exact for any step. With saturation, the state u = r / s invades
u = 0 in fronts of speed 2 sqrt(r D) relative to the stream and of width sqrt(D / r). A negative
concentration runs away to minus infinity, as both reaction terms are negative there.

Parameters: ``velocity`` is c (``velocity_x`` and ``velocity_y`` in 2D), ``diffusivity`` D, ``growth`` r,
``saturation`` s.

Budgets, with <.> the spatial mean, M = <u> and E = <u^2>/2:

    dM/dt = r M - s <u^2> + <f>
    dE/dt = -D <|grad u|^2> + 2 r E - s <u^3> + <u f>

Good values: L = 2 pi, c = 1, D = 0.02, r = s = 1, N = 128, step 0.0125, forcing of at most 0.1, which keeps u
positive. A front needs a grid spacing of at most half its width: N >= 2 L sqrt(r / D).
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.initial import random_field
from simulations.parameters import Parameter, non_negative
from simulations.pseudospectral import SpectralSimulation
from simulations.step_limits import StepLimit

CHEMISTRY = (
    non_negative("diffusivity", "diffusivity", 0.02),
    Parameter("growth", "linear growth rate", 1.0),
    non_negative("saturation", "coefficient of the quadratic loss", 1.0),
)


class AdvectionDiffusionReaction(SpectralSimulation):
    """Forced advection-diffusion-reaction in 1D (Fisher 1937, doi:10.1111/j.1469-1809.1937.tb02153.x)."""

    equation = "advection_diffusion_reaction"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "concentration"),)
    functional_names = ("mass", "energy")
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("velocity", "velocity of the stream", 1.0), *CHEMISTRY)
    velocities: ClassVar[tuple[str, ...]] = ("velocity",)

    def linear_symbol(self) -> NDArray[Any]:
        """``-i c . k - D |k|^2 + r``."""
        streams = zip(self.velocities, self.grid.odd_wavenumbers, strict=True)
        travel = sum(self.parameter(name) * k for name, k in streams)
        return np.asarray(
            self.parameter("diffusivity") * self.grid.laplacian + self.parameter("growth") - 1j * np.asarray(travel)
        )

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-s u^2``."""
        if not self.values["saturation"].any():
            return torch.zeros_like(state_hat)
        squared = self.to_grid(self.dealiased(state_hat)).square()
        return -self.dealiased(self.spectrum(self.table("saturation", state_hat) * squared))

    def nothing_limits_growth(self) -> bool:
        """True without saturation, as the equation is linear then."""
        return not self.values["saturation"].any()

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A positive concentration: the exponential of random waves with fewer than five periods across the domain."""
        concentration = np.exp(random_field(self.grid, rng, cutoff=5, amplitude=0.5))
        return np.asarray(amplitude * concentration / np.sqrt((concentration**2).mean()))[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for saturation at the largest concentration."""
        return [self.reactive_limit(float((2 * self.table("saturation", fields) * fields).abs().max()))]


class AdvectionDiffusionReaction2D(AdvectionDiffusionReaction):
    """Forced advection-diffusion-reaction in 2D, with a stream along both dimensions."""

    equation = "advection_diffusion_reaction_2d"
    num_spatial_dims = (2,)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("velocity_x", "velocity of the stream along x", 1.0),
        Parameter("velocity_y", "velocity of the stream along y", 0.0),
        *CHEMISTRY,
    )
    velocities = ("velocity_x", "velocity_y")
