"""Equations whose nonlinear term is the square of one field: the same steps in fewer passes.

    v_t = l v + S[D q(v)] + f,    q(v) = F[(F^-1[A v])^2]

A and D are diagonal in Fourier space, and S, where there is one, adds the mirror image of a complex
spectrum. The coefficients of the exponential integrators (``integrators``) are folded into D
beforehand, so that a stage is two transforms, a square and two passes over the spectrum. Waves that
the 2/3 rule keeps out of the square obey ``v_t = l v + f``, whose exact solution takes them over the
whole interval at once.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations import pocketfft
from simulations.integrators import ETDRK2
from simulations.spectral import SpectralSimulation

Array = NDArray[Any]


class QuadraticSimulation(SpectralSimulation):
    """A spectral simulation that steps a packed spectrum; what is packed how, its children say."""

    @property
    def chunk(self) -> int | None:
        """How many elements to step together on a CPU, whose cache larger transforms would leave."""
        return None

    @abstractmethod
    def pack(self, state_hat: Tensor) -> Tensor:
        """The waves of a half spectrum that the square sees."""

    @abstractmethod
    def pack_table(self, table: Array) -> Array:
        """The same of a table over the half spectrum that weighs waves, ``(batch or 1, 1, *modes)``."""

    @abstractmethod
    def unpack(self, packed: Tensor) -> Tensor:
        """The half spectrum of packed waves, zero elsewhere."""

    @abstractmethod
    def square(self, packed: Tensor) -> Tensor:
        """``q(v)``."""

    @abstractmethod
    def product_table(self) -> Array:
        """D, packed."""

    def complete(self, weighed: Tensor) -> Tensor:
        """S."""
        return weighed

    def integrate(self, state_hat: Tensor, action: Tensor) -> Tensor:
        """One control interval in Fourier space."""
        if self.modulations:
            return super().integrate(state_hat, action)
        forcing_hat = self.forcing_spectrum(state_hat, action)
        tables = self._tables_for(state_hat)
        beyond_decay, beyond_gain = tables["beyond"]
        beyond = torch.addcmul(beyond_decay * state_hat, beyond_gain, forcing_hat)
        packed, packed_forcing = self.pack(state_hat), self.pack(forcing_hat)
        forcing = [gain * packed_forcing for gain in tables["packed_gains"]]
        return self.unpack(self._march_packed(packed, forcing)) + beyond

    def tables(self) -> dict[str, tuple[Array, ...]]:
        """Also the folded coefficients of the packed waves, and the exact solution of the others."""
        tables = super().tables()
        shape = (1, 1, *self.grid.laplacian.shape)
        coefficients = [self.pack_table(table + np.zeros(shape)) for table in tables["integrator"]]
        product = self.product_table()
        if self.order == 2:
            decay, phi_1, phi_2 = coefficients
            folded = [decay, phi_1 * product, phi_2 * product]
            gains = [phi_1]
        else:
            decay, half_decay, q, f_1, f_2, f_3 = coefficients
            folded = [decay, half_decay, q * product, f_1 * product, f_2 * product, f_3 * product]
            gains = [q, f_1 + 2 * f_2 + f_3]
        beyond = 1 - self.grid.dealiasing_mask(self.dealiasing)
        whole_decay, whole_gain, _ = ETDRK2(self.linear_symbol(), self.control_interval).coefficients()
        return tables | {
            "packed": tuple(table.astype(np.complex128) for table in folded),
            "packed_gains": tuple(table.astype(np.complex128) for table in gains),
            "beyond": ((beyond * whole_decay).astype(np.complex128), (beyond * whole_gain).astype(np.complex128)),
        }

    def _march_packed(self, packed: Tensor, forcing: list[Tensor]) -> Tensor:
        tables = self._tables_for(packed)["packed"]
        if len(self.grid.shape) == 1 and pocketfft.serves(packed, forcing[0]):
            flat = [x.resolve_conj().numpy()[:, 0] for x in (packed, *forcing)]
            folded = tuple(np.atleast_2d(table.numpy().squeeze(1)) for table in tables)
            end = pocketfft.march(flat[0], tuple(flat[1:]), folded, self.grid.shape[0], self.steps_per_interval)
            return torch.from_numpy(end)[:, None]
        size = self.chunk if packed.device.type == "cpu" and self.batch_of_parameters is None else None
        if size is None or len(packed) <= size:
            return self.march(self._packed_stepper(tables, forcing), packed, self.steps_per_interval)
        parts = zip(packed.split(size), zip(*(f.split(size) for f in forcing), strict=True), strict=True)
        ends = [self.march(self._packed_stepper(tables, list(f)), v, self.steps_per_interval) for v, f in parts]
        return torch.cat(ends)

    def _packed_stepper(self, tables: tuple[Tensor, ...], forcing: list[Tensor]) -> Callable[[Tensor], Tensor]:
        square, complete, addcmul = self.square, self.complete, torch.addcmul
        if self.order == 2:
            decay, p_1, p_2 = tables
            (f_1,) = forcing

            def etdrk2(v: Tensor) -> Tensor:
                n_v = square(v)
                a = addcmul(complete(p_1 * n_v) + f_1, decay, v)
                return a + complete(p_2 * (square(a) - n_v))

            return etdrk2
        decay, half_decay, q, p_1, p_2, p_3 = tables
        f_half, f_whole = forcing

        def etdrk4(v: Tensor) -> Tensor:
            n_v = square(v)
            half = addcmul(f_half, half_decay, v)
            a = half + complete(q * n_v)
            n_a = square(a)
            n_b = square(half + complete(q * n_a))
            n_c = square(addcmul(f_half, half_decay, a) + complete(q * (2 * n_b - n_v)))
            change = addcmul(addcmul(p_1 * n_v, p_2, n_a + n_b), p_3, n_c)
            return addcmul(f_whole, decay, v) + complete(change)

        return etdrk4


class QuadraticAdvection(QuadraticSimulation):
    """Equations of one field on a line whose nonlinear term is ``-factor (u^2 / 2)_x``."""

    advection_factor: ClassVar[float] = 1.0

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-factor (u^2 / 2)_x``."""
        return self.advection_factor * self.self_advection(state_hat)

    def pack(self, state_hat: Tensor) -> Tensor:
        """The dealiased half spectrum."""
        mask = torch.from_numpy(self.grid.dealiasing_mask(self.dealiasing)).to(state_hat.device)
        return mask * state_hat

    def pack_table(self, table: Array) -> Array:
        """The dealiased table."""
        return np.asarray(table * self.grid.dealiasing_mask(self.dealiasing))

    def unpack(self, packed: Tensor) -> Tensor:
        """The same."""
        return packed

    def square(self, packed: Tensor) -> Tensor:
        """The transform of ``u^2``."""
        return torch.fft.rfft(torch.fft.irfft(packed, n=self.grid.shape[0]).square())

    def product_table(self) -> Array:
        """``-factor i k / 2``, dealiased."""
        return -0.5j * self.advection_factor * self.grid.odd_wavenumbers[0] * self.grid.dealiasing_mask(self.dealiasing)
