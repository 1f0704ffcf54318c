"""What is found out about somebody's files: roles with reasons, what is doubtful, and a configuration to start from."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from foreign_data import channel
from foreign_layouts import write_well

from sciwm.cli import main
from sciwm.config import load_config
from sciwm.data.source import Survey, configuration_text, open_files, survey
from sciwm.errors import InputError

RNG = np.random.default_rng(0)


def surveyed(ds: xr.Dataset, folder: Path) -> Survey:
    """What is found out about a Dataset once it is a file."""
    ds.to_netcdf(folder / "data.nc")
    return survey(open_files([folder / "data.nc"]))


def roles(found: Survey) -> dict[str, list[str]]:
    return {
        role: names
        for role in ("variables", "forcings", "parameters", "static", "mask")
        if (names := found.named(role))
    }


def bath(runs: int = 5, instants: int = 9) -> xr.Dataset:
    """A stirred bath with odd names and order: the run stands last, columns descend, pumps have names."""
    x, z = np.linspace(4.0, 0.0, 6), np.array([0.0, 0.1, 0.3, 0.7, 1.5])
    heat = RNG.normal(size=(instants, 5, 6, runs)) + 20
    return xr.Dataset(
        {
            "heat": (("tick", "z_level", "span", "trial"), heat, {"units": "degC"}),
            "flow": (("pump", "trial", "tick"), RNG.uniform(size=(2, runs, instants)), {"units": "l/min"}),
            "salt": ("trial", np.arange(runs) * 0.1, {"units": "g/kg"}),
            "floor": ("span", x**2, {"units": "m"}),
            "note": ("trial", [f"run by {n}" for n in "abcdefgh"[:runs]]),
            "serial": ((), 4711.0),
        },
        {
            "tick": ("tick", np.arange(instants) * 2.0, {"units": "s"}),
            "span": ("span", x, {"units": "m"}),
            "z_level": ("z_level", z, {"units": "m", "positive": "down", "axis": "Z"}),
            "pump": ["left", "right"],
        },
    )


def test_roles_of_odd_names_in_odd_order(tmp_path: Path) -> None:
    found = surveyed(bath(), tmp_path)
    assert (found.dims.time, found.dims.run, found.dims.space) == ("tick", "trial", ("z_level", "span"))
    assert found.dims.reason("tick") == "its units are those of time, 's'"
    assert found.dims.reason("z_level") == "its attribute axis is Z"
    assert roles(found) == {"variables": ["heat"], "forcings": ["flow"], "parameters": ["salt"], "static": ["floor"]}
    reasons = {p.name: p.reason for p in found.roles}
    assert reasons["note"] == "text, no numbers" and "one number for all data, 4711" in reasons["serial"]
    assert {e.name: e.periodic for e in found.ends} == {"z_level": False, "span": None}
    assert found.clock is not None and found.clock.interval == 2.0 and not found.steps
    assert found.bounds["flow"][2] == "the range of the data"
    flow = found.dataset["flow"].values
    assert found.bounds["flow"][:2] == (flow.min(), flow.max())


@pytest.mark.parametrize(
    "name",
    (
        *("replica", "Replicas", "ensemble", "member_id", "realization", "sample", "samples", "cases", "experiment"),
        *("trial_number", "run_no", "n_runs", "num_trials", "run1"),
    ),
)
def test_dimensions_that_are_named_as_runs_are_no_space(name: str, tmp_path: Path) -> None:
    """Counted by numbers in equal steps, as positions are, and standing where space does."""
    field = xr.DataArray(
        RNG.normal(size=(9, 5, 8)), dims=("time", name, "bin"), coords={"time": np.arange(9.0), name: np.arange(5.0)}
    )
    found = surveyed(xr.Dataset({"count": field}), tmp_path)
    assert (found.dims.run, found.dims.space) == (name, ("bin",))
    assert found.dims.reason(name).startswith("its name: ")
    assert f"run: {name} # its name: " in configuration_text(found, "counts", ["data.nc"], None)


def test_an_axis_is_space_whatever_its_name(tmp_path: Path) -> None:
    """Samples along a wire that the file calls an axis."""
    field = xr.DataArray(RNG.normal(size=(9, 6)), dims=("time", "sample"), coords={"time": np.arange(9.0)})
    field = field.assign_coords(sample=("sample", np.arange(6.0), {"axis": "X", "units": "m"}))
    assert surveyed(xr.Dataset({"count": field}), tmp_path).dims.space == ("sample",)


def test_an_ocean_record_on_a_staggered_grid(tmp_path: Path) -> None:
    """Longitudes around the globe are periodic; what lies half a cell aside is told with the way to one grid; land is
    missing always, and bounds and grid mappings need no role."""
    lon, lat = np.arange(0.0, 360.0, 30.0), np.arange(-60.0, 61.0, 20.0)
    sst = RNG.normal(size=(6, 7, 12))
    sst[:, 2:4, 5:7] = np.nan
    ds = xr.Dataset(
        {
            "sst": (("time", "lat", "lon"), sst, {"units": "K", "grid_mapping": "crs"}),
            "u": (("time", "lat", "lon_u"), RNG.normal(size=(6, 7, 12)), {"units": "m s-1"}),
            "taux": (("time", "lat", "lon"), RNG.normal(size=(6, 7, 12)), {"units": "Pa", "long_name": "wind stress"}),
            "nino": ("time", RNG.normal(size=6), {"units": "K"}),
            "time_bnds": (("time", "nv"), np.zeros((6, 2))),
            "crs": 0,
        },
        {
            "lon": ("lon", lon, {"units": "degrees_east"}),
            "lon_u": ("lon_u", lon + 15.0, {"units": "degrees_east"}),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "time": (
                "time",
                np.arange(6) * 30.0,
                {"units": "days since 2001-01-01", "calendar": "360_day", "bounds": "time_bnds"},
            ),
        },
    )
    found = surveyed(ds, tmp_path)
    assert found.dims.space == ("lat", "lon") and found.dims.run is None
    assert roles(found) == {"variables": ["sst", "taux"], "forcings": ["nino"]}
    assert [e.periodic for e in found.ends] == [False, True] and "cover 360 degrees" in found.ends[1].reason
    assert found.facts["sst"].never is not None and found.facts["sst"].never.sum() == 4
    doubts = "\n".join(found.doubts)
    assert "u: 'lon' " in doubts and "xgcm" in doubts and "taux: by its name it may drive the others" in doubts
    assert {p.name for p in found.roles} == {"sst", "u", "taux", "nino"}, "bounds and grid mappings need no role"
    assert found.clock is not None and (found.clock.since, found.clock.calendar) == ("2001-01-01", "360_day")


def test_times_without_steps_and_runs_that_end_early(tmp_path: Path) -> None:
    ds = bath()
    ds["heat"][6:, :, :, 2] = np.nan
    ds["flow"][:, 2, 6:] = np.nan
    found = surveyed(ds.isel(tick=[0, 1, 2, 4, 5, 6, 7, 8]), tmp_path)
    assert found.lengths == (8, 8, 5, 8, 8)
    assert found.clock is not None and found.clock.interval == 2.0
    assert "1 other, the first 4 after 4" in found.steps[0]
    assert "gaps: cut" in configuration_text(found, "bath", ["data.nc"], None)
    single = bath(runs=1, instants=4).isel(trial=0, drop=True)
    assert "by: time" in configuration_text(surveyed(single, tmp_path), "bath", ["data.nc"], None)


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        (lambda ds: ds.drop_vars("tick").rename(tick="i"), "no dimension says that it is time"),
        (lambda ds: ds.expand_dims(member=2), "'trial' and 'member' tell runs apart by their names"),
        (lambda ds: ds.expand_dims(replica=2), "'replica' and 'trial' tell runs apart by their names"),
        (lambda ds: ds.drop_vars("flow"), "no forcing was found"),
        (lambda ds: ds.assign(heat=ds["heat"] * 0 + 3.0), "heat: 3 in all that was looked at"),
        (lambda ds: ds.assign(depth=ds["heat"].isel(tick=0, drop=True)), "depth: differs between runs"),
    ],
    ids=["no time", "members of runs", "runs of runs", "no forcing", "constant", "a field of each run"],
)
def test_what_is_doubtful_is_said(change: object, doubt: str, tmp_path: Path) -> None:
    assert callable(change)
    assert any(doubt in line for line in surveyed(change(bath()), tmp_path).doubts)


def test_a_mask_is_told_from_a_static_field(tmp_path: Path) -> None:
    ds = bath()
    wet = (ds["heat"].isel(tick=0, trial=0, drop=True) > 20).astype("i1")
    found = surveyed(ds.assign(wet=wet), tmp_path)
    assert found.named("mask") == ["wet"] and any("if it marks land, ignore it" in doubt for doubt in found.doubts)
    missing = surveyed(ds.assign(wet=wet, heat=ds["heat"].where(wet == 1)), tmp_path)
    assert missing.named("mask") == [], "it is found in the fields themselves"


@pytest.mark.parametrize("dim", ["hour", "along"])
def test_a_dimension_without_values_is_told(dim: str, tmp_path: Path) -> None:
    channel().isel({dim: slice(0)}).to_zarr(tmp_path / "a.zarr", consolidated=False)
    with pytest.raises(InputError, match=f"{dim}: expected at least one value along this dimension, got none"):
        survey(open_files([tmp_path / "a.zarr"]))


def test_layouts_that_say_their_boundaries(tmp_path: Path) -> None:
    write_well(tmp_path / "well.hdf5")
    found = survey(open_files([tmp_path / "well.hdf5"]))
    assert (found.dims.run, found.dims.space) == ("trajectory", ("x", "y"))
    assert [e.periodic for e in found.ends] == [True, False] and found.named("forcings") == ["action"]
    assert "velocity_x" in found.named("variables") and found.named("static") == ["profile"]


def test_the_command_writes_a_configuration_that_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each variable has one line; nothing is written over; the picture is drawn."""
    for run in (7, 8, 9, 12):
        channel(run, instants=12).to_netcdf(tmp_path / f"silt_{run}.nc")
    out, figure, pattern = tmp_path / "silt.yaml", tmp_path / "silt.png", str(tmp_path / "silt_*.nc")
    assert main(["inspect", pattern, "--out", str(out), "--figure", str(figure)]) == 0
    said = capsys.readouterr().out
    assert "4 runs of 12 instants, 4 x 7 points" in said and "state 'periodic' in" in said
    tree = yaml.safe_load(out.read_text())
    source = tree["source"]
    assert source["files"] == ["silt_*.nc"] and (source["run"], source["time"]) == ("run", "hour")
    assert source["variables"] == ["silt"] and source["forcings"] == ["gate"] and source["parameters"] == ["slope"]
    assert source["static"] == ["bed"] and source["space"] == ["depth", "along"] and source["periodic"] is None
    low, high = source["bounds"]["gate"]
    gates = [channel(run, instants=12)["gate"].values for run in (7, 8, 9, 12)]
    assert low == pytest.approx(np.min(gates), rel=1e-6) and high == pytest.approx(np.max(gates), rel=1e-6)
    assert figure.read_bytes().startswith(b"\x89PNG") and tree["model"]["latent_size"] <= 28
    assert all("#" in line for line in out.read_text().splitlines() if line.startswith("    - "))
    before = out.read_text()
    assert main(["inspect", pattern, "--out", str(out)]) == 2
    assert "expected nothing there, got a file" in capsys.readouterr().err and out.read_text() == before


