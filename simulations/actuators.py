"""Actuators: the bounds and units of actions, and the shapes that turn actions into a forcing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.settings import above_zero
from simulations.torch_modes import ordinary, transformed

Array = NDArray[np.float64]

ROUNDING = 1e-9
"""Bounds that differ by less, relative to the larger one, are the same number: its actuator does not move."""


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
    _tensors: dict[tuple[torch.dtype, torch.device], "_Bounds"] = field(
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
            rounding = ROUNDING * np.maximum(np.abs(self.low), np.abs(self.high))
        if not np.all((room > rounding) & np.isfinite(room)):
            raise ValueError(
                f"Expected finite low < high for every actuator, by more than rounding, got {self.low.tolist()} and "
                f"{self.high.tolist()}."
            )
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

    def to_physical(self, normalized: Tensor) -> Tensor:
        """Map actions in ``[-1, 1]`` to physical units, ``(..., actuator)``.

        What lies in ``[-1, 1]`` lies within the bounds afterwards, to the last bit.

        Raises:
            ValueError: If the precision of ``normalized`` has no two numbers between the bounds of an action.
        """
        bounds = self._like(normalized)
        return bounds.middle + bounds.half * normalized

    def to_normalized(self, action: Tensor) -> Tensor:
        """Map actions in physical units to ``[-1, 1]``, ``(..., actuator)``, up to rounding; see :meth:`nearest`."""
        bounds = self._like(action)
        return (2 * action - bounds.high - bounds.low) / (bounds.high - bounds.low)

    def nearest(self, action: Tensor) -> Tensor:
        """The allowed actions that are nearest to actions in physical units, in ``[-1, 1]``, ``(..., actuator)``.

        That of zero stands for no action where zero is not allowed.
        """
        return self.to_normalized(self.clamp(action)).clamp(-1, 1)

    def clamp(self, action: Tensor) -> Tensor:
        """Clip actions in physical units to their bounds, ``(..., actuator)``."""
        return torch.clamp(action, *self.bounds_like(action))

    def bounds_like(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """The outermost numbers within the bounds, in the precision and on the device of ``values``."""
        bounds = self._like(values)
        return bounds.low, bounds.high

    def _like(self, values: Tensor) -> "_Bounds":
        """The bounds in the precision and on the device of ``values``, made once for each."""
        key = (values.dtype, values.device)
        if key in self._tensors:
            return self._tensors[key]
        with ordinary():  # they stay, for callers in other modes too
            bounds = _bounds_in(self, *key)
        if not transformed():  # or they would belong to the transform
            self._tensors[key] = bounds
        return bounds


@dataclass(frozen=True)
class _Bounds:
    """Bounds in one precision: the outermost of its numbers that lie in the box.

    ``half`` is half the width, or by rounding a little less: as rounding never reverses an order, all of
    ``middle + half [-1, 1]`` is in the box if both ends are.
    """

    low: Tensor
    high: Tensor
    middle: Tensor
    half: Tensor


def _bounds_in(box: ActionBox, dtype: torch.dtype, device: torch.device) -> _Bounds:
    if not dtype.is_floating_point:
        raise ValueError(f"Expected actions as floating-point numbers, got {dtype}. Use action.to(torch.float64).")
    exact_low, exact_high = torch.from_numpy(box.low), torch.from_numpy(box.high)
    low, high = exact_low.to(dtype), exact_high.to(dtype)
    low = torch.where(low.double() < exact_low, _next(low, torch.inf), low)
    high = torch.where(high.double() > exact_high, _next(high, -torch.inf), high)
    width = high - low
    if not bool(((width > 0) & width.isfinite() & (high + low).isfinite()).all()):
        raise ValueError(
            f"Expected bounds that {dtype} holds, with a width above zero, got {box.low.tolist()} and "
            f"{box.high.tolist()}. Use torch.float64, or other units."
        )
    middle, half = (high + low) / 2, width / 2
    for _ in range(4):
        outside = (middle + half > high) | (middle - half < low)
        if not outside.any():
            break
        half = torch.where(outside, half * (1 - torch.finfo(dtype).eps), half)
    else:  # so far from zero that an end moves by more than the width is rounded
        gap = torch.maximum(_next(middle, torch.inf) - middle, middle - _next(middle, -torch.inf))
        half = torch.where(outside, (half - gap).clamp(min=0), half)
    return _Bounds(*(values.to(device) for values in (low, high, middle, half)))


def _next(values: Tensor, towards: float) -> Tensor:
    """The neighbouring numbers of the same precision."""
    return torch.nextafter(values, torch.full_like(values, towards))


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
