from collections.abc import Sequence

import numpy as np
import sympy

from cases.case import Case, Expression, inverse_laplacian, laplacian, x, y

VORTICES = {"width": 0.5, "limit": 1.0, "offset": 0.5, "normalization": "peak"}


def advection(vorticity: Expression, carried: Expression) -> Expression:
    """``-(u q_x + v q_y)`` of ``carried`` q by the flow of ``vorticity``, a sum of plane waves."""
    stream = inverse_laplacian(vorticity)
    return sympy.diff(stream, y) * sympy.diff(carried, x) - sympy.diff(stream, x) * sympy.diff(carried, y)


def kolmogorov_flow(fields: Sequence[Expression]) -> list[Expression]:
    """Viscosity 0.01, drag 0.1 and the body force sin(4 y) along x."""
    w = fields[0]
    return [advection(w, w) + 0.01 * laplacian(w) - 0.1 * w - 4 * sympy.cos(4 * y)]


def decay_with_scalar(fields: Sequence[Expression]) -> list[Expression]:
    """Viscosity 0.02, no drag, no body force; diffusivity 0.05."""
    w, c = fields
    return [advection(w, w) + 0.02 * laplacian(w), advection(w, c) + 0.05 * laplacian(c)]


CASES = {
    "navier_stokes": Case(
        settings={
            "equation": "navier_stokes",
            "num_points": 64,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.25,
            "steps_per_interval": 20,
            "parameters": {"viscosity": 0.01, "drag": 0.1, "forcing_amplitude": 1.0, "forcing_wavenumber": 4},
            "jets": {**VORTICES, "count": [4, 2], "zero_mean": True},
        },
        coarse_settings={
            "num_points": 16,
            "steps_per_interval": 4,
            "jets": {**VORTICES, "count": 2, "zero_mean": True},
        },
        tendency=kolmogorov_flow,
        fields=lambda waves: [laplacian(waves[0])],
    ),
    "navier_stokes_scalar": Case(
        settings={
            "equation": "navier_stokes_scalar",
            "num_points": 64,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.25,
            "steps_per_interval": 10,
            "parameters": {"viscosity": 0.02, "drag": 0.0, "forcing_amplitude": 0.0, "diffusivity": 0.05},
            "jets": {**VORTICES, "count": 2, "acts_on": "c"},
            "sine_modes": {"modes": [1], "limit": 1.0, "acts_on": "w"},
        },
        coarse_settings={"num_points": 16, "steps_per_interval": 4},
        tendency=decay_with_scalar,
        growth_rate=lambda kx, ky: [-0.02 * (kx**2 + ky**2), -0.05 * (kx**2 + ky**2)],
        fields=lambda waves: [laplacian(waves[0]), waves[1]],
        rest=(0.0, 0.0),
        parity=(-1, 1),
    ),
}
