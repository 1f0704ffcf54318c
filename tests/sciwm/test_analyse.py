"""Observations as an xarray user has them: positions, units, errors, gaps; and what is wrong with them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from foreign_flows import told
from linear_plate import DOMAIN, linear_plate

from sciwm.config import Config
from sciwm.surrogate import Surrogate

ERRORS = {"temp": 0.05, "strain": 1e-5}
FORCINGS = ["power", "flow"]


def sensors(ds: xr.Dataset, count: int = 7, seed: int = 0) -> xr.Dataset:
    """Noisy readings between the points of the grid, by xarray's own interpolation."""
    rng = np.random.default_rng(seed)
    row, col = rng.uniform(0, 3, count), rng.uniform(0.25, 2.25, count)
    at = {"row": ("point", row), "col": ("point", col)}
    read = ds[["temp", "strain"]].interp({name: xr.DataArray(x, dims="point") for name, (_, x) in at.items()})
    for name, error in ERRORS.items():
        read[name] = (read[name] + rng.normal(0, error, read[name].shape)).assign_attrs(ds[name].attrs)
    return read.assign_coords({n: (d, x, ds[n].attrs) for n, (d, x) in at.items()})


def test_a_twin_is_found_with_its_parameter(plate: Surrogate, plate_data: xr.Dataset) -> None:
    """Within its own spread, from sensors over a window; and the forecast goes on from there."""
    window = plate_data.isel(t=slice(1, 5))
    state = plate.analyse(sensors(window), plate_data[FORCINGS], error=ERRORS)
    truth = window.isel(t=-1)
    for name in ("temp", "strain"):
        assert state[name].dims == ("run", "row", "col")
        away = (state[name] - truth[name]) / state[f"{name}_deviation"]
        assert float((away**2).mean()) < 1.5
        assert float(state[f"{name}_misfit"].max()) < 1.5 * ERRORS[name]
    assert float((abs(state["ambient"] - plate_data["ambient"]) / state["ambient_deviation"]).max()) < 3
    assert state["ambient"].attrs["units"] == "degC"
    assert state["num_observations"].values.tolist() == [56, 56, 56]
    assert state["fits"].values.tolist() == [1, 1, 1]
    assert float(state["t"]) == 5.0
    xr.testing.assert_identical(state["run"].drop_vars("t"), plate_data["run"])
    forecast = plate.rollout(state, plate_data[FORCINGS].isel(t=slice(4, None)))
    np.testing.assert_allclose(forecast["temp"].isel(t=-1), plate_data["temp"].isel(t=-1), atol=0.3)


