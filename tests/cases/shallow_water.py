from collections.abc import Sequence

import numpy as np
import sympy

from cases.case import Case, Expression, laplacian, x, y


def tendency(fields: Sequence[Expression]) -> list[Expression]:
    """Coriolis frequency 1.5, gravity 2, depth 0.8 and viscosity 0.01, in advective form."""
    u, v, eta = fields

    def transport(q: Expression) -> Expression:
        return -u * sympy.diff(q, x) - v * sympy.diff(q, y)

    return [
        transport(u) + 1.5 * v - 2 * sympy.diff(eta, x) + 0.01 * laplacian(u),
        transport(v) - 1.5 * u - 2 * sympy.diff(eta, y) + 0.01 * laplacian(v),
        -sympy.diff((0.8 + eta) * u, x) - sympy.diff((0.8 + eta) * v, y),
    ]


JETS = {"count": 2, "width": 0.5, "limit": 0.1, "acts_on": "eta"}

CASES = {
    "shallow_water": Case(
        settings={
            "equation": "shallow_water",
            "num_points": 64,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.25,
            "steps_per_interval": 10,
            "parameters": {"coriolis": 1.5, "gravity": 2.0, "depth": 0.8, "viscosity": 0.01},
            "jets": JETS,
        },
        coarse_settings={"num_points": 16, "steps_per_interval": 4},
        tendency=tendency,
        fields=lambda waves: [0.3 * wave for wave in waves],
        rest=(0.0, 0.0, 0.0),
        amplitude=0.2,
    )
}
