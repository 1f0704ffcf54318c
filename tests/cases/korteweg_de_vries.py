import sympy

from cases.case import Case, x

CASES = {
    "korteweg_de_vries": Case(
        settings={
            "equation": "korteweg_de_vries",
            "num_points": 128,
            "domain_extent": 20.0,
            "control_interval": 0.02,
            "steps_per_interval": 8,
            "parameters": {},
            "jets": {"count": 4, "width": 0.8, "limit": 1.0},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 4, "jets": {"count": 2, "width": 1.0, "limit": 1.0}},
        tendency=lambda u: [6 * u[0] * sympy.diff(u[0], x) - sympy.diff(u[0], x, 3)],
        growth_rate=lambda kx, ky: [1j * kx**3],
    )
}
