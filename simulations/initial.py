"""Random initial conditions: sums of Fourier modes."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simulations.grid import PeriodicGrid


def random_waves(
    grid: PeriodicGrid, rng: np.random.Generator, *, modes: Iterable[int], amplitude: float
) -> NDArray[np.float64]:
    """A sum of cosines along a line, with normal amplitudes and uniform phases.

    The draw does not depend on the resolution: one generator gives the same function on every grid.

    Args:
        grid: A periodic line.
        rng: Draws an amplitude and a phase for each mode.
        modes: The integer wavenumbers; 0 is a uniform flow. ``range(1, 5)`` is a good smooth start.
        amplitude: The root mean square of the sum over the period.

    Returns:
        An array of shape ``(x,)``.

    Raises:
        ValueError: If there is no mode, as nothing can be scaled to the amplitude.
    """
    phase_of_x = 2 * np.pi * grid.mesh[0] / grid.extents[0]
    field = np.zeros(grid.shape)
    mean_square = 0.0
    for mode in modes:
        height, phase = rng.normal(), rng.uniform(0, 2 * np.pi)
        field += height * (np.cos(mode * phase_of_x + phase) if mode else np.ones(grid.shape))
        mean_square += height**2 / (2 if mode else 1)
    if not mean_square:
        raise ValueError("Expected modes with at least one wavenumber, got none. Use range(1, 5) for a smooth start.")
    return np.asarray(amplitude * field / np.sqrt(mean_square))


def random_field(grid: PeriodicGrid, rng: np.random.Generator, *, cutoff: int, amplitude: float) -> NDArray[np.float64]:
    """A sum of cosines of every integer wave vector with ``0 < |k| < cutoff``, in one or two dimensions.

    Amplitudes are normal and phases uniform. They are drawn in an order that does not depend on the
    resolution, so that one generator gives the same function on every grid.

    Args:
        grid: A periodic line or rectangle.
        rng: Draws an amplitude and a phase for each wave vector.
        cutoff: The smallest wavenumber that is left out, in periods across the domain; 4 to 6 is a good
            smooth start.
        amplitude: The root mean square of the sum.

    Returns:
        An array with the shape of the grid and zero mean.

    Raises:
        ValueError: If no wave vector is below the cutoff, as nothing can be scaled to the amplitude.

    Example:
        >>> import numpy as np
        >>> from simulations import PeriodicGrid, random_field
        >>> random_field(PeriodicGrid.square(32, 2 * np.pi), np.random.default_rng(0), cutoff=4, amplitude=1.0).shape
        (32, 32)
    """
    phases = [2 * np.pi * x / extent for x, extent in zip(grid.mesh, grid.extents, strict=True)]
    field = np.zeros(grid.shape)
    for vector in np.ndindex(*(2 * cutoff + 1,) * len(grid.shape)):
        mode = np.array(vector) - cutoff
        half = tuple(mode) > (0,) * len(mode)  # the other half of the wave vectors gives the same cosines
        if not half or mode @ mode >= cutoff**2:
            continue
        height, phase = rng.normal(), rng.uniform(0, 2 * np.pi)
        field += height * np.cos(sum(m * p for m, p in zip(mode, phases, strict=True)) + phase)
    if not field.any():
        raise ValueError(f"Expected a cutoff above 1, below which there are waves, got {cutoff}. Use 4 to 6.")
    return np.asarray(amplitude * field / np.sqrt((field**2).mean()))
