"""Transforms without overhead, for small batches on a line.

A transform of a thousand numbers takes a microsecond, and calling it from torch takes ten: there
every one is planned anew. SciPy's own transform keeps its plans and writes where it is told, but its
function is not public; without it, torch transforms small batches too.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.inplace import Square

try:
    from scipy.fft._pocketfft import pypocketfft
except ImportError:  # a SciPy that keeps it elsewhere
    pypocketfft = None

Array = NDArray[Any]

AVAILABLE = pypocketfft is not None

LARGEST_BATCH = 31
"""Above it torch is faster: its transforms are vectorised over the batch."""


def squaring(batch: int, points: int, precision: np.dtype[Any]) -> Square:
    """``square(v_hat, memory)``: the transform of ``v^2``, for ``(batch, wavenumber)`` spectra.

    Args:
        points: on the grid.
        precision: of the values on the grid.
    """
    values = np.empty((batch, points), precision)

    def square(spectrum: Array, memory: Array) -> Array:
        pypocketfft.c2r(spectrum, (1,), points, False, 2, values, 1)
        np.square(values, out=values)
        pypocketfft.r2c(values, (1,), True, 0, memory, 1)
        return memory

    return square
