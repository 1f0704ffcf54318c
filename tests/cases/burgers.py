import numpy as np
import sympy

from cases.case import Case, x

CASES = {
    "burgers": Case(
        settings={
            "equation": "burgers",
            "num_points": 128,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.05,
            "steps_per_interval": 4,
            "parameters": {"viscosity": 0.05},
            "jets": {"count": 4, "width": 0.2, "limit": 1.0},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 2, "width": 1.0, "limit": 1.0}},
        tendency=lambda u: [-u[0] * sympy.diff(u[0], x) + 0.05 * sympy.diff(u[0], x, 2)],
        growth_rate=lambda kx, ky: [-0.05 * kx**2],
        parity=(-1,),
        galilean=True,
    )
}
