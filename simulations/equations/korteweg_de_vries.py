"""Korteweg-de Vries: solitons, waves in which steepening and dispersion balance.

    u_t - 3 (u^2)_x + u_xxx = f(x, t)        on [0, L), periodic

Expected behaviour: without forcing, the start splits into solitons
u = -(c/2) sech^2(sqrt(c) (x - c t - a) / 2) of speeds c > 0. They are troughs, pass through one another and
keep their shape. Nothing decays. The equation has no parameters.

Budgets, with <.> the spatial mean, M = <u>, E = <u^2>/2 and H = <u_x^2>/2 + <u^3>:

    dM/dt = <f>
    dE/dt = <u f>
    dH/dt = <(3 u^2 - u_xx) f>

Good values: L = 20, N = 128, step 0.0025, |u| of order one. A soliton is about 2 / sqrt(c) wide and needs a
grid spacing of at most a sixth of its width.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.initial import random_waves
from simulations.quadratic import QuadraticAdvection
from simulations.step_limits import StepLimit


class KortewegDeVries(QuadraticAdvection):
    """Forced Korteweg-de Vries equation (Korteweg & de Vries 1895, doi:10.1080/14786449508620739).

    The sign and the factor of the advection are those of Gardner, Greene, Kruskal & Miura (1967),
    doi:10.1103/PhysRevLett.19.1095.
    """

    equation = "korteweg_de_vries"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "elevation"),)
    functional_names = ("mass", "energy", "hamiltonian")
    advection_factor = -6.0

    def linear_symbol(self) -> NDArray[Any]:
        """``i k^3``."""
        return 1j * self.grid.odd_wavenumbers[0] ** 3

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves of the four longest wavelengths, of zero mean."""
        return random_waves(self.grid, rng, modes=range(1, 5), amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2, ``hamiltonian`` = <u_x^2>/2 + <u^3>."""
        return {
            "mass": self.mean_over_space(fields),
            "energy": self.mean_over_space(fields.square()) / 2,
            "hamiltonian": self.mean_over_space(fields**3 - fields * self.laplacian(fields) / 2),
        }

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1``, ``dE/du = u`` and ``dH/du = 3 u^2 - u_xx``."""
        return {
            "mass": torch.ones_like(fields),
            "energy": fields,
            "hamiltonian": 3 * fields.square() - self.laplacian(fields),
        }

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection at the largest ``6 |u|``."""
        return [self.advective_limit(6 * float(fields.abs().max()))]
