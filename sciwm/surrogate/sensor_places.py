"""Where sensors stand on the grid of a model: between which points, and how near to each."""

import itertools
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Axis, Domain, numbers_problems
from sciwm.data.units import converted
from sciwm.errors import Problem, counted

ROUNDING = 1e-6
"""How far beyond the last point, as a share of the spacing, a sensor may stand by rounding."""


@dataclass(frozen=True)
class Places:
    """The points of the grid around each sensor.

    Args:
        corners: Their indices in the flattened grid, ``(..., point, corner)``.
        weights: How much each counts, of the same shape, summing to one: linear interpolation along every axis.
        known: Where the position is a number, ``(..., point)``.
    """

    corners: NDArray[np.int64]
    weights: NDArray[np.float64]
    known: NDArray[np.bool_]


def places_of(ds: xr.Dataset, domain: Domain, dims: list[str]) -> tuple[Places | None, list[Problem]]:
    """The places of the sensors of a Dataset, by coordinates with the names of the space dimensions.

    Args:
        ds: Observations over ``point``.
        domain: The grid.
        dims: The dimensions that the places are wanted over, with ``point`` last.
    """
    below, shares, known, problems = [], [], [], list[Problem]()
    for axis in domain.axes:
        position, wrong = _positions(ds, axis)
        problems += wrong
        if wrong:
            continue
        missing = [d for d in position.dims if d not in dims]
        if missing:
            place, got = f"observations: {axis.name}", f"dimensions {position.dims}"
            problems.append(Problem(place, "positions over 'point', or over time too", got))
            continue
        inside = position.expand_dims({d: 1 for d in dims if d not in position.dims}).transpose(*dims)
        values = inside.values.astype(float)
        problems += _outside_problems(values, axis)
        lower, share = _between(values, axis)
        below.append(lower)
        shares.append(share)
        known.append(np.isfinite(values))
    if problems:
        return None, problems
    corners, weights = [], []
    for sides in itertools.product((0, 1), repeat=len(domain.axes)):
        index, weight = np.zeros((), np.int64), np.ones(())
        for axis, side, lower, share in zip(domain.axes, sides, below, shares, strict=True):
            index = index * axis.num_points + (lower + side) % axis.num_points
            weight = weight * (share if side else 1 - share)
        corners.append(index)
        weights.append(weight)
    everywhere = np.broadcast_arrays(*corners, *weights)
    count = len(corners)
    together = np.stack(everywhere[:count], axis=-1), np.stack(everywhere[count:], axis=-1)
    return Places(*together, np.logical_and.reduce(np.broadcast_arrays(*known))), []


def _positions(ds: xr.Dataset, axis: Axis) -> tuple[xr.DataArray, list[Problem]]:
    place = f"observations: {axis.name}"
    if axis.name not in ds.variables:
        expected = f"the position '{axis.name}' [{axis.units}] of every point"
        remedy = f"ds.assign_coords({axis.name}=('point', ...))"
        return xr.DataArray(), [Problem("observations", expected, "none", remedy)]
    position = ds[axis.name]
    problems = numbers_problems(position, place)
    return (position, problems) if problems else converted(position, axis.units, place)


def _outside_problems(values: NDArray[np.float64], axis: Axis) -> list[Problem]:
    if axis.periodic:
        return []
    first, last = axis.coordinates[[0, -1]]
    slack = ROUNDING * axis.spacing
    wrong = (values < first - slack) | (values > last + slack)
    if not wrong.any():
        return []
    place = f"observations: {axis.name}"
    got = f"{counted(int(wrong.sum()), 'position')} outside, the first {values[wrong][0]:g}"
    remedy = "drop the points beyond the model's grid, on which nothing is known of them"
    return [Problem(place, f"positions from {first:g} to {last:g} [{axis.units}]", got, remedy)]


def _between(values: NDArray[np.float64], axis: Axis) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The point below each position, and the share of the way to the next one."""
    points, values = axis.coordinates, np.nan_to_num(values, nan=axis.start)
    if axis.periodic:
        values = points[0] + np.mod(values - points[0], axis.extent)
        points = np.append(points, points[0] + axis.extent)
    last = max(len(points) - 2, 0)
    lower = np.clip(np.searchsorted(points, values, side="right") - 1, 0, last)
    step = points[lower + 1] - points[lower] if len(points) > 1 else np.ones_like(values)
    return lower.astype(np.int64), np.clip((values - points[lower]) / step, 0.0, 1.0)
