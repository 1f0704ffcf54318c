"""How a vector of action values becomes a forcing: bounds, units and profiles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.grid import Grid, PeriodicGrid

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ActionBox:
    """What may be done: named actions with bounds, ``[-1, 1]`` inside planners, physical outside.

    Args:
        names: one name per actuator.
        low, high: bounds in physical units, shape ``(actuator,)``.
        units: units of the action values.
    """

    names: tuple[str, ...]
    low: Array
    high: Array
    units: str = "1"

    def __post_init__(self) -> None:
        count = len(self.names)
        if self.low.shape != (count,) or self.high.shape != (count,):
            raise ValueError(
                f"Expected low and high for {count} actuators, got shapes {self.low.shape} and {self.high.shape}."
            )
        if not np.all(self.low < self.high):
            raise ValueError(f"Expected low < high for every actuator, got {self.low} and {self.high}.")
        if len(set(self.names)) < count:
            raise ValueError(f"Expected a different name for every actuator, got {', '.join(self.names)}.")

    @classmethod
    def symmetric(cls, names: Sequence[str], limit: float, units: str = "1") -> "ActionBox":
        """``|a_j| <= limit`` for every action."""
        bound = np.full(len(names), float(limit))
        return cls(tuple(names), -bound, bound, units)

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: "ActionBox") -> "ActionBox":
        if self.units != other.units:
            raise ValueError(f"Expected actuators of one unit, got '{self.units}' and '{other.units}'.")
        low, high = np.concatenate([self.low, other.low]), np.concatenate([self.high, other.high])
        return ActionBox(self.names + other.names, low, high, self.units)

    def to_physical(self, normalized: Tensor) -> Tensor:
        """Map ``[-1, 1]`` to the physical bounds; last axis is the actuator."""
        low, high = normalized.new_tensor(self.low), normalized.new_tensor(self.high)
        return (high + low) / 2 + (high - low) / 2 * normalized

    def to_normalized(self, action: Tensor) -> Tensor:
        """Map the physical bounds to ``[-1, 1]``; last axis is the actuator."""
        low, high = action.new_tensor(self.low), action.new_tensor(self.high)
        return (2 * action - high - low) / (high - low)

    def clamp(self, action: Tensor) -> Tensor:
        """Clip a physical action to its bounds."""
        return torch.clamp(action, action.new_tensor(self.low), action.new_tensor(self.high))


@dataclass(frozen=True)
class Actuators:
    """A forcing ``sum_j a_j g_j(x)`` of variables or parameters.

    Args:
        box: the actions ``a_j`` and their bounds.
        shapes: the profiles ``g_j`` on the grid, shape ``(actuator, *space)``.
        acts_on: what each one acts on: a variable of the equation (added to its time derivative) or
            a parameter of it (added to its value, which then varies over space); empty for the
            equation's first variable.
        impulsive: whether the forcing is added once at the end of a control interval instead of
            acting all through it.
    """

    box: ActionBox
    shapes: Array
    acts_on: tuple[str, ...] = field(default=())
    impulsive: bool = False

    def __post_init__(self) -> None:
        if self.shapes.ndim < 2 or len(self.shapes) != len(self.box):
            raise ValueError(f"Expected one shape for each of {len(self.box)} actions, got {self.shapes.shape}.")
        if self.acts_on and len(self.acts_on) != len(self.box):
            raise ValueError(f"Expected acts_on for each of {len(self.box)} actions, got {self.acts_on}.")

    def __add__(self, other: "Actuators") -> "Actuators":
        if bool(self.acts_on) != bool(other.acts_on) or self.impulsive != other.impulsive:
            raise ValueError("Expected actuators that both name what they act on, and act alike in time.")
        shapes = np.concatenate([self.shapes, other.shapes])
        return Actuators(self.box + other.box, shapes, self.acts_on + other.acts_on, self.impulsive)


def _actuators(kind: str, shapes: Array, limit: float, acts_on: str | None, units: str, impulsive: bool) -> Actuators:
    prefix = f"{acts_on}_{kind}" if acts_on else kind
    box = ActionBox.symmetric([f"{prefix}_{j}" for j in range(len(shapes))], limit, units)
    return Actuators(box, shapes, (acts_on,) * len(shapes) if acts_on else (), impulsive)


def gaussian_jets(
    grid: PeriodicGrid,
    *,
    count: int | Sequence[int],
    width: float,
    limit: float,
    offset: float = 0.0,
    normalization: Literal["integral", "peak"] = "integral",
    zero_mean: bool = False,
    acts_on: str | None = None,
    units: str = "1",
) -> Actuators:
    """Gaussian jets on an equispaced lattice, each summed over its periodic images.

        g_j(x) = exp(-|x - x_j|^2 / (2 width^2)) / (2 pi width^2)^(d/2)

    Args:
        count: number of jets along each dimension.
        width: standard deviation of the Gaussian, in the units of ``x``.
        limit: bound ``|a_j| <= limit``.
        offset: where in its lattice cell a jet sits: centres at ``(j + offset) L / count``.
        normalization: whether a jet integrates to one, or has the value one at its centre.
        zero_mean: subtract the mean of every shape, so that the jets leave the spatial mean alone.
        acts_on: a variable or a parameter of the equation; its first variable by default.

    Raises:
        ValueError: if a jet is narrower than one grid spacing (its shape would be lost).
    """
    if not width > 0:
        raise ValueError(f"Expected jets of width > 0, got {width}.")
    counts = (count,) * len(grid.shape) if isinstance(count, int) else tuple(count)
    if len(counts) != len(grid.shape) or min(counts) < 1:
        raise ValueError(f"Expected a count of jets along each of {', '.join(grid.dims)}, got {count}.")
    if width < max(grid.spacing):
        points = 2 * int(np.ceil(max(grid.extents) / width / 2))
        raise ValueError(
            f"Expected jets at least one grid spacing wide, got width = {width} on a spacing of "
            f"{max(grid.spacing):.3g}. Use at least num_points = {points} or a larger width."
        )
    profiles = [
        _periodic_gaussians(x, extent, (np.arange(n) + offset) * extent / n, width)
        for x, extent, n in zip(grid.coordinates.values(), grid.extents, counts, strict=True)
    ]
    shapes = profiles[0]
    for profile in profiles[1:]:
        shapes = np.einsum("i...,jy->ij...y", shapes, profile).reshape(-1, *shapes.shape[1:], profile.shape[1])
    if normalization == "integral":
        shapes = shapes / (np.sqrt(2 * np.pi) * width) ** len(counts)
    if zero_mean:
        shapes = shapes - shapes.mean(axis=tuple(range(1, shapes.ndim)), keepdims=True)
    return _actuators("jet", shapes, limit, acts_on, units, False)


def _periodic_gaussians(x: Array, extent: float, centres: Array, width: float) -> Array:
    distance = (x - centres[:, None] + extent / 2) % extent - extent / 2
    reach = 1 + int(np.ceil(8 * width / extent))  # images further than 8 widths are below rounding
    to_images = distance[..., None] + extent * np.arange(-reach, reach + 1)
    return np.asarray(np.exp(-(to_images**2) / (2 * width**2)).sum(axis=-1))


def sine_modes(
    grid: PeriodicGrid, *, modes: Sequence[int], limit: float, acts_on: str | None = None, units: str = "1"
) -> Actuators:
    """``sin`` and ``cos`` of each integer wavenumber in turn, along ``x``: two actions a mode.

    Args:
        modes: integer wavenumbers, each at least 1 and below the Nyquist mode.
        limit: bound ``|a_j| <= limit``.
        acts_on: a variable or a parameter of the equation; its first variable by default.

    Raises:
        ValueError: if a mode cannot be represented on the grid.
    """
    highest = grid.shape[0] // 2 - 1
    if not modes or min(modes) < 1 or max(modes) > highest:
        raise ValueError(
            f"Expected modes between 1 and {highest} on {grid.shape[0]} points, got {list(modes)}. "
            f"Use at least num_points = {2 * (max(modes, default=1) + 1)} for these modes."
        )
    phase = 2 * np.pi * grid.mesh[0] / grid.extents[0]
    waves = [wave(mode * phase) for mode in modes for wave in (np.sin, np.cos)]
    shapes = np.stack([np.broadcast_to(wave, grid.shape) for wave in waves])
    return _actuators("sine", shapes, limit, acts_on, units, False)


def boxes(
    grid: Grid,
    *,
    intervals: Sequence[tuple[float, float]] | Sequence[tuple[tuple[float, float], tuple[float, float]]],
    limit: float,
    acts_on: str | None = None,
    units: str = "1",
    impulsive: bool = False,
) -> Actuators:
    """One inside an interval (a rectangle in 2D), zero outside: ``low <= x < high``.

    Args:
        intervals: ``(low, high)`` of each box in 1D, ``((x_low, x_high), (y_low, y_high))`` in 2D.
        limit: bound ``|a_j| <= limit``.
        acts_on: a variable or a parameter of the equation; its first variable by default.
        impulsive: see :class:`Actuators`.

    Raises:
        ValueError: if a box holds no grid point.
    """
    axes = list(grid.coordinates.values())
    shapes = []
    for j, interval in enumerate(intervals):
        bounds = np.asarray(interval, dtype=float).reshape(-1, 2)
        if len(bounds) != len(axes):
            raise ValueError(f"Expected (low, high) along each of {', '.join(grid.dims)} for box {j}, got {interval}.")
        inside = [(low <= x) & (x < high) for (low, high), x in zip(bounds, axes, strict=True)]
        shape = inside[0]
        for other in inside[1:]:
            shape = shape[..., None] & other
        if not shape.any():
            raise ValueError(f"Box {j} at {interval} holds no grid point: use more points or a wider box.")
        shapes.append(shape.astype(float))
    return _actuators("box", np.stack(shapes), limit, acts_on, units, impulsive)


def uniform(grid: Grid, *, limit: float, acts_on: str, units: str = "1") -> Actuators:
    """One action that changes a variable or a scalar parameter everywhere alike."""
    return _actuators("uniform", np.ones((1, *grid.shape)), limit, acts_on, units, False)


def boundary_values(grid: Grid, *, walls: Sequence[str] = ("right",), limit: float, units: str = "1") -> Actuators:
    """One action for each named wall, whose field it sets: ``|a_j| <= limit``."""
    box = ActionBox.symmetric(walls, limit, units)
    return Actuators(box, np.zeros((len(walls), *grid.shape)), tuple(walls))
