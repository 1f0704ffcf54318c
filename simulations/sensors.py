"""Sensors: noisy readings of some variables at some places."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulations.grid import Grid, PeriodicGrid
from simulations.plant import Plant

Array = NDArray[Any]


class Sensors:
    """Readings of some variables at some places, with noise.

    Give the places as one of ``positions``, ``every`` and ``mask``.

    Args:
        simulation: The simulation whose fields are read, bare or wrapped.
        positions: The coordinates of the sensors by dimension, ``{"x": (sensor,), "y": (sensor,)}``, in the
            units of ``x``.
        every: The distance between sensors in grid points: a sensor at every n-th point along each
            dimension, beginning with the first.
        mask: A sensor at every grid point where this is true, in the shape of the grid.
        variables: The names of the variables that each sensor reads; all by default.
        noise: The standard deviation of white noise on every reading, in the units of the fields.
        between: The value between grid points: ``"linear"`` interpolates, ``"nearest"`` takes the nearest
            point.

    Raises:
        ValueError: With everything that does not fit.

    Example:
        >>> import torch
        >>> from simulations import GOOD_VALUES, Sensors, build
        >>> burgers = build({"equation": "burgers"} | GOOD_VALUES["burgers"].settings)
        >>> Sensors(burgers, positions={"x": [0.0, 1.5, 3.0]}).observe(torch.zeros(2, 1, 128)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        simulation: Plant,
        *,
        positions: Mapping[str, ArrayLike] | None = None,
        every: int | None = None,
        mask: NDArray[np.bool_] | Sequence[bool] | None = None,
        variables: Sequence[str] | None = None,
        noise: float = 0.0,
        between: Literal["linear", "nearest"] = "linear",
    ) -> None:
        grid = simulation.grid
        known = [v.name for v in simulation.variables]
        wanted = known if variables is None else list(variables)
        problems = []
        if not wanted or set(wanted) - set(known) or len(set(wanted)) < len(wanted):
            problems.append(f"expected variables among {', '.join(known)}, each once, got {wanted}")
        if not isinstance(noise, int | float | np.number) or not (np.isfinite(noise) and noise >= 0):
            problems.append(f"expected noise >= 0, got {noise}")
        if between not in ("linear", "nearest"):
            problems.append(f"expected between = 'linear' or 'nearest', got '{between}'")
        if sum(choice is not None for choice in (positions, every, mask)) != 1:
            problems.append("expected one of positions, every and mask")
        elif positions is not None:
            problems += _position_problems(grid, positions)
        elif every is not None:
            if not isinstance(every, int | np.integer) or every < 1:
                problems.append(f"expected every as a whole number >= 1, got {every}")
        elif mask is not None:
            problems += _mask_problems(grid, np.asarray(mask))
        if problems:
            raise ValueError(f"Sensors of {simulation.equation}: " + "; ".join(problems) + ".")
        self.noise = noise
        self.shape = (len(known), *grid.shape)
        self._channels = [known.index(name) for name in wanted]
        if positions is not None:
            self._points, self._weights = _interpolation(grid, positions, between == "nearest")
        else:
            here = np.zeros(grid.shape, dtype=bool)
            here[(slice(None, None, every),) * len(grid.shape)] = True
            chosen = here if mask is None else np.asarray(mask, dtype=bool)
            self._points = np.flatnonzero(chosen)[:, None]
            self._weights = np.ones(self._points.shape)
        self.names = tuple(f"{name}_{j}" for name in wanted for j in range(len(self._points)))

    def __len__(self) -> int:
        return len(self.names)

    def observe(self, fields: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The readings ``(batch, sensor)``: all places of the first variable, then those of the next.

        Args:
            fields: ``(batch, channel, *space)``.
            generator: Draws the noise, in float64; sensors without noise need none.

        Raises:
            ValueError: If the shape does not fit, or the noise has no generator.
        """
        if fields.shape[1:] != self.shape:
            raise ValueError(f"Sensors: expected fields of shape {('batch', *self.shape)}, got {tuple(fields.shape)}.")
        points = torch.as_tensor(self._points, device=fields.device)
        corners = fields[:, self._channels].flatten(2)[..., points]
        readings = (corners * fields.new_tensor(self._weights)).sum(dim=-1).flatten(1)
        if not self.noise:
            return readings
        if generator is None:
            raise ValueError(
                f"Sensors: expected a generator for noise = {self.noise}, got none. Use torch.Generator()."
            )
        drawn = torch.randn(readings.shape, generator=generator, dtype=torch.float64, device=generator.device)
        return readings + self.noise * drawn.to(readings)


def _mask_problems(grid: Grid, mask: Array) -> list[str]:
    if mask.dtype != np.bool_ or mask.shape != grid.shape or not mask.any():
        wanted = f"expected a mask of bool of shape {grid.shape} that is true somewhere"
        return [f"{wanted}, got {mask.dtype} of shape {mask.shape} with {np.count_nonzero(mask)} true points"]
    return []


def _position_problems(grid: Grid, positions: Mapping[str, ArrayLike]) -> list[str]:
    if not isinstance(positions, Mapping):
        return [f"expected positions as a mapping of {', '.join(grid.dims)} to coordinates, got {positions!r}"]
    if set(positions) != set(grid.dims):
        return [f"expected positions along {', '.join(grid.dims)}, got {', '.join(positions) or 'none'}"]
    arrays = {dim: np.asarray(positions[dim], dtype=np.float64) for dim in grid.dims}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or any(len(shape) != 1 or not shape[0] for shape in shapes):
        return [f"expected as many positions along each dimension, at least one, got shapes {sorted(shapes)}"]
    problems = []
    for (dim, points), extent in zip(grid.coordinates.items(), grid.extents, strict=True):
        low, high = (0.0, extent) if isinstance(grid, PeriodicGrid) else (float(points[0]), float(points[-1]))
        outside = arrays[dim][~((arrays[dim] >= low) & (arrays[dim] <= high))]
        if outside.size:
            problems.append(f"expected {low:.4g} <= {dim} <= {high:.4g}, got {', '.join(f'{p:.4g}' for p in outside)}")
    return problems


def _interpolation(grid: Grid, positions: Mapping[str, ArrayLike], nearest: bool) -> tuple[Array, Array]:
    """The flat indices of the grid points around each position, and their weights, each ``(sensor, corner)``."""
    flat = np.zeros((np.size(positions[grid.dims[0]]), 1), dtype=np.int64)
    weights = np.ones(flat.shape)
    for (dim, points), extent in zip(grid.coordinates.items(), grid.extents, strict=True):
        position = np.asarray(positions[dim], dtype=np.float64)
        count = len(points)
        around = np.append(points, points[0] + extent) if isinstance(grid, PeriodicGrid) else points
        left = np.clip(np.searchsorted(around, position, side="right") - 1, 0, len(around) - 2)
        share = (position - around[left]) / (around[left + 1] - around[left])
        share = np.round(share) if nearest else share
        corner = np.stack([left % count, (left + 1) % count], axis=1)
        flat = (flat[:, :, None] * count + corner[:, None]).reshape(len(flat), -1)
        weights = (weights[:, :, None] * np.stack([1 - share, share], axis=1)[:, None]).reshape(len(flat), -1)
    return flat, weights
