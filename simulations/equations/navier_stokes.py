"""Incompressible Navier-Stokes in a periodic rectangle, as an equation for the vorticity.

    w_t + u w_x + v w_y = nu lap w - mu w - A k cos(k y) + f(x, y, t),    k = 2 pi n / L_y
    w = v_x - u_y,    (u, v) = (-psi_y, psi_x),    lap psi = w

The steady term is the curl of the body force ``A sin(k y)`` along ``x`` (Kolmogorov flow). The stream function
has zero mean: a uniform flow (U, V) is given as parameters, and the mean of w has no effect on the flow.

Expected behaviour: without forcing, vortices of the same sign merge, and the enstrophy decays in ever thinner
filaments. Under the body force, the laminar flow ``u = A sin(k y) / (nu k^2 + mu)`` breaks up into vortices,
and the drag removes the energy that accumulates in the longest waves.

Parameters: ``viscosity`` is nu, ``drag`` mu, ``forcing_amplitude`` A, ``forcing_wavenumber`` n; ``stream_x``
and ``stream_y`` are U and V.

Budgets, with <.> the spatial mean, the energy E = <u^2 + v^2>/2, the enstrophy Z = <w^2>/2, and the body force F:

    dE/dt = -2 nu Z - 2 mu E + <u F> - <psi f>
    dZ/dt = -nu <|grad w|^2> - 2 mu Z - <w A k cos(k y)> + <w f>

Good values: L = 2 pi, nu = 0.01, mu = 0.1, A = 1, n = 4, N = 64, step 0.0125: chaotic, root mean square
of w 3.6, leading Lyapunov exponent 0.39. For nu below 0.005 use more points and shorter steps.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.equations.vorticity import VorticityFlow
from simulations.inplace import TORCH, Arithmetic, Kernel
from simulations.quadratic import QuadraticSimulation

Array = NDArray[Any]


class NavierStokes(VorticityFlow, QuadraticSimulation):
    """Forced two-dimensional flow; with ``forcing_amplitude`` zero, decaying turbulence.

    Within an interval the solver squares ``c = u + i v``: ``c^2 = u^2 - v^2 + 2 i u v`` holds both products of
    the nonlinear term, so that one complex transform each way is enough. With ``kappa = k_x + i k_y``,

        c_hat = w_hat / conj(kappa),    N_hat = X(k) + conj X(-k),    X = conj(kappa)^2 F[c^2] / 4i

    The packed spectrum holds all waves of the 2/3 rule, ``|k_x| <= K_x`` and ``|k_y| <= K_y``, in ascending
    order. They stand in the corner of the transform's input, that is, shifted by (K_x, K_y); the square is
    therefore shifted by twice as much.
    """

    equation = "navier_stokes"

    def pack(self, state_hat: Tensor) -> Tensor:
        """All waves of the real field with this half spectrum, ``(..., 2 K_x + 1, 2 K_y + 1)``."""
        kx, ky = self._largest_waves
        rows = torch.arange(-kx, kx + 1, device=state_hat.device) % self.grid.shape[0]
        right = state_hat[..., rows, : ky + 1]
        left = right[..., 1:].flip((-2, -1)).conj()
        return torch.cat([left, right], dim=-1)

    def pack_table(self, table: Array) -> Array:
        """The table of a real operator for all waves."""
        kx, ky = self._largest_waves
        right = table[..., np.arange(-kx, kx + 1), : ky + 1]
        return np.concatenate([np.conj(np.flip(right[..., 1:], (-2, -1))), right], axis=-1)

    def unpack(self, packed: Tensor) -> Tensor:
        """The half spectrum, in the order of a real transform."""
        kx, ky = self._largest_waves
        half = packed.new_zeros(*packed.shape[:-2], *self.grid.laplacian.shape)
        half[..., : kx + 1, : ky + 1] = packed[..., kx:, ky:]
        half[..., -kx:, : ky + 1] = packed[..., :kx, ky:]
        return half

    def square(self, packed: Tensor) -> Tensor:
        """The spectrum of ``(u + i v)^2``."""
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
        """The kernel with one complex transform each way."""
        return FlowKernel(self.table("flow", like), self.grid.shape, like, tape)

    @property
    def chunk(self) -> int:
        """As many elements as make a transform of about 0.3 MB in single precision."""
        return max(1, 32768 // int(np.prod(self.grid.shape)))

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """Also ``1 / conj(kappa)``, the operator from the vorticity to ``u + i v``."""
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
    """The spectrum of ``(u + i v)^2`` for all waves ``(batch, 1, 2 K_x + 1, 2 K_y + 1)`` of the vorticity.

    Each call writes the corner of the transform's input; the rest stays zero.
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
        """A window in the transform's input, which is zero elsewhere."""
        self.spread = torch.zeros_like(self.padded)
        return self.spread[self.window]

    def pull_back(self, fields: Tensor, inlet: Tensor, memory: Tensor) -> Tensor:
        """``A F^-1[c F n]``: the transpose of the map, without a conjugate, as the map is holomorphic."""
        slopes = torch.fft.fft2(self.spread).mul_(fields)
        rows, columns = memory.shape[-2:]
        return torch.mul(self.flow, torch.fft.ifft2(slopes)[..., :rows, :columns], out=memory)

    def enter_gradient(self, gradient: Tensor) -> Tensor:
        """The conjugate of the gradient."""
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
