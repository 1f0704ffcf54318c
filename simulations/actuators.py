"""Actuators: the bounds and units of actions, and the shapes that turn actions into a forcing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.settings import above_zero

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ActionBox:
    """Named actions with bounds.

    Actions are in physical units everywhere but inside planners and agents, which use ``[-1, 1]``.

    Args:
        names: One name for each actuator, all different.
        low: The lower bounds in physical units, finite, an array or sequence of shape ``(actuator,)``.
        high: The upper bounds, likewise.
        units: The units of the actions; "1" is dimensionless.

    Raises:
        ValueError: If there is no actuator, or names and bounds do not fit.

    Example:
        >>> import torch
        >>> from simulations import ActionBox
        >>> ActionBox.symmetric(["left", "right"], limit=2.0).to_physical(torch.tensor([0.5, -1.0]))
        tensor([ 1., -2.])
    """

    names: tuple[str, ...]
    low: Array
    high: Array
    units: str = "1"
    _tensors: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            object.__setattr__(self, name, _array(name, value))
        object.__setattr__(self, "names", tuple(self.names))
        count = len(self.names)
        if not count:
            raise ValueError("Expected at least one actuator, got none.")
        if self.low.shape != (count,) or self.high.shape != (count,):
            raise ValueError(
                f"Expected low and high of shape {(count,)}, one each per actuator, "
                f"got {self.low.shape} and {self.high.shape}."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            room = self.high - self.low
        if not np.all((room > 0) & np.isfinite(room)):
            raise ValueError(f"Expected finite low < high for every actuator, got {self.low} and {self.high}.")
        if len(set(self.names)) < count:
            raise ValueError(
                f"Expected a different name for every actuator, got {', '.join(self.names)}. "
                "Give one of the sets another `name`."
            )

    @classmethod
    def symmetric(cls, names: Sequence[str], limit: float, units: str = "1") -> "ActionBox":
        """The box ``|a_j| <= limit`` for every action."""
        bound = np.full(len(names), above_zero("limit", limit))
        return cls(tuple(names), -bound, bound, units)

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: "ActionBox") -> "ActionBox":
        if self.units != other.units:
            raise ValueError(f"Expected actuators of one unit, got '{self.units}' and '{other.units}'.")
        low, high = np.concatenate([self.low, other.low]), np.concatenate([self.high, other.high])
        return ActionBox(self.names + other.names, low, high, self.units)

    def bounds_like(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """``low`` and ``high`` in the precision and on the device of ``values``, made once for each."""
        key = (values.dtype, values.device)
        if key not in self._tensors:
            with torch.inference_mode(False):  # or they would refuse gradients later
                low, high = (torch.tensor(b, dtype=values.dtype, device=values.device) for b in (self.low, self.high))
            self._tensors[key] = low, high
        return self._tensors[key]

    def to_physical(self, normalized: Tensor) -> Tensor:
        """Map actions in ``[-1, 1]`` to physical units, ``(..., actuator)``."""
        low, high = self.bounds_like(normalized)
        return (high + low) / 2 + (high - low) / 2 * normalized

    def to_normalized(self, action: Tensor) -> Tensor:
        """Map actions in physical units to ``[-1, 1]``, ``(..., actuator)``."""
        low, high = self.bounds_like(action)
        return (2 * action - high - low) / (high - low)

    def clamp(self, action: Tensor) -> Tensor:
        """Clip actions in physical units to their bounds, ``(..., actuator)``."""
        return torch.clamp(action, *self.bounds_like(action))


@dataclass(frozen=True)
class Actuators:
    """The forcing ``sum_j a_j g_j(x)`` of variables or parameters.

    :func:`~simulations.shapes.gaussian_jets` and the other functions of :mod:`simulations.shapes` make the
    common ones; the sum of two is both sets together.

    Args:
        box: The actions ``a_j`` and their bounds.
        shapes: The shapes ``g_j`` on the grid, ``(actuator, *space)``, per unit of action.
        acts_on: The target of each actuator: a variable of the equation, to whose time derivative it is
            added, or a parameter, to whose value it is added, so that the parameter varies over space.
            ``""`` means the first variable of the equation; an empty tuple means it for all actuators.
        impulsive: Whether the forcing is added once, at the end of a control interval, instead of acting
            during all of it.

    Raises:
        ValueError: If there is not one finite shape and one target for each action.

    Example:
        >>> import numpy as np
        >>> from simulations import ActionBox, Actuators
        >>> Actuators(ActionBox.symmetric(["step"], limit=1.0), np.array([[0.0, 0.0, 1.0, 1.0]])).shapes.shape
        (1, 4)
    """

    box: ActionBox
    shapes: Array
    acts_on: tuple[str, ...] = field(default=())
    impulsive: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shapes", _array("shapes", self.shapes))
        if self.shapes.ndim < 2 or len(self.shapes) != len(self.box):
            raise ValueError(f"Expected one shape for each action ({len(self.box)}), got {self.shapes.shape}.")
        if not np.isfinite(self.shapes).all():
            rows = np.flatnonzero(~np.isfinite(self.shapes).reshape(len(self.shapes), -1).all(axis=1))
            raise ValueError(
                f"Expected finite shapes, got nan or infinity in that of {', '.join(self.box.names[j] for j in rows)}."
            )
        if self.acts_on and len(self.acts_on) != len(self.box):
            raise ValueError(f"Expected acts_on for each action ({len(self.box)}), got {self.acts_on}.")

    def targets(self, first: str) -> tuple[str, ...]:
        """The target of each actuator, in an equation whose first variable is called ``first``."""
        return tuple(target or first for target in self.acts_on or ("",) * len(self.box))

    def __add__(self, other: "Actuators") -> "Actuators":
        if self.impulsive != other.impulsive:
            raise ValueError(
                "Expected actuators that act alike in time, got impulsive ones and others. Make all of them impulsive."
            )
        acts_on = self.targets("") + other.targets("")
        shapes = np.concatenate([self.shapes, other.shapes])
        return Actuators(self.box + other.box, shapes, acts_on if any(acts_on) else (), self.impulsive)


def _array(name: str, value: Any) -> Array:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"Expected {name} as an array of numbers, got {type(value).__name__}: {error}") from None
