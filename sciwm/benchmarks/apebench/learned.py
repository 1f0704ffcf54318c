"""A world model of a scenario: its settings, the stores of its data, and its training."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.benchmarks.apebench.scenarios import NUM_POINTS, TRAIN_SIMULATIONS, TRAIN_STEPS, Scenario
from sciwm.config import Config, parse_config
from sciwm.data import Trajectories
from sciwm.files import write_atomically
from sciwm.model import ExponentialPredictor, WorldModel, load_model
from sciwm.model.tendency import QuadraticTendency
from sciwm.training import train
from simulations import ActionBox
from simulations.safe_files import draft_beside

VALIDATION = 10
"""Number of training trajectories that are held out to choose settings and epoch."""

IDLE = ActionBox(("idle",), np.array([-1.0]), np.array([1.0]))
"""One actuator that never acts, since the scenarios are unforced."""

EQUATIONS: Mapping[str, str] = {
    "burgers": "burgers",
    "kdv": "korteweg_de_vries",
    "ks_conservative": "kuramoto_sivashinsky",
}

MODES: Mapping[str, int] = {"burgers": 60, "kdv": 40, "ks_conservative": 60}
"""Wavenumbers of the latent; higher ones have less than 0.2 % of the fields."""

BUDGET: Mapping[str, Any] = {"updates": 10_000, "batch_size": 20}
"""Training of every published network."""


def settings(name: str, seed: int, *, updates: int = BUDGET["updates"], one_step: bool = False) -> Config:
    """An exponential integrator of the Fourier coefficients of the fields, trained on rollouts of up to four steps.

    Training on one step leaves wavenumbers without energy in the data untrained, and long forecasts of dispersive or
    steep waves may grow there. The section on the simulation only names equation and grid; the data are those of
    the scenario.

    Args:
        one_step: train on single steps, as the published networks are.
    """
    held_out = {"simulations": VALIDATION, "intervals": TRAIN_STEPS}
    tree: dict[str, Any] = {
        "name": f"apebench_{name}",
        "seed": seed,
        "simulation": {
            "equation": EQUATIONS[name],
            "num_points": NUM_POINTS,
            "domain_extent": 1.0,
            "control_interval": 1.0,
            "steps_per_interval": 2,
            "uniform": {"limit": 1.0, "acts_on": "u"},
        },
        "data": {
            "train": {"simulations": TRAIN_SIMULATIONS - VALIDATION, "intervals": TRAIN_STEPS},
            "validation": held_out,
            "test": held_out,
            "warm_up": 0,
        },
        "model": {
            "latent_modes": MODES[name],
            "encoder": {"layers": 0},
            "decoder_rank": 0,
            "predictor": {"rank": 4, "substeps": 1, "action_path": "additive"},
        },
        "loss": {
            "rollout": 0.0 if one_step else 1.0,
            "horizon": 4,
            "curriculum": 0.3,
            "energy_exponent": 0.75,
            "collapse": {"kind": "none"},
            "physics": {"heads_encoded": 0.0, "heads_rolled": 0.0, "budget": 0.0},
        },
        "training": {
            **BUDGET,
            "updates": updates,
            "updates_per_epoch": max(1, min(250, updates // 4)),
            "learning_rate": 1e-2,
            "weight_decay": 0.0,
        },
        "evaluation": {"steps": TRAIN_STEPS, "parts": ["rollouts"]},
        "control": {"intervals": TRAIN_STEPS, "first": 1, "last": 1},
    }
    return parse_config(tree, where=f"apebench {name}")


def split(scenario: Scenario) -> tuple[Tensor, Tensor]:
    """Trajectories for training, and for validation."""
    return scenario.train[:-VALIDATION], scenario.train[-VALIDATION:]


def store_trajectories(fields: Tensor, scenario: Scenario, path: Path) -> Trajectories:
    """Unforced trajectories ``(simulation, time, 1, x)`` as a store; one that is there is opened."""
    if not path.exists():
        count, instants, _, points = fields.shape
        position = {"units": "1", "long_name": "position", "axis": "X", "boundary": "periodic"}
        no_action = np.zeros((count, instants, len(IDLE)), np.float32)
        dataset = xr.Dataset(
            {
                "u": (("simulation", "time", "x"), fields[:, :, 0].numpy(), {"units": "1", "long_name": "velocity"}),
                "action": (("simulation", "time", "actuator"), no_action, {"units": "1", "long_name": "action"}),
                "action_low": ("actuator", IDLE.low),
                "action_high": ("actuator", IDLE.high),
                "status": ("simulation", np.ones(count, np.int8)),
            },
            coords={
                "simulation": np.arange(count),
                "time": ("time", np.arange(instants) * scenario.step, {"units": "1", "long_name": "time", "axis": "T"}),
                "x": ("x", np.arange(points) * scenario.domain_extent / points, position),
                "actuator": ("actuator", np.arange(len(IDLE)), {"names": " ".join(IDLE.names)}),
            },
        )
        with draft_beside(path, folder=True) as draft:
            dataset.to_zarr(draft, mode="w", consolidated=False)
    return Trajectories(path)


def train_model(config: Config, scenario: Scenario, run: Path) -> tuple[WorldModel, float]:
    """The model of the epoch that was best on the validation trajectories, and the CPU seconds of its training.

    A training that was stopped goes on where it stood, with the seconds it had taken.
    """
    run.mkdir(parents=True, exist_ok=True)
    fields = dict(zip(("train", "validation"), split(scenario), strict=True))
    stores = {name: store_trajectories(values, scenario, run / f"{name}.zarr") for name, values in fields.items()}
    spent = run / "cpu_seconds"
    before = float(spent.read_text()) if spent.exists() else 0.0
    torch.set_num_threads(config.training.threads)
    began = time.process_time()
    try:
        train(config, run, [stores["train"]], stores["validation"])
    finally:
        seconds = before + time.process_time() - began
        write_atomically(spent, str(seconds).encode())
    model, _ = load_model(run)
    return model, seconds


def parameters_of(model: WorldModel) -> int:
    """Learned numbers that a forecast depends on: of the predictor, without those of the idle actuator."""
    predictor = model.predictor
    if not isinstance(predictor, ExponentialPredictor) or not isinstance(predictor.tendency, QuadraticTendency):
        raise TypeError(f"expected the integrator of a quadratic tendency, got {type(predictor).__name__}")
    tendency = predictor.tendency
    used = (tendency.product, tendency.decay, tendency.correction)
    return sum(p.numel() for part in used for p in part.parameters())
