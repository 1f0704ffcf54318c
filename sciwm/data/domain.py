"""What a world model is about: variables, grid, interval, actions, functionals, and their scales."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
class Axis:
    """One space dimension and its equispaced points ``start + i spacing``."""

    name: str
    num_points: int
    spacing: float
    start: float = 0.0
    units: str = "1"
    periodic: bool = True

    @property
    def extent(self) -> float:
        """A whole period, or the distance from the first to the last point."""
        return self.spacing * (self.num_points if self.periodic else self.num_points - 1)

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """Positions of the points."""
        return np.asarray(self.start + self.spacing * np.arange(self.num_points), dtype=np.float64)


@dataclass(frozen=True)
class Domain:
    """Plain data, written to and read from ``model.json``.

    Args:
        variables: the fields in the order of the model's channels.
        axes: the grid the model was trained on, in the order of the fields' space dimensions.
        control_interval: time between two states.
        actuators: the actions.
        functionals: empty if the data hold none.
        known_shapes: whether the data say where each actuator acts.
    """

    variables: tuple[Variable, ...]
    axes: tuple[Axis, ...]
    control_interval: float
    actuators: ActionBox
    functionals: tuple[Functional, ...]
    known_shapes: bool = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the space dimensions."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each space dimension."""
        return tuple(axis.num_points for axis in self.axes)

    @property
    def periodic(self) -> bool:
        """Whether every space dimension is."""
        return all(axis.periodic for axis in self.axes)

    def to_json(self) -> dict[str, Any]:
        """Numbers, strings, lists and dictionaries only."""
        box = self.actuators
        plain: dict[str, Any] = {"control_interval": self.control_interval, "known_shapes": self.known_shapes}
        plain["variables"] = [vars(v) for v in self.variables]
        plain["axes"] = [vars(a) for a in self.axes]
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
        rest = {k: v for k, v in plain.items() if k not in ("variables", "axes", "functionals", "actuators")}
        return cls(
            variables=tuple(Variable(**v) for v in plain["variables"]),
            axes=tuple(Axis(**a) for a in plain["axes"]),
            functionals=tuple(Functional(**f) for f in plain["functionals"]),
            actuators=ActionBox(tuple(box["names"]), np.array(box["low"]), np.array(box["high"]), box["units"]),
            **rest,
        )
