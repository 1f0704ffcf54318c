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

from simulations import inplace, pocketfft
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

    def squaring(self, like: Tensor) -> inplace.Square:
        """:meth:`square` with memory of its own, for many packed spectra of the shape of ``like``."""
        return lambda packed, _: self.square(packed)

    def mirroring(self, like: Tensor) -> inplace.Mirror | None:
        """:meth:`complete` in place; None where it does nothing."""
        return None

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
        if self.batch_of_parameters is None and self.chunk is not None and packed.device.type == "cpu":
            parts = zip(
                packed.split(self.chunk), zip(*(f.split(self.chunk) for f in forcing), strict=True), strict=True
            )
            return torch.cat([self._march_together(v, list(f)) for v, f in parts])
        return self._march_together(packed, forcing)

    def _march_together(self, packed: Tensor, forcing: list[Tensor]) -> Tensor:
        tables = self._tables_for(packed)["packed"]
        if not all(inplace.is_plain(x) for x in (packed, *forcing)):
            return self.march(self._packed_stepper(tables, forcing), packed, self.steps_per_interval)
        forced = forcing if any(f.any() for f in forcing) else None
        small = packed.device.type == "cpu" and len(packed) <= pocketfft.LARGEST_BATCH
        if small and len(self.grid.shape) == 1 and pocketfft.AVAILABLE:
            return self._march_arrays(packed, tables, forced)
        v = packed.clone(memory_format=torch.contiguous_format)
        inplace.march(
            v, self.steps_per_interval, tables, forced, self.squaring(packed), self.mirroring(packed), inplace.TORCH
        )
        return v

    def _march_arrays(self, packed: Tensor, tables: tuple[Tensor, ...], forcing: list[Tensor] | None) -> Tensor:
        """On a line, with transforms that cost less to call."""

        def array(tensor: Tensor) -> Array:
            return np.array(tensor.resolve_conj().expand_as(packed)[:, 0].numpy(), order="C")

        v = array(packed)
        square = pocketfft.squaring(len(v), self.grid.shape[0], v.real.dtype)
        arrays = [array(table) for table in tables]
        forced = None if forcing is None else [array(f) for f in forcing]
        with np.errstate(over="ignore", invalid="ignore"):  # who steps looks for blow-ups afterwards, as with torch
            inplace.march(v, self.steps_per_interval, arrays, forced, square, None, inplace.NUMPY)
        return torch.from_numpy(v)[:, None]

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
