"""Files of others: recognised by their content, weighed before they are opened, and told by name where they fail."""

import gzip
import json
import os
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

from sciwm.data import Kind, fields_named, open_dataset, open_trajectories, read_values, reading, recognise
from sciwm.errors import InputError, shown
from sciwm.report.drawing import illustrate, new_figure


@pytest.fixture
def ds() -> xr.Dataset:
    """A small flow under actions."""
    x, time = np.arange(8) * 0.5, np.arange(4) * 0.25
    fields = np.sin(x + time[:, None]).astype("f4")
    return xr.Dataset(
        {"u": (("time", "x"), fields, {"units": "m/s"}), "action": (("time", "actuator"), np.ones((4, 2), "f4"))},
        {"x": x, "time": time},
    )


def told(path: Path, call: Callable[[Path], object] = open_dataset) -> str:
    """What is said where opening must fail."""
    with pytest.raises(InputError) as caught:
        call(path)
    return str(caught.value)


def zipped(ds: xr.Dataset, path: Path) -> None:
    """A store whose files lie at the top of a zip file."""
    ds.to_zarr(path.with_suffix(".folder"), consolidated=False)
    shutil.move(shutil.make_archive(str(path), "zip", path.with_suffix(".folder")), path)


@pytest.mark.parametrize("name", ["wrfout_d01_2000-01-24_12:00:00", "flow.zarr", "flow.yaml", "flow", "f\x1b[31m.nc"])
@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (lambda ds, path: ds.to_netcdf(path, format="NETCDF3_CLASSIC"), Kind.NETCDF3),
        (lambda ds, path: ds.to_netcdf(path, format="NETCDF3_64BIT"), Kind.NETCDF3),
        (lambda ds, path: ds.to_netcdf(path), Kind.HDF5),
        (lambda ds, path: ds.to_zarr(path, consolidated=False), Kind.ZARR),
        (lambda ds, path: ds.to_zarr(path, consolidated=True, zarr_format=2), Kind.ZARR),
        (zipped, Kind.ZARR_ZIP),
    ],
    ids=["netCDF-3", "64-bit offsets", "netCDF-4", "Zarr 3", "Zarr 2", "zip"],
)
def test_content_and_not_the_name_decides(
    write: Callable[[xr.Dataset, Path], object], kind: Kind, name: str, ds: xr.Dataset, tmp_path: Path
) -> None:
    write(ds, tmp_path / name)
    assert recognise(tmp_path / name) is kind
    xr.testing.assert_equal(open_dataset(tmp_path / name).load(), ds)


def test_what_is_no_dataset_is_told_as_what_it_is(ds: xr.Dataset, tmp_path: Path) -> None:
    """With the way to one, where there is a way."""
    ds.to_netcdf(tmp_path / "flow.nc")
    for name, content, parts in (
        ("a.nc.gz", gzip.compress((tmp_path / "flow.nc").read_bytes()), ["packed by gzip", "gunzip -k"]),
        ("b.nc", b"", ["an empty file"]),
        ("c.nc", b"<!DOCTYPE html><p>404", ["a web page", "download the file itself"]),
        ("d.nc", b"version https://git-lfs.github.com/spec/v1\noid", ["a pointer of Git LFS", "git lfs pull"]),
        ("e.grb", b"GRIB\x00\x00\x00\x02", ["a GRIB file", "cdo -f nc4 copy"]),
        ("f.nc", b"name: x\n", ["a text file"]),
        ("g.nc", b"\x00\x01\x02\x03", ["a file that begins with the bytes 00 01 02 03"]),
    ):
        (tmp_path / name).write_bytes(content)
        message = told(tmp_path / name)
        assert message.startswith(f"{tmp_path / name}: expected a netCDF file or a Zarr store, got ")
        for part in parts:
            assert part in message
    assert f"name what lies in it, such as {tmp_path / 'flow.nc'}" in told(tmp_path)
    assert "https://example.org/a/b.nc: expected a path on this machine" in told(Path("https://example.org/a/b.nc"))
    assert "s3://bucket/b.zarr: expected a path on this machine" in told(Path("s3://bucket/b.zarr"))


