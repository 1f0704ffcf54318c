"""Twins, tangents, adjoints and inverse dynamics: zero for an exact model, one without effects of actions."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from killed import Killed, killed_at
from torch import Tensor

from sciwm.cli.check import check
from sciwm.config import Config, LossSettings, parse_config
from sciwm.data import Batch, Sensitivities, SensitivitySet, Trajectories, Windows, check_same_simulation
from sciwm.dynamics import rollout
from sciwm.errors import InputError
from sciwm.experiment import stages
from sciwm.loss import Objective
from sciwm.loss.terms.adjoints import adjoint_error
from sciwm.loss.terms.inverse import InverseDynamics
from sciwm.loss.terms.sensitivities import derivative_along, encode_sensitivities
from sciwm.loss.terms.tangents import tangent_error
from sciwm.loss.terms.twins import twin_error
from sciwm.model import WorldModel, fit_scales, read_description
from sciwm.model.spaces import translate
from sciwm.run_paths import RunPaths
from sciwm.training import build_model, train
from simulations import ActionBox, build
from simulations.base import Simulation
from simulations.generate import Recipe, generate
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities

TARGET = 0.3
ALL = {"twins": 1.0, "tangents": 1.0, "adjoints": 1.0}


@pytest.fixture(scope="module")
def experiment() -> Config:
    """A stream that carries and spreads a concentration; the latent holds all but its shortest wave."""
    split = {"simulations": 12, "intervals": 12}
    tree = {
        "name": "linear",
        "simulation": {
            "equation": "advection_diffusion_reaction",
            "num_points": 16,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.2,
            "steps_per_interval": 2,
            "parameters": {"velocity": 1.0, "diffusivity": 0.3, "growth": 0.0, "saturation": 0.0},
            "jets": {"count": 4, "width": 1.0, "limit": 0.7},
        },
        "data": {"train": split, "validation": split, "test": split, "warm_up": 10, "sensitivities": {"intervals": 4}},
        "model": {
            "latent_modes": 7,
            "encoder": {"width": 4, "layers": 2, "modes": 4},
            "predictor": {"kind": "linear", "equivariant": False},
        },
        "loss": {"horizon": 4, "physics": ALL},
        "training": {"updates": 4, "updates_per_epoch": 2, "batch_size": 8},
        "evaluation": {"steps": 12},
        "control": {"intervals": 12, "first": 8},
    }
    return parse_config(tree, where="test")


@pytest.fixture(scope="module")
def simulation(experiment: Config) -> Simulation:
    """The solver, exact as the flow is linear."""
    return build(experiment.simulation.model_dump())


@pytest.fixture(scope="module")
def data(experiment: Config, simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trajectories:
    """Trajectories of it."""
    path, settings = tmp_path_factory.mktemp("linear") / "train.zarr", experiment.simulation.model_dump()
    generate(simulation, Recipe(12, 12, 10, batch=12, share_transient=0.0), path, settings=settings)
    return Trajectories(path)


@pytest.fixture(scope="module")
def sensitivity_set(experiment: Config, simulation: Simulation, data: Trajectories) -> SensitivitySet:
    """What its solver says about other actions."""
    starts = torch.from_numpy(np.asarray(data.array("u")[:, -1]))[:, None]
    path, settings = data.path.with_name("sensitivity.zarr"), experiment.simulation.model_dump()
    recipe = SensitivityRecipe(12, 4, share_uniform=1.0)
    generate_sensitivities(simulation, recipe, starts, path, settings=settings, target=TARGET)
    return SensitivitySet(path, ["u"])


@pytest.fixture
def sample(sensitivity_set: SensitivitySet) -> Sensitivities:
    """All of them."""
    return sensitivity_set.draw(np.random.default_rng(0), 12, 4)


@pytest.fixture
def batch(exact: WorldModel, data: Trajectories) -> Batch:
    """Windows of the trajectories."""
    return Windows([data], exact.domain).draw(np.random.default_rng(0), 12, 4)


@pytest.fixture
def exact(experiment: Config, simulation: Simulation, data: Trajectories) -> WorldModel:
    """The model whose linear predictor is what the solver does to every basis function and under every action."""
    model = build_model(experiment, data)
    assert model.shapes is not None
    with torch.no_grad():
        for parameter in model.decoder.quadratic.parameters():
            parameter.zero_()
        rest, actions = torch.zeros(1, model.latent_size), torch.eye(len(model.actuators))
        waves = model.decoder(torch.eye(model.latent_size)) - model.decoder(rest)
        unforced = torch.zeros(len(waves), len(actions))
        model.predictor.decay.weight.copy_(model.encoder(simulation.advance(waves, unforced)))
        effect = simulation.advance(torch.zeros(len(actions), 1, 16), actions) / model.domain.variables[0].deviation
        effect = 0.7 * model.encoder(effect)  # of the largest action
        model.predictor.forcing.linear.weight.copy_(torch.linalg.pinv(model.shapes) @ effect)
    return model


def without_actions(model: WorldModel) -> WorldModel:
    """The same model, on which actions have no effect."""
    with torch.no_grad():
        model.predictor.forcing.linear.weight.zero_()
    return model


def errors(model: WorldModel, data: Sensitivities, experiment: Config, batch: Batch) -> dict[str, float]:
    """All three terms."""
    objective = Objective(experiment.loss, model, torch.full((1, 16), TARGET))
    terms = objective.terms(model, batch, data, torch.Generator().manual_seed(0)).predictive
    return {name: float(terms[name].detach()) for name in ALL}


def test_errors_are_zero_for_the_exact_model_and_one_without_actions(
    exact: WorldModel,
    sample: Sensitivities,
    experiment: Config,
    simulation: Simulation,
    data: Trajectories,
    batch: Batch,
) -> None:
    """For twins, tangents and gradients by the solver; with effects twice too strong the error is one too."""
    stored = torch.from_numpy(np.asarray(data.array("u")[:, 6:8]))[:, :, None]
    action = torch.from_numpy(np.asarray(data.array("action")[:, 6]))
    after = exact.readout(exact.advance(exact.encode(stored[:, 0]), action), ["fields"])["fields"]
    torch.testing.assert_close(after, stored[:, 1], atol=2e-5, rtol=0)
    assert all(error < 1e-7 for error in errors(exact, sample, experiment, batch).values())
    with torch.no_grad():
        exact.predictor.forcing.linear.weight.mul_(2.0)
    strong = errors(exact, sample, experiment, batch)
    assert [strong[name] for name in ("twins", "tangents")] == pytest.approx([1.0, 1.0], rel=1e-4)
    assert errors(without_actions(exact), sample, experiment, batch) == pytest.approx(dict.fromkeys(ALL, 1.0), rel=1e-5)


def test_gradients_are_those_of_the_cost(exact: WorldModel, sample: Sensitivities) -> None:
    """Half of what is stored is an error of 1/4, and the distance to another target has another gradient."""
    start = exact.encoder(exact.normalize(sample.fields[:, 0])).detach()
    assert sample.gradient is not None
    doubled = replace(sample, gradient=2 * sample.gradient)
    right = torch.full((1, 16), TARGET)
    assert float(adjoint_error(exact, start, doubled, right, relative_floor=0.05).detach()) == pytest.approx(0.25)
    assert float(adjoint_error(exact, start, sample, -right, relative_floor=0.05).detach()) > 0.01


def test_gradients_near_the_target_count_as_those_far_from_it(exact: WorldModel, sample: Sensitivities) -> None:
    """Half of the samples, those of small gradients, twice too large: 1/2; with a high floor their share of all."""
    start, target = exact.encoder(exact.normalize(sample.fields[:, 0])).detach(), torch.full((1, 16), TARGET)
    assert sample.gradient is not None
    size = sample.gradient.square().sum(dim=(1, 2), keepdim=True)
    stored = torch.where(size < size.median(), 0.5, 1.0) * sample.gradient
    wrong = int((size < size.median()).sum())
    data = replace(sample, gradient=stored)
    relative = float(adjoint_error(exact, start, data, target, relative_floor=1e-9).detach())
    assert relative == pytest.approx(wrong / 12, rel=1e-3)
    share = float((stored - sample.gradient).square().sum() / stored.square().sum())
    absolute = float(adjoint_error(exact, start, data, target, relative_floor=1e6).detach())
    assert absolute == pytest.approx(share, rel=1e-3)


def test_directions_are_of_normalised_actions(exact: WorldModel, sample: Sensitivities, experiment: Config) -> None:
    """In a box that is twice as wide the same physical directions are half as long, wherever its middle is."""
    box = exact.actuators
    encoded = {k: v.unflatten(0, (12, 5)) for k, v in encode_sensitivities(exact, sample, {"tangent"}).items()}
    metric = exact.encoder.metric(0.5)
    exact.actuators = replace(box, low=2 * box.low + 1, high=2 * box.high + 1)
    assert sample.directions is not None
    halved = replace(sample, directions=sample.directions / 2)
    assert float(tangent_error(exact, encoded["base"], encoded["tangent"], halved, metric).detach()) < 1e-7
    assert float(tangent_error(exact, encoded["base"], encoded["tangent"], sample, metric).detach()) > 0.9


def test_twins_count_every_step_alike() -> None:
    """Differences that grow a hundredfold over the steps: an error in one of four steps is a quarter."""
    size = torch.tensor([1e-2, 1e-1, 1.0, 10.0])[:, None]
    base, twin = torch.randn(2, 16, 4, 6)
    encoded = torch.stack([base, base + size * twin])
    metric = torch.full((6,), 1 / 6)
    for step in range(4):
        imagined = encoded.clone()
        imagined[1, :, step] = imagined[0, :, step]
        assert float(twin_error(imagined, encoded, metric)) == pytest.approx(0.25, rel=1e-5)
    assert float(twin_error(encoded + 3.0, encoded, metric)) < 1e-6  # an offset of both is none of the difference


def test_tangents_of_rollouts_are_differences(model: WorldModel) -> None:
    """Forward mode through a random predictor, quadratic and affine in actions, against central differences."""
    model.double()
    start = torch.randn(3, model.latent_size, dtype=torch.float64)
    actions, directions = torch.randn(2, 3, 4, 4, dtype=torch.float64)

    def imagine(actions: Tensor) -> Tensor:
        return rollout(model, start, actions)

    found = derivative_along(imagine, actions, directions)[1]
    step = 1e-5
    with torch.no_grad():
        expected = (imagine(actions + step * directions) - imagine(actions - step * directions)) / (2 * step)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


def test_tangents_of_encoding_are_differences(model: WorldModel) -> None:
    """Forward mode through complex weights, in single precision."""
    fields, tangents = torch.randn(2, 5, 1, 32)
    found = derivative_along(model.encode, fields, tangents)[1]
    with torch.no_grad():
        expected = (model.encode(fields + 1e-2 * tangents) - model.encode(fields - 1e-2 * tangents)) / 2e-2
        assert (found - expected).norm() < 1e-3 * expected.norm()


@pytest.mark.parametrize("name", ALL)
def test_every_term_shapes_encoder_and_predictor(
    exact: WorldModel, sample: Sensitivities, batch: Batch, experiment: Config, name: str
) -> None:
    """Its gradient arrives at the latents of its own samples alone, and in the predictor; tangents by both modes."""
    with torch.no_grad():
        for parameter in exact.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    physics = experiment.loss.physics.model_copy(update=dict.fromkeys(ALL, 0.0) | {name: 1.0})
    settings = experiment.loss.model_copy(update={"physics": physics})
    objective = Objective(settings, exact, torch.full((1, 16), TARGET))
    terms = objective.terms(exact, batch, sample, torch.Generator().manual_seed(0))
    assert set(terms.predictive) & set(ALL) == {name}
    term, windows = terms.predictive[name], batch.fields.shape[0] * batch.fields.shape[1]
    at_latents, of_predictor = torch.autograd.grad(term, (terms.leaf, exact.predictor.decay.weight), retain_graph=True)
    assert torch.isfinite(at_latents).all()
    assert not at_latents[:windows].any()
    assert at_latents[windows:].any()
    assert of_predictor.any()
    terms.encoded.backward(at_latents)
    assert exact.encoder.skip.weight.grad is not None
    assert exact.encoder.skip.weight.grad.any()


def test_terms_without_their_data_are_refused(
    experiment: Config,
    data: Trajectories,
    sensitivity_set: SensitivitySet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Instead of being left out in silence."""
    with pytest.raises(InputError) as none:
        train(experiment, tmp_path, [data], data)
    assert len(none.value.problems) == 3
    monkeypatch.setattr(sensitivity_set, "has_tangents", False)
    with pytest.raises(InputError, match=r"loss\.physics\.tangents: expected sensitivities") as some:
        train(experiment, tmp_path, [data], data, sensitivity_set)
    assert len(some.value.problems) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d, ""),
        (lambda d: d.assign_coords(time=2 * d.time), r"time: expected steps of 0\.2, .*, got 0\.4"),
        (lambda d: d.isel(x=slice(None, None, 2)), "expected 16 points, .*, got 8 points"),
        (lambda d: d.assign_coords(x=d.x / 2), "sensitivity.nc: x: expected points from 0 to 5.89"),
        (lambda d: d.isel(actuator=slice(3)).drop_vars("actuator"), "expected 4 actuators, .*, got 3"),
        (lambda d: d.assign(action_high=3 * d.action_high), r"action_high: expected \[0\.7, "),
        (lambda d: d.assign(actuator_shape=d.actuator_shape.roll(x=1)), "actuator_shape: expected the actuators of"),
        (lambda d: d.drop_vars(["x", "actuator_shape"]), ""),
    ],
)
def test_sensitivities_of_another_simulation_are_refused(
    change: Callable[[xr.Dataset], xr.Dataset],
    told: str,
    data: Trajectories,
    sensitivity_set: SensitivitySet,
    tmp_path: Path,
) -> None:
    """Most of them would be learned from without a sign of it."""
    dataset = xr.load_dataset(sensitivity_set.path, engine="zarr", consolidated=False)
    path = tmp_path / "sensitivity.nc"
    change(dataset.drop_encoding()).to_netcdf(path, engine="netcdf4")
    with pytest.raises(InputError, match=told) if told else nullcontext():
        check_same_simulation(SensitivitySet(path, ["u"]), data)


