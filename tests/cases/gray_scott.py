from collections.abc import Sequence

from cases.case import Case, Expression, laplacian


def tendency(fields: Sequence[Expression]) -> list[Expression]:
    u, v = fields
    return [
        2e-5 * laplacian(u) - u * v**2 + 0.03 * (1 - u),
        1e-5 * laplacian(v) + u * v**2 - (0.03 + 0.062) * v,
    ]


def growth_rate(kx: float, ky: float) -> list[complex]:
    return [-2e-5 * (kx**2 + ky**2) - 0.03, -1e-5 * (kx**2 + ky**2) - 0.092]


def concentrations(waves: Sequence[Expression]) -> list[Expression]:
    """Between 0 and 1, and so little activator that errors do not grow."""
    return [0.7 + 0.2 * waves[0], 0.1 + 0.05 * waves[1]]


PARAMETERS = {"diffusivity_u": 2e-5, "diffusivity_v": 1e-5, "feed": 0.03, "kill": 0.062}

CASES = {
    "gray_scott": Case(
        settings={
            "equation": "gray_scott",
            "num_points": 128,
            "domain_extent": 0.5,
            "control_interval": 10.0,
            "steps_per_interval": 8,
            "parameters": PARAMETERS,
            "jets": {"count": 4, "width": 0.03, "limit": 0.005, "normalization": "peak", "acts_on": "v"},
        },
        coarse_settings={
            "num_points": 32,
            "steps_per_interval": 4,
            "jets": {"count": 2, "width": 0.03, "limit": 0.005, "normalization": "peak", "acts_on": "kill"},
        },
        tendency=tendency,
        fields=concentrations,
        growth_rate=growth_rate,
        rest=(1.0, 0.0),
        parity=(1, 1),
    ),
    "gray_scott_2d": Case(
        settings={
            "equation": "gray_scott",
            "dimensions": 2,
            "num_points": 64,
            "domain_extent": 0.25,
            "control_interval": 10.0,
            "steps_per_interval": 8,
            "parameters": PARAMETERS,
            "jets": {"count": 2, "width": 0.03, "limit": 0.005, "normalization": "peak", "acts_on": "feed"},
        },
        coarse_settings={
            "num_points": 16,
            "steps_per_interval": 4,
            "jets": {"count": 1, "width": 0.05, "limit": 0.005, "normalization": "peak"},
        },
        tendency=tendency,
        fields=concentrations,
        growth_rate=growth_rate,
        rest=(1.0, 0.0),
        parity=(1, 1),
    ),
}
