"""Initial conditions."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simulations.grid import PeriodicGrid


def random_waves(
    grid: PeriodicGrid, rng: np.random.Generator, *, modes: Iterable[int], amplitude: float
) -> NDArray[np.float64]:
    """A sum of cosines with normal amplitudes and uniform phases, scaled to a root mean square.

    The draw does not depend on the resolution: the same generator gives the same function on any
    grid.

    Args:
        modes: integer wavenumbers to excite; 0 is a uniform flow.
        amplitude: root mean square of the result over a grid period.

    Returns:
        shape ``(x,)``.
    """
    phase_of_x = 2 * np.pi * grid.mesh[0] / grid.extents[0]
    field = np.zeros(grid.shape)
    mean_square = 0.0
    for mode in modes:
        height, phase = rng.normal(), rng.uniform(0, 2 * np.pi)
        field += height * (np.cos(mode * phase_of_x + phase) if mode else np.ones(grid.shape))
        mean_square += height**2 / (2 if mode else 1)
    return np.asarray(amplitude * field / np.sqrt(mean_square))


def random_field(grid: PeriodicGrid, rng: np.random.Generator, *, cutoff: int, amplitude: float) -> NDArray[np.float64]:
    """Random waves of every integer wave vector with ``0 < |k| < cutoff``, in one or two dimensions.

    Amplitudes are normal and phases uniform, drawn in an order that does not depend on the grid.

    Args:
        amplitude: root mean square of the result.

    Returns:
        shape of the grid, with zero mean.
    """
    phases = [2 * np.pi * x / extent for x, extent in zip(grid.mesh, grid.extents, strict=True)]
    field = np.zeros(grid.shape)
    for vector in np.ndindex(*(2 * cutoff + 1,) * len(grid.shape)):
        mode = np.array(vector) - cutoff
        half = tuple(mode) > (0,) * len(mode)  # the other half are complex conjugates
        if not half or mode @ mode >= cutoff**2:
            continue
        height, phase = rng.normal(), rng.uniform(0, 2 * np.pi)
        field += height * np.cos(sum(m * p for m, p in zip(mode, phases, strict=True)) + phase)
    return np.asarray(amplitude * field / np.sqrt((field**2).mean()))
