"""Gray-Scott: an activator v that feeds on a substrate u, and the patterns that this makes.

    u_t = D_u lap u - u v^2 + F (1 - u) + f_u(x, t)
    v_t = D_v lap v + u v^2 - (F + k) v + f_v(x, t)        on [0, L) or [0, L)^2, periodic

Expected behaviour: the state without activator, u = 1 and v = 0, is always stable; patches of
activator, if F (feed) and k (kill) allow it, spread and divide into a pattern. Regimes (F, k): gliders
(.014, .054), maze (.029, .057), worms (.058, .065), spirals (.018, .051), spots (.03, .062); bubbles
(.098, .057) from a start full of activator but for some holes.

Budgets, with <.> the spatial mean, M_u = <u> and M_v = <v>:

    dM_u/dt = -<u v^2> + F (1 - M_u) + <f_u>
    dM_v/dt = <u v^2> - (F + k) M_v + <f_v>

Actions may also add to feed or kill, which then vary over space.

Good values: D_u = 2e-5, D_v = 1e-5, one of the regimes above, L = 1 with N = 128 (L = 0.5 with N = 64), step 1
to 2.5, some thousand time units; gliders and spirals die out on domains much below L = 0.75. Patterns
are about 0.1 long with edges of 0.01: a grid spacing of 0.008 resolves the spreading patches to three
digits, 0.004 to six.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import StepLimit, Variable
from simulations.grid import PeriodicGrid
from simulations.parameters import non_negative, positive
from simulations.pseudospectral import SpectralSimulation


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
        """``-D_u |k|^2 - F`` and ``-D_v |k|^2 - (F + k)``: about u = 1, v = 0."""
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
        """No activator but for random patches on a tenth of the domain, where u = 1 - a / 2 and v = a / 2.

        ``amplitude`` is a: 1 starts every pattern above; where it is too small, the activator dies out.
        """
        width = 8 * np.sqrt(np.max(self.values["diffusivity_v"]))  # the activator spreads over 1/8 of it in unit time
        count = np.prod([max(1, int(extent / (8 * width))) for extent in self.grid.extents])
        inside = random_patches(self.grid, rng, count=int(count), width=width)
        return np.stack([1 - amplitude / 2 * inside, amplitude / 2 * inside])

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass_u`` = <u>, ``mass_v`` = <v>."""
        return {"mass_u": self.mean_over_space(fields[:, :1]), "mass_v": self.mean_over_space(fields[:, 1:])}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """(1, 0) and (0, 1)."""
        zero, one = torch.zeros_like(fields[:, :1]), torch.ones_like(fields[:, :1])
        return {"mass_u": torch.cat([one, zero], dim=1), "mass_v": torch.cat([zero, one], dim=1)}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The reaction where it is fastest."""
        u, v = fields.split(1, dim=1)
        return [self.reactive_limit(float((v.square() + 2 * (u * v).abs()).max()))]


def random_patches(grid: PeriodicGrid, rng: np.random.Generator, *, count: int, width: float) -> NDArray[np.float64]:
    """Gaussian patches at random places, from 1 in their middle to 0 outside; they merge where they overlap."""
    outside = np.ones(grid.shape)
    for _ in range(count):
        along = [
            np.sin(np.pi * (x / extent - rng.uniform())) * extent / np.pi  # distance, made periodic
            for x, extent in zip(grid.mesh, grid.extents, strict=True)
        ]
        outside = outside * (1 - np.exp(-sum(d**2 for d in along) / (2 * width**2)))
    return np.asarray(1 - outside)
