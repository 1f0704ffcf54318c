"""Datasets as users bring them, and stores as accidents leave them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciwm.data import Axis, Domain, Functional, Trajectories, Variable, check_fields, check_forcing, open_trajectories
from sciwm.errors import InputError, Problem
from simulations import ActionBox

EXTENT = 22.0


@pytest.fixture
def domain() -> Domain:
    """Two variables on [0, 22) under two actuators."""
    return Domain(
        variables=(Variable("u", "velocity", "m s-1", 0.0, 1.0), Variable("h", "height", "m", 0.0, 1.0)),
        axes=(Axis("x", 32, EXTENT / 32, units="m"),),
        control_interval=0.25,
        actuators=ActionBox(("left", "right"), np.array([-1.0, 0.0]), np.array([1.0, 2.0]), "N"),
        functionals=(Functional("energy", 0.0, 1.0, 1.0, 0.0, 1.0, 1.0),),
    )


@pytest.fixture
def fields() -> xr.Dataset:
    """Fields that suit the domain."""
    x = np.arange(32) * EXTENT / 32
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "u": (("simulation", "time", "x"), rng.normal(size=(2, 3, 32)), {"units": "m s-1"}),
            "h": (("simulation", "time", "x"), rng.normal(size=(2, 3, 32)), {"units": "m"}),
        },
        {"x": x, "time": [0.0, 0.25, 0.5]},
    )


@pytest.fixture
def forcing() -> xr.DataArray:
    """A forcing that suits the domain."""
    values = np.random.default_rng(1).uniform(0, 1, (3, 2))
    return xr.DataArray(values, {"time": [0.0, 0.25, 0.5]}, ("time", "actuator"), attrs={"units": "N"})


@pytest.fixture
def store(data_folder: Path, tmp_path: Path) -> Path:
    """A store to be damaged."""
    for name in ("validation.zarr", "validation.done"):
        shutil.copytree(data_folder / name, tmp_path / name)
    return tmp_path / "validation.zarr"


def lines(problems: list[Problem]) -> list[str]:
    return [str(p) for p in problems]


def told(path: Path, *names: str) -> str:
    """What opening a store and reading from it complains about."""
    with pytest.raises(InputError) as caught:
        data = Trajectories(path)
        for name in names:
            data.array(name)
    return str(caught.value)


def test_sound_input_has_no_problems(fields: xr.Dataset, forcing: xr.DataArray, domain: Domain) -> None:
    assert check_fields(fields, domain) == []
    assert check_fields(fields.transpose("x", "time", "simulation"), domain) == []
    assert check_forcing(forcing, domain) == []
    assert check_forcing(forcing.T, domain) == []


def spoil(ds: xr.Dataset) -> xr.Dataset:
    """Two values lost at time 1 of simulation 0."""
    values = ds["u"].values.copy()
    values[0, 1, :2] = np.nan
    return ds.assign(u=ds["u"].copy(data=values))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda d: d.drop_vars("h"), ["dataset: expected the variable 'h' [m], got u"]),
        (lambda d: d.rename(x="y"), ["dataset: u: expected the dimension 'x'", "'y'"]),
        (lambda d: d.assign_coords(x=d.x * 1.5), ["x: expected a period of 22 [m], got 33"]),
        (lambda d: d.isel(x=slice(0, 16)), ["x: expected a period of 22 [m], got 11"]),
        (lambda d: d.isel(x=slice(0, 2)), ["x: expected at least 4 equispaced points, got 2"]),
        (lambda d: d.assign_coords(x=d.x**1.2), ["x: expected equispaced points", "interpolate"]),
        (lambda d: d.assign_coords(x=np.linspace(0, EXTENT, 32)), ["got 22.7", "leave out the repeated end point"]),
        (lambda d: d.assign_coords(x=d.x + 0.3), ["x: expected a grid that starts at 0, got 0.3"]),
        (lambda d: d.sortby("x", ascending=False), ["x: expected increasing positions", "sort with ds.sortby('x')"]),
        (lambda d: d.assign_coords(x=d.x.where(d.x > 0)), ["x: expected finite positions, got 1"]),
        (lambda d: d.assign_coords(x=d.x.astype(str)), ["x: expected real numbers, got <U"]),
        (lambda d: d.assign_coords(x=d.x.assign_attrs(units="km")), ["x: expected units 'm', got 'km'"]),
        (lambda d: d.astype(str), ["u: expected real numbers, got <U"]),
        (lambda d: d.astype(complex), ["u: expected real numbers, got complex"]),
        (lambda d: d > 0, ["u: expected real numbers, got bool"]),
        (lambda d: d.isel(simulation=[]), ["u: expected at least one value, got an empty dimension 'simulation'"]),
        (lambda d: d.rename(simulation="latent"), ["u: expected no dimension 'latent', a name that is taken"]),
        (lambda d: d.drop_vars("x"), ["x: expected a coordinate over a period of 22, got none"]),
        (spoil, ["u: expected finite values, got 2 that are not, the first at simulation=0, time=0.25, x=0; fill"]),
        (
            lambda d: d.assign(u=d.u.assign_attrs(units="cm s-1")),
            ["u: expected units 'm s-1', got 'cm s-1'", "convert"],
        ),
    ],
)
def test_fields_that_do_not_suit(
    change: Callable[[xr.Dataset], xr.Dataset], parts: list[str], fields: xr.Dataset, domain: Domain
) -> None:
    told = lines(check_fields(change(fields), domain))
    assert all(part in told[0] for part in parts), told


def test_all_problems_of_fields_are_told_at_once(fields: xr.Dataset, domain: Domain) -> None:
    bad = fields.assign_coords(x=fields.x * 2).drop_vars("h")
    bad["u"] = bad["u"].where(bad["x"] > 1).assign_attrs(units="furlong")
    told = lines(check_fields(bad, domain, where="mine.nc"))
    assert len(told) == 4
    assert all(line.startswith("mine.nc") for line in told)


def test_chunked_values_are_not_read(fields: xr.Dataset, domain: Domain) -> None:
    assert check_fields((fields * np.nan).assign_attrs().chunk(time=1), domain) == []


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (
            lambda f: f - 0.6,
            ["actions of 'right' between 0 and 2 [N], got -0.17", "at time=0.5, actuator=1, 1 outside in all"],
        ),
        (lambda f: f * 3, ["actions of 'left' between -1 and 1 [N], got 1.5", "3 outside in all; clip"]),
        (lambda f: f.isel(actuator=[0]), ["expected 2 actuators (left, right), got 1"]),
        (lambda f: f.rename(actuator="jet"), ["the dimensions 'time' and 'actuator'", "'jet'"]),
        (lambda f: f.isel(time=0), ["the dimensions 'time' and 'actuator'"]),
        (lambda f: f.where(f.time < 0.5), ["finite values, got 2 that are not, the first at time=0.5, actuator=0"]),
        (lambda f: f.astype(object), ["expected real numbers, got object"]),
        (lambda f: f.isel(time=[]), ["time: expected at least one interval, got none"]),
        (lambda f: f.expand_dims(x=2), ["expected no dimension 'x', a name that is taken"]),
        (
            lambda f: f.assign_coords(actuator=["left", "left"]),
            ["actuator: expected every label once, got 'left' more"],
        ),
        (
            lambda f: f.assign_coords(time=np.datetime64("2020", "ns") + np.arange(3) * np.timedelta64(1, "h")),
            ["expected equal steps of 0.25 [s], got steps of 3600", "time=np.arange(ds.sizes['time']) * 0.25"],
        ),
        (lambda f: f.assign_coords(time=[0.0, 0.25, np.nan]), ["time: expected finite times, got 1"]),
        (lambda f: f.assign_attrs(units="kN"), ["expected units 'N', got 'kN'"]),
        (lambda f: f.assign_coords(time=f.time * 2), ["time: expected equal steps of 0.25", "0.5", "resample"]),
        (lambda f: f.assign_coords(time=["a", "b", "c"]), ["time: expected numbers", "decode_times=False"]),
    ],
)
def test_forcing_that_does_not_suit(
    change: Callable[[xr.DataArray], xr.DataArray], parts: list[str], forcing: xr.DataArray, domain: Domain
) -> None:
    told = lines(check_forcing(change(forcing), domain))
    assert len(told) == 1
    assert all(part in told[0] for part in parts), told


def test_trajectories_describe_themselves(training_set: Trajectories) -> None:
    assert [v.name for v in training_set.variables] == ["u"]
    assert training_set.functional_names == ("energy", "mass")
    assert training_set.control_interval == 0.25
    assert training_set.dimensions == ("x",)
    assert training_set.axes[0].extent == pytest.approx(EXTENT)
    assert training_set.axes[0].periodic
    assert training_set.usable == list(range(24))
    assert training_set.array("u").shape == (24, 21, 32)
    assert np.isnan(training_set.array("action")[:, -1]).all()
    assert np.isfinite(training_set.array("action")[:, :-1]).all()


def test_missing_store(tmp_path: Path) -> None:
    assert "none.zarr: expected a Zarr store of trajectories, got nothing there; make it with" in told(
        tmp_path / "none.zarr"
    )


@pytest.mark.parametrize("file", ["zarr.json", "u/zarr.json", "status/zarr.json"])
@pytest.mark.parametrize("length", [None, 20], ids=["deleted", "truncated"])
def test_store_without_its_metadata(store: Path, file: str, length: int | None) -> None:
    path = store / file
    content = path.read_bytes()
    path.unlink()
    if length:
        path.write_bytes(content[:length])
    message = told(store)
    assert message.startswith(f"{store}: expected a readable Zarr store")
    assert "delete it and simulate again" in message


@pytest.mark.parametrize("variable", ["u", "status"])
def test_truncated_chunk(store: Path, variable: str) -> None:
    chunk = next(p for p in sorted((store / variable / "c").rglob("*")) if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-5])
    message = told(store, variable)
    assert message.startswith(f"{store}: {variable}: expected readable values")
    assert "sciwm check" in message


def test_lost_chunk_is_not_taken_for_numbers(store: Path) -> None:
    """Zarr reads a chunk that is not there as NaN."""
    (store / "u" / "c" / "3" / "0" / "0").unlink()
    assert f"{store}: u: expected finite values in simulations with status 'ok', got others in [3]" in told(store, "u")


def test_store_with_nothing_usable(store: Path) -> None:
    shutil.rmtree(store / "status" / "c")
    assert "at least one simulation with status 'ok', got none; let 'sciwm simulate' finish" in told(store)


def test_store_of_another_kind(tmp_path: Path, fields: xr.Dataset) -> None:
    fields.rename(simulation="member").to_zarr(tmp_path / "other.zarr", consolidated=False)
    message = told(tmp_path / "other.zarr")
    for part in ("'action'", "'action_low'", "'action_high'", "'status'", "the dimension 'simulation'"):
        assert f"{part}, got none" in message


def test_uneven_times_are_told(store: Path) -> None:
    times = open_trajectories(store)["time"].values
    uneven = xr.DataArray(times**1.5, dims="time", attrs={"units": "1"})
    open_trajectories(store).load().assign_coords(time=uneven).to_zarr(store, mode="w", consolidated=False)
    assert "time: expected increasing times in equal steps" in told(store)


@pytest.mark.parametrize("written", ["", "1", "dimensionless"])
def test_pure_numbers_may_be_written_in_three_ways(written: str, forcing: xr.DataArray, domain: Domain) -> None:
    """No units are the same as units of one."""
    pure = replace(domain, actuators=replace(domain.actuators, units="1"))
    assert check_forcing(forcing.assign_attrs(units=written), pure) == []


@pytest.mark.parametrize("name", ["time", "x"])
def test_lost_coordinates_are_not_counted_instead(store: Path, name: str) -> None:
    """A store without times or positions has no interval or period."""
    shutil.rmtree(store / name)
    assert f"{store}: expected the coordinate '{name}', got none" in told(store)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda x: x**1.5, "x: expected equispaced points"),
        (lambda x: x + 1, "x: expected a grid that starts at 0, got 1"),
        (lambda x: np.where(x > 1, x, np.nan), "x: expected finite positions"),
    ],
)
def test_stored_grids_are_those_of_the_model(store: Path, change: Callable[[object], object], part: str) -> None:
    """A store is refused where its fields would be refused."""
    dataset = open_trajectories(store).load()
    dataset.assign_coords(x=change(dataset["x"].values)).to_zarr(store, mode="w", consolidated=False)
    assert part in told(store)


def test_other_folders_are_not_to_be_deleted(store: Path, tmp_path: Path) -> None:
    """A run folder, any folder and a file are no damaged stores."""
    assert "expected a netCDF file or a Zarr store, got a folder without zarr.json" in told(tmp_path)
    (tmp_path / "config.yaml").write_text("name: mine")
    message = told(tmp_path)
    assert f"got a run folder; name one of its stores, {tmp_path}/data/test.zarr" in message
    assert "got a text file in YAML" in told(tmp_path / "config.yaml")
    assert "delete" not in message
