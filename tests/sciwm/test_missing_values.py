"""What reading has masked is not taken for what was never there, and packed numbers not for values."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from foreign_flows import flow, told

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
