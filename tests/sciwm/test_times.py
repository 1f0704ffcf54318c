"""Times may be numbers, durations or dates of any calendar; nothing is compared by number alone."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr
from foreign_flows import INTERVAL, flow, told

from sciwm.data import Domain
from sciwm.data.times import flow_times
from sciwm.surrogate import Surrogate


def counting_in(own: Surrogate, units: str) -> Surrogate:
    """The same model, trained on data that state units of time."""
    model = deepcopy(own.model)
    model.domain = replace(own.domain, time_units=units)
    return replace(own, model=model)


def at(ds: xr.Dataset, seconds: float, kind: str) -> xr.Dataset:
    """The flow with steps of so many seconds, its times written in one of the ways of people and files."""
    t = np.arange(ds.sizes["time"]) * seconds
    if kind == "timedelta64":
        return ds.assign_coords(time=(t * 1e9).astype("m8[ns]"))
    if kind == "datetime64":
        return ds.assign_coords(time=np.datetime64("2000-02-28T23:59:59", "ns") + (t * 1e9).astype("m8[ns]"))
    if kind in ("noleap", "360_day"):
        return ds.assign_coords(time=cftime.num2date(t, "seconds since 2000-02-28", calendar=kind))
    units, per = {"ms": ("milliseconds", 1e-3), "h": ("hours since 2000-01-01", 3600.0), "s": ("s", 1.0)}[kind]
    values = np.round(t / per).astype(int) if kind == "ms" else t / per
    return ds.assign_coords(time=("time", values, {"units": units}))


KINDS = pytest.mark.parametrize("kind", ["timedelta64", "datetime64", "noleap", "360_day", "ms", "h", "s"])


@KINDS
def test_steps_of_a_quarter_of_a_second_are_understood_and_kept(own: Surrogate, kind: str) -> None:
    """The forecast is that of plain numbers, at the very times of the input."""
    ds = flow()
    given = at(ds, INTERVAL, kind)
    expected = own.rollout(ds.isel(time=0), ds["action"])
    forecast = own.rollout(given.isel(time=0), given["action"])
    xr.testing.assert_equal(forecast.drop_vars("time"), expected.drop_vars("time"))
    assert forecast["time"].dtype == given["time"].dtype
    np.testing.assert_array_equal(forecast["time"].values, given["time"].values)
    assert forecast["time"].attrs.get("units") == given["time"].attrs.get("units")


@KINDS
def test_a_forecast_goes_on_in_the_units_and_the_calendar_of_its_input(own: Surrogate, kind: str) -> None:
    """One instant more than actions: where the next step of the same kind of time would be."""
    longer = at(flow(6), INTERVAL, kind)
    given = longer.isel(time=slice(0, 5))
    forcing = given["action"].fillna(0.0)
    for start in (given.isel(time=0), given.isel(time=[0])):
        forecast = own.rollout(start, forcing)
        np.testing.assert_array_equal(forecast["time"].values, longer["time"].values)
    from_start = own.rollout(given.isel(time=0), forcing.drop_vars("time"))
    if kind in ("h", "s"):
        np.testing.assert_allclose(from_start["time"], longer["time"], rtol=1e-14)
    else:
        np.testing.assert_array_equal(from_start["time"].values, longer["time"].values)


@KINDS
def test_other_steps_end_in_one_remedy_that_works(own: Surrogate, kind: str) -> None:
    """A quarter of an hour is no quarter of a time unit, whatever the number that a file has for it."""
    given = at(flow(), 900.0, kind)
    (line,) = told(lambda: own.rollout(given.isel(time=0), given["action"]))
    assert "forcing: time: expected equal steps of 0.25 [s], got steps of 900 to 900 [s]" in line
    remedy = "ds.assign_coords(time=np.arange(ds.sizes['time']) * 0.25)"
    assert line.endswith(remedy)
    mended = given.assign_coords(time=np.arange(given.sizes["time"]) * 0.25)
    assert own.rollout(mended.isel(time=0), mended["action"]).sizes["time"] == 5


@KINDS
def test_a_model_of_hours_takes_whatever_steps_by_its_hours(own: Surrogate, kind: str) -> None:
    hourly = counting_in(own, "h")
    ds = flow()
    given = at(ds, 900.0, kind)
    xr.testing.assert_equal(
        hourly.rollout(given.isel(time=0), given["action"])["u"].drop_vars("time"),
        own.rollout(ds.isel(time=0), ds["action"])["u"].drop_vars("time"),
    )
    quarter = at(ds, INTERVAL, kind)
    assert (
        "expected equal steps of 0.25 [h]" in told(lambda: hourly.rollout(quarter.isel(time=0), quarter["action"]))[0]
    )


def test_plain_numbers_count_as_the_model_does(own: Surrogate) -> None:
    ds = flow()
    plain = ds.assign_coords(time=ds["time"].values)
    assert counting_in(own, "h").rollout(plain.isel(time=0), plain["action"]).sizes["time"] == 5


@KINDS
def test_a_forcing_begins_with_the_fields(own: Surrogate, kind: str) -> None:
    """Dates are compared as dates; the remedy is by index, which no kind of time can spoil."""
    given = at(flow(), INTERVAL, kind)
    (line,) = told(lambda: own.rollout(given.isel(time=2), given["action"]))
    assert "first, the time of the fields" in line
    assert "forcing.isel(time=slice(2, None))" in line
    later = own.rollout(given.isel(time=2), given["action"].isel(time=slice(2, None)))
    np.testing.assert_array_equal(later["time"].values, given["time"].values[2:])


@pytest.mark.parametrize(
    ("time", "part"),
    [
        (np.datetime64("NaT", "ns"), "expected one date, got NaT"),
        (np.nan, "expected one number, got nan"),
        ("noon", "expected one number or date, got <U4"),
        (xr.DataArray(0.0, attrs={"units": "furlongs"}), "expected units 's'"),
    ],
)
def test_times_of_fields_that_are_none(own: Surrogate, time: Any, part: str) -> None:
    ds = flow()
    start = ds.isel(time=0).assign_coords(time=time)
    assert part in told(lambda: own.rollout(start, ds["action"].drop_vars("time")))[0]


def test_plans_have_the_times_of_their_start(own: Surrogate) -> None:
    given = at(flow(), INTERVAL, "noleap")
    plan = own.plan(given.isel(time=4), 0 * given[["u"]].isel(time=0).drop_vars("time"), horizon=2)
    expected = cftime.num2date(1.0 + 0.25 * np.arange(3), "seconds since 2000-02-28", calendar="noleap")
    np.testing.assert_array_equal(plan["time"].values, expected)


def test_times_over_several_dimensions_are_told(own: Surrogate) -> None:
    """time(time, node), as of swaths: not one time, and not silently from 0."""
    ds = flow().drop_vars("time")
    ds["time"] = (("time", "node"), np.tile(np.arange(5)[:, None] * INTERVAL, (1, 2)))
    (line,) = told(lambda: own.rollout(ds.isel(time=0), ds["action"]))
    assert line == "fields: time: expected one time, got dimensions ('node',); choose one with ds.isel(node=0)"


def test_packed_times_are_told(own: Surrogate) -> None:
    ds = flow()
    raw = ds.assign_coords(time=("time", np.arange(5, dtype="i2"), {"scale_factor": 0.25}))
    assert "these are packed" in told(lambda: own.rollout(ds.isel(time=0), raw["action"]))[0]


def test_units_of_time_are_kept_with_the_model(own: Surrogate) -> None:
    """And a model without them is written as ever."""
    hourly = counting_in(own, "h").domain
    assert Domain.from_json(hourly.to_json()).time_units == "h"
    assert "time_units" not in own.domain.to_json()


@pytest.mark.parametrize("resolution", ["s", "ms", "us", "ns"])
def test_dates_of_any_resolution_go_on(own: Surrogate, resolution: str) -> None:
    known = xr.DataArray(np.array("2262-04-11T23:47:16", f"M8[{resolution}]"))
    times = flow_times(xr.Dataset(coords={"time": known}), 2, own.domain)
    np.testing.assert_array_equal(times.values - times.values[0], np.arange(3) * np.timedelta64(250, "ms"))
