import numpy as np
import sympy

from cases.case import Case, laplacian, x, y

CASES = {
    "advection_diffusion_reaction": Case(
        settings={
            "equation": "advection_diffusion_reaction",
            "num_points": 128,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.05,
            "steps_per_interval": 4,
            "parameters": {"velocity": 1.0, "diffusivity": 0.02, "growth": 1.0, "saturation": 1.0},
            "jets": {"count": 4, "width": 0.2, "limit": 0.1, "normalization": "peak"},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 2, "width": 1.0, "limit": 0.1}},
        tendency=lambda u: [-sympy.diff(u[0], x) + 0.02 * laplacian(u[0]) + u[0] - u[0] ** 2],
        growth_rate=lambda kx, ky: [-1j * kx - 0.02 * kx**2 + 1.0],
    ),
    "advection_diffusion_reaction_2d": Case(
        settings={
            "equation": "advection_diffusion_reaction_2d",
            "dimensions": 2,
            "num_points": 64,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.05,
            "steps_per_interval": 4,
            "parameters": {
                "velocity_x": 1.0,
                "velocity_y": -0.5,
                "diffusivity": 0.05,
                "growth": 1.0,
                "saturation": 1.0,
            },
            "jets": {"count": 2, "width": 0.4, "limit": 0.1, "normalization": "peak"},
        },
        coarse_settings={"num_points": 32, "steps_per_interval": 2, "jets": {"count": 1, "width": 1.0, "limit": 0.1}},
        tendency=lambda u: [
            -sympy.diff(u[0], x) + 0.5 * sympy.diff(u[0], y) + 0.05 * laplacian(u[0]) + u[0] - u[0] ** 2
        ],
        growth_rate=lambda kx, ky: [-1j * (kx - 0.5 * ky) - 0.05 * (kx**2 + ky**2) + 1.0],
    ),
}
