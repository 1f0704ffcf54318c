"""Fast steps for periodic equations whose nonlinear term is the square of one field.

    v_t = l v + S[D q(v)] + f,    q(v) = F[(F^-1[A v])^2]

F is the Fourier transform; A and D are diagonal in Fourier space; S adds the mirror image of a complex
spectrum, or does nothing. The coefficients of the exponential integrators (``integrators``) are multiplied
into D beforehand, so that a stage takes two transforms, a square and two passes over the spectrum. Waves
that the 2/3 rule excludes from the square obey ``v_t = l v + f``; its exact solution advances them by the
whole control interval at once.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simulations import adjoint, inplace, pocketfft
from simulations.checkpointing import march, segments
from simulations.inplace import TORCH, Arithmetic, Kernel, has_storage, has_tangent
from simulations.integrators import ETDRK2
from simulations.pseudospectral import SpectralSimulation
from simulations.torch_modes import transformed

Array = NDArray[Any]


class QuadraticSimulation(SpectralSimulation):
    """A spectral simulation that steps a packed spectrum: the waves that the square sees.

    A subclass defines the packing, the square ``q`` and the table D. See
    :class:`~simulations.pseudospectral.SpectralSimulation` for the arguments.
    """

    @property
    def chunk(self) -> int | None:
        """The number of batch elements that a CPU steps together, so that they stay in its cache; None for all."""
        return None

    @abstractmethod
    def pack(self, state_hat: Tensor) -> Tensor:
        """The packed spectrum: the waves of a half spectrum that the square sees."""

    @abstractmethod
    def pack_table(self, table: Array) -> Array:
        """The packed form of a table ``(batch or 1, 1, *modes)`` that multiplies a half spectrum."""

    @abstractmethod
    def unpack(self, packed: Tensor) -> Tensor:
        """The half spectrum of a packed spectrum, zero elsewhere."""

    @abstractmethod
    def square(self, packed: Tensor) -> Tensor:
        """``q(v)`` of a packed spectrum v."""

    @abstractmethod
    def product_table(self) -> Array:
        """The packed table D."""

    def complete(self, weighed: Tensor) -> Tensor:
        """Apply S; by default it does nothing."""
        return weighed

    @abstractmethod
    def kernel(self, like: Tensor, tape: list[Any] | None) -> Kernel:
        """The kernel that squares packed spectra of the shape of ``like`` without recording a graph.

        Args:
            like: A packed spectrum.
            tape: See :class:`~simulations.inplace.Kernel`.
        """

    def integrate(self, state_hat: Tensor, action: Tensor) -> Tensor:
        """One control interval in Fourier space, without impulses."""
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
        """Also the folded coefficients for packed waves, and the exact solution for the others."""
        tables = super().tables()
        shape = (1, 1, *self.grid.laplacian.shape)
        coefficients = [self.pack_table(table + np.zeros(shape)) for table in tables["integrator"]]
        product = self.product_table()
        if self.order == 2:
            decay, phi_1, phi_2 = coefficients
            linear, weighing = [decay], [phi_1 * product, phi_2 * product]
            gains = [phi_1]
        else:
            decay, half_decay, q, f_1, f_2, f_3 = coefficients
            linear, weighing = [decay, half_decay], [q * product, f_1 * product, f_2 * product, f_3 * product]
            gains = [q, f_1 + 2 * f_2 + f_3]
        beyond = 1 - self.grid.dealiasing_mask(self.dealiasing)
        whole_decay, whole_gain, _ = ETDRK2(self.linear_symbol(), self.control_interval).coefficients()
        return tables | {
            "packed": tuple(table.astype(np.complex128) for table in (*linear, *weighing)),
            "adjoint": tuple(table.astype(np.complex128) for table in (*linear, *(2 * table for table in weighing))),
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
        values = (packed, *forcing)
        recorded = torch.is_grad_enabled() and any(x.requires_grad for x in values)
        whole = all(has_storage(x) for x in values) and not any(has_tangent(x) for x in values)
        if not whole or (recorded and transformed()):
            return march(self.packed_stepper(forcing), packed, self.steps_per_interval, *forcing)
        if not recorded:
            return self.step_in_place(packed, forcing, self.steps_per_interval, tape=None)[0]
        for steps in segments(self.steps_per_interval):
            if steps == self.steps_per_interval:
                return _recorded(self, steps, packed, *forcing)
            packed = checkpoint(_recorded, self, steps, packed, *forcing, use_reentrant=False, preserve_rng_state=False)
        return packed

    def step_in_place(
        self, packed: Tensor, forcing: Sequence[Tensor], count: int, tape: list[Any] | None
    ) -> tuple[Tensor, Kernel]:
        """Take ``count`` steps without recording a graph; the tape, if there is one, then holds the squared fields."""
        kernel = self.kernel(packed, tape)
        v = kernel.enter(packed.clone(memory_format=torch.contiguous_format))
        tables = [kernel.enter(table) for table in self._tables_for(packed)["packed"]]
        forced = [kernel.enter(f) for f in forcing] if any(f.any() for f in forcing) else None
        with np.errstate(over="ignore", invalid="ignore"):  # blow-ups are looked for after the interval
            inplace.march(v, count, tables, forced, kernel)
        return kernel.leave(v), kernel

    def packed_stepper(self, forcing: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
        """The function that takes one step by operations that torch can differentiate and vectorise."""
        square, complete, addcmul = self.square, self.complete, torch.addcmul
        tables = self._tables_for(forcing[0])["packed"]
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


class _Recorded(torch.autograd.Function):
    """Many steps in place, with the adjoint of ``simulations.adjoint`` as their gradient."""

    @staticmethod
    def forward(ctx: Any, simulation: QuadraticSimulation, count: int, packed: Tensor, *forcing: Tensor) -> Tensor:
        tape: list[Any] = []
        end, kernel = simulation.step_in_place(packed, forcing, count, tape)
        ctx.simulation, ctx.count, ctx.kernel = simulation, count, kernel
        ctx.save_for_backward(packed, *forcing)
        return end

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        packed, *forcing = ctx.saved_tensors
        simulation, kernel = ctx.simulation, ctx.kernel
        if torch.is_grad_enabled() or not has_storage(gradient):  # a second derivative, or a batch of gradients
            with torch.enable_grad():
                # Aliases, or the way by which earlier steps led from the forcing to the spectrum would count again.
                packed, *forcing = (x.view_as(x) for x in (packed, *forcing))
                end = march(simulation.packed_stepper(forcing), packed, ctx.count, *forcing)
                inputs = [x for x in (packed, *forcing) if x.requires_grad]
                found = iter(torch.autograd.grad(end, inputs, gradient, create_graph=True))
            return None, None, *(next(found) if x.requires_grad else None for x in (packed, *forcing))
        tables = [kernel.adjoint_table(table) for table in simulation._tables_for(packed)["adjoint"]]
        with np.errstate(over="ignore", invalid="ignore"):
            start, of_forcing = adjoint.pull_back(
                kernel.enter_gradient(gradient.contiguous()), tables, kernel, kernel.tape
            )
        return None, None, *(kernel.leave_gradient(g) for g in (start, *of_forcing))


_recorded: Callable[..., Tensor] = _Recorded.apply


class LineKernel(Kernel):
    """``q(v) = F[(F^-1 v)^2]`` for half spectra ``(batch, 1, wavenumber)``, by torch."""

    arithmetic: ClassVar[Arithmetic] = TORCH

    def __init__(self, points: int, like: Tensor, tape: list[Any] | None) -> None:
        super().__init__(tape)
        self.points = points
        self.halves = torch.tensor(pocketfft.half_weights(points), dtype=like.real.dtype, device=like.device)

    def square(self, spectrum: Tensor, memory: Tensor) -> Tensor:
        fields = torch.fft.irfft(spectrum, n=self.points)
        if self.tape is None:
            return torch.fft.rfft(fields.square_())
        self.tape.append(fields)
        return torch.fft.rfft(fields.square())

    def pull_back(self, fields: Tensor, inlet: Tensor, memory: Tensor) -> Tensor:
        """``F[u F^-1 n]`` of the inlet n where u was squared."""
        return torch.fft.rfft(torch.fft.irfft(inlet, n=self.points).mul_(fields))

    def enter_gradient(self, gradient: Tensor) -> Tensor:
        """``h g`` with h = 1/2 for every wave that the half spectrum stores once for k and -k."""
        return self.halves * gradient

    def leave_gradient(self, values: Tensor) -> Tensor:
        return values / self.halves


class QuadraticAdvection(QuadraticSimulation):
    """Equations of one field on a line whose nonlinear term is ``-factor (u^2 / 2)_x``."""

    advection_factor: ClassVar[float] = 1.0

    def nonlinear_term(self, state_hat: Tensor) -> Tensor:
        """``-factor (u^2 / 2)_x``."""
        return self.advection_factor * self.self_advection(state_hat)

    def pack(self, state_hat: Tensor) -> Tensor:
        """The dealiased half spectrum, of unchanged shape."""
        return self.dealiased(state_hat)

    def pack_table(self, table: Array) -> Array:
        """The dealiased table."""
        return np.asarray(table * self.grid.dealiasing_mask(self.dealiasing))

    def unpack(self, packed: Tensor) -> Tensor:
        """The packed spectrum itself, as it is a half spectrum."""
        return packed

    def square(self, packed: Tensor) -> Tensor:
        """The spectrum of ``u^2``."""
        return torch.fft.rfft(torch.fft.irfft(packed, n=self.grid.shape[0]).square())

    def product_table(self) -> Array:
        """``-factor i k / 2``, dealiased."""
        return -0.5j * self.advection_factor * self.grid.odd_wavenumbers[0] * self.grid.dealiasing_mask(self.dealiasing)

    def kernel(self, like: Tensor, tape: list[Any] | None) -> Kernel:
        """SciPy's transforms for small batches on a CPU, torch's otherwise."""
        points = self.grid.shape[0]
        if pocketfft.AVAILABLE and like.device.type == "cpu" and len(like) <= pocketfft.LARGEST_BATCH:
            precision = np.dtype(np.float64 if like.dtype == torch.complex128 else np.float32)
            return pocketfft.SmallLine(len(like), points, precision, tape)
        return LineKernel(points, like, tape)
