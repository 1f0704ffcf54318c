import sympy

from cases.case import Case, x

CASES = {
    "kuramoto_sivashinsky": Case(
        settings={
            "equation": "kuramoto_sivashinsky",
            "num_points": 64,
            "domain_extent": 22.0,
            "control_interval": 0.25,
            "steps_per_interval": 4,
            "parameters": {"viscosity": 1.0},
            "jets": {"count": 8, "width": 0.4, "limit": 1.0},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 2, "width": 1.0, "limit": 1.0}},
        tendency=lambda u: [-u[0] * sympy.diff(u[0], x) - sympy.diff(u[0], x, 2) - sympy.diff(u[0], x, 4)],
        growth_rate=lambda kx, ky: [kx**2 - kx**4],
        parity=(-1,),
        galilean=True,
    )
}
