"""The space dimensions of somebody's data: ascending points, even or not, periodic or not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.units import units_of
from sciwm.data.values import missing_remedy, not_finite, numbers_problems
from sciwm.errors import Problem
from simulations.closeness import even, same_positions

KEPT_ATTRIBUTES = ("units", "long_name", "standard_name", "axis", "positive", "formula_terms")
"""What coordinates and variables state that is kept."""


@dataclass(frozen=True)
class SpaceAxis:
    """One space dimension.

    Args:
        name: The user's name.
        values: The points, ascending, ``(points,)``.
        attributes: What is kept of the attributes of the coordinate.
        periodic: Whether it is periodic.
        turned: Whether the points descend in the files.
        stated: Whether the files hold the points; else they are numbered from 0.
    """

    name: str
    values: NDArray[np.float64]
    attributes: dict[str, Any]
    periodic: bool
    turned: bool
    stated: bool

    @property
    def uneven(self) -> bool:
        """Whether the points are not equispaced."""
        return not even(self.values)

    def notes(self) -> list[str]:
        """What was made of it, in words."""
        words = []
        if not self.stated:
            words.append(f"{self.name}: no coordinate, points are numbered from 0")
        if self.turned:
            words.append(f"{self.name}: descending, turned")
        if self.uneven:
            words.append(f"{self.name}: not equispaced, from {np.diff(self.values).min():g} apart")
        return words


def read_axis(dataset: xr.Dataset, name: str, *, periodic: bool, where: str) -> tuple[SpaceAxis | None, list[Problem]]:
    """A space dimension of a Dataset, or what is wrong with it."""
    place, size = f"{where}: {name}", dataset.sizes[name]
    if size < 2:
        remedy = "leave it out of source.space: a dimension with one point is dropped"
        return None, [Problem(place, "at least two points", str(size), remedy)]
    stated = name in dataset.coords and dataset[name].dims == (name,)
    if not stated:
        return SpaceAxis(name, np.arange(size, dtype=np.float64), {"units": "1"}, periodic, False, False), []
    x = dataset[name]
    problems = numbers_problems(x, place, "give the dimension numbers as coordinates, or leave the coordinate out")
    if problems:
        return None, problems
    values = x.values.astype(np.float64)
    if not np.isfinite(values).all():
        return None, [Problem(place, "finite positions", not_finite(values), missing_remedy(x))]
    turned = bool(values[0] > values[-1])
    values = values[::-1] if turned else values
    if (np.diff(values) <= 0).any():
        at = int(np.argmax(np.diff(values) <= 0))
        got = f"{values[at + 1]:g} after {values[at]:g}"
        remedy = f"sort with ds.sortby('{name}'), and leave repeated points out"
        return None, [Problem(place, "positions that increase or decrease throughout", got, remedy)]
    axis = SpaceAxis(name, np.ascontiguousarray(values), _kept(x), periodic, turned, True)
    if periodic and axis.uneven:
        got = f"points {np.diff(values).min():g} to {np.diff(values).max():g} apart"
        return None, [Problem(place, "equispaced points, as it is periodic", got, "interpolate, or take it as bounded")]
    return axis, []


def unlike_axes(first: SpaceAxis, other: SpaceAxis, where: str) -> list[Problem]:
    """A problem if two Datasets have other points along a dimension."""
    if same_positions(first.values, other.values):
        return []
    expected = f"{len(first.values)} points from {first.values[0]:g} to {first.values[-1]:g}, as in the other data"
    got = f"{len(other.values)} from {other.values[0]:g} to {other.values[-1]:g}"
    return [Problem(f"{where}: {first.name}", expected, got, "interpolate to the same points")]


def _kept(x: xr.DataArray) -> dict[str, Any]:
    return {"units": units_of(x)} | {k: str(x.attrs[k]) for k in KEPT_ATTRIBUTES[1:] if k in x.attrs}