# Inverse dynamics


@pytest.fixture
def inverse(exact: WorldModel) -> InverseDynamics:
    """A head of random weights."""
    torch.manual_seed(0)
    head = InverseDynamics(LossSettings(), exact, None)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(0, 0.1)
    return head


def encoded_windows(model: WorldModel, batch: Batch) -> Tensor:
    with torch.no_grad():
        return model.encode(batch.fields.flatten(0, 1)).unflatten(0, batch.fields.shape[:2])


def test_inverse_dynamics_move_with_the_flow(exact: WorldModel, inverse: InverseDynamics, batch: Batch) -> None:
    """Latents and actuators moved by any distance leave the error; latents alone do not."""
    latents = encoded_windows(exact, batch)
    error = float(inverse.error(exact, latents, batch.actions).detach())
    moved = translate(latents, exact.encoder.space, [0.3])
    assert float(inverse.error(exact, moved, batch.actions).detach()) != pytest.approx(error, rel=1e-3)
    exact.shapes = translate(exact.shapes, exact.encoder.shape_space, [0.3])
    assert float(inverse.error(exact, moved, batch.actions).detach()) == pytest.approx(error, rel=1e-4)


def test_a_head_that_reads_nothing_has_error_one(exact: WorldModel, inverse: InverseDynamics, batch: Batch) -> None:
    with torch.no_grad():
        for parameter in inverse.parameters():
            parameter.zero_()
    assert float(inverse.error(exact, encoded_windows(exact, batch), batch.actions).detach()) == pytest.approx(1.0)


