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
    phase_of_x = 2 * np.pi * grid.coordinates / grid.domain_extent
    field = np.zeros(grid.num_points)
    mean_square = 0.0
    for mode in modes:
        height, phase = rng.normal(), rng.uniform(0, 2 * np.pi)
        wave = np.cos(mode * phase_of_x + phase) if mode else np.ones(grid.num_points)
        field += height * wave
        mean_square += height**2 / (2 if mode else 1)
    return np.asarray(amplitude * field / np.sqrt(mean_square))
