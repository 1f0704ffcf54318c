"""The face, the evaluation and the page for flows over two space dimensions, with a stand-in for the model."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.image import imread
from torch import Tensor

import sciwm
from sciwm.config import CEMSettings, Config, GradientSettings, dump_config, parse_config
from sciwm.data import Domain, Trajectories, fit_domain, open_trajectories, position_of
from sciwm.dynamics import rollout
from sciwm.errors import InputError
from sciwm.evaluation import (
    CONTROLLERS,
    ControlTask,
    evaluate_rollouts,
    imagine_control,
    run_control,
    summarize_control,
    unseen_action_budget,
    valid_prediction_time,
)
from sciwm.evaluation import target_fields as uniform_target
from sciwm.evaluation.rollouts import skill_by_step
from sciwm.planning import CEMPlanner, GradientPlanner, RecedingHorizon
from sciwm.report import drawing
from sciwm.report.contents import Results
from sciwm.report.figures import draw_figures
from sciwm.report.page import render
from sciwm.report.snapshots import chosen_instants
from simulations import build
from simulations.generate import Recipe, generate

WAVES = 3  # functions along each axis: 1, cos and sin of the longest wave


class Modes:
    """The longest waves of every variable; they decay, and each action feeds a mixture of them."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.actuators = domain.actuators
        self.control_interval = domain.control_interval
        self.state_size = len(domain.variables) * WAVES ** len(domain.axes)
        self.fewest_points = (4,) * len(domain.axes)
        self.statistics = None
        generator = torch.Generator().manual_seed(0)
        self.feeds = 0.1 * torch.randn(len(domain.actuators), self.state_size, generator=generator)

    def encode(self, fields: Tensor, parameters: Tensor | None = None) -> Tensor:
        along = [torch.linalg.pinv(waves(n)) for n in fields.shape[2:]]
        return torch.einsum("bvxy,mx,ny->bvmn", fields, *along).flatten(1)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        return 0.9 * state + action @ self.feeds

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        along = [waves(n) for n in self.domain.shape]
        coefficients = state.view(len(state), -1, WAVES, WAVES)
        return {"fields": torch.einsum("bvmn,xm,yn->bvxy", coefficients, *along)}


def waves(num_points: int) -> Tensor:
    phase = 2 * torch.pi * torch.arange(num_points) / num_points
    return torch.stack([torch.ones(num_points), phase.cos(), phase.sin()], dim=1)


@pytest.fixture(scope="module")
def config() -> Config:
    """A two-dimensional experiment."""
    tree = {
        "name": "flow",
        "simulation": {
            "equation": "navier_stokes_scalar",
            "num_points": [16, 12],
            "domain_extent": [6.0, 4.5],
            "control_interval": 0.1,
            "steps_per_interval": 4,
            "parameters": {"forcing_wavenumber": 2},
            "jets": {"count": [2, 1], "width": 0.8, "normalization": "peak"},
        },
        "data": {
            "train": {"simulations": 4, "intervals": 8},
            "validation": {"simulations": 2, "intervals": 8},
            "test": {"simulations": 2, "intervals": 8},
            "warm_up": 0,
        },
        "model": {"latent_modes": 4, "encoder": {"layers": 2, "modes": 6}},
        "loss": {"horizon": 4},
        "training": {"updates": 1},
        "planning": {"horizon": 3, "planner": {"iterations": 4}, "terminal": "none"},
        "evaluation": {"steps": 8},
        "control": {"episodes": 3, "intervals": 6, "first": 4, "last": 2, "oracle_cem": {"samples": 8, "elites": 2}},
    }
    return parse_config(tree, where="test")


