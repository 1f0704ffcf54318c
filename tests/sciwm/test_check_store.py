"""What `sciwm info` and `sciwm check` tell of stores of sensitivities, and what is found where they are damaged."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

import simulations
from sciwm.cli.check import check
from sciwm.cli.describe import describe
from sciwm.config import Config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.experiment.run import Run
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities


@pytest.fixture(scope="module")
def sound(config: Config, training_set: Trajectories, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a run, of which only the answers of ten samples are there."""
    folder = tmp_path_factory.mktemp("sound") / "data"
    starts = torch.from_numpy(np.array(training_set.array("u")[:10, -1]))[:, None]  # a copy: others read it too
    starts[9] *= 1e6  # blows up
    settings = config.simulation.model_dump()
    recipe = SensitivityRecipe(samples=10, intervals=3)
    simulation = simulations.build(settings)
    generate_sensitivities(simulation, recipe, starts, folder / "sensitivity.zarr", settings=settings)
    return folder


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "data")) / "sensitivity.zarr"


@pytest.fixture
def twins(store: Path) -> Path:
    """Twins as another solver may write them: no status, no places, no names."""
    path = store.with_name("twins.zarr")
    with xr.open_zarr(store, consolidated=False) as dataset:
        kept = dataset[["u", "u_twin", "action", "action_twin"]].isel(sample=slice(9)).drop_vars(["x", "actuator"])
        kept.load().drop_attrs().drop_encoding().to_zarr(path, consolidated=False)
    return path


def rows(path: Path) -> dict[str, str]:
    """The table without its heading."""
    return dict(line.split(maxsplit=1) for line in describe(path).splitlines()[1:])


def test_a_store_of_sensitivities_is_described(store: Path) -> None:
    """How many samples of which outcome, of which variables, what they hold, where and when."""
    assert describe(store).splitlines()[0] == f"{store}: a store of sensitivities"
    assert rows(store) == {
        "samples": "9 ok, 1 blew_up",
        "variables": "u (velocity) [1]",
        "kinds": "twins, tangents, adjoint gradients",
        "grid": "x: 32 points, period 22 [1]",
        "time": "3 intervals of 0.25",
        "actuators": "4: jet_0, jet_1, jet_2, jet_3",
    }


def test_twins_of_another_solver_are_described(twins: Path) -> None:
    assert rows(twins) == {
        "samples": "9",
        "variables": "u (u) [1]",
        "kinds": "twins",
        "grid": "x: 32 points",
        "time": "3 intervals of 0.25",
        "actuators": "4",
    }


def test_damaged_sensitivities_are_told_and_not_learned_from(store: Path, training_set: Trajectories) -> None:
    """A chunk cut short, and values that are sound but those of another sample, with the samples they are in."""
    assert "9 samples that may be used, as they were written" in check(store)[0]
    run = store.parent.parent
    assert Run(run).sensitivities(training_set).usable.tolist() == list(range(9))
    u_twin = store / "u_twin" / "c"
    shutil.copy(u_twin / "8" / "0" / "0", u_twin / "7" / "0" / "0")
    chunk = store / "action_gradient" / "c" / "3" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-7])
    told = r"sensitivity\.zarr: expected the values that were written, .* others in samples \[3, 7\]; give 'sciwm simul"
    for look in (lambda: check(store), lambda: Run(run).sensitivities(training_set)):
        with pytest.raises(InputError, match=told):
            look()


def test_what_nothing_vouches_for_is_told(store: Path, twins: Path, training_set: Trajectories) -> None:
    """A store that lost a marker, which is not learned from before the sample is computed again, and foreign twins."""
    (store.with_suffix(".done") / "5.json").unlink()
    assert "1 of them unverified: without markers in sensitivity.done" in check(store)[0]
    with pytest.raises(InputError, match=r"a complete set, got 1 samples still .*; let 'sciwm simulate' finish"):
        Run(store.parent.parent).sensitivities(training_set)
    assert "9 samples that may be used, unverified: without a status" in check(twins)[0]


def test_what_was_lost_is_named(store: Path, training_set: Trajectories) -> None:
    """An array, or the whole store."""
    shutil.rmtree(store / "action_twin")
    with pytest.raises(InputError, match=r"sensitivity\.zarr: expected the variable 'action_twin', got none"):
        describe(store)
    with pytest.raises(
        InputError, match=r"sensitivity\.zarr/action_twin/zarr\.json: .* nothing there; give 'sciwm sim"
    ):
        check(store)
    shutil.rmtree(store)
    with pytest.raises(InputError, match=r"sensitivity\.zarr: .* nothing there; make it with 'sciwm simulate"):
        Run(store.parent.parent).sensitivities(training_set)
