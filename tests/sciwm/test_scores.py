"""Scores of data that were written by different people: units, labels, grids and times."""

from collections.abc import Callable
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr

from sciwm import InputError, evaluate

TIMES = np.arange(4.0)
RNG = np.random.default_rng(1)
FIELDS, ERRORS = RNG.normal(size=(4, 12, 24)), RNG.normal(size=(4, 12, 24))
LATITUDES, LONGITUDES = np.linspace(-88, 88, 12), np.arange(0, 360, 15.0)
RMSE = np.sqrt((ERRORS**2).mean(axis=(1, 2)))


def told(call: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as error:
        call()
    return str(error.value).splitlines()


def on_the_globe(
    values: np.ndarray, a: str = "latitude", b: str = "longitude", attributes: dict[str, Any] | None = None
) -> xr.Dataset:
    """A variable over time, latitudes under one name and longitudes under another."""
    attributes = attributes or {}
    labels = {"time": TIMES, a: (a, LATITUDES, attributes.get(a, {})), b: (b, LONGITUDES, attributes.get(b, {}))}
    return xr.Dataset({"z500": (("time", a, b), values, {"units": "m"})}, labels)


@pytest.fixture
def truth() -> xr.Dataset:
    """Waves along x that grow, of three members."""
    x = xr.DataArray(np.arange(16.0), dims="x", coords={"x": np.arange(16.0)})
    time = xr.DataArray(TIMES, dims="time", coords={"time": TIMES})
    member = xr.DataArray([0.1, 0.2, 0.3], dims="member", coords={"member": [0.1, 0.2, 0.3]})
    return xr.Dataset({"u": ((1 + time + member) * np.cos(x + time)).assign_attrs(units="m")})


@pytest.fixture
def forecast(truth: xr.Dataset) -> xr.Dataset:
    """The truth with an error of its own at every instant, member and point."""
    return truth + 0.1 * np.random.default_rng(0).normal(size=truth["u"].shape)


# Units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "change"),
    [
        ("degC", "K", lambda u: u + 273.15),
        ("K", "degC", lambda u: u - 273.15),
        ("km/h", "m s-1", lambda u: u / 3.6),
        ("hPa", "Pa", lambda u: 100 * u),
        ("%", "1", lambda u: u / 100),
        ("none", "", lambda u: u),
    ],
)
def test_truths_in_other_units_are_converted(
    ours: str, theirs: str, change: Callable[[Any], Any], truth: xr.Dataset, forecast: xr.Dataset
) -> None:
    """Scores are those of a truth in the units of the forecast."""
    right = evaluate(forecast.assign(u=forecast["u"].assign_attrs(units=ours)), truth.drop_attrs())
    other = truth.assign(u=change(truth["u"]).assign_attrs(units=theirs))
    scores = evaluate(forecast.assign(u=forecast["u"].assign_attrs(units=ours)), other)
    xr.testing.assert_allclose(scores, right)
    assert scores["variable_units"].item() == ("1" if ours == "none" else ours)


def test_units_that_do_not_convert_are_refused_all_at_once(truth: xr.Dataset) -> None:
    wrong = truth.assign_coords(time=("time", TIMES, {"units": "s"}), x=("x", np.arange(16.0), {"units": "kg"}))
    wrong = wrong.assign(u=wrong["u"].assign_attrs(units="zorks"))
    here = truth.assign_coords(time=("time", TIMES, {"units": "m"}), x=("x", np.arange(16.0), {"units": "m"}))
    lines = told(lambda: evaluate(here, wrong))
    assert [line.split(", or")[0] for line in lines] == [
        "truth: u: expected units 'm'",
        "truth: time: expected units 'm'",
        "truth: x: expected units 'm'",
    ]


