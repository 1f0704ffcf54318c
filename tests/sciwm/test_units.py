"""Units: spellings that mean the same, conversions with known values, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from sciwm.data.units import converted, same_units, without_quantities

NONE = ("", " ", "1", "1.0", 1, 1.0, np.int32(1), b"1", np.array(["1"]), np.array([1.0]), ["1"], None)
WORDS = ("dimensionless", "none", "None", "unitless", "-", "nondimensional", "non-dimensional", "m/m", "kg kg-1")


@pytest.mark.parametrize("units", [*NONE, *WORDS], ids=repr)
def test_every_way_to_write_that_there_is_no_unit(units: object) -> None:
    assert same_units(units, "1")
    assert same_units("dimensionless", units)
    assert not same_units(units, "m")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m/s", "m s-1"),
        ("meter / second", "m s^-1"),
        ("metres", "m"),
        ("hours", "h"),
        ("min", "minutes"),
        ("degC", "degrees_C"),
        ("°C", "Celsius"),
        ("Kelvin", "K"),
        ("degrees_north", "degree"),
        ("W/m^2", "W m-2"),
        ("1000 m", "km"),
        ("%", "0.01"),
        ("furlongs of our own", "furlongs of our own"),
    ],
)
def test_spellings_of_the_same_unit(one: str, other: str) -> None:
    assert same_units(one, other)
    assert same_units(other, one)


@pytest.mark.parametrize(("one", "other"), [("K", "degC"), ("m", "s"), ("m", "km"), ("zorks", "blips"), ("psu", "1")])
def test_units_that_differ(one: str, other: str) -> None:
    assert not same_units(one, other)


@pytest.mark.parametrize(
    ("value", "units", "wanted", "right"),
    [
        (0.0, "degC", "K", 273.15),
        (300.0, "K", "degF", 80.33),
        (36.0, "km/h", "m s-1", 10.0),
        (1013.25, "hPa", "Pa", 101325.0),
        (2, "hours", "minutes", 120.0),
        (30.0, "%", "1", 0.3),
        (250.0, "milliseconds", "s", 0.25),
    ],
)
def test_values_convert(value: float, units: str, wanted: str, right: float) -> None:
    array = xr.DataArray([value], {"x": [7.0]}, "x", "t", {"units": units, "long_name": "temperature"})
    changed, problems = converted(array, wanted, "forecast: t")
    assert not problems
    np.testing.assert_allclose(changed, right)
    assert changed.attrs == {"units": wanted, "long_name": "temperature"}
    assert changed["x"].item() == 7.0


@pytest.mark.parametrize("units", ["s", "zorks", "m9**9**9**9", "x" * 1000, "m**99999", "10**9**9 m"])
def test_units_without_a_way_are_told(units: str) -> None:
    """Also those that would keep a parser of arithmetic busy for ever."""
    array = xr.DataArray([1.0], dims="x", attrs={"units": units})
    same, (problem,) = converted(array, "m", "forecast: u")
    assert same is array
    assert str(problem).startswith("forecast: u: expected units 'm', or others that convert to them, got '")


def test_lazy_arrays_stay_lazy() -> None:
    array = xr.DataArray(np.arange(4.0), dims="x", attrs={"units": "km"}).chunk(x=2)
    changed, _ = converted(array, "m", "u")
    assert changed.chunks == ((2, 2),)
    np.testing.assert_allclose(changed, [0, 1000, 2000, 3000])


@pytest.mark.parametrize("lazy", [False, True])
def test_quantities_become_arrays_with_their_units(lazy: bool) -> None:
    """Of any registry, in values and in coordinates."""
    pint = pytest.importorskip("pint")
    values = xr.DataArray(np.ones(3), dims="x").chunk().data if lazy else np.ones(3)
    speed = pint.UnitRegistry(force_ndarray_like=True).Quantity(values, "km/h")
    given = xr.Dataset({"u": ("x", speed), "v": ("x", np.ones(3))}, {"x": [0.0, 1.0, 2.0]}, {"title": "waves"})
    plain = without_quantities(given)
    assert plain["u"].attrs == {"units": "km h-1"}
    assert (plain["u"].chunks is not None) == lazy
    assert plain.attrs == given.attrs and plain["v"].identical(given["v"])
    assert without_quantities(given["u"]).attrs["units"] == "km h-1"
    assert without_quantities(plain) is plain
