"""Means that the forcing alone changes: exact whatever the weights are."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import simulations
from sciwm.config import Config
from sciwm.data import Trajectories
from sciwm.dynamics import encode_trajectory, readout_trajectory, rollout
from sciwm.errors import InputError
from sciwm.model import WorldModel
from sciwm.training import build_model
from simulations.generate import Recipe, generate

CONSERVING: dict[str, Any] = {"latent_modes": 6, "encoder": {"width": 8, "layers": 2, "modes": 8}, "conserved": ["u"]}


def scattered(model: WorldModel) -> WorldModel:
    """All weights moved at random, but still decaying."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, dtype=parameter.dtype))
        getattr(model.predictor, "tendency", model.predictor).decay.weight.mul_(0.5)
    return model


def mean_errors(model: WorldModel, data: Trajectories, names: list[str]) -> tuple[float, float]:
    """Of decoded means along a rollout under the data's actions, against what the actuators bring; and its size."""
    fields = torch.from_numpy(np.stack([np.asarray(data.array(n)[:, :9]) for n in names], axis=2))
    actions = torch.from_numpy(np.asarray(data.array("action")[:, :8]))
    with torch.no_grad():
        start = encode_trajectory(model, fields[:, :1])[:, 0]
        states = torch.cat([start[:, None], rollout(model, start, actions)], dim=1)
        decoded = readout_trajectory(model, states, ["fields"])["fields"].flatten(3).mean(dim=3)
    assert data.forcing_shapes is not None
    brought = actions @ torch.from_numpy(data.forcing_shapes).float().flatten(2).mean(dim=2)
    means = fields[:, :1].flatten(3).mean(dim=3) + data.control_interval * torch.nn.functional.pad(
        brought.cumsum(dim=1), (0, 0, 1, 0)
    )
    return float((decoded - means).abs().max()), float((means - means[:, :1]).abs().max())


@pytest.mark.parametrize("more", [{}, {"predictor": {"equivariant": False}}, {"predictor": {"kind": "linear"}}])
def test_means_are_what_actuators_bring(
    make_config: Callable[..., Config], training_set: Trajectories, more: dict[str, Any]
) -> None:
    """To rounding with any weights; without being told so the same weights lose them."""
    exact = scattered(build_model(make_config(model=CONSERVING | more), training_set))
    error, size = mean_errors(exact, training_set, ["u"])
    assert error < 1e-5 < 1e-2 < size
    free = scattered(build_model(make_config(model=CONSERVING | more | {"conserved": []}), training_set))
    assert mean_errors(free, training_set, ["u"])[0] > 1e-3


def test_frozen_models_conserve_as_well(make_config: Callable[..., Config], training_set: Trajectories) -> None:
    """Also with more channels than variables."""
    model = build_model(make_config(model=CONSERVING | {"latent_channels": 2}), training_set)
    assert mean_errors(scattered(model).freeze(), training_set, ["u"])[0] < 1e-5


def test_one_of_two_variables(make_config: Callable[..., Config], tmp_path: Path) -> None:
    """In two dimensions: the mean of a scalar and not that of the vorticity, which nobody asked for."""
    settings: dict[str, Any] = {
        "equation": "navier_stokes_scalar",
        "num_points": 16,
        "domain_extent": 2 * math.pi,
        "control_interval": 0.2,
        "steps_per_interval": 4,
        "parameters": {"viscosity": 0.05, "forcing_wavenumber": 2},
        "jets": {"count": [2, 2], "width": 0.9, "limit": 2.0, "acts_on": "c"},
    }
    generate(
        simulations.build(settings),
        Recipe(simulations=6, intervals=8, warm_up=2),
        tmp_path / "a.zarr",
        settings=settings,
    )
    data = Trajectories(tmp_path / "a.zarr")
    names = [v.name for v in data.variables]
    small = {"latent_modes": 4, "latent_channels": 2, "encoder": {"width": 4, "modes": 4, "layers": 1}}
    config = make_config(model=small | {"conserved": ["c"], "decoder_rank": 2})
    model = scattered(build_model(config, data))
    fields = torch.randn(3, 2, 16, 16)
    decoded = model.readout(model.encode(fields), ["fields"])["fields"].flatten(2).mean(dim=2).detach()
    wanted = fields.flatten(2).mean(dim=2)
    place = names.index("c")
    torch.testing.assert_close(decoded[:, place], wanted[:, place], atol=1e-5, rtol=1e-4)
    assert (decoded - wanted)[:, 1 - place].abs().max() > 1e-3


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"conserved": ["v"]}, "model.conserved: expected variables of the data, u, got v"),
        ({"conserved": ["u"], "latent": "vector"}, "model.conserved: expected no variables, as the latent is vector"),
    ],
)
def test_what_cannot_be_conserved(
    make_config: Callable[..., Config], training_set: Trajectories, model: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        build_model(make_config(model=model), training_set)


@pytest.mark.parametrize(("equation", "conserves"), [("swift_hohenberg", False), ("cahn_hilliard", True)])
def test_a_promise_that_the_data_do_not_keep(
    make_config: Callable[..., Config], tmp_path: Path, equation: str, conserves: bool
) -> None:
    """Pattern formation changes the mean where the order parameter is not conserved."""
    settings: dict[str, Any] = {
        "equation": equation,
        "num_points": 32,
        "domain_extent": 20.0,
        "control_interval": 0.2,
        "steps_per_interval": 8,
        "jets": {"count": 4, "width": 1.5, "limit": 0.5},
    }
    recipe = Recipe(simulations=6, intervals=8, warm_up=2)
    generate(simulations.build(settings), recipe, tmp_path / "a.zarr", settings=settings)
    config = make_config(
        model={"latent_modes": 6, "conserved": ["u"], "encoder": {"width": 4, "layers": 2, "modes": 6}}
    )
    if conserves:
        build_model(config, Trajectories(tmp_path / "a.zarr"))
        return
    told = "model.conserved: expected variables whose mean the actuators alone change, to .*got u, whose mean changes"
    with pytest.raises(InputError, match=told):
        build_model(config, Trajectories(tmp_path / "a.zarr"))
