"""A tiny experiment and its data, shared by the tests of the package."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import xarray as xr
from foreign_data import Sets
from linear_plate import linear_plate, own_data
from made_once import made_once

import simulations
from sciwm.benchmarks.robustness.subject import subject_run
from sciwm.config import Config, parse_config
from sciwm.data import Trajectories
from sciwm.model import WorldModel
from sciwm.surrogate import Surrogate
from sciwm.training import build_model
from sciwm.uncertainty import calibrate
from simulations.generate import Recipe, generate


def tiny_tree() -> dict[str, Any]:
    """A whole experiment that runs in seconds."""
    return {
        "name": "tiny",
        "simulation": {
            "equation": "kuramoto_sivashinsky",
            "num_points": 32,
            "domain_extent": 22.0,
            "control_interval": 0.25,
            "steps_per_interval": 2,
            "jets": {"count": 4, "width": 0.8},
        },
        "data": {
            "train": {"simulations": 24, "intervals": 20},
            "validation": {"simulations": 8, "intervals": 20},
            "test": {"simulations": 4, "intervals": 20},
            "warm_up": 40,
            "batch": 8,
        },
        "model": {"latent_modes": 6, "encoder": {"width": 8, "modes": 8}},
        "loss": {"horizon": 4},
        "training": {"updates": 12, "updates_per_epoch": 4, "batch_size": 16},
        "planning": {"horizon": 4, "planner": {"iterations": 2}, "terminal": "none"},
        "evaluation": {"steps": 20, "parts": ["rollouts"]},
        "control": {"episodes": 4, "intervals": 12, "first": 8, "last": 2, "oracle_cem": {"samples": 8, "elites": 2}},
    }


@pytest.fixture(scope="session")
def make_config() -> Callable[..., Config]:
    """``make_config(**sections)``: the tiny experiment, whole sections merged in."""

    def make(**sections: dict[str, Any]) -> Config:
        tree = tiny_tree()
        for name, section in sections.items():
            tree[name] = tree.get(name, {}) | section
        return parse_config(tree, where="test")

    return make


@pytest.fixture(scope="session")
def config(make_config: Callable[..., Config]) -> Config:
    """The tiny experiment."""
    return make_config()


@pytest.fixture(scope="session")
def data_folder(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``train.zarr`` and ``validation.zarr`` of the tiny experiment."""
    folder = tmp_path_factory.mktemp("data")
    settings = config.simulation.model_dump()
    for seed, (name, split) in enumerate({"train": config.data.train, "validation": config.data.validation}.items()):
        recipe = Recipe(split.simulations, split.intervals, config.data.warm_up, seed=seed, batch=8)
        generate(simulations.build(settings), recipe, folder / f"{name}.zarr", settings=settings)
    return folder


@pytest.fixture(scope="session")
def training_set(data_folder: Path) -> Trajectories:
    """Simulations to learn from."""
    return Trajectories(data_folder / "train.zarr")


@pytest.fixture(scope="session")
def validation_set(data_folder: Path) -> Trajectories:
    """Other simulations of the same kind."""
    return Trajectories(data_folder / "validation.zarr")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole experiment with a round of on-policy data: ``subject_config()`` from simulation to report."""
    return made_once(tmp_path_factory, "finished", lambda folder: subject_run(folder / "run")) / "run"


def random_model(config: Config, training_set: Trajectories) -> WorldModel:
    """An untrained model that decays, whose every weight is random, so that no symmetry is there by accident."""
    model = build_model(config, training_set)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.add_(0.02 * noise)
        model.predictor.tendency.decay.weight.mul_(0.8)  # or its rollouts would explode
    return model


@pytest.fixture
def model(config: Config, training_set: Trajectories) -> WorldModel:
    """A random model that a test may change."""
    return random_model(config, training_set)


@pytest.fixture(scope="session")
def own(config: Config, training_set: Trajectories) -> Surrogate:
    """A random model as a surrogate, which no test may change."""
    return Surrogate(random_model(config, training_set), config, "")


@pytest.fixture(scope="session")
def plate_model() -> WorldModel:
    """A linear model of a plate with a parameter, which no test may change."""
    return linear_plate()


@pytest.fixture(scope="session")
def plate(plate_model: WorldModel, config: Config) -> Surrogate:
    """The same as a surrogate."""
    return Surrogate(plate_model, config, "")


@pytest.fixture(scope="session")
def plate_data(plate_model: WorldModel) -> xr.Dataset:
    """Its own trajectories as somebody's Dataset, which no test may change."""
    return own_data(plate_model)


@pytest.fixture(scope="session")
def sure_plate(plate: Surrogate, tmp_path_factory: pytest.TempPathFactory) -> Surrogate:
    """The model with error bars, and thresholds from one run of its own."""
    roles = {"variables": ["temp", "strain"], "forcings": ["power", "flow"], "parameters": ["ambient"]}
    places = {"run": "run", "time": "t", "space": ["row", "col"]}
    split = {"validation": [107], "test": 0.0}
    recorded = own_data(plate.model, intervals=24)
    sets = Sets(tmp_path_factory.mktemp("plate"), recorded, **roles, **places, split=split)
    known = calibrate(plate.model, [sets.opened("train")], sets.opened("validation"), seed=0)
    return replace(plate, uncertainty=known)
