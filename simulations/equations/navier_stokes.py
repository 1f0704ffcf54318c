"""Incompressible Navier-Stokes in a periodic rectangle, as an equation of its vorticity.

    w_t + u w_x + v w_y = nu lap w - mu w - A k cos(k y) + f(x, y, t),    k = 2 pi n / L_y
    w = v_x - u_y,    (u, v) = (-psi_y, psi_x),    lap psi = w

The steady term is the curl of the body force ``A sin(k y)`` along ``x`` (Kolmogorov flow). The
stream function has no mean: a uniform flow ``(U, V)`` is a parameter, and a mean of ``w`` moves nothing.

Expected behaviour: without forcing, vortices of one sign merge and the enstrophy decays in ever
thinner filaments; under the body force, the laminar flow ``u = A sin(k y) / (nu k^2 + mu)`` breaks
into vortices, and the drag takes up the energy that gathers in the longest waves.

Budgets, with <.> the spatial mean, E = <u^2 + v^2>/2, Z = <w^2>/2, F the body force:

    dE/dt = -2 nu Z - 2 mu E + <u F> - <psi f>
    dZ/dt = -nu <|grad w|^2> - 2 mu Z - <w A k cos(k y)> + <w f>

Good values: L = 2 pi, nu = 0.01, mu = 0.1, A = 1, n = 4, N = 64, step 0.0125: chaotic, |w| of rms
3.6, leading Lyapunov exponent 0.39. Below nu = 0.005 take more points and shorter steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import StepLimit, Variable
from simulations.initial import random_field
from simulations.inplace import TORCH, Arithmetic, Kernel
from simulations.parameters import Parameter, non_negative
from simulations.pseudospectral import SpectralSimulation
from simulations.quadratic import QuadraticSimulation

Array = NDArray[Any]


class VorticityFlow(SpectralSimulation):
    """A flow with the vorticity as its first variable.

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
        """``-nu |k|^2 - mu - i (U k_x + V k_y)``, real where there is no uniform stream (U, V)."""
        decay = self.parameter("viscosity") * self.grid.laplacian - self.parameter("drag")
        return np.asarray(decay + self.carried())

    def carried(self) -> Array | float:
        """``-i (U k_x + V k_y)``: the part of the linear symbol that the uniform stream has."""
        if not (self.values["stream_x"].any() or self.values["stream_y"].any()):
            return 0.0
        kx, ky = self.grid.odd_wavenumbers
        return np.asarray(-1j * (self.parameter("stream_x") * kx + self.parameter("stream_y") * ky))

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-(u w_x + v w_y)``."""
        return self.vorticity_advection(self.smooth_velocity(state_hat))

    def smooth_velocity(self, state_hat: Tensor) -> Tensor:
        """The dealiased flow on the grid, ``(batch, 2, *space)``, from a spectrum with the vorticity first."""
        return self.to_grid(self.table("velocity", state_hat) * self.dealiased(state_hat[:, :1]))

    def vorticity_advection(self, velocity: Tensor) -> Tensor:
        """``(u v)_yy - (u v)_xx + (u^2 - v^2)_xy``, as a spectrum ``(batch, 1, *modes)``."""
        u, v = velocity.split(1, dim=1)
        products_hat = self.spectrum(torch.cat([u * v, (u - v) * (u + v)], dim=1))
        return (self.table("curl_of_divergence", products_hat) * products_hat).sum(dim=1, keepdim=True)

    def steady_forcing(self) -> Array:
        """``-A k cos(k y)``."""
        k = 2 * np.pi * self.parameter("forcing_wavenumber") / self.grid.extents[1]
        forcing = -self.parameter("forcing_amplitude") * k * np.cos(k * self.grid.mesh[1])
        return np.asarray(forcing + np.zeros(self.grid.shape))

    def stream_function(self, fields: Tensor) -> Tensor:
        """``psi`` with ``lap psi = w``, ``(batch, 1, *space)``."""
        vorticity_hat = self.spectrum(fields[:, :1])
        return self.to_grid(self.table("inverse_laplacian", vorticity_hat) * vorticity_hat)

    def velocity(self, fields: Tensor) -> Tensor:
        """``(u, v)``, ``(batch, 2, *space)``."""
        vorticity_hat = self.spectrum(fields[:, :1])
        return self.to_grid(self.table("velocity", vorticity_hat) * vorticity_hat)

    def dissipation(self, fields: Tensor) -> Tensor:
        """Energy that viscosity takes per unit of time and area, ``nu <w^2>``, ``(batch,)``."""
        return self.mean_over_space(self.table("viscosity", fields) * fields[:, :1].square())

    def initial_state(self, rng: np.random.Generator, *, amplitude: float) -> NDArray[np.float64]:
        """Random waves with less than six periods across the domain."""
        return random_field(self.grid, rng, cutoff=6, amplitude=amplitude)[None]

    def functionals(self, fields: Tensor) -> dict[str, Tensor]:
        """``energy`` = <u^2 + v^2>/2 = -<psi w>/2, ``enstrophy`` = <w^2>/2."""
        vorticity = fields[:, :1]
        energy = -self.mean_over_space(self.stream_function(fields) * vorticity) / 2
        return {"energy": energy, "enstrophy": self.mean_over_space(vorticity.square()) / 2}

    def derivatives(self, fields: Tensor) -> dict[str, Tensor]:
        """-psi and w."""
        return {"energy": -self.stream_function(fields), "enstrophy": fields[:, :1]}

    def step_limits_at(self, fields: Tensor) -> list[StepLimit]:
        """Advection along a diagonal by the fastest fluid."""
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
                f"{self.grid.shape[1]} points, got {waves}. More points along y resolve more waves."
            )


class NavierStokes(VorticityFlow, QuadraticSimulation):
    """Forced two-dimensional flow; decaying turbulence where ``forcing_amplitude`` is zero.

    Between the ends of an interval, ``c = u + i v`` is squared: ``c^2 = u^2 - v^2 + 2 i u v`` holds both
    products of the nonlinear term in one complex transform each way. With ``kappa = k_x + i k_y``,

        c_hat = w_hat / conj(kappa),    N_hat = X(k) + conj X(-k),    X = conj(kappa)^2 F[c^2] / 4i

    Packed are all waves of the 2/3 rule, ``|k_x| <= K_x`` and ``|k_y| <= K_y``, in ascending order. They
    enter the transform from its corner, as if shifted by (K_x, K_y); the square comes out at twice that.
    """

    equation = "navier_stokes"

    def pack(self, state_hat: Tensor) -> Tensor:
        """All waves of the real field whose half spectrum this is, ``(..., 2 K_x + 1, 2 K_y + 1)``."""
        kx, ky = self._largest_waves
        rows = torch.arange(-kx, kx + 1, device=state_hat.device) % self.grid.shape[0]
        right = state_hat[..., rows, : ky + 1]
        left = right[..., 1:].flip((-2, -1)).conj()
        return torch.cat([left, right], dim=-1)

    def pack_table(self, table: Array) -> Array:
        """All waves of the table of a real operator."""
        kx, ky = self._largest_waves
        right = table[..., np.arange(-kx, kx + 1), : ky + 1]
        return np.concatenate([np.conj(np.flip(right[..., 1:], (-2, -1))), right], axis=-1)

    def unpack(self, packed: Tensor) -> Tensor:
        """Half of the waves, in the order of a real transform."""
        kx, ky = self._largest_waves
        half = packed.new_zeros(*packed.shape[:-2], *self.grid.laplacian.shape)
        half[..., : kx + 1, : ky + 1] = packed[..., kx:, ky:]
        half[..., -kx:, : ky + 1] = packed[..., :kx, ky:]
        return half

    def square(self, packed: Tensor) -> Tensor:
        """The transform of ``(u + i v)^2``."""
        kx, ky = self._largest_waves
        flow = torch.fft.ifft2(self.table("flow", packed) * packed, s=self.grid.shape)
        return torch.fft.fft2(flow.square())[..., kx : 3 * kx + 1, ky : 3 * ky + 1]

    def product_table(self) -> Array:
        """``conj(kappa)^2 / 4i``."""
        return np.asarray(np.conj(self._kappa()) ** 2 / 4j)

    def complete(self, weighed: Tensor) -> Tensor:
        """``X(k) + conj X(-k)``."""
        return weighed + weighed.flip((-2, -1)).conj()

    def kernel(self, like: Tensor, tape: list[Any] | None) -> Kernel:
        """One complex transform each way."""
        return FlowKernel(self.table("flow", like), self.grid.shape, like, tape)

    @property
    def chunk(self) -> int:
        """Transforms of about 0.3 MB in single precision."""
        return max(1, 32768 // int(np.prod(self.grid.shape)))

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """Also ``1 / conj(kappa)``, which turns vorticity into flow."""
        kappa = np.conj(self._kappa())
        flow = np.divide(1.0, kappa, out=np.zeros_like(kappa), where=kappa != 0)
        return super().tables() | {"flow": (flow,)}

    def _kappa(self) -> Array:
        kx, ky = (
            2 * np.pi * np.arange(-most, most + 1) / extent
            for most, extent in zip(self._largest_waves, self.grid.extents, strict=True)
        )
        return kx[:, None] + 1j * ky

    @property
    def _largest_waves(self) -> tuple[int, int]:
        kx, ky = (-(-n // 3) - 1 for n in self.grid.shape)
        return kx, ky


class FlowKernel(Kernel):
    """The transform of ``(u + i v)^2`` for all waves ``(batch, 1, 2 K_x + 1, 2 K_y + 1)`` of the vorticity.

    The corner is written anew each time; the rest of the transform's input stays zero.
    """

    arithmetic: ClassVar[Arithmetic] = TORCH
    mirrors: ClassVar[bool] = True

    def __init__(self, flow: Tensor, shape: tuple[int, ...], like: Tensor, tape: list[Any] | None) -> None:
        super().__init__(tape)
        rows, columns = like.shape[-2:]
        self.flow = flow
        self.padded = like.new_zeros(*like.shape[:-2], *shape)
        self.corner = self.padded[..., :rows, :columns]
        kx, ky = rows // 2, columns // 2
        self.window = (..., slice(kx, kx + rows), slice(ky, ky + columns))
        sign = torch.tensor([1.0, -1.0], device=like.device, dtype=like.real.dtype)
        self.sign = sign.expand(rows, columns, 2).contiguous()

    def square(self, spectrum: Tensor, memory: Tensor) -> Tensor:
        torch.mul(self.flow, spectrum, out=self.corner)
        flow = torch.fft.ifft2(self.padded)
        if self.tape is None:
            return torch.fft.fft2(flow.square_())[self.window]
        self.tape.append(flow)
        return torch.fft.fft2(flow.square())[self.window]

    def inlet(self, like: Tensor) -> Tensor:
        """A window on the transform's input, zero elsewhere."""
        self.spread = torch.zeros_like(self.padded)
        return self.spread[self.window]

    def pull_back(self, fields: Tensor, inlet: Tensor, memory: Tensor) -> Tensor:
        """``A F^-1[c F n]``: of holomorphic maps, the transposed without a conjugate."""
        slopes = torch.fft.fft2(self.spread).mul_(fields)
        rows, columns = memory.shape[-2:]
        return torch.mul(self.flow, torch.fft.ifft2(slopes)[..., :rows, :columns], out=memory)

    def enter_gradient(self, gradient: Tensor) -> Tensor:
        """Its conjugate."""
        return gradient.resolve_conj().conj_physical()

    def leave_gradient(self, values: Tensor) -> Tensor:
        return values.conj_physical()

    def adjoint_table(self, table: Tensor) -> Tensor:
        return table

    def mirror(self, weighed: Tensor) -> None:
        image = torch.view_as_real(weighed.flip((-2, -1)))
        torch.view_as_real(weighed).addcmul_(image, self.sign)

    def mirrored(self, weighed: Tensor, memory: Tensor) -> Tensor:
        image = torch.view_as_real(weighed.flip((-2, -1)))
        torch.addcmul(torch.view_as_real(weighed), image, self.sign, out=torch.view_as_real(memory))
        return memory
