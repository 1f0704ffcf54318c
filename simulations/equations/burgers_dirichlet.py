"""Viscous Burgers between two walls, by the difference scheme of a published benchmark.

    u_t + (u^2 / 2)_x = nu u_xx + f(x, t)        on (0, L), u = 0 at both walls

The scheme has N interior points ``x_i = (i + 1) h``, ``h = L / (N + 1)``, and zeros on the walls:

    u_i' = u_i + step ( -(u_{i+1}^2 - u_{i-1}^2) / (4 h) + nu (u_{i+1} - 2 u_i + u_{i-1}) / h^2 + f_i )

Expected behaviour: without forcing, humps steepen into viscous shocks of width about nu / |u|, which move,
merge, and vanish at the walls.

Parameters: ``viscosity`` is nu.

Budgets, with <.> the mean over the points, M = <u> and E = <u^2>/2:

    dM/dt = flux through the walls + <f>
    dE/dt = -nu <u_x^2> + <u f>, up to the scheme's error

Good values: L = 1, nu = 0.01, N = 128, step 1e-4, those of the benchmark (Wei et al. 2024, arXiv:2407.06494).
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.explicit import ExplicitSimulation
from simulations.grid import BoundedGrid
from simulations.parameters import positive
from simulations.step_limits import StepLimit


class BurgersDirichlet(ExplicitSimulation):
    """Forced viscous Burgers equation between two walls at rest, on ``BoundedGrid.interior``."""

    equation = "burgers_dirichlet"
    variables: ClassVar[tuple[Variable, ...]] = (Variable("u", "velocity"),)
    functional_names = ("mass", "energy")
    parameters = (positive("viscosity", "kinematic viscosity", 0.01),)

    @classmethod
    def grid_of(cls, shape: Sequence[int], extents: Sequence[float]) -> BoundedGrid:
        """The grid with this number of points and this length: a line without points on its walls."""
        (num_points,), (extent,) = shape, extents
        return BoundedGrid.interior(num_points, extent)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """A positive hump in the left half and a negative one in the right half, scaled to ``amplitude``."""
        field = two_humps(self.grid, rng)
        return amplitude * field[None] / np.sqrt((field**2).mean())

    def drift(self, fields: Tensor) -> Tensor:
        """Central differences in conservation form, with zeros on the walls."""
        h = self.grid.spacing[0]
        u = torch.nn.functional.pad(fields, (1, 1))
        flux = u.square() / (4 * h)
        bend = torch.add(u[..., 2:] + u[..., :-2], fields, alpha=-2)
        return (self.table("viscosity", fields) / h**2) * bend - (flux[..., 2:] - flux[..., :-2])

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <u>, ``energy`` = <u^2>/2."""
        return {"mass": self.mean_over_space(fields), "energy": self.mean_over_space(fields.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dM/du = 1`` and ``dE/du = u``."""
        return {"mass": torch.ones_like(fields), "energy": fields}

    def step_limits(self) -> list[StepLimit]:
        """The limit for diffusion at the largest viscosity of the batch."""
        return [self.diffusive_limit(float(np.max(self.values["viscosity"])))]

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection: Euler's method with central differences is stable for ``step <= 2 nu / u^2``."""
        speed = float(fields.abs().max())
        limit = 2 * float(np.min(self.values["viscosity"])) / (speed**2 + 1e-300)
        return [StepLimit(limit, f"advection at speed {speed:.3g}")]


def two_humps(grid: BoundedGrid, rng: np.random.Generator) -> NDArray[np.float64]:
    """A positive Gaussian in the left half and a negative one in the right half, shape ``(x,)``.

    Heights are uniform in (0, 2) and (-2, 0), centres in (0.2, 0.4) L and (0.6, 0.8) L, widths in
    (0.05, 0.15) L.
    """
    x = grid.coordinates["x"] / grid.extents[0]
    field = np.zeros_like(x)
    for heights, centres in (((0, 2), (0.2, 0.4)), ((-2, 0), (0.6, 0.8))):
        height, centre, width = rng.uniform(*heights), rng.uniform(*centres), rng.uniform(0.05, 0.15)
        field += height * np.exp(-((x - centre) ** 2) / (2 * width**2))
    return field
