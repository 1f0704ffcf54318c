"""Experiments on domains with walls: what can be configured, and one from simulation to report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import simulations
from sciwm.config import Config, load_config, parse_config, shipped_config
from sciwm.errors import InputError
from sciwm.evaluation import ControlTask, target_fields
from sciwm.experiment import stages
from sciwm.experiment.run import Run
from sciwm.model.spaces import VectorSpace
from sciwm.model.vector_encoder import VectorEncoder
from sciwm.planning import field_target, mean_square_distance
from simulations import build
from simulations.good_values import GOOD_VALUES


def tree(**sections: dict[str, Any]) -> dict[str, Any]:
    """A whole experiment between walls that runs in seconds, whole sections merged in."""
    tiny: dict[str, Any] = {
        "name": "walls",
        "simulation": {
            "equation": "burgers_dirichlet",
            "num_points": 24,
            "domain_extent": 1.0,
            "control_interval": 0.05,
            "steps_per_interval": 10,
            "jets": {"count": 4, "width": 0.08, "offset": 0.5, "normalization": "peak"},
        },
        "data": {
            "train": {"simulations": 24, "intervals": 20},
            "validation": {"simulations": 8, "intervals": 20},
            "test": {"simulations": 8, "intervals": 20},
            "warm_up": 0,
            "amplitude": 0.5,
        },
        "model": {"latent": "vector", "latent_size": 8, "encoder": {"width": 4, "layers": 2, "modes": 8}},
        "loss": {"horizon": 4},
        "training": {"updates": 40, "updates_per_epoch": 20, "batch_size": 32, "learning_rate": 3e-3}
        | {"encoder_rate": 0.01},
        "planning": {"horizon": 4, "planner": {"iterations": 3}},
        "evaluation": {"steps": 20},
        "control": {
            "episodes": 4,
            "intervals": 16,
            "first": 12,
            "last": 2,
            "oracle_cem": {"iterations": 1, "samples": 8, "elites": 2},
        },
    }
    for name, section in sections.items():
        tiny[name] = tiny.get(name, {}) | section
    return tiny


def config_of(**sections: dict[str, Any]) -> Config:
    return parse_config(tree(**sections), where="test")


def equation(name: str, **changes: Any) -> dict[str, Any]:
    """The good values of an equation as a section that replaces the jets of the tiny experiment."""
    limits = {"jets": None} | {k: v for k, v in GOOD_VALUES[name].settings.items() if k != "dimensions"}
    return {"equation": name} | limits | changes


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment, finished."""
    folder = tmp_path_factory.mktemp("run")
    stages.run_all(config_of(), folder)
    return folder


def test_a_run_between_walls_goes_from_simulation_to_report(run: Path) -> None:
    """The model forecasts better than persistence, and its plans bring the flow nearer to rest than doing nothing."""
    metrics = json.loads((run / "report" / "metrics.json").read_text())
    assert (run / "report" / "index.html").exists()
    assert metrics["latent"]["size"] == 8
    assert np.mean(metrics["rollout"]["skill_vs_persistence"]) > 0.5
    early = metrics["control"]["mean_square_first_0.6"]
    assert set(early) == {"none", "world_model", "lqr", "oracle_cem", "adjoint"}
    assert early["adjoint"] < early["world_model"] < 0.9 * early["none"]


def test_its_domain_is_bounded_and_its_actuators_known(run: Path) -> None:
    """The axis ends at the last point before the wall; the first action's shape is that of its jet."""
    data = Run(run).trajectories("train")
    (axis,) = data.axes
    assert not axis.periodic
    np.testing.assert_allclose([axis.start, axis.extent], [1 / 25, 23 / 25], rtol=1e-6)
    assert data.forcing_shapes is not None
    assert abs(data.forcing_shapes[0, 0].argmax() - 2) <= 1, "the first jet stands at 1/8 of the domain"
    with xr.open_dataset(run / "controlled.nc") as controlled:
        np.testing.assert_allclose(controlled["x"].values[[0, -1]], [1 / 25, 24 / 25], rtol=1e-6)


# What can be configured ------------------------------------------------------------------------


@pytest.mark.parametrize("name", simulations.BOUNDED)
def test_every_equation_between_walls_can_be_configured(name: str) -> None:
    """The section as checked builds what the good values build."""
    target = {"target": (0.0, None)} if name == "burgers_hidden_gain" else {}
    config = config_of(
        simulation=equation(name),
        model={"latent": "vector", "encoder": {"layers": 2, "modes": 8}},
        planning={"terminal": "none"},
        control=target,
    )
    simulation = build(config.simulation.model_dump())
    assert repr(simulation) == repr(build({"equation": name, **GOOD_VALUES[name].settings}))
    assert target_fields(config, simulation).shape == (len(simulation.variables), *simulation.grid.shape)


