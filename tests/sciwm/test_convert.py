"""Data in another layout: CF netCDF that a checker passes, Zarr, and the schema of The Well both ways."""

import importlib.util
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from foreign_data import channel
from foreign_layouts import write_pdebench_cfd, write_well

from sciwm.cli import main
from sciwm.data.cf_output import with_cf_metadata
from sciwm.data.source import open_source

CHECKER = importlib.util.find_spec("compliance_checker")


def converted(*words: object) -> int:
    return main(["convert", *map(str, words)])


def test_the_well_and_back_again(tmp_path: Path) -> None:
    """Every value, vector, tensor, scalar and boundary survives; a second conversion writes the same numbers."""
    values = write_well(tmp_path / "well.hdf5")
    assert converted(tmp_path / "well.hdf5", "--to", tmp_path / "flow.nc") == 0
    assert converted(tmp_path / "flow.nc", "--to", tmp_path / "again.hdf5") == 0
    with h5py.File(tmp_path / "well.hdf5") as first, h5py.File(tmp_path / "again.hdf5") as second:
        for name in (
            "t0_fields/density",
            "t1_fields/velocity",
            "t2_fields/stress",
            "scalars/action",
            "t0_fields/profile",
        ):
            np.testing.assert_array_equal(first[name][...], second[name][...], err_msg=name)
            for attribute in ("sample_varying", "time_varying"):
                assert first[name].attrs[attribute] == second[name].attrs[attribute], (name, attribute)
        assert second["scalars/action"].shape == values["action"].shape
        assert list(second["t1_fields"].attrs["field_names"]) == ["velocity"]
        ends = {name: group.attrs["bc_type"] for name, group in second["boundary_conditions"].items()}
        assert ends == {"x_periodic": "PERIODIC", "y_wall": "WALL"}
        np.testing.assert_array_equal(second["dimensions/y"][...], first["dimensions/y"][...])


def test_what_is_written_keeps_to_the_schema(tmp_path: Path) -> None:
    """As the reader of The Well asks for it: names, flags of the kind bool, shapes, and a mask for every end."""
    for run in (1, 2, 3):
        channel(run).to_netcdf(tmp_path / f"{run}.nc")
    assert converted(tmp_path / "*.nc", "--to", tmp_path / "silt.h5", "--periodic", "along") == 0
    with h5py.File(tmp_path / "silt.h5") as file:
        require_schema(file)
        assert file["t0_fields/silt"].shape == (3, 5, 4, 7) and not file["t0_fields/bed"].attrs["sample_varying"]
        assert list(file["t0_fields/bed"].attrs["dim_varying"]) == [False, True]
        assert file["scalars/gate"].shape == (3, 5) and file["scalars/slope"].shape == (3,)
        assert file["boundary_conditions/along_periodic"].attrs["bc_type"] == "PERIODIC"
        np.testing.assert_array_equal(file["t0_fields/silt"][1], channel(2)["silt"].values)
    ds = open_source([tmp_path / "silt.h5"])
    assert ds["silt"].attrs["units"] == "mg/l" and ds["along"].attrs["boundary"] == "periodic"


def require_schema(file: Any) -> None:
    """The rules of the format, written anew from its description."""
    flags = ("sample_varying", "time_varying")
    assert {"dataset_name", "grid_type", "n_spatial_dims", "n_trajectories", "simulation_parameters"} <= set(file.attrs)
    assert all(name in file.attrs for name in file.attrs["simulation_parameters"])
    space, lengths = list(file["dimensions"].attrs["spatial_dims"]), file["dimensions"]
    assert len(space) == file.attrs["n_spatial_dims"] and "time" in lengths
    assert all(isinstance(lengths[d].attrs[flag], np.bool_) for d in space for flag in flags)
    for order in range(3):
        group = file[f"t{order}_fields"]
        assert set(group.attrs["field_names"]) == set(group)
        for field in group.values():
            sizes = [file.attrs["n_trajectories"]] * bool(field.attrs["sample_varying"])
            sizes += [lengths["time"].shape[-1]] * bool(field.attrs["time_varying"])
            sizes += [lengths[d].shape[-1] for d, there in zip(space, field.attrs["dim_varying"], strict=True) if there]
            assert field.shape == (*sizes, *[len(space)] * order) and field.dtype == np.float32
    for scalar in file["scalars"].values():
        assert scalar.ndim == sum(bool(scalar.attrs[flag]) for flag in flags)
    for end in file["boundary_conditions"].values():
        (dim,) = end.attrs["associated_dims"]
        assert (
            end["mask"].shape == lengths[dim].shape
            and end["mask"].dtype == bool
            and len(end.attrs["associated_fields"]) == 0
        )