def test_along_the_window_its_end_is_the_analysis(plate: Surrogate, plate_data: xr.Dataset) -> None:
    window = sensors(plate_data.isel(t=slice(1, 4)))
    along = plate.analyse(window, plate_data[FORCINGS], error=ERRORS, window=True)
    assert along["temp"].dims == ("run", "t", "row", "col")
    np.testing.assert_allclose(along["t"], window["t"])
    at_end = plate.analyse(window, plate_data[FORCINGS], error=ERRORS)
    xr.testing.assert_allclose(along.isel(t=-1), at_end)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.transpose("point", "t", "run"),
        lambda s: s.rename(point="station").assign_coords(station=[f"S{i}" for i in range(7)]),
        lambda s: s.isel(point=[3, 1, 0, 2, 6, 5, 4]),
        lambda s: s.assign(temp=(s.temp + 273.15).assign_attrs(units="K")),
        lambda s: s.assign_coords(row=("point", 10 * s.row.values, {"units": "mm"})),
        lambda s: s.assign_coords(row=s.row.expand_dims(t=s.t), col=s.col.expand_dims(run=s.run)),
        lambda s: s.assign(temp_error=((), 0.05, {"units": "K"}), strain_error=1e-5 + 0 * s.strain),
        lambda s: s.assign(temp=s.temp.assign_attrs(error=0.05)),
        lambda s: s.chunk(run=1),
    ],
)
def test_order_units_and_errors_may_be_stated_in_many_ways(
    plate: Surrogate, plate_data: xr.Dataset, change: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    window = sensors(plate_data.isel(t=slice(0, 3)))
    expected = plate.analyse(window, plate_data[FORCINGS], error=ERRORS)
    given = change(window)
    stated = "temp_error" in given
    errors = None if stated else {"strain": 1e-5} if "error" in given["temp"].attrs else ERRORS
    found = plate.analyse(given, plate_data[FORCINGS], error=errors)
    for name in ("temp", "strain", "ambient", "temp_deviation", "chi_square"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-2, atol=1e-6)


def test_fields_with_gaps_are_sensors_at_their_points(plate: Surrogate, plate_data: xr.Dataset) -> None:
    """NaN is what was not observed, on the grid and among the points; one variable is enough, and one instant."""
    places = {"row": xr.DataArray([0, 2, 3], dims="point"), "col": xr.DataArray([4, 1, 0], dims="point")}
    now = plate_data[["temp"]].isel(t=2)
    points = now.isel(places)
    gaps = now.where(False)
    for row, col in zip(places["row"].values, places["col"].values, strict=True):
        gaps["temp"][{"row": row, "col": col}] = now["temp"].isel(row=row, col=col)
    on_grid = plate.analyse(gaps.isel(row=slice(None, None, -1)), error=0.1)
    at_points = plate.analyse(points, error=0.1)
    np.testing.assert_array_equal(on_grid["row"], plate_data["row"].values[::-1])
    np.testing.assert_allclose(on_grid["temp"].sortby("row"), at_points["temp"], rtol=1e-5)
    assert "strain_misfit" not in at_points
    assert at_points["strain"].dims == ("run", "row", "col")
    more = xr.concat([points, points.isel(point=[0]) * np.nan], dim="point")
    np.testing.assert_allclose(plate.analyse(more, error=0.1)["temp"], at_points["temp"], rtol=1e-5)


def test_a_wrong_sensor_does_not_fit(plate: Surrogate, plate_data: xr.Dataset) -> None:
    window = sensors(plate_data.isel(t=slice(0, 3)))
    window["temp"][{"point": 2, "run": 1}] += 40 * ERRORS["temp"]
    state = plate.analyse(window, plate_data[FORCINGS], error=ERRORS)
    assert state["fits"].values.tolist() == [1, 0, 1]
    assert float(state["chi_square"][1]) > 2 * float(state["chi_square"][0])


def test_a_parameter_in_the_observations_is_known(plate: Surrogate, plate_data: xr.Dataset) -> None:
    window = sensors(plate_data.isel(t=slice(0, 3)))
    given = window.assign(ambient=plate_data["ambient"].where(plate_data.run != 102))
    state = plate.analyse(given, plate_data[FORCINGS], error=ERRORS)
    np.testing.assert_allclose(state["ambient"][[0, 2]], plate_data["ambient"][[0, 2]], rtol=1e-6)
    assert (state["ambient_deviation"].values > 0).tolist() == [False, True, False]


def test_periodic_positions_go_round(config: Config) -> None:
    """Between the last point and the first, and one period on."""
    axes = (DOMAIN.axes[0], replace(DOMAIN.axes[1], periodic=True, start=0.0))
    surrogate = Surrogate(linear_plate(replace(DOMAIN, axes=axes)), config, "")
    at = xr.Dataset({"temp": ("point", [31.0])}, {"row": ("point", [1.0]), "col": ("point", [2.3])})
    here, there = (surrogate.analyse(at.assign_coords(col=at.col + shift), error=0.1) for shift in (0.0, 2.5))
    np.testing.assert_allclose(here["temp"], there["temp"], rtol=1e-6)
    mean = 0.4 * here["temp"][1, 4] + 0.6 * here["temp"][1, 0]
    assert float(here["temp_misfit_mean"]) == pytest.approx(31.0 - float(mean), abs=1e-4)


def test_a_model_without_statistics_tells_so(config: Config, plate_data: xr.Dataset) -> None:
    older = linear_plate()
    older.statistics = None
    surrogate = Surrogate(older, config, "")
    with pytest.warns(UserWarning, match="kept no statistics of its latent"):
        state = surrogate.analyse(sensors(plate_data.isel(t=0)), error=ERRORS)
    assert np.isfinite(state["temp"]).all()


def test_points_beside_the_mask_are_refused(config: Config, plate_data: xr.Dataset) -> None:
    valid = torch.ones(2, 4, 5, dtype=torch.bool)
    valid[:, 1, 2] = False
    surrogate = Surrogate(linear_plate(replace(DOMAIN, masked=True), valid=valid), config, "")
    at = xr.Dataset(
        {"temp": ("point", [30.0, 31.0, 32.0])},
        {"row": ("point", [1.0, 0.4, 2.5]), "col": ("point", [1.0, 1.2, 1.25])},
    )
    (line,) = told(lambda: surrogate.analyse(at, error=0.1))
    assert "observations: temp: expected points where the model has fields, got 2 points on or beside" in line
    state = surrogate.analyse(at.isel(point=[2]), error=0.1)
    assert state["temp"].isnull().sum() == state["temp_deviation"].isnull().sum() == 1


@pytest.mark.parametrize(
    ("change", "forcing", "error", "expected"),
    [
        (lambda s: s, FORCINGS, None, ["temp_error: expected the standard deviation", "strain_error: expected the"]),
        (lambda s: s, FORCINGS, {"temp": -1.0, "strain": 1e-5}, ["temp_error: expected positive standard deviations"]),
        (lambda s: s, ["flow"], ERRORS, ["forcing: expected the variable 'power' [W] over time and 'heater'"]),
        (lambda s: s, None, ERRORS, ["forcing: expected an xarray.Dataset with 'power', 'flow', got NoneType"]),
        (lambda s: s.drop_vars("row"), FORCINGS, ERRORS, ["observations: expected the position 'row' [cm] of every"]),
        (
            lambda s: s.assign_coords(row=s.row + 2, col=s.col.assign_attrs(units="kg")),
            FORCINGS,
            ERRORS,
            ["observations: row: expected positions from 0 to 3 [cm]", "observations: col: expected units 'cm'"],
        ),
        (lambda s: s.isel(t=[0, 2]), FORCINGS, ERRORS, ["observations: t: expected equal steps of 0.5"]),
        (lambda s: s[["temp"]] * np.nan, FORCINGS, ERRORS, ["observations: expected at least one value"]),
        (
            lambda s: s.rename(temp="heat", strain="s"),
            FORCINGS,
            ERRORS,
            ["expected some of the variables temp, strain"],
        ),
        (lambda s: s["temp"], FORCINGS, ERRORS, ["observations: expected an xarray.Dataset, got DataArray"]),
        (lambda s: s.assign(temp=s.temp.astype(str)), FORCINGS, ERRORS, ["observations: temp: expected real numbers"]),
        (
            lambda s: s.assign_coords(t=s.t + 100),
            FORCINGS,
            ERRORS,
            ["forcing: t: expected 103 first, the time of the fields"],
        ),
    ],
)
def test_what_is_wrong_with_observations_is_told(
    plate: Surrogate,
    plate_data: xr.Dataset,
    change: Callable[[xr.Dataset], xr.Dataset],
    forcing: list[str] | None,
    error: dict[str, float] | None,
    expected: list[str],
) -> None:
    window = change(sensors(plate_data.isel(t=slice(0, 3))))
    lines = told(lambda: plate.analyse(window, None if forcing is None else plate_data[forcing], error=error))
    assert len(lines) == len(expected), lines
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines
