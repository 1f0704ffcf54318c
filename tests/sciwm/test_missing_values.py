"""What reading has masked is not taken for what was never there, and packed numbers not for values."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from foreign_flows import flow, told

from sciwm.cli.check import check
from sciwm.data import open_dataset
from sciwm.model import save_model
from sciwm.surrogate import Surrogate


def read_with_fill(ds: xr.Dataset, name: str, fill: Any, folder: Path) -> xr.Dataset:
    """The flow as xarray reads it from a file in which one variable has a fill value."""
    ds.to_netcdf(folder / "in.nc", encoding={name: {"_FillValue": fill}})
    return xr.load_dataset(folder / "in.nc", decode_times=False)


def off_at_the_end() -> xr.Dataset:
    """Every action is held, the last with the actuators switched off."""
    ds = flow()
    ds["action"] = (ds["action"].fillna(0.0) + 0.011).astype("f4").assign_attrs(units="1")  # none is zero by chance
    ds["action"][-1] = 0.0
    return ds


@pytest.mark.parametrize(("fill", "number"), [(0.0, "0"), (np.float32(0.25), "0.25"), (-1.0, "-1")])
def test_a_last_action_that_is_the_fill_value_is_not_left_out(
    own: Surrogate, tmp_path: Path, fill: float, number: str
) -> None:
    ds = off_at_the_end()
    ds["action"][-1] = fill
    read = read_with_fill(ds, "action", fill, tmp_path)
    assert bool(read["action"].isel(time=-1).isnull().all())
    for forcing in (read["action"], read["action"].chunk()):
        (line,) = told(lambda forcing=forcing: own.rollout(read.isel(time=0), forcing))
        assert f"got one that is missing, since every {number} in the file reads as missing" in line
        assert "forcing.isel(time=slice(0, -1))" in line
    plain = xr.load_dataset(tmp_path / "in.nc", decode_times=False, mask_and_scale=False)
    assert own.rollout(plain.isel(time=0), plain["action"].drop_attrs()).sizes["time"] == 6
    assert own.rollout(read.isel(time=0), read["action"].isel(time=slice(0, -1))).sizes["time"] == 5


@pytest.mark.parametrize("fill", [np.nan, -9999.0, 1e20])
def test_a_fill_value_that_no_actuator_can_take_marks_what_is_never_used(
    own: Surrogate, tmp_path: Path, fill: float
) -> None:
    read = read_with_fill(flow(), "action", fill, tmp_path)
    assert own.rollout(read.isel(time=0), read["action"]).sizes["time"] == 5


@pytest.mark.parametrize("chunked", [False, True])
def test_the_cause_of_missing_values_is_named(own: Surrogate, tmp_path: Path, chunked: bool) -> None:
    ds = flow()
    ds["u"][:, 16:] = 0.0
    read = read_with_fill(ds, "u", 0.0, tmp_path)
    given = read.chunk() if chunked else read
    (line,) = told(lambda: own.encode(given).compute())
    assert f"got {5 * 16} that are not" in line
    assert "every 0 in the file reads as missing, as that is its fill value" in line
    lost = read_with_fill(flow(), "x", 0.0, tmp_path)
    assert "every 0 in the file reads as missing" in told(lambda: own.encode(lost))[0]


@pytest.mark.parametrize("name", ["u", "action", "x"])
def test_raw_integers_with_a_scale_factor_are_told(own: Surrogate, tmp_path: Path, name: str) -> None:
    """Not read as the numbers that they stand for: decoding them is the remedy, and it works."""
    ds = off_at_the_end()
    packing = {"dtype": "i2", "scale_factor": 0.001, "add_offset": 0.0, "_FillValue": -32768}
    ds.to_netcdf(tmp_path / "in.nc", encoding={name: packing})
    raw = xr.load_dataset(tmp_path / "in.nc", decode_times=False, mask_and_scale=False)
    lines = told(lambda: own.rollout(raw.isel(time=0), raw["action"]))
    assert any("int16 with the attribute scale_factor=0.001" in line and "xr.decode_cf(ds)" in line for line in lines)
    decoded = xr.decode_cf(raw, decode_times=False)
    np.testing.assert_allclose(
        own.rollout(decoded.isel(time=0), decoded["action"])["u"],
        own.rollout(ds.isel(time=0), ds["action"])["u"],
        atol=0.02,
    )


RAW: dict[str, dict[str, Any]] = {
    "_FillValue": {"_FillValue": -9999.0},
    "missing_value": {"missing_value": -9999},
    "text": {"missing_value": "-9999"},
    "several": {"missing_value": np.array([1e20, -9999.0])},
}


@pytest.mark.filterwarnings("ignore:variable .* has multiple fill values")
@pytest.mark.parametrize("stated", RAW.values(), ids=RAW)
@pytest.mark.parametrize("units", ["1", "percent"])
def test_numbers_that_stand_for_missing_ones_are_counted_and_placed(
    own: Surrogate, stated: dict[str, Any], units: str
) -> None:
    """As they were stored, so before units change them; they are no values, however finite they are."""
    ds = flow().isel(time=slice(0, 3))
    ds["u"][1, 4:7] = -9999.0
    ds["u"].attrs.update(stated, units=units)
    (name,) = stated
    for given in (ds, ds.drop_attrs(deep=False).assign(u=ds["u"].drop_attrs().assign_attrs(stated))):
        (line,) = told(lambda given=given: own.encode(given))
        assert line.startswith("fields: u: expected the numbers themselves, got 3 values that the attribute " + name)
        assert f"the first at time={ds['time'].values[1]:g}, x={ds['x'].values[4]:g}" in line
        assert "xarray.decode_cf(ds)" in line
    assert len(told(lambda: own.rollout(ds.isel(time=1), ds["action"][1:]))) == 1
    own.rollout(ds.isel(time=0), ds["action"].fillna(0.0))  # where none is there, the attribute is of no account
    if isinstance(stated[name], str):
        ds["u"].attrs[name] = float(stated[name])
    decoded = xr.decode_cf(ds, decode_times=False)
    assert "3 that are not" in told(lambda: own.encode(decoded))[0]


def test_a_number_that_reading_replaced_and_somebody_put_back_is_told(own: Surrogate, tmp_path: Path) -> None:
    ds = flow()
    ds["u"][0, 0] = np.nan
    for fill, refused in ((-9999.0, True), (0.0, False)):
        read = read_with_fill(ds, "u", fill, tmp_path)
        read["u"][0, 0] = fill
        if refused:
            assert "got 1 value that the encoding _FillValue=-9999.0 states" in told(lambda r=read: own.encode(r))[0]
        else:
            own.encode(read)  # a zero was filled in


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_what_was_never_written_to_a_file_is_told(own: Surrogate, tmp_path: Path, kind: str) -> None:
    """The netCDF library leaves a number there, and no attribute says which."""
    netCDF4 = pytest.importorskip("netCDF4")
    ds = flow()
    ds["u"] = ds["u"].astype(kind)
    ds.to_netcdf(tmp_path / "in.nc", encoding={"u": {"_FillValue": None}})
    with netCDF4.Dataset(tmp_path / "in.nc", "a") as file:
        file["u"].set_auto_mask(False)
        file["u"][2:4, 5] = netCDF4.default_fillvals[kind]
    for given in (open_dataset(tmp_path / "in.nc"), xr.load_dataset(tmp_path / "in.nc", decode_times=False)):
        assert "_FillValue" not in {**given["u"].attrs, **given["u"].encoding}
        (line,) = told(lambda given=given: own.encode(given))
        assert "got 2 values of 9.96921e+36, which netCDF leaves where nothing was written, the first at time" in line
    save_model(tmp_path / "run", own.model, own.config, {})
    assert "; after the first instant: expected the numbers themselves, got 2 values of 9.96921e+36" in str(
        check(tmp_path / "in.nc", tmp_path / "run")
    )


def test_latents_and_actions_that_stand_for_missing_ones_are_told(own: Surrogate) -> None:
    ds = flow()
    latent = own.encode(ds).assign_attrs(missing_value=-1.5)
    latent[0, 0] = -1.5
    assert "got 1 value that the attribute missing_value=-1.5" in told(lambda: own.decode(latent))[0]
    action = ds["action"].fillna(0.0).assign_attrs(_FillValue=0.25)
    action[1, 0] = 0.25
    (line,) = told(lambda: own.rollout(ds.isel(time=0), action))
    assert line.startswith("forcing: expected the numbers themselves, got 1 value that the attribute _FillValue=0.25")
