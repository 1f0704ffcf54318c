"""Fourier transforms without call overhead, for small batches on a line.

A transform of a thousand numbers takes one microsecond; a call from torch adds ten, as torch plans every
transform anew. SciPy's pocketfft keeps its plans and writes into given memory. Its functions are not
public: where a SciPy does not have them, torch transforms small batches too.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.inplace import NUMPY, Arithmetic, Kernel

try:
    from scipy.fft._pocketfft import pypocketfft
except ImportError:  # this SciPy keeps them elsewhere
    pypocketfft = None

AVAILABLE = pypocketfft is not None

LARGEST_BATCH = 31
"""Above this batch size torch is faster, as its transforms are vectorised over the batch."""

RECORDS_AT_ONCE = 64
"""Number of taped fields allocated together: for arrays of megabytes NumPy asks the system for large pages."""

Array = NDArray[Any]


class SmallLine(Kernel):
    """``q(v) = F[(F^-1 v)^2]`` for half spectra ``(batch, wavenumber)``, by pocketfft in NumPy memory."""

    arithmetic: ClassVar[Arithmetic] = NUMPY

    def __init__(self, batch: int, points: int, precision: np.dtype[Any], tape: list[Array] | None) -> None:
        super().__init__(tape)
        self.points = points
        self.unused: list[Array] = []
        self.squares = np.empty((batch, points), precision)
        self.fields = np.empty_like(self.squares)
        self.halves = half_weights(points).astype(precision)

    def square(self, spectrum: Array, memory: Array) -> Array:
        fields, squares = self.fields, self.squares
        if self.tape is not None:
            if not self.unused:
                self.unused = list(np.empty((RECORDS_AT_ONCE, *fields.shape), fields.dtype))
            fields = self.unused.pop()
            self.tape.append(fields)
        pypocketfft.c2r(spectrum, (1,), self.points, False, 2, fields, 1)
        np.square(fields, squares)
        pypocketfft.r2c(squares, (1,), True, 0, memory, 1)
        return memory

    def pull_back(self, fields: Array, inlet: Array, memory: Array) -> Array:
        """``F[u F^-1 n]`` of the inlet n where u was squared."""
        slopes = self.squares
        pypocketfft.c2r(inlet, (1,), self.points, False, 2, slopes, 1)
        np.multiply(fields, slopes, slopes)
        pypocketfft.r2c(slopes, (1,), True, 0, memory, 1)
        return memory

    def enter(self, tensor: Tensor) -> Array:
        values = tensor.detach().resolve_conj().numpy()[:, 0]
        if len(values) == len(self.fields):
            return np.asarray(values)
        return np.ascontiguousarray(np.broadcast_to(values, (len(self.fields), *values.shape[1:])))

    def leave(self, values: Array) -> Tensor:
        return torch.from_numpy(values)[:, None]

    def enter_gradient(self, gradient: Tensor) -> Array:
        """``h g`` with h = 1/2 for every wave that the half spectrum stores once for k and -k."""
        return np.asarray(self.halves * self.enter(gradient))

    def leave_gradient(self, values: Array) -> Tensor:
        return self.leave(values / self.halves)


def half_weights(points: int) -> Array:
    """1/2 for every wave of a half spectrum that is stored once for k and -k; 1 for the mean and the Nyquist wave."""
    weights = np.full(points // 2 + 1, 0.5)
    weights[[0, -1]] = 1.0
    return weights
