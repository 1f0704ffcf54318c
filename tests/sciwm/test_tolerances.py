"""Grids and steps are compared by their own size: nanometres like metres, and rounded coordinates for what they are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from foreign_flows import EXTENT, INTERVAL, flow, told

from sciwm.data import Axis, Domain, check_fields, check_forcing
from sciwm.data.checks import spacing_problems, time_problems
from sciwm.surrogate import Surrogate


def scaled(domain: Domain, size: float) -> Domain:
    """The same domain in other units of length, time and action."""
    box = domain.actuators
    return replace(
        domain,
        axes=tuple(replace(a, spacing=a.spacing * size, start=a.start * size) for a in domain.axes),
        control_interval=domain.control_interval * size,
        actuators=replace(box, low=box.low * size, high=box.high * size),
    )


def lines(problems: Any) -> list[str]:
    return [str(p) for p in problems]


SIZES = pytest.mark.parametrize("size", [1e-12, 1e-9, 1.0, 1e15])


@SIZES
@pytest.mark.parametrize(
    ("step", "accepted"), [(1.0, True), (1.0005, True), (1.01, False), (5.0, False), (0.01, False), (7.0, False)]
)
def test_steps_are_those_of_the_model_in_any_unit(own: Surrogate, size: float, step: float, accepted: bool) -> None:
    """A model with an interval of a nanosecond refuses five of them, and a hundredth."""
    domain = scaled(own.domain, size)
    times = xr.DataArray(np.arange(5) * INTERVAL * step * size, dims="time")
    assert (time_problems(times, domain.control_interval, "f") == []) is accepted


@SIZES
def test_periods_and_points_are_those_of_the_model_in_any_unit(own: Surrogate, size: float) -> None:
    domain = scaled(own.domain, size)
    ds = flow()[["u"]]

    def problems(x: Any) -> list[str]:
        return lines(check_fields(ds.assign_coords(x=np.asarray(x) * size), domain))

    x = ds["x"].values
    assert problems(x) == []
    assert problems(x * 1.0005) == []
    for share in (0.7, 1.01, 1.3, 2.0):
        assert "expected a period of" in problems(x * share)[0]
    assert "starts at 0" in problems(x + 0.1)[0]
    assert "equispaced" in problems(np.concatenate([x[:-1], [x[-1] + 0.2]]))[0]
    assert "leave out the repeated end point" in problems(np.linspace(0, EXTENT, 32))[0]
    walled = replace(domain, axes=(replace(domain.axes[0], periodic=False),))
    at_walls = ds.assign_coords(x=x * size)
    assert check_fields(at_walls, walled) == []
    assert "points from" in lines(check_fields(at_walls.assign_coords(x=(x * size) + 0.1 * size), walled))[0]


@pytest.mark.parametrize("unit", [1e-10, 1.0])
def test_uneven_points_are_uneven_in_any_unit(unit: float) -> None:
    x = xr.DataArray(np.array([0, 1, 2, 3, 4, 5, 9, 30]) * unit, dims="x", name="x")
    assert "8 points" in lines(spacing_problems(x, "x"))[0]


@SIZES
def test_bounds_of_actions_hold_in_any_unit(own: Surrogate, size: float) -> None:
    """No slack that is large beside bounds of a billionth."""
    domain = scaled(own.domain, size)
    forcing = xr.DataArray(np.full((2, 4), size), dims=("time", "actuator"))
    assert check_forcing(forcing, domain) == []
    assert "8 outside in all" in lines(check_forcing(1.001 * forcing, domain))[0]


@pytest.mark.parametrize(
    "rounded",
    [
        lambda x: x.astype("f4"),
        lambda x: x.round(3),
        lambda x: x.round(2),
        lambda x: (x / 0.001).round().astype("i2") * 0.001,
    ],
    ids=["single", "3 decimals", "2 decimals", "packed"],
)
def test_rounded_grids_are_the_grids_that_were_rounded(own: Surrogate, rounded: Callable[[Any], Any]) -> None:
    """And the latent is that of the exact grid, as positions only say where the points belong."""
    ds = flow()
    x = ds["x"].values
    np.testing.assert_array_equal(own.encode(ds.assign_coords(x=rounded(x))), own.encode(ds))
    walled = replace(own.domain, axes=(Axis("x", 32, EXTENT / 32, periodic=False),))
    assert check_fields(ds.assign_coords(x=rounded(x)), walled) == []


@pytest.mark.parametrize(
    "times", [lambda t: (1e4 + t).astype("f4"), lambda t: (1e6 + t).astype("f4"), lambda t: (t / 3).round(3)]
)
def test_rounded_times_are_even(own: Surrogate, times: Callable[[Any], Any]) -> None:
    exact = np.arange(5) * INTERVAL
    given = times(exact)
    interval = INTERVAL / 3 if given[0] == 0 else INTERVAL
    assert time_problems(xr.DataArray(given, dims="time"), interval, "f") == []


def test_times_that_their_format_cannot_hold_are_told(own: Surrogate) -> None:
    """At 1e7, single precision knows whole numbers alone: the steps are lost, and no tolerance brings them back."""
    ds = flow()
    late = ds.assign_coords(time=(1e7 + ds["time"].values).astype("f4"))
    (line,) = told(lambda: own.rollout(late.isel(time=0), late["action"]))
    assert "steps of 0 to 1; float32 rounds times of this size to 1: give them as float64" in line
