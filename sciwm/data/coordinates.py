"""Axes as coordinates of Datasets, and as text."""

import xarray as xr

from sciwm.data.domain import Axis
from simulations.closeness import even


def position_of(axis: Axis) -> xr.DataArray:
    """The points of an axis as a coordinate. :func:`axis_of` is the inverse."""
    attributes = {"units": axis.units, "long_name": "position"}
    if axis.name.upper() in ("X", "Y", "Z"):
        attributes["axis"] = axis.name.upper()
    attributes["boundary"] = "periodic" if axis.periodic else "bounded"
    return xr.DataArray(axis.coordinates, dims=axis.name, name=axis.name, attrs=attributes)


def axis_of(position: xr.DataArray) -> Axis:
    """The axis of an ascending coordinate; periodic unless its attribute ``boundary`` is ``bounded``."""
    values = position.values.astype(float)
    return Axis(
        name=str(position.name),
        num_points=len(values),
        spacing=float(values[-1] - values[0]) / (len(values) - 1),
        start=float(values[0]),
        units=str(position.attrs.get("units", "1")),
        periodic=position.attrs.get("boundary", "periodic") != "bounded",
        points=None if even(values) else tuple(map(float, values)),
    )


def axis_in_words(axis: Axis) -> str:
    """The number of points of an axis and the range that they cover, as text."""
    first, last = axis.coordinates[[0, -1]]
    covered = f"period {axis.extent:g}" if axis.periodic else f"from {first:g} to {last:g}"
    return f"{axis.name}: {axis.num_points} points, {covered} [{axis.units}]"
