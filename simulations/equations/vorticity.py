"""Two-dimensional incompressible flow given by its vorticity: the terms that equations of such a flow share.

    w = v_x - u_y,    (u, v) = (-psi_y, psi_x),    lap psi = w

See :mod:`simulations.equations.navier_stokes` for the equation of the vorticity.
"""

from collections.abc import Mapping, Sequence
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

Array = NDArray[Any]


class VorticityFlow(SpectralSimulation):
    """A flow with the vorticity as its first variable; the base of both Navier-Stokes equations.

    The nonlinear term takes four transforms (Basdevant 1983, doi:10.1016/0021-9991(83)90118-X).
    """

    num_spatial_dims = (2,)
    variables: ClassVar[tuple[Variable, ...]] = (Variable("w", "vorticity"),)
    functional_names: ClassVar[tuple[str, ...]] = ("energy", "enstrophy")
    parameters: ClassVar[tuple[Parameter, ...]] = (
        non_negative("viscosity", "kinematic viscosity", 0.01),
        non_negative("drag", "linear drag", 0.1),
        Parameter("forcing_amplitude", "amplitude of the steady body force along x", 1.0),
        Parameter("forcing_wavenumber", "waves of the body force over the domain's height", 4.0, low=1.0),
        Parameter("stream_x", "uniform flow along x that carries everything", 0.0),
        Parameter("stream_y", "uniform flow along y that carries everything", 0.0),
    )

    def linear_symbol(self) -> Array:
        """``-nu |k|^2 - mu - i (U k_x + V k_y)``, real without a uniform stream (U, V)."""
        decay = self.parameter("viscosity") * self.grid.laplacian - self.parameter("drag")
        return np.asarray(decay + self.carried())

    def carried(self) -> Array | float:
        """``-i (U k_x + V k_y)``: the part of the linear symbol from the uniform stream."""
        if not (self.values["stream_x"].any() or self.values["stream_y"].any()):
            return 0.0
        kx, ky = self.grid.odd_wavenumbers
        return np.asarray(-1j * (self.parameter("stream_x") * kx + self.parameter("stream_y") * ky))

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-(u w_x + v w_y)``."""
        return self.vorticity_advection(self.smooth_velocity(state_hat))

    def smooth_velocity(self, state_hat: Tensor) -> Tensor:
        """The dealiased velocity on the grid, ``(batch, 2, *space)``, of a spectrum with the vorticity first."""
        return self.to_grid(self.table("velocity", state_hat) * self.dealiased(state_hat[:, :1]))

    def vorticity_advection(self, velocity: Tensor) -> Tensor:
        """``(u v)_yy - (u v)_xx + (u^2 - v^2)_xy``, as a spectrum ``(batch, 1, *modes)``."""
        u, v = velocity.split(1, dim=1)
        products_hat = self.spectrum(torch.cat([u * v, (u - v) * (u + v)], dim=1))
        return (self.table("curl_of_divergence", products_hat) * products_hat).sum(dim=1, keepdim=True)

    def steady_forcing(self) -> Array:
        """``-A k cos(k y)``, the curl of the body force."""
        k = 2 * np.pi * self.parameter("forcing_wavenumber") / self.grid.extents[1]
        forcing = -self.parameter("forcing_amplitude") * k * np.cos(k * self.grid.mesh[1])
        return np.asarray(forcing + np.zeros(self.grid.shape))

    def stream_function(self, fields: Tensor) -> Tensor:
        """The stream function psi, ``(batch, 1, *space)``; its mean is zero."""
        vorticity_hat = self.spectrum(fields[:, :1])
        return self.to_grid(self.table("inverse_laplacian", vorticity_hat) * vorticity_hat)

    def velocity(self, fields: Tensor) -> Tensor:
        """The velocity (u, v) without the uniform stream, ``(batch, 2, *space)``."""
        vorticity_hat = self.spectrum(fields[:, :1])
        return self.to_grid(self.table("velocity", vorticity_hat) * vorticity_hat)

    def dissipation(self, fields: Tensor) -> Tensor:
        """The rate at which viscosity dissipates energy, ``nu <w^2>``, ``(batch,)``."""
        return self.mean_over_space(self.table("viscosity", fields) * fields[:, :1].square())

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves with fewer than six periods across the domain."""
        return random_field(self.grid, rng, cutoff=6, amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``energy`` = <u^2 + v^2>/2 = -<psi w>/2, ``enstrophy`` = <w^2>/2."""
        vorticity = fields[:, :1]
        energy = -self.mean_over_space(self.stream_function(fields) * vorticity) / 2
        return {"energy": energy, "enstrophy": self.mean_over_space(vorticity.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """``dE/dw = -psi`` and ``dZ/dw = w``."""
        return {"energy": -self.stream_function(fields), "enstrophy": fields[:, :1]}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """The limit for advection at the largest ``|u| + |v|``."""
        return [self.advective_limit(float(self.velocity(fields).abs().sum(dim=1).max()))]

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """Also the operators between vorticity, stream function and velocity."""
        (kx, ky), odd = self.grid.wavenumbers, self.grid.odd_wavenumbers
        laplacian = self.grid.laplacian
        inverse = np.divide(1.0, laplacian, out=np.zeros_like(laplacian), where=laplacian != 0)
        curl_of_divergence = self.grid.dealiasing_mask(self.dealiasing) * np.stack([kx**2 - ky**2, -kx * ky])
        return super().tables() | {
            "inverse_laplacian": (inverse,),
            "velocity": (np.stack([-1j * odd[1] * inverse, 1j * odd[0] * inverse]),),
            "curl_of_divergence": (curl_of_divergence,),
        }

    def _set_parameters(self, parameters: Mapping[str, float | Sequence[float] | Array]) -> None:
        super()._set_parameters(parameters)
        waves, resolved = self.values["forcing_wavenumber"], self.dealiasing * self.grid.shape[1] / 2
        if np.any(waves != np.round(waves)) or np.any(waves >= resolved):
            raise ValueError(
                f"{self.equation}: expected forcing_wavenumber to be an integer below {resolved:g} on "
                f"{self.grid.shape[1]} points, got {waves}. Use more points along y for more waves."
            )
