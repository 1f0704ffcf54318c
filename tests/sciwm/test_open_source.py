"""Files of somebody else as one lazy Dataset: formats, groups, layouts, and many files together."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from foreign_data import channel
from foreign_flows import told
from foreign_layouts import write_pdebench_cfd, write_pdebench_scalar, write_pdebench_seeds, write_well

from sciwm.data.source.files.opening import open_files, open_source
from sciwm.errors import InputError


def zipped(ds: xr.Dataset, path: Path) -> None:
    """A store whose files lie at the top of a zip file."""
    ds.to_zarr(path.with_suffix(".folder"), consolidated=False)
    shutil.make_archive(str(path.with_suffix("")), "zip", path.with_suffix(".folder"))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.nc", lambda ds, path: ds.to_netcdf(path, format="NETCDF3_64BIT")),
        ("b.dat", lambda ds, path: ds.to_netcdf(path)),
        ("c", lambda ds, path: ds.to_zarr(path, zarr_format=3, consolidated=False)),
        ("d.zarr", lambda ds, path: ds.to_zarr(path, zarr_format=2)),
        ("e.zip", zipped),
    ],
)
def test_every_format_gives_the_same(name: str, write: Callable[[xr.Dataset, Path], object], tmp_path: Path) -> None:
    write(channel(), tmp_path / name)
    xr.testing.assert_identical(open_source([tmp_path / name]).load(), channel())


def test_packed_numbers_are_unpacked_and_times_stay_numbers(tmp_path: Path) -> None:
    """Values marked as missing are NaN; dates and their calendar are left to whoever knows which axis is time."""
    dated = channel().assign_coords(
        hour=("hour", np.arange(5), {"units": "hours since 2001-02-27", "calendar": "noleap"})
    )
    dated["silt"][1, 2, 3] = np.nan
    packing = {"dtype": "i2", "scale_factor": 0.001, "add_offset": 10.0, "_FillValue": -32768}
    dated.to_netcdf(tmp_path / "packed.nc", encoding={"silt": packing})
    found = open_source([tmp_path / "packed.nc"])
    assert found["hour"].attrs["calendar"] == "noleap" and found["hour"].dtype.kind == "i"
    np.testing.assert_allclose(found["silt"].values, dated["silt"].values, atol=0.0006)
    assert np.isnan(found["silt"].values[1, 2, 3]) and np.isnan(found["silt"].values).sum() == 1


def test_large_variables_stay_in_the_file_until_they_are_sliced(tmp_path: Path) -> None:
    big = np.random.default_rng(0).normal(size=(60, 100, 60)).astype("f4")
    xr.Dataset({"u": (("t", "y", "x"), big)}).to_netcdf(tmp_path / "big.nc")
    found = open_source([tmp_path / "big.nc"])
    assert found["u"].chunks is not None
    np.testing.assert_array_equal(found["u"].isel(t=7).values, big[7])


def test_a_chunk_that_cannot_be_read_names_its_file_among_many(tmp_path: Path) -> None:
    for run in range(3):
        u = xr.DataArray(np.full((300, 100, 20), float(run)), dims=("t", "y", "x"))
        u.to_dataset(name="u").to_zarr(tmp_path / f"run_{run}.zarr", consolidated=False)
    chunk = next(p for p in (tmp_path / "run_1.zarr" / "u" / "c").rglob("*") if p.is_file())
    chunk.write_bytes(b"nonsense")
    found = open_source([tmp_path / "run_*.zarr"])
    assert float(found["u"].sel(run=2).mean()) == 2.0
    assert str(tmp_path / "run_1.zarr: u") in told(lambda: found["u"].mean().compute())[0]


def test_files_of_the_same_times_are_runs(tmp_path: Path) -> None:
    """What is alike in all of them, such as the bed, stays one; parameters become those of the runs."""
    for run in (98, 102, 99):
        channel(run).to_netcdf(tmp_path / f"silt_{run}.nc")
    opened = open_files([tmp_path / "silt_*.nc"])
    ds = opened.dataset
    assert ds["run"].values.tolist() == [98, 99, 102], (
        "files of a pattern come in the order of the numbers in their names"
    )
    assert ds["slope"].dims == ("run",) and ds["bed"].dims == ("along",) and ds["gate"].dims == ("run", "hour")
    for run in (98, 99, 102):
        xr.testing.assert_allclose(ds.sel(run=run, drop=True).load(), channel(run))
    assert any("'run' is made of their names" in note for note in opened.notes)


def test_runs_of_unequal_length_are_filled(tmp_path: Path) -> None:
    for run, instants in ((1, 5), (2, 3)):
        channel(run, instants).to_netcdf(tmp_path / f"{run}.nc")
    ds = open_source([tmp_path / "*.nc"])
    assert np.isnan(ds["silt"].sel(run=2).values[3:]).all() and np.isfinite(ds["silt"].sel(run=1).values).all()
    xr.testing.assert_allclose(ds.sel(run=2, drop=True).isel(hour=slice(3)).load(), channel(2, 3))


def test_files_that_follow_each_other_are_one_record_in_one_count_of_time(tmp_path: Path) -> None:
    """Each month counts from its own first day, and the files are named in any order."""
    whole = channel(instants=8)
    for name, part, day in (("a", whole.isel(hour=slice(4, None)), 2), ("b", whole.isel(hour=slice(4)), 1)):
        hours = part["hour"] - (2.0 if day == 2 else 0.0)
        hours.attrs["units"] = f"hours since 2001-01-01 0{2 if day == 2 else 0}:00"
        part.assign_coords(hour=hours).to_netcdf(tmp_path / f"{name}.nc")
    ds = open_source([tmp_path / "a.nc", tmp_path / "b.nc"])
    assert "run" not in ds.dims
    first = ds["hour"].values - ds["hour"].values[0]
    np.testing.assert_allclose(first, whole["hour"].values, atol=1e-9)
    np.testing.assert_array_equal(ds["silt"].values, whole["silt"].values)


def test_files_of_other_variables_lie_side_by_side(tmp_path: Path) -> None:
    """Coordinates that differ by rounding alone are the same."""
    ds = channel()
    ds[["silt", "bed"]].to_netcdf(tmp_path / "fields.nc")
    single = ds[["gate"]].assign_coords(hour=ds["hour"].astype("f4"))
    single.to_netcdf(tmp_path / "gate.nc")
    merged = open_source([tmp_path / "fields.nc", tmp_path / "gate.nc"])
    assert set(merged.data_vars) == {"silt", "bed", "gate"} and merged.sizes["hour"] == 5
    other = ds[["gate"]].isel(hour=slice(2))
    other.to_netcdf(tmp_path / "short.nc")
    assert "over the same coordinates" in told(lambda: open_source([tmp_path / "fields.nc", tmp_path / "short.nc"]))[0]


def test_files_that_do_not_belong_together_are_told_all_at_once(tmp_path: Path) -> None:
    channel(1).to_netcdf(tmp_path / "1.nc")
    channel(2).drop_vars("gate").to_netcdf(tmp_path / "2.nc")
    channel(3).assign(salt=0.0).to_netcdf(tmp_path / "3.nc")
    assert [line.partition(", got ")[2] for line in told(lambda: open_source([tmp_path / "*.nc"]))] == [
        "no gate; leave it out, or name one group",
        "also salt; leave it out, or name one group",
    ]
    grams = channel(4)
    grams["silt"].attrs["units"] = "g/l"
    grams.to_netcdf(tmp_path / "4.nc")
    message = told(lambda: open_source([tmp_path / "1.nc", tmp_path / "4.nc"]))
    assert message == [
        f"{tmp_path}/4.nc: silt: expected units 'mg/l' as in {tmp_path}/1.nc, got 'g/l'; convert it first"
    ]


def test_what_is_not_there_or_damaged_is_named(tmp_path: Path) -> None:
    for run in range(3):
        channel(run).to_netcdf(tmp_path / f"{run}.nc")
    cut = (tmp_path / "1.nc").read_bytes()[:3000]
    (tmp_path / "1.nc").write_bytes(cut)
    (tmp_path / "2.nc").write_bytes(cut)
    lines = told(lambda: open_source([tmp_path / "*.nc"]))
    assert [line.partition(":")[0] for line in lines] == [f"{tmp_path}/1.nc", f"{tmp_path}/2.nc"]
    lines = told(lambda: open_source([tmp_path / "no_*.nc", tmp_path / "none_?.nc"]))
    assert len(lines) == 2 and "expected files that match, got none" in lines[0]
    assert "nothing there" in told(lambda: open_source([tmp_path / "absent.nc"]))[0]


def test_what_is_called_like_a_dimension_and_has_others_is_no_coordinate(tmp_path: Path) -> None:
    xr.Dataset({"u": (("time", "x"), np.ones((3, 4)))}, {"time": np.arange(3.0)}).assign_coords(
        x=(("x", "part"), np.ones((4, 1)))
    ).to_netcdf(tmp_path / "odd.nc")
    opened = open_files([tmp_path / "odd.nc"])
    assert (list(opened.dataset.coords), list(opened.dataset.data_vars)) == (["time"], ["u"])
    assert "x: called like a dimension, but lies over ('x', 'part'): left out" in opened.notes[0]


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_groups(suffix: str, tmp_path: Path) -> None:
    """One group by its name, with the axes above it; without a name, groups of the same variables are runs."""
    path = tmp_path / f"tree.{suffix}"
    shared = channel()[["hour", "along", "depth"]]
    tree = {"/": shared} | {f"/day/run_{k}": channel(k).drop_vars(["along", "depth"]) for k in (7, 8)}
    made = xr.DataTree.from_dict(tree)
    made.to_netcdf(path) if suffix == "nc" else made.to_zarr(path, consolidated=False)
    xr.testing.assert_allclose(open_source([path], "day/run_8").load(), channel(8))
    runs = open_source([path])
    assert runs["run"].values.tolist() == [7, 8]
    xr.testing.assert_allclose(runs["silt"].sel(run=8, drop=True).load(), channel(8)["silt"])
    message = told(lambda: open_source([path], "night"))[0]
    assert "group 'night'" in message and "'day/run_7' (" in message


def test_plain_hdf5_takes_axes_by_their_lengths(tmp_path: Path) -> None:
    """On a square the order of the axes is assumed, and said."""
    ds = channel()
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        for name in ("silt", "hour", "along", "depth", "gate"):
            file[name] = ds[name].values
    found = open_source([tmp_path / "plain.h5"])
    assert found["silt"].dims == ("hour", "depth", "along") and found["gate"].dims == ("hour",)
    np.testing.assert_array_equal(found["along"].values, ds["along"].values)
    with h5py.File(tmp_path / "square.h5", "w") as file:
        file["u"], file["x"], file["y"], file["t"] = np.zeros((5, 8, 8)), np.arange(8.0), np.arange(8.0), np.arange(5.0)
    opened = open_files([tmp_path / "square.h5"])
    assert opened.dataset["u"].dims == ("t", "x", "y") and "taken to be x, y" in opened.notes[0]


def test_the_well(tmp_path: Path) -> None:
    values = write_well(tmp_path / "well.hdf5")
    ds = open_source([tmp_path / "well.hdf5"])
    assert ds["density"].dims == ("trajectory", "time", "x", "y")
    np.testing.assert_array_equal(ds["density"].values, values["density"])
    np.testing.assert_array_equal(ds["velocity_y"].values, values["velocity"][..., 1])
    np.testing.assert_array_equal(ds["stress_xy"].values, values["stress"][..., 0, 1])
    assert ds["speed"].dims == ("trajectory", "x", "y") and ds["profile"].dims == ("x",)
    assert ds["action"].dims == ("trajectory", "time") and ds["tcool"].dims == () and float(ds["tcool"]) == 0.25
    assert ds["x"].attrs["boundary"] == "periodic" and ds["y"].attrs["boundary"] == "bounded"
    write_well(tmp_path / "more.hdf5")
    both = open_source([tmp_path / "well.hdf5", tmp_path / "more.hdf5"])
    assert both.sizes["trajectory"] == 2 * ds.sizes["trajectory"] and both["profile"].dims == ("x",)


def test_pdebench(tmp_path: Path) -> None:
    """Each layout; there is one time more than there are instants in the files of the benchmark."""
    tensor = write_pdebench_scalar(tmp_path / "1D_Burgers.hdf5")
    ds = open_source([tmp_path / "1D_Burgers.hdf5"])
    assert ds["tensor"].dims == ("sample", "time", "x") and ds.sizes["time"] == ds["time"].size == tensor.shape[1]
    np.testing.assert_array_equal(ds["tensor"].values, tensor)
    assert float(ds["Nu"]) == 0.01
    fields = write_pdebench_cfd(tmp_path / "2D_CFD.hdf5")
    ds = open_source([tmp_path / "2D_CFD.hdf5"])
    assert set(ds.data_vars) == {"density", "pressure", "Vx", "Vy", "eta", "zeta", "M"}
    np.testing.assert_array_equal(ds["Vy"].transpose("sample", "time", "x", "y").values, fields["Vy"])
    data = write_pdebench_seeds(tmp_path / "2D_diff-react.h5")
    ds = open_source([tmp_path / "2D_diff-react.h5"])
    assert ds["data_1"].dims == ("run", "time", "x", "y") and ds["run"].values.tolist() == ["0000", "0001", "0002"]
    np.testing.assert_array_equal(ds["data_1"].values, data[..., 1])


@pytest.mark.parametrize("attributes", [{"scale_factor": 3}, {"add_offset": 2}, {"scale_factor": 3, "add_offset": 2}])
@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_whole_numbers_that_pack_values_do_not_round_them(
    attributes: dict[str, int], suffix: str, tmp_path: Path
) -> None:
    """The library multiplies as whole numbers what is multiplied by one."""
    raw = xr.DataArray([[0.5, 0.25], [-0.75, np.nan]], dims=("time", "x"), attrs=attributes)
    write = {"nc": raw.to_dataset(name="u").to_netcdf, "zarr": raw.to_dataset(name="u").to_zarr}[suffix]
    write(tmp_path / f"a.{suffix}", **({"consolidated": False} if suffix == "zarr" else {}))
    wanted = raw.values * attributes.get("scale_factor", 1) + attributes.get("add_offset", 0)
    np.testing.assert_array_equal(open_source([tmp_path / f"a.{suffix}"])["u"].values, wanted)


@pytest.mark.parametrize("kind", ["f2", "f16"])
def test_numbers_that_the_library_takes_for_text_are_told(kind: str, tmp_path: Path) -> None:
    """Reading them would end the process."""
    with h5py.File(tmp_path / "half.h5", "w") as file:
        file["u"], file["label"] = np.ones((3, 4), kind), ["a", "b", "c"]
    (line,) = told(lambda: open_source([tmp_path / "half.h5"]))
    assert "half.h5: u: expected numbers of four or eight bytes, as netCDF has, got float" in line
    assert "astype('float32')" in line


def test_a_dimension_without_a_name_in_a_store_is_told(tmp_path: Path) -> None:
    channel().to_zarr(tmp_path / "a.zarr", zarr_format=2, consolidated=False)
    about = tmp_path / "a.zarr" / "bed" / ".zattrs"
    about.write_text(about.read_text().replace('"along"', "0"))
    assert "bed: expected dimensions with names, got (0,)" in told(lambda: open_source([tmp_path / "a.zarr"]))[0]


def test_arrays_of_the_well_and_of_pdebench_that_do_not_fit_the_others_are_told(tmp_path: Path) -> None:
    write_well(tmp_path / "well.hdf5", 2)
    write_pdebench_scalar(tmp_path / "scalar.hdf5")
    with h5py.File(tmp_path / "well.hdf5", "a") as file:
        values, attributes = file["scalars/action"][...], dict(file["scalars/action"].attrs)
        del file["scalars/action"]
        file["scalars/action"] = values.T
        file["scalars/action"].attrs.update(attributes)
    assert "action: expected the shape (2, 6)" in told(lambda: open_source([tmp_path / "well.hdf5"]))[0]
    with h5py.File(tmp_path / "scalar.hdf5", "a") as file:
        file["x"] = file["tensor"][...]
    assert "x: expected a name of its own" in told(lambda: open_source([tmp_path / "scalar.hdf5"]))[0]


def test_times_of_pdebench_that_nobody_wrote_are_not_read(tmp_path: Path) -> None:
    """A length that a header declares is compared with the fields before anything of that length is made."""
    write_pdebench_scalar(tmp_path / "long.hdf5")
    with h5py.File(tmp_path / "long.hdf5", "a") as file:
        del file["t-coordinate"]
        file.create_dataset("t-coordinate", (10**8,), "f8", chunks=(64,))
    assert open_source([tmp_path / "long.hdf5"]).sizes["time"] == 6


def test_a_steady_problem_is_no_time_series(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "darcy.hdf5", "w") as file:
        file["tensor"], file["nu"] = np.zeros((4, 1, 8, 8), "f4"), np.ones((4, 8, 8), "f4")
        file["x-coordinate"] = file["y-coordinate"] = np.linspace(0, 1, 8)
    with pytest.raises(InputError, match="the steady Darcy flow"):
        open_source([tmp_path / "darcy.hdf5"])
