"""Gray-Scott: patterns of an activator v that consumes a substrate u.

    u_t = D_u lap u - u v^2 + F (1 - u) + f_u(x, t)
    v_t = D_v lap v + u v^2 - (F + k) v + f_v(x, t)        on [0, L) or [0, L)^2, periodic

Expected behaviour: the state without activator, u = 1 and v = 0, is always stable. Depending on F and k,
patches of activator spread and divide into a pattern. Regimes (F, k): gliders (.014, .054), maze
(.029, .057), worms (.058, .065), spirals (.018, .051), spots (.03, .062), and bubbles (.098, .057) from a
start that is full of activator except for some holes.

Parameters: ``diffusivity_u`` is D_u, ``diffusivity_v`` D_v, ``feed`` F, ``kill`` k. Actions may also add to
``feed`` or ``kill``, which then vary over space.

Budgets, with <.> the spatial mean, M_u = <u> and M_v = <v>:

    dM_u/dt = -<u v^2> + F (1 - M_u) + <f_u>
    dM_v/dt = <u v^2> - (F + k) M_v + <f_v>

Good values: D_u = 2e-5, D_v = 1e-5, one of the regimes above, L = 1 with N = 128 (L = 0.5 with N = 64), step 1
to 2.5, some thousand time units. Gliders and spirals die out on domains much smaller than L = 0.75.
Patterns have lengths of about 0.1 and edges of 0.01: a grid spacing of 0.008 resolves the spreading patches
to three digits, 0.004 to six.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.grid import PeriodicGrid
from simulations.parameters import non_negative, positive
from simulations.pseudospectral import SpectralSimulation
from simulations.step_limits import StepLimit


class GrayScott(SpectralSimulation):
    """Forced Gray-Scott equations (Pearson 1993, doi:10.1126/science.261.5118.189)."""

    equation = "gray_scott"
    num_spatial_dims = (1, 2)
    dealiasing = 1 / 2
    variables: ClassVar[tuple[Variable, ...]] = (
        Variable("u", "concentration of the substrate"),
        Variable("v", "concentration of the activator"),
    )
    functional_names = ("mass_u", "mass_v")
    parameters = (
        positive("diffusivity_u", "diffusivity of the substrate", 2e-5),
        positive("diffusivity_v", "diffusivity of the activator", 1e-5),
        non_negative("feed", "rate at which substrate is fed and everything is washed out", 0.03),
        non_negative("kill", "rate at which activator is removed", 0.062),
    )
    modulated_parameters = ("feed", "kill")

    def linear_symbol(self) -> NDArray[Any]:
        """``-D_u |k|^2 - F`` and ``-D_v |k|^2 - (F + k)``."""
        feed, kill = self.parameter("feed"), self.parameter("kill")
        substrate = self.parameter("diffusivity_u") * self.grid.laplacian - feed
        activator = self.parameter("diffusivity_v") * self.grid.laplacian - feed - kill
        return np.concatenate(np.broadcast_arrays(substrate, activator), axis=1)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-u v^2 + F`` and ``u v^2``."""
        u, v = self.to_grid(self.dealiased(state_hat)).split(1, dim=1)
        reaction = u * v.square()
        return self.dealiased(self.spectrum(torch.cat([self.table("feed", state_hat) - reaction, reaction], dim=1)))

    def parameter_response(self, name: str, fields: Tensor) -> Tensor:
        """``(1 - u, -v)`` for feed, ``(0, -v)`` for kill."""
        u, v = fields.split(1, dim=1)
        return torch.cat([1 - u if name == "feed" else torch.zeros_like(u), -v], dim=1)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random patches of activator on a tenth of the domain, with u = 1 - a / 2 and v = a / 2 inside.

        ``amplitude`` is a. The value 1 starts every pattern above; from a small one the activator dies out.
        """
        # In unit time the activator diffuses by 1/8 of the width.
        width = 8 * np.sqrt(np.max(self.values["diffusivity_v"]))
        count = np.prod([max(1, int(extent / (8 * width))) for extent in self.grid.extents])
        inside = random_patches(self.grid, rng, count=int(count), width=width)
        return np.stack([1 - amplitude / 2 * inside, amplitude / 2 * inside])

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass_u`` = <u>, ``mass_v`` = <v>."""
        return {"mass_u": self.mean_over_space(fields[:, :1]), "mass_v": self.mean_over_space(fields[:, 1:])}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """The derivatives by (u, v): (1, 0) and (0, 1)."""
        zero, one = torch.zeros_like(fields[:, :1]), torch.ones_like(fields[:, :1])
        return {"mass_u": torch.cat([one, zero], dim=1), "mass_v": torch.cat([zero, one], dim=1)}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for the reaction where it is fastest."""
        u, v = fields.split(1, dim=1)
        return [self.reactive_limit(float((v.square() + 2 * (u * v).abs()).max()))]


def random_patches(grid: PeriodicGrid, rng: np.random.Generator, *, count: int, width: float) -> NDArray[np.float64]:
    """Gaussian patches at random places, 1 at their centres and 0 outside; overlapping patches merge.

    Args:
        grid: The periodic grid.
        rng: Draws the centres.
        count: The number of patches.
        width: The standard deviation of a patch, in the units of ``x``.
    """
    outside = np.ones(grid.shape)
    for _ in range(count):
        along = [
            np.sin(np.pi * (x / extent - rng.uniform())) * extent / np.pi  # distance, made periodic
            for x, extent in zip(grid.mesh, grid.extents, strict=True)
        ]
        outside = outside * (1 - np.exp(-sum(d**2 for d in along) / (2 * width**2)))
    return np.asarray(1 - outside)
