"""Exponential time differencing for ``v' = l v + N(v, t)`` with a diagonal ``l``.

The schemes are those of Cox & Matthews (2002), doi:10.1006/jcph.2002.6995. Their coefficients are
contour means as in Kassam & Trefethen (2005), doi:10.1137/S1064827502410633. The forcing is part of
``N``: if it were added after the step, every scheme would be of first order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Tendency = Callable[[Tensor, float], Tensor]
"""``tendency(v, t)``: ``N(v, t)``, the part of ``v'`` beside ``l v``, with the forcing."""

Rates = NDArray[Any]
Circle = NDArray[np.complex128]
Coefficients = tuple[Rates, ...]


def _contour_mean(linear: Rates, step: float, function: Callable[[Circle], Circle]) -> Rates:
    """``step`` times the mean of ``function`` on a unit circle around ``step * linear``.

    The mean equals ``function`` at the centre and avoids its cancellation near zero. For a real ``linear``
    half of the circle suffices, as the other half gives the complex conjugate.
    """
    if np.iscomplexobj(linear):
        circle = np.exp(2j * np.pi * (np.arange(1, 65) - 0.5) / 64)
        return np.asarray(step * function(step * linear[..., None] + circle).mean(axis=-1))
    half_circle = np.exp(1j * np.pi * (np.arange(1, 33) - 0.5) / 32)
    return np.asarray(step * np.real(function(step * linear[..., None] + half_circle)).mean(axis=-1))


class Scheme(Protocol):
    """A time integrator for one linear term and one step.

    Args:
        linear: The diagonal ``l`` of the linear term, one rate for each Fourier mode.
        step: The time step.
    """

    linear: Rates
    step: float

    def coefficients(self) -> Coefficients:
        """The tables of the scheme; :meth:`advance` takes them back as tensors."""
        ...

    def advance(self, v: Tensor, tendency: Tendency, c: tuple[Tensor, ...], time: float = 0.0) -> Tensor:
        """One step from ``v(t)`` to ``v(t + step)``.

        Args:
            v: The spectrum at ``time``.
            tendency: ``N(v, t)``.
            c: :meth:`coefficients` as tensors.
            time: The time at the beginning of the step.
        """
        ...


@dataclass
class ETDRK2:
    """Second order, two evaluations: Cox & Matthews, eq. (22)."""

    linear: Rates
    step: float

    def coefficients(self) -> Coefficients:
        """``(E, phi_1, phi_2)``; :meth:`advance` takes them back as tensors."""

        def mean(function: Callable[[Circle], Circle]) -> Rates:
            return _contour_mean(self.linear, self.step, function)

        return (
            np.exp(self.step * self.linear),
            mean(lambda z: (np.exp(z) - 1) / z),
            mean(lambda z: (np.exp(z) - 1 - z) / z**2),
        )

    def advance(self, v: Tensor, tendency: Tendency, c: tuple[Tensor, ...], time: float = 0.0) -> Tensor:
        """One step from ``v(t)`` to ``v(t + step)``."""
        decay, phi_1, phi_2 = c
        n_v = tendency(v, time)
        a = decay * v + phi_1 * n_v
        return a + phi_2 * (tendency(a, time + self.step) - n_v)


@dataclass
class ETDRK4:
    """Fourth order, four evaluations: Cox & Matthews, eqs. (26-29)."""

    linear: Rates
    step: float

    def coefficients(self) -> Coefficients:
        """``(E, E_half, Q, f_1, f_2, f_3)``; :meth:`advance` takes them back as tensors."""

        def mean(function: Callable[[Circle], Circle]) -> Rates:
            return _contour_mean(self.linear, self.step, function)

        return (
            np.exp(self.step * self.linear),
            np.exp(self.step * self.linear / 2),
            mean(lambda z: (np.exp(z / 2) - 1) / z),
            mean(lambda z: (-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3),
            mean(lambda z: 2 * (2 + z + np.exp(z) * (z - 2)) / z**3),
            mean(lambda z: (-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3),
        )

    def advance(self, v: Tensor, tendency: Tendency, c: tuple[Tensor, ...], time: float = 0.0) -> Tensor:
        """One step from ``v(t)`` to ``v(t + step)``."""
        decay, half_decay, q, f_1, f_2, f_3 = c
        middle = time + self.step / 2
        n_v = tendency(v, time)
        half_decayed = half_decay * v
        a = half_decayed + q * n_v
        n_a = tendency(a, middle)
        b = half_decayed + q * n_a
        n_b = tendency(b, middle)
        c_ = half_decay * a + q * (2 * n_b - n_v)
        n_c = tendency(c_, time + self.step)
        return decay * v + f_1 * n_v + f_2 * (n_a + n_b) + f_3 * n_c