@pytest.fixture(scope="module")
def path(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored trajectories of it."""
    settings = config.simulation.model_dump()
    path = tmp_path_factory.mktemp("data") / "test.zarr"
    generate(build(settings), Recipe(4, 8, 0, batch=4), path, settings=settings)
    return path


@pytest.fixture(scope="module")
def data(path: Path) -> Trajectories:
    """The same, opened for learning."""
    return Trajectories(path)


@pytest.fixture(scope="module")
def model(data: Trajectories) -> Any:
    """The stand-in, without functionals."""
    return Modes(replace(fit_domain(data), functionals=()))


@pytest.fixture
def surrogate(model: Any, config: Config) -> sciwm.Surrogate:
    """The model as a scientist gets it."""
    return sciwm.Surrogate(model, config, "")


@pytest.fixture
def ds(path: Path) -> xr.Dataset:
    """Trajectories in memory."""
    return open_trajectories(path).load()


def told(call: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as caught:
        call()
    return [str(p) for p in caught.value.problems]


# The face -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(["time", "x", "y"])))
def test_space_dimensions_may_come_in_any_order(
    surrogate: sciwm.Surrogate, ds: xr.Dataset, order: tuple[str, ...]
) -> None:
    latent = surrogate.encode(ds.isel(simulation=1).transpose(*order, ...))
    assert latent.dims == (("time", "latent") if order[0] == "time" else ("latent", "time"))
    expected = surrogate.model.encode(torch.tensor(np.stack([ds["w"].values[1], ds["c"].values[1]], axis=1)))
    np.testing.assert_allclose(latent.transpose("time", "latent"), expected, atol=1e-6)


def test_decoding_gives_the_grid_of_the_model(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    decoded = surrogate.decode(surrogate.encode(ds))
    assert decoded["w"].dims == ("simulation", "time", "x", "y")
    for name in ("x", "y"):
        np.testing.assert_allclose(decoded[name], ds[name], atol=1e-12)
        assert decoded[name].attrs == ds[name].attrs
    again = surrogate.encode(decoded)
    xr.testing.assert_allclose(again, surrogate.encode(ds), atol=1e-5)
    transposed = surrogate.decode(surrogate.encode(ds).transpose("latent", ...))
    assert transposed["w"].dims == ("x", "y", "simulation", "time")


def test_resolution_is_free_where_space_is_periodic(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    smooth = surrogate.decode(surrogate.encode(ds.isel(time=0)))
    coarse = smooth.isel(x=slice(None, None, 2), y=slice(None, None, 3))
    xr.testing.assert_allclose(surrogate.encode(coarse), surrogate.encode(smooth), atol=1e-5)
    tall = replace(surrogate, model=Modes(surrogate.domain))  # type: ignore[arg-type]
    tall.model.fewest_points = (4, 6)  # type: ignore[misc]
    assert told(lambda: tall.encode(coarse)) == [
        "fields: y: expected at least 6 points, got 4; coarser fields alias: give them on a finer grid"
    ]


def test_between_walls_the_grid_is_that_of_the_model(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    """A bounded grid coarser than ``fewest_points`` is the model's own, and any other is refused."""
    x, y = surrogate.domain.axes
    walled = Modes(replace(surrogate.domain, axes=(x, replace(y, start=y.spacing / 2, periodic=False))))
    walled.fewest_points = (4, 99)
    inside = replace(surrogate, model=walled)  # type: ignore[arg-type]
    between = ds.assign_coords(y=position_of(walled.domain.axes[1]))
    assert inside.encode(between).sizes["latent"] == walled.state_size
    assert inside.decode(inside.encode(between))["y"].attrs["boundary"] == "bounded"
    (line,) = told(lambda: inside.encode(between.isel(y=slice(None, None, 2))))
    assert line.startswith("fields: y: expected 12 points from 0.1875 to 4.3125 [1], got 6 from")


def test_lazy_flows_agree(surrogate: sciwm.Surrogate, path: Path, ds: xr.Dataset) -> None:
    lazy = open_trajectories(path)
    latent = surrogate.encode(lazy)
    assert latent.chunksizes["simulation"] == (1,) * 4
    xr.testing.assert_allclose(latent.compute(), surrogate.encode(ds), atol=1e-6)
    forecast = surrogate.rollout(lazy.isel(time=0), lazy["action"])
    assert forecast["w"].chunks is not None
    xr.testing.assert_allclose(forecast.compute(), surrogate.rollout(ds.isel(time=0), ds["action"]), atol=1e-6)


def test_rollouts_and_scores_of_flows(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    forecast = surrogate.rollout(ds.isel(time=0).transpose("y", ...), ds["action"])
    assert forecast["c"].dims == ("simulation", "time", "y", "x"), "in the order of the start"
    forecast = forecast.transpose(..., "x", "y")
    model = surrogate.model
    start = torch.tensor(np.stack([ds["w"].values[:, 0], ds["c"].values[:, 0]], axis=1))
    last = rollout(model, model.encode(start), torch.tensor(ds["action"].values[:, :-1]))[:, -1]
    np.testing.assert_allclose(forecast["w"].isel(time=-1), model.readout(last, ["fields"])["fields"][:, 0], atol=1e-5)
    scores = sciwm.evaluate(forecast, ds)
    assert scores["rmse"].dims == ("variable", "simulation", "time")
    expected = np.sqrt(((forecast["w"] - ds["w"]) ** 2).mean(["x", "y"]))
    np.testing.assert_allclose(scores["rmse"].sel(variable="w"), expected, rtol=1e-5)


def test_plans_for_flows_come_nearer(surrogate: sciwm.Surrogate, ds: xr.Dataset) -> None:
    wave = np.cos(2 * np.pi * ds["x"] / 6) * xr.DataArray([1.0, 2.0], dims="simulation")
    start = ds.isel(time=-1, simulation=[0, 3]) * 0 + wave
    goal = 0 * ds[["c", "w"]].isel(time=0, simulation=0).transpose("y", "x")
    plan = surrogate.plan(start, goal)
    assert plan["forcing"].dims == ("simulation", "time", "actuator")
    assert plan["w"].dims == ("simulation", "time", "x", "y")
    nothing = surrogate.rollout(start, 0 * plan["forcing"].isel(time=slice(0, -1)))

    def distance(flow: xr.Dataset) -> xr.DataArray:
        return sum((flow[n] ** 2).mean(["x", "y"]).isel(time=slice(1, None)).sum("time") for n in ("c", "w"))

    assert (distance(plan) < distance(nothing)).all()
    (line,) = told(lambda: surrogate.plan(start, ds.isel(time=0)))
    assert "no dimension beside 'x' and 'y'" in line


# The evaluation -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rollouts(model: Any, data: Trajectories) -> xr.Dataset:
    """True and imagined trajectories."""
    rollouts = evaluate_rollouts(model, data, steps=8)
    return rollouts.assign(valid_prediction_time=valid_prediction_time(rollouts))


@pytest.fixture(scope="module")
def task(config: Config, data: Trajectories) -> ControlTask:
    """Flows to be brought to rest."""
    simulation = build(config.simulation.model_dump())
    starts = np.stack([data.array(v.name)[:3, 0] for v in simulation.variables], axis=1)
    return ControlTask(config, simulation, torch.from_numpy(starts), uniform_target(config, simulation))


@pytest.fixture(scope="module")
def controlled(task: ControlTask, model: Any) -> xr.Dataset:
    """Every controller in turn: here all do something simple."""

    def pushing(strength: float) -> Callable[[], Any]:
        return lambda: lambda fields, interval: torch.full((len(fields), 2), strength)

    controllers = {name: pushing(0.1 * n) for n, name in enumerate(CONTROLLERS)}
    result = run_control(task, controllers, lambda steps, _: steps)
    return result.merge(imagine_control(task, model, lambda s, _: s), join="outer")


def test_errors_of_flows_are_over_all_of_space(rollouts: xr.Dataset, model: Any) -> None:
    """The norm over both dimensions and variables, each in units of its deviation."""
    assert rollouts["w_imagined"].dims == ("simulation", "time", "x", "y")
    assert rollouts["y"].attrs["axis"] == "Y"
    square, whole = 0.0, 0.0
    for v in model.domain.variables:
        square = square + ((rollouts[f"{v.name}_imagined"] - rollouts[v.name]) ** 2).sum(["x", "y"]) / v.deviation**2
        whole = whole + (rollouts[v.name] ** 2).sum(["x", "y"]) / v.deviation**2
    np.testing.assert_allclose(rollouts["nrmse"], np.sqrt(square / whole), rtol=1e-4, atol=1e-6)
    assert skill_by_step(rollouts, model).dims == ("time",)


def test_budgets_of_imagined_flows(task: ControlTask, model: Any) -> None:
    """Only changes of functionals are compared: the stand-in states no budget."""
    actions = torch.zeros(3, 2, 2)
    fields = torch.stack([task.starts] * 3, dim=1) * torch.tensor([1.0, 0.9, 0.7]).view(3, 1, 1, 1)
    errors = unseen_action_budget(model, task.simulation, task.starts, actions, fields)
    assert errors["change_error"].dims == ("sample", "time", "functional")
    assert "residual" not in errors


def test_controlled_flows_are_recorded_by_name(controlled: xr.Dataset, task: ControlTask) -> None:
    assert controlled["w"].dims == ("controller", "episode", "time", "x", "y")
    square = sum((controlled[n] ** 2).mean(["x", "y"]) for n in ("w", "c")) / 2  # the target is rest
    np.testing.assert_allclose(controlled["distance"], square, rtol=1e-4)
    assert summarize_control(controlled, task.config)["episodes"] == 3


def test_large_grids_are_planned_without_a_linear_law(task: ControlTask, config: Config) -> None:
    """The law of so many numbers would take longer than everything else."""
    planning = config.planning.model_copy(update={"terminal": "riccati"})
    wide = replace(task, config=config.model_copy(update={"planning": planning}), target=torch.zeros(2, 16, 24))
    assert set(wide.references()) == {"none", "oracle_cem", "adjoint"}
    assert set(replace(wide, target=torch.zeros(2, 16, 12)).references()) == {"none", "lqr", "oracle_cem", "adjoint"}


def test_the_gradient_reference_plans_by_gradients_whatever_is_configured(task: ControlTask, config: Config) -> None:
    """With the settings of the configuration, if these are of gradients too."""
    own = GradientSettings(iterations=2, learning_rate=0.05)
    for planner, expected in ((own, own), (CEMSettings(samples=8), GradientSettings())):
        planning = config.planning.model_copy(update={"planner": planner, "terminal": "none"})
        references = replace(task, config=config.model_copy(update={"planning": planning})).references()
        adjoint, sampled = references["adjoint"](), references["oracle_cem"]()
        assert isinstance(adjoint, RecedingHorizon)
        assert isinstance(adjoint.planner, GradientPlanner)
        assert adjoint.planner.settings == expected
        assert isinstance(sampled, RecedingHorizon)
        assert isinstance(sampled.planner, CEMPlanner)


# The page -------------------------------------------------------------------------------------


def test_instants_of_snapshots_double() -> None:
    assert chosen_instants(161) == [0, 20, 40, 80, 160]
    assert chosen_instants(2) == [0, 1]


def test_the_page_shows_snapshots(
    config: Config,
    model: Any,
    rollouts: xr.Dataset,
    controlled: xr.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A variable has figures of rows of snapshots, drawn to the edges of the page and not beyond."""
    monkeypatch.setattr(drawing, "DENSITY", 40)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    rollout_metrics = {
        "simulations": 4,
        "lead_time": [0.1],
        "nrmse": [0.1],
        "nrmse_persistence": [0.2],
        "skill_vs_persistence": [0.5],
        "valid_prediction_time": 0.5,
        "valid_prediction_time_unit": "time units",
        "valid_prediction_time_interval": [0.4, 0.6],
    }
    sets = [{"name": "train.zarr", "simulations": 4}]
    results = Results(
        run=tmp_path,
        config=config,
        description={
            "latent_size": 18,
            "provenance": {"training_sets": sets},
            "sciwm": "0",
            "torch": "0",
            "sha256": "0",
        },
        domain=replace(model.domain, variables=model.domain.variables[:1]),
        metrics={"control": summarize_control(controlled, config), "rollout": rollout_metrics},
        history=[],
        evaluated={"rollouts": rollouts},
        controlled=controlled,
    )
    figures = draw_figures(results)
    names = [i.name for group in figures.values() for i in group]
    assert names == ["controlled_flow_w", "distance_over_time", "error_over_lead_time", "imagined_w"]
    for illustration in (i for group in figures.values() for i in group):
        (tmp_path / "figure.png").write_bytes(illustration.png)
        pixels = imread(tmp_path / "figure.png")
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert pixels[..., :3].std() > 0.02
        assert np.all(edge[:, :3] == 1), illustration.name
    page = render(results, figures)
    assert "Navier-Stokes with a passive scalar equation" in page
    assert "size 6 × 4.5 length units; 16 × 12 points" in page
    assert "192 grid values of the vorticity" in page
    assert "snapshots of the vorticity" in page