def test_what_the_well_cannot_hold_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    channel().to_netcdf(tmp_path / "a.nc")
    assert converted(tmp_path / "a.nc", "--to", tmp_path / "a.h5") == 2
    assert "whether along are periodic" in capsys.readouterr().err
    channel().isel(along=[0, 1, 3, 4, 6]).to_netcdf(tmp_path / "b.nc")
    assert converted(tmp_path / "b.nc", "--to", tmp_path / "b.h5", "--periodic") == 2
    assert "along: expected even steps, as The Well has" in capsys.readouterr().err
    assert converted(tmp_path / "a.nc", "--to", tmp_path / "a.h5", "--periodic", "depht") == 2
    assert "expected some of depth, along, got depht" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.h5")) and not list(tmp_path.glob(".*"))


def test_nothing_is_written_over_and_endings_decide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    channel().to_netcdf(tmp_path / "a.nc")
    (tmp_path / "there.nc").write_bytes(b"mine")
    assert converted(tmp_path / "a.nc", "--to", tmp_path / "there.nc") == 2
    assert (tmp_path / "there.nc").read_bytes() == b"mine"
    assert converted(tmp_path / "a.nc", "--to", tmp_path / "a.csv") == 2
    assert "a name that ends in .nc, .zarr, .hdf5, .h5" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_pdebench_becomes_an_ordinary_dataset(suffix: str, tmp_path: Path) -> None:
    fields = write_pdebench_cfd(tmp_path / "cfd.hdf5")
    assert converted(tmp_path / "cfd.hdf5", "--to", tmp_path / f"out.{suffix}") == 0
    ds = open_source([tmp_path / f"out.{suffix}"])
    np.testing.assert_array_equal(ds["pressure"].values, fields["pressure"])
    assert ds.attrs["Conventions"] == "CF-1.11" and "convert cfd.hdf5" in ds.attrs["history"]
    assert ds["pressure"].attrs["long_name"] == "pressure"


def test_text_labels_survive_zarr(tmp_path: Path) -> None:
    ds = channel().expand_dims(gauge=["upper", "lower one"])
    ds.to_netcdf(tmp_path / "a.nc")
    assert converted(tmp_path / "a.nc", "--to", tmp_path / "a.zarr") == 0
    found = open_source([tmp_path / "a.zarr"])
    assert found["gauge"].values.tolist() == ["upper", "lower one"] and found["gauge"].dtype.kind == "U"


def test_a_store_of_ours_becomes_a_file_of_the_well(data_folder: Path, tmp_path: Path) -> None:
    """Fields and actions; the functionals and the bounds that are known of them stay behind."""
    assert converted(data_folder / "validation.zarr", "--to", tmp_path / "ks.hdf5") == 0
    store = xr.open_zarr(data_folder / "validation.zarr", consolidated=False, decode_times=False)
    ds = open_source([tmp_path / "ks.hdf5"])
    np.testing.assert_array_equal(ds["u"].values, store["u"].values)
    np.testing.assert_array_equal(ds["action_2"].values, store["action"].values[:, :, 2])
    assert ds["x"].attrs["boundary"] == "periodic" and ds["action_2"].dims == ("trajectory", "time")
    assert set(ds.data_vars) == {"u", *(f"action_{j}" for j in range(4))}


def dated() -> xr.Dataset:
    """A record with dates, latitudes and limits of another kind than its values."""
    ds = channel().rename(hour="time", along="lon", depth="depth")
    ds["time"] = ("time", np.arange(5) * 0.5, {"units": "hours since 2001-02-27", "axis": "T"})
    ds["lon"].attrs["units"] = "degrees_east"
    ds["gate"].attrs["valid_min"] = np.int32(-1)
    ds["depth"].attrs["positive"] = "up"
    return ds


def test_metadata_follow_cf() -> None:
    ds = with_cf_metadata(dated(), "made")
    assert ds["time"].attrs["standard_name"] == "time" and ds["lon"].attrs["standard_name"] == "longitude"
    assert ds["gate"].attrs["valid_min"].dtype == ds["gate"].dtype and ds["slope"].attrs["long_name"] == "slope"
    assert ds["lon"].encoding["_FillValue"] is None and "standard_name" not in dated()["lon"].attrs
    elapsed = with_cf_metadata(channel())
    assert "axis" not in elapsed["hour"].attrs, "hours that count from no date are no time coordinate"


@pytest.mark.skipif(CHECKER is None, reason="needs compliance-checker, of the extra 'dev'")
def test_a_compliance_checker_passes_what_is_converted(tmp_path: Path) -> None:
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    dated().to_netcdf(tmp_path / "a.nc")
    assert converted(tmp_path / "a.nc", "--to", tmp_path / "cf.nc") == 0
    CheckSuite.load_all_available_checkers()
    report = tmp_path / "report.txt"
    passed, failed = ComplianceChecker.run_checker(
        str(tmp_path / "cf.nc"), ["cf:1.11"], 0, "normal", output_filename=str(report), output_format="text"
    )
    assert passed and not failed, report.read_text()
    assert "Errors" not in report.read_text()
