"""Rotating shallow water: gravity waves and balanced vortices in a thin layer with a free surface.

    u_t + u u_x + v u_y - f v = -g eta_x + nu lap u + F_u
    v_t + u v_x + v v_y + f u = -g eta_y + nu lap v + F_v
    eta_t + ((H + eta) u)_x + ((H + eta) v)_y = F_eta        periodic in x and y

Expected behaviour: small disturbances radiate as gravity waves of frequency ``omega^2 = f^2 + g H |k|^2`` and
leave a steady flow in geostrophic balance, ``f v = g eta_x`` and ``f u = -g eta_y``. Strong waves steepen into
bores, which the solver resolves only with viscosity.

Parameters: ``coriolis`` is f, ``gravity`` g, ``depth`` H, ``viscosity`` nu.

Budgets, with <.> the spatial mean, h = H + eta, M = <eta> and E = <h (u^2 + v^2) + g eta^2>/2:

    dM/dt = <F_eta>
    dE/dt = nu <h (u lap u + v lap v)> + <h (u F_u + v F_v) + ((u^2 + v^2)/2 + g eta) F_eta>

Good values: L = 2 pi, f = g = H = 1 (waves of speed 1, deformation radius 1), nu = 0.002, N = 64,
step 0.025, |u| of order 0.2. The depth H + eta must stay positive.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Variable
from simulations.initial import random_field
from simulations.parameters import Parameter, non_negative, positive
from simulations.pseudospectral import SpectralSimulation
from simulations.step_limits import StepLimit

Array = NDArray[Any]


class ShallowWater(SpectralSimulation):
    """Forced rotating shallow water (Vallis 2017, doi:10.1017/9781107588417, chapter 3).

    Advection is in its vector-invariant form ``zeta (-v, u) + grad (u^2 + v^2)/2`` with
    ``zeta = v_x - u_y``: it takes 9 transforms instead of 11, and conserves energy up to the part that
    products transfer to waves beyond the grid. Gravity waves are stepped explicitly and limit the step.
    """

    equation = "shallow_water"
    num_spatial_dims = (2,)
    variables: ClassVar[tuple[Variable, ...]] = (
        Variable("u", "velocity along x"),
        Variable("v", "velocity along y"),
        Variable("eta", "surface elevation"),
    )
    functional_names = ("mass", "energy")
    parameters = (
        Parameter("coriolis", "Coriolis frequency", 1.0),
        positive("gravity", "gravitational acceleration", 1.0),
        positive("depth", "depth at rest", 1.0),
        non_negative("viscosity", "kinematic viscosity", 0.002),
    )

    def linear_symbol(self) -> Array:
        """``-nu |k|^2`` for both velocities, zero for the elevation."""
        diffusion = self.parameter("viscosity") * self.grid.laplacian
        return np.concatenate([diffusion, diffusion, 0 * diffusion], axis=1)

    def tendency(self, state_hat: Tensor, forcing_hat: Tensor) -> Tensor:
        """The nonlinear term, the linear waves without dealiasing, and the forcing."""
        return super().tendency(state_hat, forcing_hat) + self.linear_waves(state_hat)

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``zeta v - K_x``, ``-zeta u - K_y`` and ``-(eta u)_x - (eta v)_y`` with ``K = (u^2 + v^2)/2``."""
        smooth = self.dealiased(state_hat)
        vorticity_hat = self.derivative(smooth[:, 1:2], axis=0) - self.derivative(smooth[:, :1], axis=1)
        u, v, eta, vorticity = self.to_grid(torch.cat([smooth, vorticity_hat], dim=1)).split(1, dim=1)
        products = torch.cat([vorticity * v, vorticity * u, (u * u + v * v) / 2, eta * u, eta * v], dim=1)
        turn_x, turn_y, head, flux_x, flux_y = self.dealiased(self.spectrum(products)).split(1, dim=1)
        along_x = turn_x - self.derivative(head, axis=0)
        along_y = -turn_y - self.derivative(head, axis=1)
        return torch.cat([along_x, along_y, -self._divergence(flux_x, flux_y)], dim=1)

    def linear_waves(self, state_hat: Tensor) -> Tensor:
        """``f v - g eta_x``, ``-f u - g eta_y`` and ``-H (u_x + v_y)``."""
        u, v, eta = state_hat.split(1, dim=1)
        coriolis, gravity, depth = (self.table(name, state_hat) for name in ("coriolis", "gravity", "depth"))
        along_x = coriolis * v - gravity * self.derivative(eta, axis=0)
        along_y = -coriolis * u - gravity * self.derivative(eta, axis=1)
        return torch.cat([along_x, along_y, -depth * self._divergence(u, v)], dim=1)

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves with fewer than four periods across the domain, in geostrophic balance.

        Where parameters differ within the batch, the surface balances their mean ``f / g``.
        """
        stream = random_field(self.grid, rng, cutoff=4, amplitude=1.0)
        kx, ky = self.grid.odd_wavenumbers
        u, v = (np.fft.irfft2(1j * k * np.fft.rfft2(stream), s=self.grid.shape) for k in (-ky, kx))
        balance = np.mean(self.values["coriolis"] / self.values["gravity"])
        fields = np.stack([u, v, balance * stream])
        return np.asarray(amplitude * fields / np.sqrt(np.mean(fields**2)))

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``mass`` = <eta>, ``energy`` = <(H + eta) (u^2 + v^2) + g eta^2>/2."""
        flow, eta = fields[:, :2], fields[:, 2:]
        density = (self.table("depth", fields) + eta) * flow.square().sum(dim=1, keepdim=True)
        density = (density + self.table("gravity", fields) * eta.square()) / 2
        return {"mass": self.mean_over_space(eta), "energy": self.mean_over_space(density)}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """The derivatives by (u, v, eta): (0, 0, 1) and ``(h u, h v, (u^2 + v^2)/2 + g eta)``."""
        flow, eta = fields[:, :2], fields[:, 2:]
        transport = (self.table("depth", fields) + eta) * flow
        head = flow.square().sum(dim=1, keepdim=True) / 2 + self.table("gravity", fields) * eta
        mass = torch.cat([torch.zeros_like(flow), torch.ones_like(eta)], dim=1)
        return {"mass": mass, "energy": torch.cat([transport, head], dim=1)}

    def blown_up(self, state: Tensor) -> Tensor:
        """Also true where the depth is zero or negative, where the equations are ill-posed."""
        dry = (self.table("depth", state) + state[:, 2:]).flatten(1).amin(dim=1) <= 0
        return super().blown_up(state) | dry

    def step_limits(self) -> list[StepLimit]:
        """The limit for the shortest gravity wave.

        Raises:
            ValueError: At second order without viscosity, as no step is stable then.
        """
        shortest = sum(float(np.abs(k).max()) ** 2 for k in self.grid.odd_wavenumbers)
        viscosity = self.values["viscosity"]
        frequency = np.sqrt(self.values["coriolis"] ** 2 + self.values["gravity"] * self.values["depth"] * shortest)
        if self.order == 4:
            return [StepLimit(2.8 / float(frequency.max()), "the shortest gravity wave")]
        if not np.all(viscosity > 0):
            raise ValueError(f"{self.equation}: expected viscosity > 0 at order 2, got {viscosity}. Use order = 4.")
        # The scheme amplifies at the rate frequency^4 step^3 / 8, viscosity damps waves at nu k^2 / 2.
        damped = float(np.min(4 * viscosity * shortest / frequency**4)) ** (1 / 3)
        return [StepLimit(damped, "amplification of the shortest gravity wave at order 2")]

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection at the largest ``|u| + |v|`` plus the speed of gravity waves."""
        depth = (self.table("depth", fields) + fields[:, 2:]).clamp(min=0)
        waves = (2 * self.table("gravity", fields) * depth).sqrt()
        return [self.advective_limit(float((fields[:, :2].abs().sum(dim=1, keepdim=True) + waves).max()))]

    def _divergence(self, flux_x: Tensor, flux_y: Tensor) -> Tensor:
        return self.derivative(flux_x, axis=0) + self.derivative(flux_y, axis=1)
