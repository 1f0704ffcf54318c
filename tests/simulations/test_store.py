import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from cases.case import Case

from simulations import Simulation, build
from simulations.generate import Recipe, generate
from simulations.resumable_store import StoreError
from simulations.store import TrajectoryStore
from simulations.store_seal import seal_of

RECIPE = Recipe(simulations=4, intervals=5, warm_up=1, batch=2)


@pytest.fixture
def small(cases: Mapping[str, Case]) -> Case:
    """One equation on few points."""
    return cases["kuramoto_sivashinsky"].coarse()


@pytest.fixture
def write(small: Case, tmp_path: Path) -> Callable[[], TrajectoryStore]:
    """Generates the recipe into the same store again and again."""
    return lambda: generate(small.build(), RECIPE, tmp_path / "a.zarr", settings=dict(small.settings))


def test_the_dataset_follows_the_schema(representative: Case, tmp_path: Path) -> None:
    """Dimensions by name, units and long_name on every variable, NaN in the last held value and nowhere else."""
    simulation = representative.build()
    path = generate(simulation, RECIPE, tmp_path / "a.zarr", settings=dict(representative.settings)).path
    with xr.open_dataset(path, engine="zarr", consolidated=False) as dataset:
        data = dataset.load()
    grid, actuators = simulation.grid, simulation.actuators
    space = dict(zip(grid.dims, grid.shape, strict=True))
    assert dict(data.sizes) == {"simulation": 4, "time": 6, **space, "actuator": len(actuators)}
    for name, variable in data.variables.items():
        assert {"units", "long_name"} <= variable.attrs.keys(), name

    dims = {v.name: ("simulation", "time", *grid.dims) for v in simulation.variables}
    dims |= {"action": ("simulation", "time", "actuator"), "status": ("simulation",), "failure_time": ("simulation",)}
    dims |= {"action_low": ("actuator",), "action_high": ("actuator",), "actuator_shape": ("actuator", *grid.dims)}
    for name in simulation.functional_names:
        dims |= {name: ("simulation", "time"), f"{name}_source": ("simulation", "time")}
        dims |= {f"{name}_output": ("simulation", "time", "actuator")}
    assert {name: variable.dims for name, variable in data.data_vars.items()} == dims

    held = {"action", *(n for n in dims if n.endswith(("_source", "_output")))}
    for name, values in data.data_vars.items():
        if name in held:
            assert values.isel(time=-1).isnull().all(), name
            assert values.isel(time=slice(-1)).notnull().all(), name
        elif name != "failure_time":
            assert values.notnull().all(), name
    assert data.failure_time.isnull().all()
    assert (data.status == 1).all()
    assert data.status.attrs["flag_meanings"].split()[1] == "ok"

    for dim, points in grid.coordinates.items():
        np.testing.assert_array_equal(data[dim], points)
        assert data[dim].attrs["axis"] == dim.upper()
    np.testing.assert_array_equal(data.time, np.arange(6) * simulation.control_interval)
    np.testing.assert_array_equal(data.action_high, actuators.high)
    assert data.time.attrs["axis"] == "T"
    assert data.actuator.attrs["names"].split() == list(actuators.names)
    assert {"Conventions", "title", "source", "history", "sciwm_config"} <= data.attrs.keys()


def test_a_dataset_tells_how_to_simulate_it(representative: Case, tmp_path: Path) -> None:
    """The settings in its attributes rebuild the simulation: the same bits from the first state to the second."""
    settings = dict(representative.settings)
    path = generate(representative.build(), RECIPE, tmp_path / "a.zarr", settings=settings).path
    with xr.open_dataset(path, engine="zarr", consolidated=False) as dataset:
        data = dataset.isel(simulation=slice(2), time=slice(2)).load()
    simulation: Simulation = build(json.loads(data.attrs["sciwm_config"])["simulation"])
    fields = torch.tensor(np.stack([data[v.name].values for v in simulation.variables], axis=2))
    end, _ = simulation.advance_with_fluxes(fields[:, 0], torch.tensor(data.action.values[:, 0]))
    assert torch.equal(end, fields[:, 1])


