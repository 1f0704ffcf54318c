"""What tests need to know of an equation, written down independently of its code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from simulations import PERIODIC, ActionBox, Actuators, PeriodicGrid, build
from simulations.initial import random_field
from simulations.pseudospectral import SpectralSimulation

x, y, t = sympy.symbols("x y t", real=True)
Expression = sympy.Expr


def identity(waves: Sequence[Expression]) -> tuple[Expression, ...]:
    """Smooth functions of space and time are fields as they are."""
    return tuple(waves)


def laplacian(expression: Expression) -> Expression:
    """``lap u``, in one dimension as in two."""
    return sympy.diff(expression, x, 2) + sympy.diff(expression, y, 2)


def inverse_laplacian(expression: Expression) -> Expression:
    """The function of zero mean whose Laplacian is ``expression``, a sum of plane waves."""

    def of_wave(wave: Expression) -> Expression:
        return wave / sympy.simplify(laplacian(wave) / wave)

    return sympy.Add(*(of_wave(wave) for wave in sympy.Add.make_args(sympy.expand(expression)) if wave != 0))


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
            function, a positive height from a wave), one function per field. The functions are
            sums of two plane waves, of height 1.1 at most and zero mean.
        rest: uniform state about which ``growth_rate`` holds, one value per field.
        parity: sign that each field takes under ``x -> -x``; None where that is no symmetry.
        galilean: whether ``u(x - c t, t) + c`` solves the unforced equation if ``u`` does; ``u`` is
            the first field, and the others are only carried along.
        coarse_settings: the same equation on few points, for what does not depend on accuracy.
        amplitude: root mean square of typical starts.
    """

    settings: Mapping[str, Any]
    tendency: Callable[[Sequence[Expression]], Sequence[Expression]]
    coarse_settings: Mapping[str, Any]
    growth_rate: Callable[[float, float], Sequence[complex]] | None = None
    fields: Callable[[Sequence[Expression]], Sequence[Expression]] = identity
    rest: tuple[float, ...] = (0.0,)
    parity: tuple[int, ...] | None = None
    galilean: bool = False
    amplitude: float = 1.0

    @property
    def equation(self) -> type[SpectralSimulation]:
        """The class under test."""
        return PERIODIC[self.settings["equation"]]

    def build(self, **changes: Any) -> SpectralSimulation:
        """The simulation at the good values, some of them changed."""
        built = build({**self.settings, **changes})
        assert isinstance(built, SpectralSimulation)
        return built

    def changed(self, **changes: Any) -> "Case":
        """The case with some settings changed."""
        return replace(self, settings={**self.settings, **changes})

    def coarse(self) -> "Case":
        """The case with its coarse settings."""
        return self.changed(**self.coarse_settings)

    def resolved(self) -> "Case":
        """The coarse case on enough points for products of its two longest waves: 64 in 1D, 32 x 32 in 2D."""
        coarse = self.coarse()
        points = 64 if coarse.build().grid.dims == ("x",) else 32
        return coarse.changed(num_points=points)

    def shapes(self) -> tuple[np.ndarray, list[str]]:
        """A smooth shape without symmetry for each variable and each parameter that may be modulated, and their names.

        One unit of action changes a variable by a third of its amplitude in an interval, a parameter by a fifth.
        """
        simulation, rng = self.build(), np.random.default_rng(0)
        scales = {v.name: self.amplitude * min(1.0, 0.3 / simulation.control_interval) for v in simulation.variables}
        scales |= {
            name: 0.2 * abs(np.mean(simulation.values[name])) or 0.02 for name in simulation.modulated_parameters
        }
        fields = [random_field(simulation.grid, rng, cutoff=3, amplitude=0.3) for _ in scales]
        return np.stack([s * (0.3 + field) for s, field in zip(scales.values(), fields, strict=True)]), list(scales)

    def acted_on(
        self, shapes: np.ndarray, acts_on: Sequence[str], *, limit: float = 1.0, impulsive: bool = False
    ) -> SpectralSimulation:
        """The simulation at these settings under actuators of the given shapes ``(actuator, *space)``."""
        grid = self.build().grid
        assert isinstance(grid, PeriodicGrid)
        box = ActionBox.symmetric([f"shape_{j}" for j in range(len(shapes))], limit)
        return self.equation(
            grid,
            Actuators(box, shapes, tuple(acts_on), impulsive),
            parameters=self.settings["parameters"],
            control_interval=self.settings["control_interval"],
            steps_per_interval=self.settings["steps_per_interval"],
            order=self.settings.get("order", 4),
        )