@pytest.mark.parametrize(("runs", "instants", "most"), [(4, 10, 19), (5, 10, 29), (3, 6, 8), (1, 30, 17)])
def test_no_more_numbers_are_proposed_than_the_training_part_allows(
    runs: int, instants: int, most: int, tmp_path: Path
) -> None:
    """Whole runs are held out of four or more; else the end of each record is, as the split rounds it."""
    found = surveyed(bath(runs=runs, instants=instants), tmp_path)
    tree = yaml.safe_load(configuration_text(found, "bath", ["data.nc"], None))
    assert tree["model"]["latent_size"] == most


def test_names_that_would_break_a_configuration_are_quoted(tmp_path: Path) -> None:
    ds = channel().rename(silt="no", gate="a: b", along="on")
    ds["no"].attrs["units"] = "m\n- evil"
    text = configuration_text(surveyed(ds, tmp_path), "my data/1", ["it's.nc"], None)
    source = yaml.safe_load(text)["source"]
    assert source["variables"] == ["no"] and source["forcings"] == ["a: b"] and source["space"] == ["depth", "on"]
    assert yaml.safe_load(text)["name"] == "my_data_1" and source["files"] == ["it's.nc"]


def test_what_is_written_loads_once_it_is_decided_and_is_brought_in(tmp_path: Path) -> None:
    """The files, the roles and the sizes pass every check of a configuration and of the data; null is refused."""
    for run in (7, 8, 9, 12, 13):
        channel(run, instants=30).to_netcdf(tmp_path / f"silt_{run}.nc")
    out = tmp_path / "silt.yaml"
    assert main(["inspect", str(tmp_path / "silt_*.nc"), "--out", str(out)]) == 0
    with pytest.raises(InputError, match="periodic: expected the space dimensions that are periodic"):
        load_config(out)
    out.write_text(out.read_text().replace("periodic: null", "periodic: []"))
    assert load_config(out).model.latent_size == 2  # a wave that travels, and silt that does not vary beside it
    assert main(["bring-in", str(out), "--out", str(tmp_path / "run")]) == 0
    store = xr.open_zarr(tmp_path / "run/data/train.zarr", consolidated=False, decode_times=False)
    assert store["silt"].sizes == {"simulation": 3, "time": 30, "depth": 4, "along": 7}
