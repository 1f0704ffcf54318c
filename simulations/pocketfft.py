"""Transforms without overhead, for small batches on a line.

A transform of a thousand numbers takes a microsecond, and calling it from torch takes ten: there
every one is planned anew. SciPy's own transform keeps its plans and writes where it is told, but its
function is not public; without it, torch transforms small batches too.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.inplace import NUMPY, Arithmetic, Kernel

try:
    from scipy.fft._pocketfft import pypocketfft
except ImportError:  # a SciPy that keeps it elsewhere
    pypocketfft = None

AVAILABLE = pypocketfft is not None

LARGEST_BATCH = 31
"""Above it torch is faster: its transforms are vectorised over the batch."""

Array = NDArray[Any]


class SmallLine(Kernel):
    """``q(v) = F[(F^-1 v)^2]`` for half spectra ``(batch, wavenumber)``."""

    arithmetic: ClassVar[Arithmetic] = NUMPY

    def __init__(self, batch: int, points: int, precision: np.dtype[Any], tape: list[Array] | None) -> None:
        super().__init__(tape)
        self.points = points
        self.squares = np.empty((batch, points), precision)
        self.fields = np.empty_like(self.squares)
        self.halves = half_weights(points).astype(precision)

    def square(self, spectrum: Array, memory: Array) -> Array:
        fields, squares = self.fields, self.squares
        if self.tape is not None:
            fields = np.empty_like(fields)
            self.tape.append(fields)
        pypocketfft.c2r(spectrum, (1,), self.points, False, 2, fields, 1)
        np.square(fields, squares)
        pypocketfft.r2c(squares, (1,), True, 0, memory, 1)
        return memory

    def pull_back(self, fields: Array, gradient: Array) -> Array:
        """``2 F[u F^-1[h g]] / h`` with h = 1/2 for waves that a half spectrum stands for twice."""
        pypocketfft.c2r(self.halves * gradient, (1,), self.points, False, 2, self.squares, 1)
        np.multiply(fields, self.squares, self.squares)
        pulled = pypocketfft.r2c(self.squares, (1,), True, 0, None, 1)
        pulled *= 2 / self.halves
        return np.asarray(pulled)

    def enter(self, tensor: Tensor) -> Array:
        values = tensor.detach().resolve_conj().numpy()[:, 0]
        if len(values) == len(self.fields):
            return np.asarray(values)
        return np.ascontiguousarray(np.broadcast_to(values, (len(self.fields), *values.shape[1:])))

    def leave(self, values: Array) -> Tensor:
        return torch.from_numpy(values)[:, None]


def half_weights(points: int) -> Array:
    """1/2 for every wave of a half spectrum that has a mirror image, 1 for the mean and the Nyquist wave."""
    weights = np.full(points // 2 + 1, 0.5)
    weights[[0, -1]] = 1.0
    return weights
