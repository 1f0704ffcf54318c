"""Forecasts of the data of others: their names, units, orders and masks go in, and come back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from foreign_flows import told
from linear_plate import DOMAIN, linear_plate, own_data

from sciwm.cli import main
from sciwm.config import Config, dump_config
from sciwm.evaluation import evaluate
from sciwm.model import WorldModel, load_model, save_model
from sciwm.surrogate import Surrogate, load
from simulations import ActionBox


def test_a_forecast_has_the_names_of_the_data(plate: Surrogate, plate_data: xr.Dataset) -> None:
    forecast = plate.rollout(plate_data.isel(t=0), plate_data[["power", "flow"]])
    assert forecast["temp"].dims == ("run", "t", "row", "col")
    for name in ("temp", "strain", "ambient"):
        np.testing.assert_allclose(forecast[name], plate_data[name], rtol=2e-3, atol=2e-2 if name == "temp" else 2e-5)
    xr.testing.assert_identical(forecast["t"], plate_data["t"])
    for name in ("row", "col", "run"):
        np.testing.assert_array_equal(forecast[name], plate_data[name])
    assert forecast["row"].attrs["comment"] == "from the inlet"
    assert forecast["row"].attrs["axis"] == "Y"
    assert forecast["col"].attrs["axis"] == "X"  # or nobody else could tell that it is space
    assert evaluate(forecast, plate_data)["rmse"].dims == ("variable", "run", "time")
    assert forecast["ambient"].attrs["units"] == "degC"
    on = plate.rollout(forecast.isel(t=-1), plate_data[["power", "flow"]].isel(t=slice(0, 2)).drop_vars("t"))
    np.testing.assert_allclose(on["t"], [6.0, 6.5, 7.0])


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.transpose("col", "t", "heater", "run", "row"),
        lambda d: d.isel(row=slice(None, None, -1)),
        lambda d: d.isel(row=[2, 0, 3, 1], col=[4, 3, 0, 1, 2]),
        lambda d: d.isel(heater=[1, 0]),
        lambda d: d.assign(
            temp=(d.temp + 273.15).assign_attrs(units="K"), power=(d.power / 1e3).assign_attrs(units="kW")
        ),
        lambda d: d.assign_coords(col=("col", 10 * d.col.values, {"units": "mm"})),
        lambda d: d.assign_coords(t=("t", d.t.values * 60, {"units": "s"})),
        lambda d: d.chunk(run=1),
    ],
)
def test_order_and_units_of_the_input_do_not_matter(
    plate: Surrogate, plate_data: xr.Dataset, change: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    """Values are the same, and stand in the order of the input."""
    expected = plate.rollout(plate_data.isel(t=0), plate_data[["power", "flow"]])
    given = change(plate_data)
    forecast = plate.rollout(given.isel(t=0), given[["power", "flow"]]).compute()
    for name in ("row", "col"):
        np.testing.assert_array_equal(forecast[name], given[name])
    order = [d for d in given["temp"].dims if d in ("row", "col")]
    assert [d for d in forecast["temp"].dims if d in ("row", "col")] == order
    back = forecast.assign_coords(t=expected["t"], col=expected["col"]) if given.sizes == plate_data.sizes else forecast
    if list(given["col"].values) != sorted(given["col"].values):
        back = forecast
    xr.testing.assert_allclose(
        back.sortby(["row", "col"]).transpose(*expected["temp"].dims).drop_attrs(), expected.drop_attrs(), atol=1e-4
    )


def test_an_ensemble_of_parameters_is_an_ensemble(plate: Surrogate, plate_data: xr.Dataset) -> None:
    """A parameter over a further dimension makes one forecast for each of its values."""
    start = plate_data.isel(t=0).assign(ambient=("member", [18.0, 22.0]))
    forecast = plate.rollout(start, plate_data[["power", "flow"]])
    assert set(forecast["temp"].dims) == {"run", "member", "t", "row", "col"}
    alone = plate.rollout(start.assign(ambient=22.0), plate_data[["power", "flow"]])
    np.testing.assert_allclose(
        forecast["temp"].isel(member=1).transpose(*alone["temp"].dims), alone["temp"], rtol=1e-5, atol=1e-4
    )


def test_latents_keep_the_name_of_time(plate: Surrogate, plate_data: xr.Dataset) -> None:
    latent = plate.encode(plate_data)
    assert latent.dims == ("run", "t", "latent")
    decoded = plate.decode(latent)
    assert decoded["temp"].dims == ("run", "t", "row", "col")
    np.testing.assert_allclose(decoded["temp"], plate_data["temp"], atol=1e-1)


@pytest.mark.parametrize(
    ("start", "forcing", "expected"),
    [
        (
            lambda d: d.drop_vars("ambient"),
            lambda d: d,
            ["fields: expected the parameter 'ambient' [degC], constant in a run, got temp, strain"],
        ),
        (
            lambda d: d.assign(ambient=d.ambient.where(d.run > 101)),
            lambda d: d.drop_vars("flow"),
            ["fields: ambient: expected finite values", "forcing: expected the variable 'flow' [m s-1] over time"],
        ),
        (
            lambda d: d,
            lambda d: d.assign(power=9 * d.power, flow=d.flow.assign_attrs(units="kg")),
            ["forcing: flow: expected units 'm s-1', or others that convert to them, got 'kg'"],
        ),
        (lambda d: d, lambda d: d.assign(power=9 * d.power), ["expected actions of 'power.north' up to 8 [W]"]),
        (lambda d: d, lambda d: d.power, ["forcing: expected an xarray.Dataset with 'power', 'flow', got one array"]),
        (
            lambda d: d,
            lambda d: d.assign_coords(heater=["east", "west"]),
            ["forcing: power: heater: expected 2 values (north, south), got 'east', 'west'"],
        ),
        (
            lambda d: d.isel(col=slice(1, None)),
            lambda d: d.isel(t=slice(1, None)),
            ["fields: col: expected 5 points", "forcing: t: expected 3 first, the time of the fields"],
        ),
        (
            lambda d: d.assign_coords(time=3.0),
            lambda d: d,
            ["fields: expected one time, 't', got another that is called time"],
        ),
    ],
)
def test_what_is_missing_or_wrong_is_told_by_the_names_of_the_data(
    plate: Surrogate,
    plate_data: xr.Dataset,
    start: Callable[[xr.Dataset], xr.Dataset],
    forcing: Callable[[xr.Dataset], xr.Dataset],
    expected: list[str],
) -> None:
    lines = told(lambda: plate.rollout(start(plate_data.isel(t=0)), forcing(plate_data)))
    assert len(lines) == len(expected), lines
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines


def test_where_nothing_acts_the_number_of_intervals_is_asked_for(config: Config) -> None:
    domain = replace(DOMAIN, forcings=(), actuators=ActionBox(("none", "b", "c"), [-1.0] * 3, [1.0] * 3))
    alone = replace(
        domain, actuators=ActionBox(("none",), [-1.0], [1.0]), action_means=(0.0,), action_deviations=(1.0,)
    )
    model = WorldModel(linear_plate(domain).settings, alone).freeze()
    surrogate, start = Surrogate(model, config, ""), own_data(linear_plate()).isel(t=0)
    assert surrogate.rollout(start, intervals=4).sizes["t"] == 5
    (line,) = told(lambda: surrogate.rollout(start))
    assert line.startswith("intervals: expected a whole number, at least 1, got None")


def test_points_without_fields_are_missing_in_the_forecast_too(config: Config, tmp_path: Path) -> None:
    """Whatever stands there in the input; and the mask is part of the stored model."""
    valid = torch.ones(2, 4, 5, dtype=torch.bool)
    valid[:, 1, 2:4] = False
    made = linear_plate(replace(DOMAIN, masked=True), valid=valid)
    save_model(tmp_path / "run", made, config.model_copy(update={"model": made.settings}), {"held_out_error": 0.1})
    stored, _ = load_model(tmp_path / "run")
    assert stored.statistics is not None
    assert torch.equal(stored.statistics.valid, valid)
    surrogate, ds = Surrogate(stored, config, ""), own_data(made)
    masked = ds.assign({n: ds[n].where(xr.DataArray(valid[0], dims=("row", "col"))) for n in ("temp", "strain")})
    forecast = surrogate.rollout(masked.isel(t=0), ds[["power", "flow"]])
    assert (forecast["temp"].isnull() == masked["temp"].isnull()).all()
    xr.testing.assert_identical(surrogate.rollout(ds.isel(t=0), ds[["power", "flow"]]), forecast)


def test_the_commands_take_start_and_schedule_from_two_files(
    plate_model: WorldModel,
    plate: Surrogate,
    config: Config,
    plate_data: xr.Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, start, schedule = tmp_path / "run", tmp_path / "start.nc", tmp_path / "schedule.nc"
    save_model(run, plate_model, config.model_copy(update={"model": plate_model.settings}), {"held_out_error": 0.1})
    (run / "config.yaml").write_text(dump_config(config))
    plate_data.isel(t=0)[["temp", "strain", "ambient"]].to_netcdf(start)
    plate_data[["power", "flow"]].to_netcdf(schedule)
    assert main(["check", str(start), "--run", str(run)]) == 0
    assert "fields suit the model" in capsys.readouterr().out
    words = ["rollout", str(run), str(start), "--out", str(tmp_path / "forecast.zarr")]
    assert main(words) == 2
    assert "forcing: expected the variable 'power' [W] over time and 'heater'" in capsys.readouterr().err
    assert main([*words, "--forcing", str(schedule)]) == 0
    written = xr.open_zarr(tmp_path / "forecast.zarr", consolidated=False)
    expected = plate.rollout(plate_data.isel(t=0), plate_data[["power", "flow"]])
    np.testing.assert_allclose(written["temp"], expected["temp"], rtol=1e-6)
    assert written["temp"].dims == ("run", "t", "row", "col")
    plate_data.drop_vars("ambient").to_netcdf(tmp_path / "lacking.nc")
    assert main(["check", str(tmp_path / "lacking.nc"), "--run", str(run)]) == 2
    assert "expected the parameter 'ambient' [degC]" in capsys.readouterr().err


def test_a_store_of_ours_is_read_by_its_layout(plate: Surrogate, plate_data: xr.Dataset) -> None:
    """Actions and parameters lie side by side there, and time is called time."""
    power = plate_data["power"].rename(heater="actuator").drop_vars("actuator")
    actions = xr.concat([power, plate_data["flow"].expand_dims("actuator")], "actuator")
    store = xr.Dataset(
        {
            "temp": plate_data["temp"],
            "strain": plate_data["strain"],
            "action": actions.assign_attrs(units="1"),
            "parameter_value": plate_data["ambient"].expand_dims("parameter", axis=-1),
        }
    ).rename(run="simulation", t="time")
    forecast = plate.rollout(store.isel(time=0), store["action"])
    expected = plate.rollout(plate_data.isel(t=0), plate_data[["power", "flow"]])
    assert forecast["temp"].dims == ("simulation", "t", "row", "col")
    np.testing.assert_array_equal(forecast["temp"], expected["temp"])
    np.testing.assert_array_equal(forecast["ambient"], expected["ambient"])


def test_the_table_of_a_model_names_forcings_and_parameters(
    plate_model: WorldModel, config: Config, tmp_path: Path
) -> None:
    save_model(
        tmp_path / "run",
        plate_model,
        config.model_copy(update={"model": plate_model.settings}),
        {"held_out_error": 0.1},
    )
    table = load(tmp_path / "run").summary
    assert "power [W] over heater, flow [m s-1]" in table
    assert "ambient [degC], 14 to 26" in table