def test_walls_and_their_actions_come_from_yaml(tmp_path: Path) -> None:
    """A plate, insulated above, warmed at the right wall."""
    path = tmp_path / "plate.yaml"
    walls = "{left: {kind: dirichlet, value: 1.0}, top: {kind: neumann}}"
    changes = [
        "equation=heat",
        "dimensions=2",
        "num_points=[9, 8]",
        "domain_extent=[1.0, 0.5]",
        "jets=null",
        f"walls={walls}",
    ]
    changes.append("boundary_values=[{walls: [right], limit: 2}, {walls: [bottom], limit: 1}]")
    path.write_text(json.dumps(tree()))
    config = load_config(path, [f"simulation.{change}" for change in changes] + ["model.encoder.modes=6"])
    plate = build(config.simulation.model_dump())
    assert plate.grid.shape == (9, 8)
    assert plate.actuators.names == ("right", "bottom")
    assert plate.profiles is not None
    warmed = plate.advance(torch.zeros(1, 1, 9, 8), torch.zeros(1, 2))
    assert warmed[0, 0, 0].min() > warmed[0, 0, -1].max(), "the left wall is the warm one"


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"model": {"latent": "spectral"}}, "model.latent: expected a latent for a domain with walls"),
        ({"model": {"latent": "spectral"}}, "got spectral; use model.latent: vector"),
        (
            {"model": {"latent": "fields", "predictor": {"tendency": "neural"}}},
            "model.predictor.tendency: expected quadratic, as the latent is fields and not vector, got neural",
        ),
        ({"model": {"latent_size": 25}}, "model.latent_size: expected at most 24 (the values on the grid), got 25"),
        (
            {"model": {"encoder": {"layers": 2, "modes": 25}}},
            "model.encoder.modes: expected at most 24 on 24 points, got 25",
        ),
        ({"training": {"augmentation": ["shifts"]}}, "training.augmentation: expected reflections alone"),
        ({"simulation": {"order": 4}}, "simulation.order: expected none, as burgers_dirichlet is solved"),
        ({"simulation": {"walls": {}}}, "simulation.walls: expected none, as burgers_dirichlet is not heat"),
        ({"simulation": {"walls": {"lft": None}}}, "unknown key 'lft'; did you mean 'left'?"),
        (
            {"simulation": {"sine_modes": {"modes": [1]}}},
            "simulation.sine_modes: expected none, as burgers_dirichlet has walls",
        ),
        (
            {"simulation": {"equation": "burgers", "boundary_values": {"limit": 1.0}}},
            "simulation.boundary_values: expected none, as burgers is periodic",
        ),
        ({"simulation": {"equation": "burgers", "num_points": 25}}, "simulation.num_points: expected a multiple of 2"),
        ({"control": {"target": [None]}}, "planning.terminal: expected none, as control.target leaves a variable free"),
    ],
)
def test_what_does_not_fit_between_walls_is_explained(sections: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as refused:
        config_of(**sections)
    assert told in str(refused.value)


def test_an_equation_without_rest_asks_for_a_target() -> None:
    """Its steady forcing holds no uniform state."""
    config = config_of(simulation=equation("burgers_hidden_gain"))
    with pytest.raises(InputError, match=r"control\.target: expected one value for each of u, clock, got none"):
        target_fields(config, build(config.simulation.model_dump()))


# A variable that may be anything ----------------------------------------------------------------


def test_a_free_variable_does_not_count() -> None:
    """The distance of u is the same whatever the clock shows; that of both would not be."""
    target = torch.tensor([[0.5, 0.5], [torch.nan, torch.nan]])
    fields = torch.tensor([[1.5, 0.5], [7.0, 7.0]])[None, None]
    torch.testing.assert_close(mean_square_distance(fields, target), torch.tensor([[0.5]]))


def test_planning_leaves_a_clock_alone() -> None:
    """Gradients of the cost with respect to it are zero, those with respect to u are not."""
    config = config_of(
        simulation=equation("burgers_hidden_gain"),
        planning={"terminal": "none", "horizon": 2, "planner": {"iterations": 1}},
        control={"target": [0.0, None]},
    )
    simulation = build(config.simulation.model_dump())
    rng = np.random.default_rng(0)
    start = torch.tensor(simulation.initial_state(rng, amplitude=1.0), dtype=torch.float32)[None]
    task = ControlTask(config, simulation, start, target_fields(config, simulation))
    fields = start[:, None].clone().requires_grad_()
    task_cost = mean_square_distance(fields, task.target).sum()
    (slope,) = torch.autograd.grad(task_cost, fields)
    assert slope[:, :, 1].abs().max() == 0
    assert slope[:, :, 0].abs().max() > 0
    assert "fields" in field_target(simulation, task.target).reads
    assert task.plan_with(simulation)(start, 0).isfinite().all()


# The vector latent --------------------------------------------------------------------------------


def test_more_numbers_than_the_fields_have_modes_are_refused() -> None:
    """Five fields have at most five modes."""
    encoder = VectorEncoder(1, config_of().model.encoder, VectorSpace(8), (24,), (True,))
    with pytest.raises(ValueError, match=r"model.latent_size: expected at most 5, as many as 5 fields"):
        encoder.fit(torch.randn(5, 1, 24))


def test_maps_of_vectors_take_any_batch() -> None:
    """A product of latents over simulation and time is that of each one; rounding of float32."""
    product = VectorSpace(6).product(VectorSpace(5), 2, deviation=1.0)
    latents = torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(product(latents).flatten(0, 1), product(latents.flatten(0, 1)), rtol=1e-5, atol=1e-6)


def test_the_shipped_experiment_between_walls_is_valid() -> None:
    config = load_config(shipped_config("burgers_walls.yaml"))
    simulation = build(config.simulation.model_dump())
    assert not simulation.blown_up(torch.zeros(1, 1, *simulation.grid.shape)).any()
