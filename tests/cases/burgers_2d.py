from collections.abc import Sequence

import numpy as np
import sympy

from cases.case import Case, Expression, laplacian, x, y


def tendency(fields: Sequence[Expression]) -> list[Expression]:
    u, v = fields
    return [-u * sympy.diff(w, x) - v * sympy.diff(w, y) + 0.1 * laplacian(w) for w in (u, v)]


CASES = {
    "burgers_2d": Case(
        settings={
            "equation": "burgers_2d",
            "dimensions": 2,
            "num_points": 64,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.05,
            "steps_per_interval": 4,
            "parameters": {"viscosity": 0.1},
            "jets": {"count": 2, "width": 0.4, "limit": 1.0, "acts_on": "v"},
        },
        coarse_settings={"num_points": 16, "steps_per_interval": 2, "jets": {"count": 1, "width": 1.0, "limit": 1.0}},
        tendency=tendency,
        growth_rate=lambda kx, ky: [-0.1 * (kx**2 + ky**2)] * 2,
        rest=(0.0, 0.0),
        parity=(-1, 1),
        galilean=True,
        amplitude=0.3,
    )
}
