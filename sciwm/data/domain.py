"""The domain of a world model: variables, grid, control interval, actions, functionals, and their scales.

A *deviation* is a standard deviation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciwm.data.roles import ForcingVariable, Parameter, forcing_from
from simulations import ActionBox


@dataclass(frozen=True)
class Variable:
    """One field of the model.

    Args:
        name: Its name in Datasets.
        long_name: Its name in figures.
        units: Its units; "1" is dimensionless.
        mean: Its mean over the training data.
        deviation: Its standard deviation there. Normalised fields are ``(u - mean) / deviation``, and zero for a
            variable that does not vary, whose deviation is 0.
    """

    name: str
    long_name: str
    units: str
    mean: float
    deviation: float

    @property
    def size(self) -> float:
        """What errors are measured by: the deviation; of a variable that does not vary its magnitude, or 1."""
        return self.deviation or abs(self.mean) or 1.0


@dataclass(frozen=True)
class Functional:
    """One functional Q with its budget ``dQ/dt = source + sum_j a_j output_j``, and the scales that normalise it.

    Args:
        name: Its name in Datasets.
        mean: The mean of Q over the training data.
        deviation: The standard deviation of Q.
        change_deviation: The standard deviation of the change of Q over one control interval.
        source_mean: The mean of the source, averaged over each interval.
        source_deviation: The standard deviation of this source.
        output_deviation: The root mean square of the outputs.
    """

    name: str
    mean: float
    deviation: float
    change_deviation: float
    source_mean: float
    source_deviation: float
    output_deviation: float


@dataclass(frozen=True)
class Axis:
    """One space dimension with points ``start + i spacing``, or with any others between walls.

    Args:
        name: The name of the dimension.
        num_points: The number of points.
        spacing: Their distance in ``units``; the mean one where they are not equispaced.
        start: The position of the first point.
        units: The units of positions; "1" is dimensionless.
        periodic: Whether the axis is periodic; the repeated end point is then left out.
        points: The points themselves, ascending, where they are not equispaced.
    """

    name: str
    num_points: int
    spacing: float
    start: float = 0.0
    units: str = "1"
    periodic: bool = True
    points: tuple[float, ...] | None = None

    @property
    def extent(self) -> float:
        """The length of the period, or the distance from the first to the last point."""
        return self.spacing * (self.num_points if self.periodic else self.num_points - 1)

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """The positions of the points, ``(num_points,)``."""
        if self.points is not None:
            return np.array(self.points, dtype=np.float64)
        return np.asarray(self.start + self.spacing * np.arange(self.num_points), dtype=np.float64)


@dataclass(frozen=True)
class Domain:
    """Everything that a model must know about its data. Plain data: it is stored in ``model.json``.

    Args:
        variables: The fields in the order of the model's channels.
        axes: The grid of the training data, in the order of the fields' space dimensions.
        control_interval: The time between two states, over which an action is held.
        actuators: Names and bounds of the actions.
        functionals: The functionals with a budget; empty if the data hold none.
        known_shapes: Whether the data hold the shapes of the actuators.
        time_units: The units of the control interval; "1" where the data state none.
        parameters: What is constant in a run, and part of every state.
        forcings: The variables whose values are the actions; empty where actions are one variable over ``actuator``.
        action_means: The mean of each action over the training data, about which it is scaled by its deviation; empty
            where actions are scaled about zero by the largest.
        action_deviations: The standard deviation of each action; empty likewise.
        action_lowest, action_highest: The least and the largest value of each action in the training data; empty
            likewise, and in models of versions that kept none.
        low_is_limit, high_is_limit: Whether the lower and the upper bound of each action is a limit that somebody
            stated, beyond which no action may be; other bounds are the range of the data. Empty likewise.
        masked: Whether there are points without fields.
        time_name: The name of time in Datasets.
        run_name: The name of the dimension over runs in Datasets.
    """

    variables: tuple[Variable, ...]
    axes: tuple[Axis, ...]
    control_interval: float
    actuators: ActionBox
    functionals: tuple[Functional, ...]
    known_shapes: bool = False
    time_units: str = "1"
    parameters: tuple[Parameter, ...] = ()
    forcings: tuple[ForcingVariable, ...] = ()
    action_means: tuple[float, ...] = ()
    action_deviations: tuple[float, ...] = ()
    action_lowest: tuple[float, ...] = ()
    action_highest: tuple[float, ...] = ()
    low_is_limit: tuple[bool, ...] = ()
    high_is_limit: tuple[bool, ...] = ()
    masked: bool = False
    time_name: str = "time"
    run_name: str = "simulation"

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the space dimensions."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points along each space dimension."""
        return tuple(axis.num_points for axis in self.axes)

    @property
    def periodic(self) -> bool:
        """Whether all space dimensions are periodic."""
        return all(axis.periodic for axis in self.axes)

    @property
    def brought_in(self) -> bool:
        """Whether the data are those of others: brought in from files, and not simulated here."""
        return bool(self.action_means)

    @property
    def action_limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each action must lie between: the bounds, or those that are limits where data are those of others."""
        low, high = (np.asarray(ends, dtype=np.float64) for ends in (self.actuators.low, self.actuators.high))
        if not self.brought_in:
            return low, high
        below, above = (stated or (False,) * len(low) for stated in (self.low_is_limit, self.high_is_limit))
        return np.where(below, low, -np.inf), np.where(above, high, np.inf)

    def forcing_of(self, action: int) -> str:
        """The name of the forcing variable that an action is a value of; its own where it is of none."""
        own = (f.name for f in self.forcings if f.first <= action < f.first + f.count)
        return next(own, self.actuators.names[action])

    @property
    def action_range(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The range of each action in the training data, or its bounds where that is not known."""
        ends = (self.action_lowest, self.actuators.low), (self.action_highest, self.actuators.high)
        low, high = (np.asarray(seen or bound, dtype=np.float64) for seen, bound in ends)
        return low, high

    def to_json(self) -> dict[str, Any]:
        """The domain as numbers, strings, lists and dictionaries."""
        box = self.actuators
        plain: dict[str, Any] = {"control_interval": self.control_interval, "known_shapes": self.known_shapes}
        if self.time_units != "1":  # without units, files are as versions wrote and read them that knew of none
            plain["time_units"] = self.time_units
        plain |= {name: value for name, value in self._of_others().items() if value != getattr(Domain, name)}
        plain["variables"] = [vars(v) for v in self.variables]
        plain["axes"] = [{k: v for k, v in vars(a).items() if k != "points" or v is not None} for a in self.axes]
        plain["functionals"] = [vars(f) for f in self.functionals]
        plain["actuators"] = {
            "names": list(box.names),
            "low": box.low.tolist(),
            "high": box.high.tolist(),
            "units": box.units,
        }
        return plain

    def _of_others(self) -> dict[str, Any]:
        """What only the data of others have; our own files stay as versions read them that knew of none."""
        names = (
            *("action_means", "action_deviations", "action_lowest", "action_highest", "low_is_limit", "high_is_limit"),
            *("masked", "time_name", "run_name"),
        )
        return {
            "parameters": tuple(vars(p) for p in self.parameters),
            "forcings": tuple(vars(f) for f in self.forcings),
            **{name: getattr(self, name) for name in names},
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Domain":
        """Inverse of :meth:`to_json`.

        Raises:
            ValueError: If an axis or the control interval is none that a grid or a model can have.
        """
        box = plain["actuators"]
        _require_sound(plain)
        own = ("variables", "axes", "functionals", "actuators", "parameters", "forcings")
        rest: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items() if k not in own}
        return cls(
            variables=tuple(Variable(**v) for v in plain["variables"]),
            axes=tuple(_axis_from(a) for a in plain["axes"]),
            parameters=tuple(Parameter(**p) for p in plain.get("parameters", ())),
            forcings=tuple(forcing_from(f) for f in plain.get("forcings", ())),
            functionals=tuple(Functional(**f) for f in plain["functionals"]),
            actuators=ActionBox(tuple(box["names"]), np.array(box["low"]), np.array(box["high"]), box["units"]),
            **rest,
        )


def _axis_from(plain: dict[str, Any]) -> Axis:
    points = plain.get("points")
    return Axis(**plain if points is None else plain | {"points": tuple(points)})


MOST_POINTS = 2**24
"""Along one axis: more than any training, and few enough to be listed."""


def _require_sound(plain: dict[str, Any]) -> None:
    """Numbers that a damaged or edited file may hold, and that would fail far from here."""
    positive = {"control_interval": plain["control_interval"]}
    positive |= {f"spacing of {axis['name']}": axis["spacing"] for axis in plain["axes"]}
    for name, value in positive.items():
        if not isinstance(value, float | int) or not 0 < value < np.inf:
            raise ValueError(f"expected {name} as a positive number, got {value!r}")
    for axis in plain["axes"]:
        points = axis["num_points"]
        if not isinstance(points, int) or not 0 < points <= MOST_POINTS:
            raise ValueError(f"expected num_points of {axis['name']} from 1 to {MOST_POINTS}, got {points!r}")
    for variable in plain["variables"]:
        words = [variable["name"], variable["long_name"], variable["units"]]
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f"expected names and units of variables as text, got {words}")