def test_coordinates_in_other_units_are_converted(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    right = evaluate(forecast, truth)
    here = forecast.assign_coords(time=("time", TIMES, {"units": "hours"}), x=("x", np.arange(16.0), {"units": "km"}))
    there = truth.assign_coords(
        time=("time", (60 * TIMES).astype("f4"), {"units": "minutes"}), x=("x", 1000 * np.arange(16), {"units": "m"})
    )
    np.testing.assert_array_equal(evaluate(here, there)["rmse"], right["rmse"])
    assert evaluate(here, there)["time"].attrs == {"units": "hours"}


@pytest.mark.parametrize("lazy", [False, True])
def test_quantified_arrays_are_scored(lazy: bool, truth: xr.Dataset, forecast: xr.Dataset) -> None:
    pint = pytest.importorskip("pint")
    right = evaluate(forecast, truth)
    metres = (truth.chunk() if lazy else truth)["u"].data
    quantified = truth.assign(u=(truth["u"].dims, pint.UnitRegistry().Quantity(metres, "m").to("km")))
    assert (evaluate(forecast, quantified)["rmse"].chunks is not None) == lazy
    xr.testing.assert_allclose(evaluate(forecast.assign(u=forecast["u"].assign_attrs(units="m")), quantified), right)


# Space ----------------------------------------------------------------------------------------

NAMED = [
    ("y", "x", {}),
    ("latitude", "longitude", {}),
    ("lat", "lon", {}),
    ("lat", "lon", {"lat": {"axis": "Y"}}),
    ("a", "b", {"a": {"units": "degrees_north"}, "b": {"units": "degrees_east"}}),
    ("a", "b", {"a": {"standard_name": "latitude"}, "b": {"standard_name": "longitude"}}),
    ("a", "b", {"a": {"axis": "Y"}, "b": {"axis": "X"}}),
]


@pytest.mark.parametrize(("a", "b", "attributes"), NAMED)
def test_scores_average_over_all_of_space(a: str, b: str, attributes: dict[str, Any]) -> None:
    """Whatever its dimensions are called, and whichever of the two says what they are."""
    for here, there in ((attributes, attributes), (attributes, {}), ({}, attributes)):
        scores = evaluate(on_the_globe(FIELDS + ERRORS, a, b, here), on_the_globe(FIELDS, a, b, there))
        assert scores["rmse"].dims == ("variable", "time")
        np.testing.assert_allclose(scores["rmse"][0], RMSE)
        np.testing.assert_allclose(scores["vrmse"][0], RMSE / FIELDS.std(axis=(1, 2)))


def test_what_is_space_is_asked_where_it_cannot_be_known() -> None:
    bare = [xr.Dataset({"z": (("time", "row", "column"), f)}, {"time": TIMES}) for f in (FIELDS + ERRORS, FIELDS)]
    (line,) = told(lambda: evaluate(*bare))
    assert "'row', 'column'" in line and "dims=" in line
    np.testing.assert_allclose(evaluate(*bare, dims=["row", "column"])["rmse"][0], RMSE)
    apart = evaluate(*bare, dims="column")["rmse"]
    np.testing.assert_allclose(apart[0], np.sqrt((ERRORS**2).mean(axis=2)).T)
    assert "'depth'" in told(lambda: evaluate(*bare, dims=["row", "depth"]))[0]


def test_dims_overrule_what_the_data_say() -> None:
    levels = on_the_globe(FIELDS, "level", "x"), on_the_globe(FIELDS + ERRORS, "level", "x")
    assert evaluate(*levels)["rmse"].dims == ("variable", "level", "time")
    np.testing.assert_allclose(evaluate(*levels, dims=["level", "x"])["rmse"][0], RMSE)


def test_weights_by_area() -> None:
    """The cosine of latitude, computed by hand; the variance is about the weighted mean."""
    pair = on_the_globe(FIELDS + ERRORS), on_the_globe(FIELDS)
    scores = evaluate(*pair, weights="area").isel(variable=0)
    w = np.cos(np.deg2rad(LATITUDES))[:, None] / np.cos(np.deg2rad(LATITUDES)).sum() / 24
    square = (ERRORS**2 * w).sum(axis=(1, 2))
    about = FIELDS - (FIELDS * w).sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(scores["rmse"], np.sqrt(square))
    np.testing.assert_allclose(scores["nrmse"], np.sqrt(square / (FIELDS**2 * w).sum(axis=(1, 2))))
    np.testing.assert_allclose(scores["vrmse"], np.sqrt(square / (about**2 * w).sum(axis=(1, 2))))
    persistence = ((FIELDS - FIELDS[:1]) ** 2 * w).sum(axis=(1, 2))
    np.testing.assert_allclose(scores["skill"][1:], (1 - square / persistence.clip(1e-9))[1:])
    area = xr.DataArray(7 * w[:, 0], {"latitude": LATITUDES}, "latitude")[::-1]
    xr.testing.assert_allclose(evaluate(*pair, weights=area), evaluate(*pair, weights="area"))
    radians = [p.assign_coords(latitude=("latitude", np.deg2rad(LATITUDES), {"units": "radians"})) for p in pair]
    np.testing.assert_allclose(evaluate(*radians, weights="area")["rmse"][0], scores["rmse"])


def test_hand_computed_weights_of_two_latitudes() -> None:
    """At 0 and 60 degrees the weights are 2/3 and 1/3: errors of 3 and 0 have a mean square of 6."""
    truth = xr.Dataset({"t": (("time", "lat"), [[1.0, 2.0]])}, {"time": [0.0], "lat": [0.0, 60.0]})
    assert evaluate(truth + xr.DataArray([3.0, 0.0], dims="lat"), truth, weights="area")["rmse"].item() == (
        pytest.approx(np.sqrt(6))
    )


def test_points_without_weight_need_no_values() -> None:
    """Land under an ocean: neither forecast nor truth has values there."""
    sea = xr.DataArray(RNG.integers(0, 2, (12, 24)), dims=("latitude", "longitude"))
    truth, forecast = on_the_globe(FIELDS).where(sea == 1), on_the_globe(FIELDS + ERRORS).where(sea == 1)
    expected = [np.sqrt((e[sea.values == 1] ** 2).mean()) for e in ERRORS]
    np.testing.assert_allclose(evaluate(forecast, truth, weights=sea)["rmse"][0], expected)
    np.testing.assert_allclose(evaluate(forecast, truth)["rmse"][0], expected)
    assert "finite values" in told(lambda: evaluate(forecast.fillna(0.0), truth))[0]


@pytest.mark.parametrize(
    ("weights", "part"),
    [
        ("cells", "weights: expected 'area', a DataArray"),
        (3.0, "weights: expected 'area', a DataArray"),
        (xr.DataArray(np.ones(4), dims="time"), "weights: expected some of the space dimensions"),
        (xr.DataArray(np.ones(5), dims="latitude"), "weights: latitude: expected the 12 points"),
        (xr.DataArray(-np.ones(12), dims="latitude"), "weights: expected finite weights of zero or more"),
        (xr.DataArray(np.ones(12), {"latitude": LATITUDES + 3}, "latitude"), "weights: latitude: expected the 12"),
    ],
)
def test_weights_that_do_not_fit(weights: Any, part: str) -> None:
    assert part in told(lambda: evaluate(on_the_globe(FIELDS), on_the_globe(FIELDS), weights=weights))[0]


def test_areas_need_latitudes(truth: xr.Dataset) -> None:
    assert "a space dimension that is latitude" in told(lambda: evaluate(truth, truth, weights="area"))[0]
    metres = on_the_globe(FIELDS, "lat").assign_coords(lat=100 * LATITUDES)
    assert "latitudes from -90 to 90" in told(lambda: evaluate(metres, metres, weights="area"))[0]


# Labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", ["time", "x", "member"])
@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_labels_of_low_precision_are_the_same(
    dimension: str, kind: str, truth: xr.Dataset, forecast: xr.Dataset
) -> None:
    right = evaluate(forecast, truth)
    scale = 1 / 3  # thirds are other numbers in every precision
    here = forecast.assign_coords({dimension: scale * forecast[dimension]})
    there = truth.assign_coords({dimension: (scale * truth[dimension]).astype(kind).astype("f8")})
    np.testing.assert_array_equal(evaluate(here, there)["rmse"], right["rmse"])
    np.testing.assert_array_equal(evaluate(there, here)["rmse"], evaluate(truth, forecast)["rmse"])


@pytest.mark.parametrize("dimension", ["time", "x", "member"])
def test_order_does_not_matter(dimension: str, truth: xr.Dataset, forecast: xr.Dataset) -> None:
    right = evaluate(forecast, truth)
    for order in (slice(None, None, -1), RNG.permutation(truth.sizes[dimension])):
        xr.testing.assert_allclose(evaluate(forecast, truth.isel({dimension: order})), right)
        scores = evaluate(forecast.isel({dimension: order}), truth)
        xr.testing.assert_allclose(scores.sortby("member"), right)
        assert scores["time"].values.tolist() == TIMES.tolist()


def test_labels_of_one_alone_are_told(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    with pytest.warns(UserWarning) as said:
        scores = evaluate(forecast.isel(time=[0, 1, 2]), truth.isel(member=[2, 1], time=[1, 2, 3]))
    assert str(said[0].message) == (
        "evaluate leaves out 1 of the 3 times of the forecast that the truth has not; 1 of the 3 times of the truth "
        "that the forecast has not; 1 of the 3 labels of 'member' of the forecast that the truth has not"
    )
    assert said[0].filename == __file__
    assert scores["member"].values.tolist() == [0.2, 0.3]
    expected = np.sqrt(((forecast - truth)["u"] ** 2).mean("x")).isel(time=[1, 2], member=[1, 2])
    np.testing.assert_allclose(scores["rmse"][0], expected.transpose("member", "time"))


@pytest.mark.parametrize("dimension", ["time", "x", "member"])
def test_labels_that_stand_twice_or_are_lost_are_refused(dimension: str, truth: xr.Dataset) -> None:
    twice = xr.concat([truth, truth.isel({dimension: [1]})], dimension)
    lost = truth.assign_coords({dimension: truth[dimension].where(truth[dimension] != truth[dimension][1])})
    for where, pair in (("truth", lambda d: (truth, d)), ("forecast", lambda d: (d, truth))):
        assert told(lambda p=pair: evaluate(*p(twice)))[0].startswith(
            f"{where}: {dimension}: expected every label once"
        )
        assert told(lambda p=pair: evaluate(*p(lost)))[0].startswith(f"{where}: {dimension}: expected finite labels")


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_grids_are_compared_by_their_spacing(scale: float, truth: xr.Dataset) -> None:
    here = truth.assign_coords(x=scale * truth["x"])
    for shift in (0.3, 1.0):
        there = truth.assign_coords(x=scale * (truth["x"] + shift))
        assert "interpolate one to the grid of the other" in told(lambda t=there: evaluate(here, t))[0]
    there = truth.assign_coords(x=scale * (1.02 * truth["x"]))
    assert "interpolate one to the grid of the other" in told(lambda: evaluate(here, there))[0]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_scores_do_not_know_the_unit_of_length(scale: float, truth: xr.Dataset, forecast: xr.Dataset) -> None:
    right = evaluate(forecast, truth)
    scores = evaluate(scale * forecast, scale * truth)
    np.testing.assert_allclose(scores["rmse"], scale * right["rmse"])
    for name in ("nrmse", "vrmse", "skill"):
        np.testing.assert_allclose(scores[name], right[name], rtol=1e-6)


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_truths_that_do_not_vary_have_no_skill_and_no_vrmse(kind: str, truth: xr.Dataset) -> None:
    """Also where they vary by the rounding of their number format."""
    noise = 1 + np.finfo(kind).eps * RNG.integers(-1, 2, truth["u"].shape)
    still = (300 * xr.ones_like(truth) * noise).astype(kind)
    scores = evaluate(still + 1, still)
    assert np.isnan(scores["vrmse"]).all() and np.isnan(scores["skill"]).all()
    np.testing.assert_allclose(scores["nrmse"], 1 / 300, rtol=1e-4)


# Times and coordinates of other kinds ---------------------------------------------------------

KINDS = {
    "numbers": TIMES,
    "dates": np.datetime64("2000-01-01", "ns") + TIMES.astype("m8[h]"),
    "durations": TIMES.astype("m8[h]").astype("m8[ns]"),
    "noleap": np.array([cftime.DatetimeNoLeap(2000, 1, 1, int(h)) for h in TIMES], dtype=object),
}


@pytest.mark.parametrize("theirs", KINDS)
@pytest.mark.parametrize("ours", KINDS)
def test_kinds_of_times_meet_their_like(ours: str, theirs: str, truth: xr.Dataset, forecast: xr.Dataset) -> None:
    right = evaluate(forecast, truth)
    pair = forecast.assign_coords(time=KINDS[ours]), truth.assign_coords(time=KINDS[theirs])
    if ours != theirs:
        (line,) = told(lambda: evaluate(*pair))
        assert ": time: expected " in line
        return
    np.testing.assert_array_equal(evaluate(pair[0], pair[1].isel(time=[3, 1, 0, 2]))["rmse"], right["rmse"])
    for instant in (1, [1]):
        with pytest.warns(UserWarning, match="3 of the 4 times of the truth"):
            one = evaluate(pair[0].isel(time=instant), pair[1])
        np.testing.assert_array_equal(one["rmse"], right["rmse"].isel(time=[1]))
    single = [p.isel(time=2) for p in pair]
    np.testing.assert_array_equal(evaluate(*single)["rmse"], right["rmse"].isel(time=[2]))


def test_times_under_another_name(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    named = truth.rename(time="t").assign_coords(t=("t", TIMES, {"axis": "T"}))
    np.testing.assert_array_equal(evaluate(forecast, named)["rmse"], evaluate(forecast, truth)["rmse"])


def test_curved_grids_are_compared(truth: xr.Dataset) -> None:
    """Positions over two dimensions, which have no labels themselves."""
    latitude = LATITUDES[:, None] + 0.1 * np.arange(24)
    curved = [
        xr.Dataset({"z": (("time", "y", "x"), f)}, {"time": TIMES, "lat": (("y", "x"), latitude)})
        for f in (FIELDS + ERRORS, FIELDS)
    ]
    np.testing.assert_allclose(evaluate(*curved)["rmse"][0], RMSE)
    moved = curved[1].assign_coords(lat=curved[1]["lat"] + 0.05)
    assert told(lambda: evaluate(curved[0], moved))[0].startswith("truth: lat: expected the positions of the forecast")
    odd = [c.assign_coords(x=(("y", "x"), np.zeros((12, 24)))) for c in curved]  # a coordinate that is no label
    np.testing.assert_allclose(evaluate(*odd)["rmse"][0], RMSE)


def test_labels_that_are_text_or_missing_and_sizes_of_one(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    right = evaluate(forecast, truth)["rmse"].values
    names = [f"c{i}" for i in range(16)]
    text = forecast.assign_coords(x=names), truth.assign_coords(x=names).isel(x=slice(None, None, -1))
    np.testing.assert_allclose(evaluate(*text)["rmse"], right)
    bare = forecast.drop_vars("x"), truth.drop_vars("x")
    np.testing.assert_allclose(evaluate(*bare)["rmse"], right)
    assert "16 points as in the forecast" in told(lambda: evaluate(bare[0], bare[1].isel(x=[0, 1])))[0]
    level = [d.expand_dims(z=[0.0]).assign_coords(z=("z", [0.0], {"axis": np.array(["Z"])})) for d in (forecast, truth)]
    np.testing.assert_allclose(evaluate(*level)["rmse"], right)
    column = evaluate(forecast.isel(x=[5]), truth.isel(x=[5]))
    np.testing.assert_allclose(column["rmse"][0], abs(forecast - truth)["u"].isel(x=5).transpose("member", "time"))


def test_variables_that_hold_no_numbers_are_left_out_with_a_word(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    more = {
        "flag": ("time", list("abcd")),
        "seen": ("time", KINDS["dates"]),
        "time_bnds": (("time", "nv"), np.zeros((4, 2))),
    }
    with pytest.warns(UserWarning, match="'time_bnds' .bounds.*'flag' .no real numbers but <U1.*'seen'"):
        scores = evaluate(forecast.assign(more), truth.assign(more))
    assert scores["variable"].values.tolist() == ["u"]
    assert "truth: u: expected real numbers" in told(lambda: evaluate(forecast, truth.astype(str)))[0]


def test_results_have_attributes_of_their_own(truth: xr.Dataset, forecast: xr.Dataset, tmp_path: Any) -> None:
    """Those of the input, its codecs and what no file can hold stay behind."""
    odd = {"units": "s", "valid_range": np.array([0, 1]), "nested": {"a": None}, "axis": np.array([1, 2])}
    for name in ("time", "member", "x"):
        forecast[name].attrs.update(odd)
        forecast[name].encoding = {"chunksizes": (1,), "zlib": True}
    forecast["u"].attrs.update(odd, units="m", standard_name="sea_surface_height", cell_methods="time: mean")
    scores = evaluate(forecast, truth)
    assert set(scores["rmse"].attrs) == {"units", "long_name"} and not scores.attrs
    assert scores["time"].attrs == {"units": "s"} and not scores["time"].encoding
    scores.to_netcdf(tmp_path / "scores.nc")


def test_dimensions_of_another_name_are_told() -> None:
    pair = on_the_globe(FIELDS), on_the_globe(FIELDS, "lat", "lon")
    assert "truth.rename(lat='latitude')" in told(lambda: evaluate(*pair))[0]
    assert "dimensions" in told(lambda: evaluate(pair[0], pair[0].isel(latitude=0, drop=True)))[0]


def test_longitudes_from_another_meridian_are_told() -> None:
    around = on_the_globe(FIELDS).assign_coords(longitude=(LONGITUDES + 180) % 360 - 180)
    assert "ds.assign_coords(longitude=ds.longitude % 360)" in told(lambda: evaluate(on_the_globe(FIELDS), around))[0]


def test_stacked_dimensions_are_compared_by_their_pairs(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    right = evaluate(forecast, truth)["rmse"]
    here, there = (d.expand_dims(seed=[1]).stack(case=("seed", "member")) for d in (forecast, truth))
    np.testing.assert_allclose(evaluate(here, there.isel(case=[2, 0, 1]))["rmse"], right)


def test_what_is_empty_is_told(truth: xr.Dataset) -> None:
    for dimension in ("time", "x", "member"):
        nothing = truth.isel({dimension: []})
        assert told(lambda n=nothing: evaluate(n, truth))[0].endswith(": expected at least one label, got none")


def test_stacked_labels_of_low_precision_are_the_same(truth: xr.Dataset, forecast: xr.Dataset) -> None:
    single = forecast.assign_coords(member=forecast["member"].astype("f4"))
    here, there = (d.expand_dims(seed=[1]).stack(case=("seed", "member")) for d in (single, truth))
    np.testing.assert_allclose(evaluate(here, there)["rmse"], evaluate(forecast, truth)["rmse"])


def test_stacked_times_and_space_are_told_with_the_way_back(truth: xr.Dataset) -> None:
    """Otherwise every simulation is scored against the start of the first, and every point for itself."""
    times, points = truth.stack(sample=("member", "time")), truth.stack(point=("member", "x"))
    assert "got times stacked in 'sample'; ds.unstack('sample')" in told(lambda: evaluate(times, times))[0]
    assert "got 'x' stacked in it; ds.unstack('point')" in told(lambda: evaluate(points, points))[0]
    assert evaluate(points, points, dims="point")["rmse"].dims == ("variable", "time")


@pytest.mark.parametrize("name", ["variable", "skill"])
def test_dimensions_that_scores_have_themselves_are_told(name: str, truth: xr.Dataset) -> None:
    renamed = truth.rename(member=name)
    assert told(lambda: evaluate(renamed, renamed))[0].startswith(f"forecast: {name}: expected no dimension of this")


def test_dims_are_names(truth: xr.Dataset) -> None:
    assert told(lambda: evaluate(truth, truth, dims=2))[0].startswith("dims: expected the names of space dimensions")  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["forecast", "truth"])
def test_values_as_a_file_stores_them_are_told(place: str, truth: xr.Dataset, forecast: xr.Dataset) -> None:
    """Integers in place of the numbers, and numbers in place of the missing ones, would be scored as they stand."""
    name = str(next(iter(truth.data_vars)))
    pair = {"forecast": forecast, "truth": truth}
    whole = (1000 * pair[place][name]).astype("i2").assign_attrs(scale_factor=1e-3)
    message = told(lambda: evaluate(**pair | {place: pair[place].assign({name: whole})}))[0]
    assert message.startswith(f"{place}: {name}: expected the numbers themselves, got int16 with the attribute")
    filled = pair[place][name].copy().assign_attrs(_FillValue=-9999.0)
    filled[dict.fromkeys(filled.dims, 0)] = -9999.0
    message = told(lambda: evaluate(**pair | {place: pair[place].assign({name: filled})}))[0]
    assert "got 1 value that the attribute _FillValue=-9999.0 states for missing ones" in message


def test_land_does_not_count() -> None:
    """Points where both are always missing have no weight; a truth that is missing elsewhere is refused as before."""
    truth = xr.Dataset({"u": (("time", "y", "x"), np.arange(12.0).reshape(2, 2, 3))}, {"time": [0.0, 1.0]})
    land = xr.DataArray([[False, True, False], [False, False, False]], dims=("y", "x"))
    forecast = (truth + xr.DataArray([[1.0, 9.0, 1.0], [1.0, 1.0, 3.0]], dims=("y", "x"))).where(~land)
    scores = evaluate(forecast, truth.where(~land))
    assert float(scores["rmse"].sel(variable="u", time=0)) == pytest.approx(((4 * 1 + 9) / 5) ** 0.5)
    with pytest.raises(InputError, match="expected finite values"):
        evaluate(forecast, truth.where(~land & (truth["u"] != 11)))
