"""Space and time of data that somebody else wrote."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from sciwm.data.axes import latitude_of, space_of, time_of


def fields(*dimensions: str, labels: bool = True, **attributes: dict[str, Any]) -> xr.Dataset:
    """A variable over time and dimensions of 4 points each, with attributes by dimension."""
    coordinates = {d: (d, 0.5 + np.arange(4.0), attributes.get(d, {})) for d in dimensions if labels}
    return xr.Dataset({"u": (("time", *dimensions), np.zeros((2, *[4] * len(dimensions))))}, coordinates)


@pytest.mark.parametrize(
    ("dimensions", "attributes"),
    [
        (("x",), {}),
        (("x", "y", "z"), {}),
        (("latitude", "longitude"), {}),
        (("Lat", "Lon"), {}),
        (("nav_lat", "nav_lon"), {}),
        (("a", "b"), {"a": {"axis": "Y"}, "b": {"axis": "X"}}),
        (("a", "b"), {"a": {"standard_name": "latitude"}, "b": {"standard_name": "longitude"}}),
        (("a", "b"), {"a": {"units": "degrees_north"}, "b": {"units": "degreeE"}}),
        (("a", "b"), {"a": {"standard_name": "projection_y_coordinate"}, "b": {"axis": np.array(["X"])}}),
        (("lat", "lon"), {"lat": {"axis": "Y"}}),
    ],
)
def test_space_is_what_says_so(dimensions: tuple[str, ...], attributes: dict[str, Any]) -> None:
    space = space_of(fields(*dimensions, **attributes))
    assert (set(space.dimensions), space.unknown) == (set(dimensions), ())


def test_one_of_two_datasets_may_say_it_for_both() -> None:
    named = fields("a", "b", a={"axis": "Y"}, b={"axis": "X"})
    assert space_of(fields("a", "b"), named).dimensions == ("a", "b")


@pytest.mark.parametrize(
    ("dataset", "unknown"),
    [
        (fields("row", "column", labels=False), ("row", "column")),
        (fields("cell"), ("cell",)),
        (fields("x", "column", labels=False), ("column",)),
        (fields("x", "eta"), ("eta",)),  # labels like those of a grid
        (fields("latitude", "band").assign_coords(band=[1, 2, 3, 4]), ("band",)),  # latitudes come with longitudes
        (fields("x", "perturbation").assign_coords(perturbation=[1, 2, 3, 4]), ()),
        (fields("x", "reynolds").assign_coords(reynolds=[0.1, 1.0, 10.0, 100.0]), ()),
        (fields("x", "station").assign_coords(station=list("abcd")), ()),
        (fields("x", "realization", labels=False), ()),
        (fields("level", "x"), ()),
    ],
)
def test_what_may_be_space_is_unknown(dataset: xr.Dataset, unknown: tuple[str, ...]) -> None:
    assert space_of(dataset).unknown == unknown


def test_attributes_of_any_type_do_not_matter() -> None:
    odd = {"axis": np.array([1.0, 2.0]), "standard_name": {"a": 1}, "units": np.array([[1], [2]])}
    assert space_of(fields("x", "y", x=odd)).dimensions == ("x", "y")


def test_latitude_is_found() -> None:
    assert latitude_of(fields("lat", "lon"), ("lat", "lon")) == "lat"
    assert latitude_of(fields("a", "b", b={"units": "degrees_north"}), ("a", "b")) == "b"
    assert latitude_of(fields("y", "x", y={"axis": "Y"}), ("y", "x")) is None
    assert latitude_of(fields("lat", lat={"standard_name": "grid_latitude"}), ("lat",)) is None  # of a turned pole


def test_time_is_found() -> None:
    assert time_of(fields("x")) == "time"
    dates = np.array(["2000-01-01", "2000-01-02"], "M8[ns]")
    assert time_of(fields("x").rename(time="t").assign_coords(t=dates)) == "t"
    assert time_of(fields("x").isel(time=0).assign_coords(when=((), 1.0, {"standard_name": "time"}))) == "when"
    assert time_of(fields("x").isel(time=0)) is None
