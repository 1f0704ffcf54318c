"""What tests need to know of an equation, written down independently of its code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy

from simulations import build
from simulations.simulation import Simulation

x, y, t = sympy.symbols("x y t", real=True)
Expression = sympy.Expr


def identity(waves: Sequence[Expression]) -> tuple[Expression, ...]:
    """Smooth functions of space and time are fields as they are."""
    return tuple(waves)


@dataclass(frozen=True)
class Case:
    """One equation in one number of dimensions.

    Args:
        settings: good values for ``simulations.build``.
        tendency: ``u_t`` of the unforced equation (steady forcing included), symbolically: takes
            the fields as sympy expressions in x, y and returns one expression per field.
        growth_rate: complex rates of an infinitesimal wave of wavenumbers ``(kx, ky)`` about the
            state ``rest``, one for each field; None where the linear part couples fields.
        fields: admissible fields from smooth functions of x, y, t (vorticity from a stream
            function, a positive height from a wave), one function per field.
        rest: uniform state about which ``growth_rate`` holds, one value per field.
        parity: sign that each field takes under ``x -> -x``; None where that is no symmetry.
        galilean: whether ``u(x - c t, t) + c`` solves the unforced equation if ``u`` does.
        coarse_settings: the same equation on few points, for what does not depend on accuracy.
    """

    settings: Mapping[str, Any]
    tendency: Callable[[Sequence[Expression]], Sequence[Expression]]
    coarse_settings: Mapping[str, Any]
    growth_rate: Callable[[float, float], Sequence[complex]] | None = None
    fields: Callable[[Sequence[Expression]], Sequence[Expression]] = identity
    rest: tuple[float, ...] = (0.0,)
    parity: tuple[int, ...] | None = None
    galilean: bool = False

    def build(self, **changes: Any) -> Simulation:
        """The simulation at the good values, some of them changed."""
        return build({**self.settings, **changes})

    def coarse(self) -> "Case":
        """The case with its coarse settings."""
        return replace(self, settings={**self.settings, **self.coarse_settings})
