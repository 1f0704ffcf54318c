"""Good values: settings at which every equation shows its typical behaviour at little cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Any


@dataclass(frozen=True)
class GoodValues:
    """Good settings of one equation, to simulate and to control it.

    Args:
        settings: Settings for ``simulations.build``, all but the name of the equation.
        amplitude: A good root mean square of starts, for ``initial_state``.
        rest: A uniform steady state, one value for each variable, which is a good target of control; None
            where there is none.
    """

    settings: Mapping[str, Any]
    amplitude: float = 1.0
    rest: tuple[float, ...] | None = (0.0,)


def _settings(
    num_points: int,
    domain_extent: float,
    control_interval: float,
    steps_per_interval: int,
    jets: Mapping[str, Any],
    parameters: Mapping[str, float] | None = None,
    dimensions: int = 1,
) -> dict[str, Any]:
    return {
        "num_points": num_points,
        "domain_extent": domain_extent,
        "dimensions": dimensions,
        "control_interval": control_interval,
        "steps_per_interval": steps_per_interval,
        "parameters": dict(parameters or {}),
        "jets": dict(jets),
    }


GOOD_VALUES: dict[str, GoodValues] = {
    "advection_diffusion_reaction": GoodValues(
        _settings(128, 2 * pi, 0.05, 4, {"count": 4, "width": 0.4, "limit": 0.1, "normalization": "peak"}),
        amplitude=0.5,
        rest=(1.0,),
    ),
    "advection_diffusion_reaction_2d": GoodValues(
        _settings(64, 2 * pi, 0.05, 4, {"count": 2, "width": 0.6, "limit": 0.1, "normalization": "peak"}, dimensions=2),
        amplitude=0.5,
        rest=(1.0,),
    ),
    "allen_cahn": GoodValues(
        _settings(192, 2 * pi, 0.1, 2, {"count": 4, "width": 0.4, "limit": 0.3, "normalization": "peak"}),
        amplitude=0.5,
    ),
    "burgers": GoodValues(
        _settings(128, 2 * pi, 0.05, 4, {"count": 4, "width": 0.2, "limit": 1.0}, {"viscosity": 0.05})
    ),
    "burgers_2d": GoodValues(
        _settings(64, 2 * pi, 0.05, 4, {"count": 2, "width": 0.6, "limit": 1.0}, dimensions=2), rest=(0.0, 0.0)
    ),
    "cahn_hilliard": GoodValues(
        _settings(64, 32.0, 0.5, 4, {"count": 4, "width": 2.0, "limit": 1.0, "zero_mean": True}), amplitude=0.1
    ),
    "gray_scott": GoodValues(
        _settings(
            64,
            0.5,
            10.0,
            4,
            {"count": 2, "width": 0.05, "limit": 0.002, "normalization": "peak", "acts_on": "v"},
            dimensions=2,
        ),
        rest=(1.0, 0.0),
    ),
    "korteweg_de_vries": GoodValues(_settings(128, 20.0, 0.05, 20, {"count": 4, "width": 0.8, "limit": 1.0})),
    "kuramoto_sivashinsky": GoodValues(_settings(64, 22.0, 0.25, 2, {"count": 8, "width": 0.4, "limit": 1.0})),
    "navier_stokes": GoodValues(
        _settings(
            64,
            2 * pi,
            0.25,
            20,
            {"count": [4, 2], "width": 0.5, "limit": 1.0, "offset": 0.5, "normalization": "peak", "zero_mean": True},
            dimensions=2,
        ),
        amplitude=2.0,
    ),
    "navier_stokes_scalar": GoodValues(
        _settings(
            64,
            2 * pi,
            0.25,
            20,
            {"count": [4, 2], "width": 0.5, "limit": 1.0, "offset": 0.5, "normalization": "peak", "zero_mean": True},
            dimensions=2,
        ),
        rest=(0.0, 0.0),
    ),
    "shallow_water": GoodValues(
        _settings(
            64,
            2 * pi,
            0.1,
            4,
            {
                "count": 2,
                "width": 0.6,
                "limit": 0.1,
                "normalization": "peak",
                "zero_mean": True,
                "acts_on": "eta",
            },
            dimensions=2,
        ),
        amplitude=0.1,
        rest=(0.0, 0.0, 0.0),
    ),
    "swift_hohenberg": GoodValues(
        _settings(128, 16 * pi, 0.25, 2, {"count": 8, "width": 1.5, "limit": 0.5, "normalization": "peak"}),
        amplitude=0.3,
    ),
    "burgers_dirichlet": GoodValues(
        _settings(64, 1.0, 0.05, 20, {"count": 8, "width": 0.06, "limit": 2.0, "offset": 0.5, "normalization": "peak"}),
        amplitude=0.7,
    ),
    "burgers_hidden_gain": GoodValues(
        _settings(48, 1.0, 0.05, 100, {"count": 2, "width": 0.1, "limit": 1.5, "offset": 0.5, "normalization": "peak"}),
        rest=None,
    ),
    "heat": GoodValues(
        {
            "num_points": 32,
            "domain_extent": 1.0,
            "dimensions": 1,
            "control_interval": 0.1,
            "steps_per_interval": 2,
            "parameters": {},
            "walls": {"left": {"kind": "neumann", "value": 0.0}},
            "boundary_values": {"walls": ["right"], "limit": 2.0},
        }
    ),
    "reaction_diffusion": GoodValues(
        {
            "num_points": 51,
            "domain_extent": 1.0,
            "dimensions": 1,
            "control_interval": 0.02,
            "steps_per_interval": 120,
            "parameters": {},
            "boundary_values": {"walls": ["right"], "limit": 20.0},
        }
    ),
    "transport_recirculation": GoodValues(
        {
            "num_points": 51,
            "domain_extent": 1.0,
            "dimensions": 1,
            "control_interval": 0.02,
            "steps_per_interval": 2,
            "parameters": {},
            "boundary_values": {"walls": ["right"], "limit": 20.0},
        }
    ),
}
"""Good values of every equation by its name: ``build({"equation": name} | GOOD_VALUES[name].settings)``."""
