"""Viscous Burgers between walls, by the difference scheme of a published benchmark.

    u_t + (u^2 / 2)_x = nu u_xx + f(x, t)        on (0, L), u = 0 at both walls

at N interior points ``x_i = (i + 1) h``, ``h = L / (N + 1)``, with zeros beyond them:

    u_i' = u_i + step ( -(u_{i+1}^2 - u_{i-1}^2) / (4 h) + nu (u_{i+1} - 2 u_i + u_{i-1}) / h^2 + f_i )

Expected behaviour: unforced, humps steepen into viscous shocks of width about nu / |u|, which move,
merge, and die at the walls.

Budgets, with <.> the mean over the points, M = <u> and E = <u^2>/2:

    dM/dt = flux through the walls + <f>
    dE/dt = -nu <u_x^2> + <u f>, up to the scheme's error

Good values: L = 1, nu = 0.01, N = 128, step 1e-4 (Wei et al. 2024, arXiv:2407.06494).
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import StepLimit, Variable
from simulations.explicit import ExplicitSimulation
from simulations.grid import BoundedGrid
from simulations.parameters import positive


class BurgersDirichlet(ExplicitSimulation):
    """Forced viscous Burgers equation between two walls at rest, on ``BoundedGrid.interior``."""

    equation = "burgers_dirichlet"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")
    parameters = (positive("viscosity", "kinematic viscosity", 0.01),)

    @classmethod
    def grid_of(cls, shape: Sequence[int], extents: Sequence[float]) -> BoundedGrid:
        """The grid of so many points and such lengths: a line without its walls."""
        (num_points,), (extent,) = shape, extents
        return BoundedGrid.interior(num_points, extent)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A hump to the right of the left wall and a hollow before the right one, scaled to ``amplitude``."""
        field = two_humps(self.grid, rng)
        return amplitude * field[None] / np.sqrt((field**2).mean())

    def drift(self, fields: Tensor) -> Tensor:
        """Central differences in conservation form, with zeros beyond the walls."""
        h = self.grid.spacing[0]
        u = torch.nn.functional.pad(fields, (1, 1))
        flux = u.square() / (4 * h)
        bend = torch.add(u[..., 2:] + u[..., :-2], fields, alpha=-2)
        return (self.table("viscosity", fields) / h**2) * bend - (flux[..., 2:] - flux[..., :-2])

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """1 and u."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits(self) -> list[StepLimit]:
        """Diffusion, by the largest viscosity of the batch."""
        return [self.diffusive_limit(float(np.max(self.values["viscosity"])))]

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """Central differences with Euler's method amplify waves unless ``step <= 2 nu / u^2``."""
        speed = float(fields.abs().max())
        limit = 2 * float(np.min(self.values["viscosity"])) / (speed**2 + 1e-300)
        return [StepLimit(limit, f"advection at speed {speed:.3g}")]


def two_humps(grid: BoundedGrid, rng: np.random.Generator) -> NDArray[np.float64]:
    """A positive Gaussian in the left half and a negative one in the right half, shape ``(x,)``.

    Heights U(0, 2) and U(-2, 0), centres U(0.2, 0.4) and U(0.6, 0.8), widths U(0.05, 0.15), lengths in units of L.
    """
    x = grid.coordinates["x"] / grid.extents[0]
    field = np.zeros_like(x)
    for heights, centres in (((0, 2), (0.2, 0.4)), ((-2, 0), (0.6, 0.8))):
        height, centre, width = rng.uniform(*heights), rng.uniform(*centres), rng.uniform(0.05, 0.15)
        field += height * np.exp(-((x - centre) ** 2) / (2 * width**2))
    return field