def test_special_files_are_refused_and_not_waited_for(ds: xr.Dataset, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nc")
    (tmp_path / "zeros.nc").symlink_to("/dev/zero")
    (tmp_path / "gone.nc").symlink_to(tmp_path / "nothing")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.nc"))
        for name, what in (("pipe", "a pipe"), ("zeros", "a device"), ("gone", "a link to nothing"), ("socket", "a s")):
            assert f"{name}.nc: expected a file or a folder, got {what}" in told(tmp_path / f"{name}.nc")
    store = tmp_path / "flow.zarr"
    ds.to_zarr(store, consolidated=False)
    os.mkfifo(store / "u" / "c" / "9")
    assert "u/c/9: expected a file of the store, got a pipe" in told(store)


# Headers ---------------------------------------------------------------------------------------


def with_length(path: Path, dimension: str, length: int) -> None:
    """Change the length of a dimension in a netCDF-3 header, where it stands behind the padded name."""
    content = bytearray(path.read_bytes())
    name = dimension.encode()
    at = content.index(struct.pack(">i", len(name)) + name.ljust(4 * -(-len(name) // 4), b"\0"))
    place = at + 4 + 4 * -(-len(name) // 4)
    content[place : place + 4] = struct.pack(">I", length)
    path.write_bytes(content)


@pytest.mark.parametrize("length", [9, 2**20, 2**31 - 1])
def test_netcdf3_that_declares_more_than_it_holds(length: int, ds: xr.Dataset, tmp_path: Path) -> None:
    """Eight points are there: nine are read as zeros, and 2^31 take gigabytes, if nobody compares."""
    path = tmp_path / "flow.nc"
    ds.to_netcdf(path, format="NETCDF3_CLASSIC")
    with_length(path, "x", length)
    message = told(path)
    assert message.startswith(f"{path}: expected a readable netCDF file, got ")
    assert "copy it again" in message


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("records", [[], ["time"]], ids=["fixed", "records"])
def test_netcdf3_that_was_cut_off_is_damaged(form: Any, records: list[str], ds: xr.Dataset, tmp_path: Path) -> None:
    """Even by the last value alone, which the library reads as zero; the padding behind a value is none."""
    path = tmp_path / "flow.nc"
    ds["flag"] = ("time", np.arange(4, dtype="i1"), {"comment": "of odd size"})
    ds.to_netcdf(path, format=form, unlimited_dims=records, engine="netcdf4")
    xr.testing.assert_equal(open_dataset(path).load(), ds)
    sound = path.read_bytes()
    for lacking in (4, 12, 100):
        path.write_bytes(sound[:-lacking])
        assert "before its values do; the file is damaged" in told(path)
    path.unlink()
    ds[["flag"]].isel(time=[0]).drop_vars("time").to_netcdf(path, format=form, engine="netcdf4")
    path.write_bytes(path.read_bytes()[:-3])
    assert int(open_dataset(path)["flag"][0]) == 0


def test_netcdf3_with_nonsense_counts_is_read_in_bounded_memory(ds: xr.Dataset, tmp_path: Path) -> None:
    """Every word of the header in turn becomes the largest number: it opens as it was, or is refused."""
    path = tmp_path / "flow.nc"
    ds[["u"]].to_netcdf(path, format="NETCDF3_CLASSIC")
    sound = path.read_bytes()
    for place in (8, 12, 28, 48):
        path.write_bytes(sound[:place] + b"\x7f\xff\xff\xff" + sound[place + 4 :])
        assert told(path).startswith(f"{path}: expected a readable netCDF file, got ")


def test_hdf5_that_declares_more_than_it_holds(tmp_path: Path) -> None:
    """Ten kilobytes that claim eight terabytes; and a coordinate that would be read at once."""
    for name in ("u", "x"):
        path = tmp_path / f"{name}.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("x", 10**12)
            file.createVariable(name, "f8", ("x",), chunksizes=(1000,))
        assert told(path).startswith(f"{path}: expected a readable netCDF file, got ")
    assert "a header that declares 8 TB of values in " in told(tmp_path / "u.nc")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_stores_that_declare_more_than_they_hold(zarr_format: int, ds: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "flow"
    ds.to_zarr(path, consolidated=False, zarr_format=zarr_format)
    about = path / "x" / (".zarray" if zarr_format == 2 else "zarr.json")
    metadata = json.loads(about.read_text())
    metadata["shape"] = [10**12]
    about.write_text(json.dumps(metadata))
    assert f"{path}: expected a readable Zarr store, got a header that declares 8 TB" in told(path)
    metadata["shape"] = [10**8]
    if zarr_format == 2:
        metadata["chunks"] = [1]
    else:
        metadata["chunk_grid"]["configuration"]["chunk_shape"] = [1]
    about.write_text(json.dumps(metadata))
    assert "arrays of 1e+08 chunks" in told(path)


def test_metadata_nested_without_end_is_damage(ds: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "flow.zarr"
    ds.to_zarr(path, consolidated=False)
    (path / "u" / "zarr.json").write_text("[" * 10**5)
    assert told(path).startswith(f"{path}: expected a readable Zarr store, got ")


def test_large_stores_that_have_only_begun_are_no_damage(tmp_path: Path) -> None:
    """Less than a gigabyte may be declared whatever is there: chunks that were never written hold the fill value."""
    zarr.create_group(tmp_path / "a").create_array(
        "u", shape=(100, 10**6), dtype="f4", chunks=(1, 10**6), fill_value=np.nan, dimension_names=("time", "x")
    )
    assert open_dataset(tmp_path / "a").sizes == {"time": 100, "x": 10**6}


# Values ----------------------------------------------------------------------------------------


def zarr2(path: Path, values: np.ndarray, fill_value: object, **attributes: object) -> Path:
    """A store in the second format by zarr itself, with one variable u(x)."""
    array = zarr.open_group(path, mode="w", zarr_format=2).create_array(
        "u", shape=values.shape, dtype=values.dtype, fill_value=fill_value
    )
    array[...] = values
    array.attrs.update({"_ARRAY_DIMENSIONS": ["x"], **attributes})
    return path


def test_zeros_of_zarr_2_stay_zeros(tmp_path: Path) -> None:
    """Its arrays have the fill value 0 unless another is asked for; other fill values and marks stand for missing."""
    values = np.array([0.0, 1.0, -9999.0], "f4")
    u = open_dataset(zarr2(tmp_path / "a", values, 0))["u"]
    np.testing.assert_array_equal(u, values)
    assert "_FillValue" not in u.attrs
    np.testing.assert_array_equal(open_dataset(zarr2(tmp_path / "b", values, -9999.0))["u"], [0, 1, np.nan])
    marked = open_dataset(zarr2(tmp_path / "c", values, 0, missing_value=-9999.0))["u"]
    np.testing.assert_array_equal(marked, [0, 1, np.nan])
    np.testing.assert_array_equal(open_dataset(zarr2(tmp_path / "d", np.arange(3), 0))["u"], [0, 1, 2])


def test_a_damaged_chunk_names_the_file_whenever_it_is_read(tmp_path: Path) -> None:
    """Also lazily, through dask, and never as a full disk."""
    path, u = tmp_path / "flow.nc", np.random.default_rng(0).normal(size=(64, 64))
    encoding = {"u": {"zlib": True, "chunksizes": (64, 64), "fletcher32": True}}
    xr.Dataset({"u": (("time", "x"), u)}).to_netcdf(path, encoding=encoding)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert f"{path}: u: expected readable values, got RuntimeError: NetCDF" in told(
        path, lambda p: read_values(open_dataset(p)["u"], p)
    )

    def later(p: Path) -> None:
        with reading(p):
            (open_dataset(p)["u"].chunk(time=8) * 2).compute()

    message = told(path, later)
    assert message.startswith(f"{path}: expected readable values, got RuntimeError: NetCDF")
    assert "copy it again" in message
    assert "disk" not in message
    with pytest.raises(ZeroDivisionError), reading(path):
        1 / 0  # noqa: B018  (a mistake elsewhere is no damage)


@pytest.mark.parametrize("codec", ["bitshuffle_lz9", "zlib_of_tomorrow"])
def test_a_missing_filter_is_told_as_one(codec: str, ds: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "flow"
    ds.to_zarr(path, consolidated=False)
    about = path / "u" / "zarr.json"
    metadata = json.loads(about.read_text())
    metadata["codecs"].append({"name": codec, "configuration": {}})
    about.write_text(json.dumps(metadata))
    message = told(path)
    assert message.startswith(f"{path}: expected a readable Zarr store, got ")
    assert codec in message
    assert "install the filter" in message


# Layouts ---------------------------------------------------------------------------------------


def test_bounds_and_grid_mappings_are_no_fields(ds: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "flow.nc"
    held = ds.assign(x_edges=(("x", "side"), np.zeros((8, 2))), crs=0, area=("x", np.ones(8)))
    held["x"].attrs["bounds"] = "x_edges"
    held["u"].attrs |= {"grid_mapping": "crs", "cell_measures": "area: area"}
    held.to_netcdf(path)
    assert fields_named(held) == fields_named(open_dataset(path)) == ["u", "action"]


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_variables_in_groups_are_told_with_the_way_to_them(suffix: str, ds: xr.Dataset, tmp_path: Path) -> None:
    """The advice, followed, gives a file that opens."""
    path = tmp_path / f"flow.{suffix}"
    if suffix == "nc":
        ds.to_netcdf(path, group="forecast")
    else:
        ds.to_zarr(path, group="forecast", consolidated=False)
    message = told(path)
    assert "got them in groups: 'forecast' (" in message
    advice = message.partition("take a group out: xarray.")[2]
    call = "open_dataset" if suffix == "nc" else "open_zarr"
    options = {"group": "forecast", "decode_times": False} | ({"consolidated": False} if suffix == "zarr" else {})
    asked = ", ".join(f"{name}={value!r}" for name, value in options.items())
    assert advice == f"{call}({str(path)!r}, {asked}).to_netcdf('OUT.nc')"
    getattr(xr, call)(path, **options).to_netcdf(tmp_path / "out.nc")
    xr.testing.assert_equal(open_dataset(tmp_path / "out.nc").load(), ds)


def test_known_layouts_are_named(tmp_path: Path) -> None:
    """Those of The Well and of PDEBench, in HDF5 without named dimensions at the top."""
    for name, groups, told_as in (
        ("well", {"t0_fields": ["u"], "dimensions": ["x", "time"]}, "the layout of The Well, with 'u' in groups"),
        ("pdebench", {"/": ["tensor", "x-coordinate", "t-coordinate"]}, "the layout of PDEBench; name the dimensions"),
        (
            "seeds",
            {"0000": ["data"], "0001": ["data"]},
            "PDEBench with a group for each seed (0000, 0001",
        ),
    ):
        path = tmp_path / f"{name}.hdf5"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("n", 3)
            for group, variables in groups.items():
                for variable in variables:
                    (file.createGroup(group) if group != "/" else file).createVariable(variable, "f4", ("n",))
        assert told_as in told(path)


def test_labels_in_bytes_are_text(ds: xr.Dataset, tmp_path: Path) -> None:
    ds.assign_coords(actuator=np.array([b"jet_0", b"jet_1"], "S5")).to_netcdf(tmp_path / "flow.nc")
    assert open_dataset(tmp_path / "flow.nc")["actuator"].values.tolist() == ["jet_0", "jet_1"]


def test_a_store_of_trajectories_is_none_where_a_file_is(ds: xr.Dataset, tmp_path: Path) -> None:
    ds.to_netcdf(tmp_path / "train.zarr")
    message = told(tmp_path / "train.zarr", open_trajectories)
    assert "expected a Zarr store of trajectories, got a netCDF-4 or HDF5 file" in message


@pytest.mark.parametrize("units", [r"$\frac{", "$", r"a $\nosuch$ b", "$$", "\x1b[31m", r"\$5$ $"])
def test_figures_draw_units_that_are_no_formula(units: str) -> None:
    """A figure with them is drawn, with the same letters; formulas of ours are still formulas."""
    figure = new_figure(1.0)
    axes = figure.subplots()
    label, ours = axes.set_xlabel(f"u [{units}]"), axes.set_title(r"$3 \times 10^{4}$")
    axes.plot([0, 1], label=units)
    axes.legend()
    assert illustrate(figure, "name", "caption", "alternative").png.startswith(b"\x89PNG")
    assert label.get_text() == f"u [{shown(units)}]"
    assert ours.get_parse_math()


@pytest.mark.parametrize("value", ["0.001", np.array([0.001, 0.001]), np.nan])
def test_packing_by_what_is_no_number_is_told(value: Any, ds: xr.Dataset, tmp_path: Path) -> None:
    """A scale that is text, a list or nan unpacks nothing; the variable and the attribute are named."""
    raw = ds.copy()
    raw["u"] = raw["u"].round().astype("i2")
    raw["u"].attrs["scale_factor"] = value
    raw.to_netcdf(tmp_path / "packed.nc")
    with pytest.raises(InputError, match=r"packed\.nc: u: scale_factor: expected one finite number"):
        open_dataset(tmp_path / "packed.nc")
    raw["u"].attrs["scale_factor"] = 0.5
    raw.to_netcdf(tmp_path / "sound.nc")
    np.testing.assert_array_equal(open_dataset(tmp_path / "sound.nc")["u"], 0.5 * raw["u"])


def test_dimensions_without_names_are_told(ds: xr.Dataset, tmp_path: Path) -> None:
    """Names of dimensions stand in an attribute in Zarr's second format, where anything may stand."""
    ds.to_zarr(tmp_path / "flow", zarr_format=2, consolidated=False)
    about = tmp_path / "flow" / "u" / ".zattrs"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"_ARRAY_DIMENSIONS": [-5, "x"]}))
    assert "flow: u: expected dimensions with names, got (-5, 'x')" in told(tmp_path / "flow")