@pytest.mark.parametrize("known", [True, False])
def test_the_forcing_of_a_linear_flow_is_found(
    exact: WorldModel, data: Trajectories, experiment: Config, known: bool
) -> None:
    """It is a linear map of both latents; without shapes the actions themselves are, which say where they act."""
    if not known:
        exact = WorldModel(experiment.model, replace(exact.domain, known_shapes=False))
        fit_scales(exact, torch.from_numpy(np.asarray(data.array("u")[:].reshape(-1, 1, 16))), None)
    torch.manual_seed(0)
    head = InverseDynamics(LossSettings(), exact, None)
    windows = Windows([data], exact.domain).draw(np.random.default_rng(1), 12, 12)
    latents = encoded_windows(exact, windows)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=400, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        error: Tensor = head.error(exact, latents, windows.actions)
        error.backward()
        return error

    optimizer.step(closure)
    assert float(head.error(exact, latents, windows.actions).detach()) < 0.05
    assert float(head.error(exact, latents, -windows.actions).detach()) > 1.0


# Training with all of it


@pytest.mark.parametrize("collapse", ["ema_target", "vicreg"])
def test_a_killed_training_with_all_of_it_gives_the_same_bytes(
    experiment: Config, data: Trajectories, sensitivity_set: SensitivitySet, tmp_path: Path, collapse: str
) -> None:
    """Moving average, sensitivities, augmentation, inverse dynamics, shell and ledger go on where they stood."""
    settings = experiment.model_dump()
    settings["model"]["ledger"] = True
    settings["loss"]["collapse"]["kind"] = collapse
    settings["loss"]["physics"] |= {"inverse": 0.5, "shell": 0.1}
    settings["training"] |= {"updates": 6, "updates_per_epoch": 2, "augmentation": ["shifts"]}
    config = parse_config(settings, where="test")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for run in (whole, killed):
        run.mkdir()
    train(config, whole, [data], data, sensitivity_set)
    for updates in (3, 1):
        with pytest.raises(Killed):
            train(config, killed, [data], data, sensitivity_set, advance=killed_at(updates))
    train(config, killed, [data], data, sensitivity_set)
    for name in ("model.safetensors", "model.json", "metrics.jsonl"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    lines = (whole / "metrics.jsonl").read_text()
    assert "NaN" not in lines
    for name in (*ALL, "inverse", "shell", "ledger_tie", "physics_at_encoder", "physics_at_predictor"):
        assert f'"train.{name}": ' in lines
    assert ('"train.variance": ' in lines) == (collapse == "vicreg")
    last = json.loads(lines.splitlines()[-1])
    assert all(last[f"gradient_norm.{name}"] > 0 for name in ALL)


def test_the_pipeline_asks_the_solver_and_learns_from_its_answers(experiment: Config, tmp_path: Path) -> None:
    """From states of the training set; a second call asks nothing again."""
    settings = experiment.model_dump()
    settings["data"]["sensitivities"] = {"samples": 6, "intervals": 3}
    settings["data"]["validation"]["simulations"] = settings["data"]["test"]["simulations"] = 4
    run = tmp_path / "run"
    stages.simulate(parse_config(settings, where="test"), run)
    held = SensitivitySet(RunPaths(run).store("sensitivity"), ["u"])
    stored = np.asarray(Trajectories(RunPaths(run).store("train")).array("u")[:]).reshape(-1, 16)
    starts = held.draw(np.random.default_rng(0), 6, 3).fields[:, 0, 0].numpy()
    assert all(np.any(np.all(np.isclose(stored, start, atol=1e-6), axis=1)) for start in starts)
    assert held.has_tangents
    assert held.has_gradient
    assert held.target() is not None
    before = {p: p.stat().st_mtime_ns for p in (run / "data").rglob("*") if p.is_file()}
    stages.simulate(parse_config(settings, where="test"), run)
    assert {p: p.stat().st_mtime_ns for p in (run / "data").rglob("*") if p.is_file()} == before
    markers = {p: p.read_text() for p in (run / "data" / "sensitivity.done").glob("[12].json")}
    for path in markers:
        path.unlink()
    with pytest.raises(InputError, match="a complete set, got 2 samples still to be computed"):
        stages.train(run)
    for path, mark in markers.items():
        path.write_text(mark)
    stages.train(run)
    assert ['"train.adjoints": ' in epoch for epoch in (run / "metrics.jsonl").read_text().splitlines()] == [
        False,
        True,
    ]
    used = read_description(run)["provenance"]["sensitivity_set"]
    assert used == {"name": "sensitivity.zarr", "samples": 6, "sha256": held.digest()}
    assert len(held.digest()) == 64
    assert any("sensitivities, 6 samples that may be used, as they were written" in line for line in check(run))


def test_answers_of_another_solver_are_learned_from_and_left_alone(experiment: Config, tmp_path: Path) -> None:
    """Before there is a run, beside its data; none are computed. Those in the place of our own are not overwritten."""
    settings = experiment.model_dump()
    settings["data"]["sensitivities"] = {"samples": 4, "intervals": 3}
    settings["data"]["validation"]["simulations"] = settings["data"]["test"]["simulations"] = 4
    config, own, other = parse_config(settings, where="test"), tmp_path / "own", tmp_path / "other"
    stages.simulate(config, own)
    answers = xr.open_zarr(RunPaths(own).store("sensitivity"), consolidated=False).load().drop_vars("status")
    (other / "data").mkdir(parents=True)
    answers.to_netcdf(RunPaths(other).twins, engine="netcdf4")
    before = RunPaths(other).twins.read_bytes()
    stages.simulate(config, other)
    assert not RunPaths(other).store("sensitivity").exists()
    stages.train(other)
    assert read_description(other)["provenance"]["sensitivity_set"]["name"] == "twins.nc"
    assert RunPaths(other).twins.read_bytes() == before
    assert any("twins.nc: sensitivities of another solver, 4 samples that may be used" in line for line in check(other))
    shutil.rmtree(own / "data" / "sensitivity.done")
    with pytest.raises(ValueError, match="expected a store of sensitivities that was written here"):
        stages.simulate(config, own)


def test_sensitivities_have_the_actuators_of_the_data_in_their_order(
    sensitivity_set: SensitivitySet, data: Trajectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name or number, or without labels."""
    names = list(data.actuators.names)
    for labels in (None, names, list(range(len(names)))):
        monkeypatch.setattr(sensitivity_set, "labels", labels)
        check_same_simulation(sensitivity_set, data)
    monkeypatch.setattr(sensitivity_set, "labels", names[::-1])
    with pytest.raises(InputError, match=r"actuator: expected .*, in this order"):
        check_same_simulation(sensitivity_set, data)


def test_a_model_does_not_name_sensitivities_that_it_did_not_learn_from(
    experiment: Config, data: Trajectories, sensitivity_set: SensitivitySet, tmp_path: Path
) -> None:
    """Without a weight they taught it nothing."""
    settings = experiment.model_dump()
    settings["loss"]["physics"] |= dict.fromkeys(ALL, 0.0)
    train(parse_config(settings, where="test"), tmp_path, [data], data, sensitivity_set)
    assert "sensitivity_set" not in read_description(tmp_path)["provenance"]


def test_sensitivities_in_small_units_are_compared_as_in_others(
    sensitivity_set: SensitivitySet, data: Trajectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of picometres and intervals of picoseconds are three times as large, or a millionth larger."""
    box = data.actuators
    for factor, told in ((1 + 1e-6, ""), (3.0, "action_low.*\n.*action_high")):
        for one, bounds in ((data, 1e-12), (sensitivity_set, 1e-12 * factor)):
            monkeypatch.setattr(one, "actuators", ActionBox(box.names, bounds * box.low, bounds * box.high))
        with pytest.raises(InputError, match=told) if told else nullcontext():
            check_same_simulation(sensitivity_set, data)
    monkeypatch.setattr(sensitivity_set, "actuators", data.actuators)
    for factor, told in ((1 + 1e-6, ""), (3.0, "time: expected steps of 1e-12")):
        monkeypatch.setattr(data, "control_interval", 1e-12)
        monkeypatch.setattr(sensitivity_set, "control_interval", factor * 1e-12)
        with pytest.raises(InputError, match=told) if told else nullcontext():
            check_same_simulation(sensitivity_set, data)
