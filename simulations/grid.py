"""Where fields live: equispaced points on a periodic interval."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PeriodicGrid:
    """Equispaced points ``x_i = i L / N`` on the periodic interval ``[0, L)``.

    Args:
        num_points: number of points N, even and at least 8.
        domain_extent: length L of the domain, in the units of ``x``.

    Raises:
        ValueError: if N is odd or too small, or L is not positive.
    """

    num_points: int
    domain_extent: float

    def __post_init__(self) -> None:
        if self.num_points < 8 or self.num_points % 2:
            raise ValueError(
                f"Expected an even num_points of at least 8, got {self.num_points}. "
                f"Try {max(8, self.num_points + self.num_points % 2)}."
            )
        if not (np.isfinite(self.domain_extent) and self.domain_extent > 0):
            raise ValueError(f"Expected a positive domain_extent, got {self.domain_extent}.")

    @property
    def spacing(self) -> float:
        """Distance between neighbouring points."""
        return self.domain_extent / self.num_points

    @cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """Positions of the points, shape ``(num_points,)``."""
        return np.arange(self.num_points, dtype=np.float64) * self.spacing

    @cached_property
    def wavenumbers(self) -> NDArray[np.float64]:
        """Physical wavenumbers ``2 pi k / L`` of a real transform, shape ``(N/2 + 1,)``."""
        return 2 * np.pi * np.arange(self.num_points // 2 + 1, dtype=np.float64) / self.domain_extent

    @cached_property
    def dealiasing_mask(self) -> NDArray[np.bool_]:
        """The 2/3 rule: keeps ``|k| < N/3``, so that quadratic products do not alias."""
        return np.arange(self.num_points // 2 + 1) < self.num_points / 3

    @cached_property
    def parseval_weights(self) -> NDArray[np.float64]:
        """``w_k`` with ``<u v> = sum_k w_k Re(u_hat_k conj(v_hat_k))`` for real transforms."""
        weights = np.full(self.num_points // 2 + 1, 2.0)
        weights[0] = weights[-1] = 1.0
        return weights / self.num_points**2
