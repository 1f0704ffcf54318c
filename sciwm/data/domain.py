"""What a world model is about: variables, grid, interval, actions, functionals, and their scales."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulations import ActionBox


@dataclass(frozen=True)
class Variable:
    """One field: its name, units, and the mean and deviation that normalise it."""

    name: str
    long_name: str
    units: str
    mean: float
    deviation: float


@dataclass(frozen=True)
class Functional:
    """One functional with a budget, and the deviations that normalise it and its fluxes."""

    name: str
    mean: float
    deviation: float
    change_deviation: float
    source_mean: float
    source_deviation: float
    output_deviation: float


@dataclass(frozen=True)
class Domain:
    """Plain data, written to and read from ``model.json``.

    Args:
        variables: the fields in the order of the model's channels.
        dimension: name of the space dimension.
        num_points, domain_extent, units: the grid the model was trained on.
        control_interval: time between two states.
        actuators: the actions.
        functionals: empty if the data hold none.
    """

    variables: tuple[Variable, ...]
    dimension: str
    num_points: int
    domain_extent: float
    units: str
    control_interval: float
    actuators: ActionBox
    functionals: tuple[Functional, ...]

    def to_json(self) -> dict[str, Any]:
        """Numbers, strings, lists and dictionaries only."""
        box = self.actuators
        plain: dict[str, Any] = {
            k: getattr(self, k) for k in ("dimension", "num_points", "domain_extent", "units", "control_interval")
        }
        plain["variables"] = [vars(v) for v in self.variables]
        plain["functionals"] = [vars(f) for f in self.functionals]
        plain["actuators"] = {
            "names": list(box.names),
            "low": box.low.tolist(),
            "high": box.high.tolist(),
            "units": box.units,
        }
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Domain":
        """Inverse of :meth:`to_json`."""
        box = plain["actuators"]
        rest = {k: v for k, v in plain.items() if k not in ("variables", "functionals", "actuators")}
        return cls(
            variables=tuple(Variable(**v) for v in plain["variables"]),
            functionals=tuple(Functional(**f) for f in plain["functionals"]),
            actuators=ActionBox(tuple(box["names"]), np.array(box["low"]), np.array(box["high"]), box["units"]),
            **rest,
        )
