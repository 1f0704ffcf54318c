from collections.abc import Sequence

import numpy as np

from cases.case import Case, Expression, laplacian


def detuned(u: Expression) -> Expression:
    return u + laplacian(u)


def stripes(fields: Sequence[Expression]) -> list[Expression]:
    (u,) = fields
    return [0.3 * u - detuned(detuned(u)) - u**3]


def hexagons(fields: Sequence[Expression]) -> list[Expression]:
    (u,) = fields
    return [0.1 * u - detuned(detuned(u)) + u**2 - u**3]


CASES = {
    "swift_hohenberg": Case(
        settings={
            "equation": "swift_hohenberg",
            "num_points": 128,
            "domain_extent": 12 * np.pi,
            "control_interval": 0.5,
            "steps_per_interval": 8,
            "parameters": {"growth": 0.3, "quadratic": 0.0},
            "jets": {"count": 4, "width": 1.5, "limit": 0.3, "normalization": "peak", "acts_on": "growth"},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 2, "width": 2.0, "limit": 0.3}},
        tendency=stripes,
        growth_rate=lambda kx, ky: [0.3 - (1 - kx**2) ** 2],
        parity=(1,),
        amplitude=0.2,
    ),
    "swift_hohenberg_2d": Case(
        settings={
            "equation": "swift_hohenberg",
            "dimensions": 2,
            "num_points": 64,
            "domain_extent": 6 * np.pi,
            "control_interval": 0.5,
            "steps_per_interval": 8,
            "parameters": {"growth": 0.1, "quadratic": 1.0},
            "jets": {"count": 2, "width": 1.5, "limit": 0.3, "normalization": "peak"},
        },
        coarse_settings={"num_points": 16, "steps_per_interval": 4, "jets": {"count": 1, "width": 2.0, "limit": 0.3}},
        tendency=hexagons,
        growth_rate=lambda kx, ky: [0.1 - (1 - kx**2 - ky**2) ** 2],
        parity=(1,),
        amplitude=0.2,
    ),
}