def test_simulations_that_blow_up_are_recorded_and_not_written(small: Case, tmp_path: Path) -> None:
    """A failed row has a status, the end of the interval it failed in, and NaN for all its values."""
    recipe = Recipe(simulations=12, intervals=5, warm_up=0, share_transient=1.0, amplitude=1e5, batch=4)
    store = generate(small.build(), recipe, tmp_path / "a.zarr", settings=dict(small.settings))
    with xr.open_dataset(store.path, engine="zarr", consolidated=False) as dataset:
        data = dataset.load()
    failed = data.status.values == data.status.attrs["flag_meanings"].split().index("blew_up")
    assert 0 < failed.sum() < 12
    assert np.isnan(data.u.values[failed]).all()
    assert np.isnan(data.action.values[failed]).all()
    assert np.isfinite(data.u.values[~failed]).all()
    interval = small.settings["control_interval"]
    assert set(data.failure_time.values[failed]) <= {np.float32((n + 1) * interval) for n in range(5)}
    assert np.isnan(data.failure_time.values[~failed]).all()
    assert store.missing() == store.verify() == []


def test_flipped_bits_are_found(write: Callable[[], TrajectoryStore]) -> None:
    """A bit flipped in the payload of any chunk is reported for its simulation, even if it no longer decompresses."""
    store = write()
    assert store.verify() == []
    places = random.Random(0)  # noqa: S311
    files = [p for p in store.path.rglob("*") if p.relative_to(store.path).parts[1:3] == ("c", "2") and p.is_file()]
    assert len(files) > 5
    for file in files:
        content = file.read_bytes()
        for _ in range(3):
            place = places.randrange(len(content) // 2, len(content))
            file.write_bytes(
                content[:place] + bytes([content[place] ^ 1 << places.randrange(8)]) + content[place + 1 :]
            )
            assert store.verify() == [2], (file, place)
        file.write_bytes(content)
    assert store.verify() == []


def test_lost_chunks_and_broken_markers_are_found(write: Callable[[], TrajectoryStore]) -> None:
    """A missing chunk reads as NaN and a marker that is no JSON vouches for nothing: both are reported."""
    store = write()
    (store.path / "u" / "c" / "0" / "0" / "0").unlink()
    marker = store.path.with_suffix(".done") / "3.json"
    for content in ("{", "null", "{}"):
        marker.write_text(content)
        assert store.verify() == [0, 3], content


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "zarr.json").write_text("{"),
        lambda path: (path / "zarr.json").unlink(),
        lambda path: (path / "status" / "zarr.json").write_text("{"),
        lambda path: shutil.rmtree(path / "status"),
        lambda path: shutil.rmtree(path / "u"),
        lambda path: (shutil.rmtree(path), path.write_text("not a folder")),
        lambda path: (shutil.rmtree(path), path.mkdir()),
    ],
    ids=["torn root", "no root", "torn array", "no status", "no field", "a file", "an empty folder"],
)
def test_damaged_stores_are_refused(write: Callable[[], TrajectoryStore], damage: Callable[[Path], Any]) -> None:
    """Whatever is broken, without a seal the message gives the path and what to do, and nothing is overwritten."""
    path = write().path
    seal_of(path).unlink()
    damage(path)
    left = sorted(path.rglob("*"))
    with pytest.raises(StoreError, match=r"a\.zarr: expected a trajectory store, found .*Move it away and run again"):
        write()
    assert sorted(path.rglob("*")) == left


@pytest.mark.parametrize("config", ["not JSON", "null", "[1, 2]", None, 3])
def test_stores_of_something_else_are_refused(write: Callable[[], TrajectoryStore], config: Any) -> None:
    """A store whose settings are no settings was not written here, unless a seal says otherwise."""
    path = write().path
    seal_of(path).unlink()
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["sciwm_config"] = config
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match="expected a trajectory store, found something unreadable"):
        write()


def test_a_store_moved_away_is_made_anew_with_its_markers(write: Callable[[], TrajectoryStore]) -> None:
    """Markers of a store that is gone do not vouch for the new one: the same values are written again."""
    store = write()
    before = np.array(store._group["u"])
    shutil.rmtree(store.path)
    store = write()
    assert store.missing() == store.verify() == []
    np.testing.assert_array_equal(np.array(store._group["u"]), before)


def test_remains_of_killed_writes_are_swept(write: Callable[[], TrajectoryStore], tmp_path: Path) -> None:
    """Partial chunks, unfinished markers and half laid-out stores are gone after the next run."""
    random = "0123456789abcdef"
    draft = tmp_path / f".a.zarr.{random}.draft"
    (draft / "u").mkdir(parents=True)
    (draft / "u" / "zarr.json").write_text("{")
    store = write()
    assert not draft.exists()
    files = sorted(tmp_path.rglob("*"))
    (store.path / "u" / "c" / "0" / "0" / "0.5b1e.partial").write_bytes(b"half")
    (store.path / "u" / f".zarr.json.{random}.draft").write_text("{")
    (tmp_path / "a.done" / f".9.json.{random}.draft").write_text("{")
    write()
    assert sorted(tmp_path.rglob("*")) == files
