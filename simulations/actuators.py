"""How a vector of action values becomes a forcing field."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.grid import PeriodicGrid


@dataclass(frozen=True)
class ActionBox:
    """What may be done: named actions with bounds, ``[-1, 1]`` inside planners, physical outside.

    Args:
        names: one name per actuator.
        low, high: bounds in physical units, shape ``(actuator,)``.
        units: units of the action values.
    """

    names: tuple[str, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    units: str = "1"

    def __post_init__(self) -> None:
        count = len(self.names)
        if self.low.shape != (count,) or self.high.shape != (count,):
            raise ValueError(
                f"Expected low and high for {count} actuators, got shapes {self.low.shape} and {self.high.shape}."
            )
        if not np.all(self.low < self.high):
            raise ValueError(f"Expected low < high for every actuator, got {self.low} and {self.high}.")

    def __len__(self) -> int:
        return len(self.names)

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
    """A forcing ``f(x) = sum_j a_j g_j(x)``.

    Args:
        box: the actions ``a_j`` and their bounds.
        shapes: the profiles ``g_j`` on the grid, shape ``(actuator, x)``.
    """

    box: ActionBox
    shapes: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.shapes.ndim != 2 or len(self.shapes) != len(self.box):
            raise ValueError(f"Expected one shape for each of {len(self.box)} actions, got {self.shapes.shape}.")


def gaussian_jets(grid: PeriodicGrid, *, count: int, width: float, limit: float) -> Actuators:
    """Equispaced jets ``g_j(x) = exp(-(x - x_j)^2 / (2 width^2)) / (sqrt(2 pi) width)``.

    Each jet is summed over its periodic images, integrates to one over the domain and is centred at
    ``x_j = j L / count``.

    Args:
        count: number of jets.
        width: standard deviation of the Gaussian, in the units of ``x``.
        limit: bound ``|a_j| <= limit``.

    Raises:
        ValueError: if a jet is narrower than one grid spacing (its shape would be lost).
    """
    if not width > 0:
        raise ValueError(f"Expected jets of width > 0, got {width}.")
    if width < grid.spacing:
        points = 2 * int(np.ceil(grid.domain_extent / width / 2))
        raise ValueError(
            f"Expected jets at least one grid spacing wide, got width = {width} on a spacing of "
            f"{grid.spacing:.3g}. Use at least num_points = {points} or a larger width."
        )
    extent = grid.domain_extent
    centres = np.arange(count) * extent / count
    distance = (grid.coordinates - centres[:, None] + extent / 2) % extent - extent / 2
    reach = 1 + int(np.ceil(8 * width / extent))  # images further than 8 widths are below rounding
    to_images = distance[..., None] + extent * np.arange(-reach, reach + 1)
    shapes = np.exp(-(to_images**2) / (2 * width**2)).sum(axis=-1) / (np.sqrt(2 * np.pi) * width)
    bound = np.full(count, float(limit))
    return Actuators(ActionBox(tuple(f"jet_{j}" for j in range(count)), -bound, bound), shapes)
