from collections.abc import Sequence

from cases.case import Case, Expression, laplacian


def tendency(fields: Sequence[Expression]) -> list[Expression]:
    (u,) = fields
    return [laplacian(u**3 - u - laplacian(u))]


JETS = {"count": 4, "width": 2.0, "limit": 0.02, "normalization": "peak"}

CASES = {
    "cahn_hilliard": Case(
        settings={
            "equation": "cahn_hilliard",
            "num_points": 96,
            "domain_extent": 32.0,
            "control_interval": 0.4,
            "steps_per_interval": 8,
            "parameters": {"mobility": 1.0, "gradient_energy": 1.0},
            "jets": JETS,
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 2, "width": 2.0, "limit": 0.1}},
        tendency=tendency,
        growth_rate=lambda kx, ky: [kx**2 - kx**4],
        parity=(1,),
        amplitude=0.1,
    ),
    "cahn_hilliard_2d": Case(
        settings={
            "equation": "cahn_hilliard",
            "dimensions": 2,
            "num_points": 48,
            "domain_extent": 16.0,
            "control_interval": 0.4,
            "steps_per_interval": 8,
            "parameters": {"mobility": 1.0, "gradient_energy": 1.0},
            "jets": {**JETS, "count": 2},
        },
        coarse_settings={"num_points": 16, "steps_per_interval": 2, "jets": {"count": 1, "width": 2.0, "limit": 0.1}},
        tendency=tendency,
        growth_rate=lambda kx, ky: [kx**2 + ky**2 - (kx**2 + ky**2) ** 2],
        parity=(1,),
        amplitude=0.1,
    ),
}
