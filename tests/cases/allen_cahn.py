import numpy as np

from cases.case import Case, laplacian

CASES = {
    "allen_cahn": Case(
        settings={
            "equation": "allen_cahn",
            "num_points": 192,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.2,
            "steps_per_interval": 8,
            "parameters": {"diffusivity": 0.02, "reaction_rate": 1.0},
            "jets": {"count": 4, "width": 0.3, "limit": 0.3, "normalization": "peak"},
        },
        coarse_settings={
            "num_points": 32,
            "steps_per_interval": 2,
            "jets": {"count": 2, "width": 1.0, "limit": 0.3, "acts_on": "reaction_rate"},
        },
        tendency=lambda u: [0.02 * laplacian(u[0]) + u[0] - u[0] ** 3],
        growth_rate=lambda kx, ky: [1.0 - 0.02 * kx**2],
        parity=(1,),
        amplitude=0.5,
    ),
    "allen_cahn_2d": Case(
        settings={
            "equation": "allen_cahn",
            "dimensions": 2,
            "num_points": 64,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.2,
            "steps_per_interval": 8,
            "parameters": {"diffusivity": 0.1, "reaction_rate": 1.0},
            "jets": {"count": 2, "width": 0.5, "limit": 0.3, "normalization": "peak", "acts_on": "reaction_rate"},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 1, "width": 1.0, "limit": 0.3}},
        tendency=lambda u: [0.1 * laplacian(u[0]) + u[0] - u[0] ** 3],
        growth_rate=lambda kx, ky: [1.0 - 0.1 * (kx**2 + ky**2)],
        parity=(1,),
        amplitude=0.5,
    ),
}
