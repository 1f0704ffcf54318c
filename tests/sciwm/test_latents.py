"""Every kind of latent and predictor: built, trained, saved, loaded, rolled out; one and two dimensions, and walls."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import load_file
from torch import Tensor

import sciwm
import simulations
from sciwm.config import Config, parse_config
from sciwm.config.model import EncoderSettings
from sciwm.data import Trajectories, Windows, open_trajectories
from sciwm.dynamics import encode_trajectory, rollout
from sciwm.errors import InputError
from sciwm.evaluation import translation_errors
from sciwm.evaluation.suite import budgets_under_unseen_actions, measure_rollouts
from sciwm.evaluation.symmetry import translated
from sciwm.loss import Objective
from sciwm.model import LinearReadout, WorldModel, fit_forcing, fit_scales
from sciwm.model.conservation import places_of_means
from sciwm.model.principal_modes import MOST_SNAPSHOTS, principal_modes
from sciwm.model.spaces import SpectralSpace, translate
from sciwm.model.spaces.fourier import along_axes, basis
from sciwm.model.spectral_encoder import SpectralEncoder
from sciwm.model.vector_encoder import VectorEncoder
from sciwm.training import build_model, train
from simulations import BoundedGrid, build, gaussian_jets, run_episodes
from simulations.equations import BurgersDirichlet
from simulations.generate import Recipe, generate
from simulations.store import TrajectoryStore

SMALL = {"latent_modes": 6, "encoder": {"width": 6, "modes": 6}}
BENT = {"width": 6, "layers": 2, "modes": 6}
SHORT = {"updates": 4, "updates_per_epoch": 2, "batch_size": 8, "learning_rate": 1e-3}
KINDS: dict[str, dict[str, Any]] = {
    "spectral": {},
    "nonlinear": {"encoder": BENT},
    "channels": {"latent_channels": 2},
    "vector": {"latent": "vector", "latent_size": 12},
    "fields": {"latent": "fields", "encoder": BENT},
    "ledger": {"latent": "vector", "latent_size": 12, "ledger": True},
    "linear": {"predictor": {"kind": "linear"}},
    "free": {"predictor": {"equivariant": False, "action_path": "general"}},
    "slaved": {"predictor": {"slaved_modes": 3}},
    "free slaved": {"predictor": {"slaved_modes": 3, "equivariant": False}},
    "free linear": {"predictor": {"kind": "linear", "equivariant": False, "steady_forcing": ("x",)}},
    "waves": {"encoder": {"layers": 0}},
    "read as fitted": {"decoder_rank": 0},
    "steady fields": {"latent": "fields", "encoder": BENT, "predictor": {"steady_forcing": ("x",)}},
}


@pytest.fixture(scope="module")
def walled(tmp_path_factory: pytest.TempPathFactory) -> Trajectories:
    """Burgers' equation between walls, under random forcing."""
    grid = BoundedGrid.nodes(24)
    jets = gaussian_jets(grid, count=3, width=0.1, limit=1.0)
    simulation = BurgersDirichlet(
        grid, jets, control_interval=0.05, steps_per_interval=20, parameters={"viscosity": 0.05}
    )
    path, rng = tmp_path_factory.mktemp("walled") / "train.zarr", np.random.default_rng(0)
    store = TrajectoryStore.open_or_create(path, simulation, simulations=16, intervals=10, title="", settings={})
    starts = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(16)]))
    held = 2 * torch.rand(16, 10, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    store.write(range(16), run_episodes(simulation, starts, lambda fields, t: held[:, t], range(10)), simulation)
    return Trajectories(path)


@pytest.fixture(scope="module")
def flow_config() -> Config:
    """A tiny flow in a periodic square."""
    split = {"simulations": 6, "intervals": 8}
    tree = {
        "name": "flow",
        "simulation": {
            "equation": "navier_stokes",
            "num_points": [16, 16],
            "domain_extent": 2 * math.pi,
            "control_interval": 0.2,
            "steps_per_interval": 4,
            "parameters": {"viscosity": 0.05, "forcing_wavenumber": 2},
            "jets": {"count": [2, 2], "width": 0.9, "limit": 2.0, "normalization": "peak"},
        },
        "data": {"train": split | {"simulations": 12}, "validation": split, "test": split, "warm_up": 10, "batch": 6},
        "model": {
            "latent_modes": 4,
            "encoder": {"width": 4, "modes": 4, "layers": 1},
            "predictor": {"rank": 4, "steady_forcing": ["x", "y"]},
            "decoder_rank": 2,
        },
        "loss": {"horizon": 3},
        "training": {"updates": 20, "updates_per_epoch": 20, "batch_size": 8},
        "planning": {"horizon": 4, "planner": {"iterations": 2}, "terminal": "none"},
        "evaluation": {"steps": 8},
        "control": {"episodes": 2, "intervals": 8, "first": 4, "last": 2, "oracle_cem": {"samples": 8, "elites": 2}},
    }
    return parse_config(tree, where="test")


@pytest.fixture(scope="module")
def flows(flow_config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trajectories, Trajectories]:
    """What is learned from, and what is held out."""
    folder, settings = tmp_path_factory.mktemp("flow"), flow_config.simulation.model_dump()
    for seed, (name, count) in enumerate({"train": 12, "validation": 6}.items()):
        generate(build(settings), Recipe(count, 8, 10, seed=seed, batch=6), folder / f"{name}.zarr", settings=settings)
    return Trajectories(folder / "train.zarr"), Trajectories(folder / "validation.zarr")


def first_fields(data: Trajectories, count: int = 4) -> Tensor:
    return torch.from_numpy(np.stack([data.array(v.name)[:count, 0] for v in data.variables], axis=1))


# All kinds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_from_data_to_forecast(
    make_config: Callable[..., Config],
    training_set: Trajectories,
    validation_set: Trajectories,
    tmp_path: Path,
    kind: str,
) -> None:
    """Trained for a few updates and loaded from disk it forecasts what it did before, within the data's bounds."""
    config = make_config(model=SMALL | KINDS[kind], training=SHORT, loss={"horizon": 3})
    train(config, tmp_path, [training_set], validation_set)
    (state,) = tmp_path.glob("train_state-*.safetensors")
    trained = build_model(config, training_set)
    best = {name.removeprefix("best."): v for name, v in load_file(state).items() if name.startswith("best.")}
    like = trained.state_dict()
    trained.load_state_dict({k: torch.view_as_complex(v) if like[k].is_complex() else v for k, v in best.items()})
    surrogate, stored = sciwm.load(tmp_path), open_trajectories(validation_set.path).load()
    forecast = surrogate.rollout(stored.isel(time=0), stored["action"].isel(time=slice(6)))
    assert np.isfinite(forecast["u"]).all()
    assert float(abs(forecast["u"]).max()) < 10 * float(abs(stored["u"]).max())
    fields = torch.from_numpy(stored["u"].values[:, 0])[:, None]
    with torch.no_grad():
        states = rollout(trained, trained.encode(fields), torch.from_numpy(stored["action"].values[:, :6]))
        last = trained.readout(states[:, -1], ["fields"])["fields"][:, 0]
    np.testing.assert_allclose(forecast["u"].isel(time=6), last, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("latent", ["vector", "fields"])
def test_between_walls(make_config: Callable[..., Config], walled: Trajectories, tmp_path: Path, latent: str) -> None:
    """On a bounded grid rollouts are predicted better than by copying, after a few updates."""
    model = SMALL | {"latent": latent, "latent_size": 5, "encoder": BENT}
    training = {"updates": 40, "updates_per_epoch": 40, "batch_size": 16, "learning_rate": 3e-3}
    train(make_config(model=model, training=training, loss={"horizon": 3}), tmp_path, [walled], walled)
    (history,) = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert history["held_out.error"] < 0.9
    surrogate, stored = sciwm.load(tmp_path), open_trajectories(walled.path).load()
    forecast = surrogate.rollout(stored.isel(time=0), stored["action"].isel(time=slice(3)))
    assert np.isfinite(forecast["u"]).all()
    assert stored["x"].attrs["boundary"] == forecast["x"].attrs["boundary"] == "bounded"


@pytest.mark.parametrize("kind", ["vector", "fields", "linear", "free"])
def test_actuators_that_are_not_known_are_learned(
    make_config: Callable[..., Config], training_set: Trajectories, kind: str
) -> None:
    """Without shapes every path from the actions is free: each has an effect of its own, and a gradient."""
    config = make_config(model=SMALL | KINDS[kind])
    domain = replace(build_model(config, training_set).domain, known_shapes=False)
    torch.manual_seed(0)
    model = WorldModel(config.model, domain)
    fit_scales(model, first_fields(training_set, 24), None)
    assert model.shapes is None
    if kind == "fields":
        torch.nn.init.normal_(model.predictor.operator.projection.weight)
    state = model.encode(first_fields(training_set))
    effects = torch.stack([model.advance(state, a.expand(4, 4)) for a in torch.eye(4)]) - model.advance(
        state, torch.zeros(4, 4)
    )
    assert (effects.norm(dim=2) > 1e-4).all()
    assert torch.linalg.matrix_rank(effects[:, 0].detach()) == 4
    effects.square().sum().backward()
    learned = getattr(model.predictor, "tendency", model.predictor).forcing
    free = learned if kind == "fields" else learned.free
    assert free.grad is not None
    assert free.grad.any(dim=1).all()


def test_precision_of_fields_and_actions_does_not_matter(model: WorldModel, training_set: Trajectories) -> None:
    """Those of a solver in double precision are taken as they come."""
    fields, actions = first_fields(training_set), torch.rand(4, 3, 4)
    single = rollout(model, model.encode(fields), actions)
    double = rollout(model, model.encode(fields.double()), actions.double())
    assert double.dtype == torch.float32
    torch.testing.assert_close(double, single, atol=1e-5, rtol=1e-5)


def test_assembling_leaves_a_frozen_model_frozen(model: WorldModel) -> None:
    """Within the context and after it."""
    model.freeze()
    before = model._assembled
    with model.assembled():
        assert model._assembled is not before
    assert model._assembled is before


# Vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [40, 5000])
def test_principal_modes_of_known_fields(samples: int) -> None:
    """Three orthogonal waves of deviation 3, 2 and 1 about a mean: those, in this order, up to sign."""
    x = torch.arange(32) * (2 * math.pi / 32)
    waves = torch.stack([(k * x).sin() for k in (1, 2, 3)]) * math.sqrt(2 / 32)
    amplitudes = torch.randn(samples, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    amplitudes = torch.linalg.qr(amplitudes - amplitudes.mean(dim=0))[0] * math.sqrt(samples - 1)
    fields = (amplitudes.float() * torch.tensor([3.0, 2.0, 1.0])) @ waves + 5.0
    modes, deviation = principal_modes(fields[:, None], 3)
    taken = fields[:: -(-samples // MOST_SNAPSHOTS), None]
    assert len(taken) <= MOST_SNAPSHOTS
    torch.testing.assert_close(deviation, principal_modes(taken, 3)[1], rtol=3e-3, atol=0)  # means are of all of them
    tolerance = 1e-4 if samples == 40 else 0.1  # of many fields some are taken
    torch.testing.assert_close(deviation, torch.tensor([3.0, 2.0, 1.0]), rtol=tolerance, atol=0)
    overlap = (modes[:, 0] @ waves.T).abs()
    torch.testing.assert_close(overlap, torch.eye(3), atol=max(tolerance, 1e-3), rtol=0)
    torch.testing.assert_close(modes[:, 0] @ modes[:, 0].T, torch.eye(3), atol=1e-5, rtol=0)


def test_a_fresh_vector_latent_is_the_best_linear_one(walled: Trajectories, make_config: Callable[..., Config]) -> None:
    """White on the training data; decoding returns the projection, whose error is the variance left out."""
    config = make_config(model=SMALL | {"latent": "vector", "latent_size": 5})
    model = build_model(config, walled)
    with torch.no_grad():
        for parameter in model.decoder.quadratic.parameters():
            parameter.zero_()
        fields = torch.from_numpy(np.asarray(walled.array("u")[:]).reshape(-1, 1, 24)).float()
        latent = model.encode(fields)
        decoded = model.readout(latent, ["fields"])["fields"]
    torch.testing.assert_close(torch.cov(latent.T), torch.eye(5), atol=1e-3, rtol=0)
    singular = torch.linalg.svdvals((fields - fields.mean(dim=0)).flatten(1).double())
    left_out = float(singular[5:].square().sum() / singular.square().sum())
    error = float((decoded - fields).square().sum() / (fields - fields.mean(dim=0)).square().sum())
    assert error == pytest.approx(left_out, rel=1e-2)
    assert 1e-6 < left_out < 0.1


def test_more_numbers_than_modes_are_refused(make_config: Callable[..., Config], walled: Trajectories) -> None:
    """24 points hold no more than 24 of them."""
    config = make_config(model=SMALL | {"latent": "vector", "latent_size": 25})
    with pytest.raises(InputError, match=r"model\.latent_size: expected at most 24, .* got 25"):
        build_model(config, walled)


def test_the_operator_sees_continuous_fields_between_walls(
    make_config: Callable[..., Config], walled: Trajectories
) -> None:
    """Mirrored at the ends: turning the fields round turns the correction round."""
    encoder = build_model(make_config(model=SMALL | {"latent": "vector", "latent_size": 5}), walled).encoder
    assert isinstance(encoder, VectorEncoder)
    seen: list[Tensor] = []
    encoder.operator.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    fields = first_fields(walled).float()
    encoder(fields)
    assert seen[0].shape[-1] == 48
    assert torch.equal(seen[0], seen[0].flip(-1))
    assert torch.equal(seen[0][..., :24], fields)


# Two dimensions --------------------------------------------------------------------------------


def test_flows_are_learned_and_forecast_by_name(
    flow_config: Config, flows: tuple[Trajectories, Trajectories], tmp_path: Path
) -> None:
    """A few updates predict held-out flows better than copying; dimensions may come in any order."""
    train(flow_config, tmp_path, [flows[0]], flows[1])
    surrogate, stored = sciwm.load(tmp_path), open_trajectories(flows[1].path).load()
    assert surrogate.model.latent_size == 81
    history = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert history[-1]["held_out.error"] < 0.5
    held_out = surrogate.rollout(stored.isel(time=0), stored["action"])
    turned = surrogate.rollout(stored.isel(time=0).transpose("y", ...), stored["action"].transpose("time", ...))
    xr.testing.assert_allclose(turned["w"].transpose(*held_out["w"].dims), held_out["w"], atol=1e-5)


@pytest.mark.parametrize(
    ("predictor", "far"),
    [
        ({"kind": "linear"}, [0.4, -1.1]),
        ({"action_path": "general"}, [0.4, -1.1]),
        ({"equivariant": False}, [0.4, -1.1]),
        ({"slaved_modes": 2}, [0.4, -1.1]),
        ({"slaved_modes": 2, "steady_forcing": ("y",)}, [0.4, 0.0]),
        ({"steady_forcing": ("y",)}, [0.4, 0.0]),
        ({"steady_forcing": ("x",)}, [0.0, -1.1]),
    ],
)
def test_flows_and_forcing_move_together(
    flow_config: Config, flows: tuple[Trajectories, Trajectories], predictor: dict[str, Any], far: list[float]
) -> None:
    """By any distance along axes on which nothing is steady, to 1e-4 and whatever the weights are; if symmetric."""
    settings = flow_config.model.predictor.model_copy(update={"steady_forcing": ()} | predictor)
    config = flow_config.model_copy(update={"model": flow_config.model.model_copy(update={"predictor": settings})})
    model = build_model(config, flows[0])
    with torch.no_grad():
        for parameter in model.predictor.parameters():
            parameter.add_(0.03 * parameter.requires_grad * torch.randn_like(parameter))
    assert model.shapes is not None
    action, z = torch.rand(4, 4) - 0.5, model.encode(first_fields(flows[0])).detach()
    moved_shapes = translate(model.shapes, model.encoder.shape_space, far)
    with torch.no_grad():
        moved = model.predictor.stepper(moved_shapes)(translate(z, model.encoder.space, far), action)
        still = translate(model.predictor.stepper(model.shapes)(z, action), model.encoder.space, far)
    assert ((moved - still).norm() < 1e-4 * still.norm()) == settings.equivariant


def test_waves_are_moved_by_any_distance() -> None:
    """``sin(x - a) cos(2 (y - b))``, in one dimension and in two."""
    x, y = (torch.arange(n, dtype=torch.float64) * 2 * math.pi / n for n in (12, 16))
    torch.testing.assert_close(translated(x.sin(), [0.7]), (x - 0.7).sin())
    fields = x[:, None].sin() * (2 * y).cos()
    torch.testing.assert_close(translated(fields, [0.7, -1.9]), (x[:, None] - 0.7).sin() * (2 * (y + 1.9)).cos())


@pytest.mark.parametrize("equivariant", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
def test_what_does_not_follow_translation_is_told(
    flow_config: Config, flows: tuple[Trajectories, Trajectories], equivariant: bool, layers: int
) -> None:
    """Predictors that are not built for it, and, by the aliasing of activations, nonlinear encoders."""
    tree = flow_config.model_dump()
    tree["model"]["predictor"] |= {"equivariant": equivariant, "steady_forcing": ()}
    tree["model"]["encoder"] |= {"layers": layers}
    model = build_model(parse_config(tree, where="test"), flows[0])
    with torch.no_grad():
        for parameter in (*model.predictor.parameters(), model.encoder.operator.projection.weight):
            parameter.add_(0.1 * torch.randn_like(parameter))
    smooth = model.readout(model.encode(first_fields(flows[0])), ["fields"])["fields"].detach()
    found = translation_errors(model, smooth, torch.rand(len(smooth), 4) - 0.5)
    assert dict(found.sizes) == {"shift": 8, "sample": len(smooth)}
    assert (float(found["predictor_error"].max()) < 1e-4) == equivariant
    assert (float(found["encoder_error"].max()) < 1e-4) == (layers == 1)
    by_points = model.encoder(model.normalize(smooth.roll(8, -1)))
    moved = translate(model.encoder(model.normalize(smooth)), model.encoder.space, [0.0, math.pi])
    torch.testing.assert_close(by_points, moved, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "predictor",
    [
        {"action_path": "additive", "slaved_modes": 2, "steady_forcing": ("y",)},
        {"action_path": "affine"},
        {"action_path": "general"},
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_steps_are_the_same_wave_by_wave(
    flow_config: Config,
    flows: tuple[Trajectories, Trajectories],
    monkeypatch: pytest.MonkeyPatch,
    predictor: dict[str, Any],
    channels: int,
) -> None:
    """And so are their gradients: how numbers are held does not matter."""
    tree = flow_config.model_dump()
    tree["model"] |= {"latent_channels": channels, "predictor": tree["model"]["predictor"] | predictor}
    model = build_model(parse_config(tree, where="test"), flows[0])
    with torch.no_grad():
        for parameter in model.predictor.parameters():
            parameter.add_(0.03 * torch.randn_like(parameter))
    z, action = torch.randn(4, model.latent_size), torch.rand(4, 4) - 0.5
    weights = [p for p in model.predictor.parameters() if p.requires_grad]

    def stepped() -> tuple[Tensor, tuple[Tensor, ...]]:
        after = model.predictor.stepper(model.shapes)(z, action)
        return after, torch.autograd.grad(after.square().mean(), weights)

    (whole, of_whole), _ = stepped(), monkeypatch.setattr("sciwm.model.tendency.step_layout.DENSE_ENTRIES", 0)
    by_waves, of_waves = stepped()
    torch.testing.assert_close(by_waves, whole, rtol=1e-4, atol=1e-5)
    for one, other in zip(of_waves, of_whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5 * float(other.abs().max() + 1e-3))


@pytest.mark.parametrize("count", [3, 100])
@pytest.mark.parametrize(
    ("dimensions", "modes", "operator_modes", "variables", "channels"),
    [(1, 7, 10, 1, 1), (1, 9, 4, 2, 3), (2, 4, 5, 1, 1), (2, 4, 3, 2, 2)],
)
def test_one_layer_is_known_by_its_answer_to_an_impulse(
    dimensions: int, modes: int, operator_modes: int, variables: int, channels: int, count: int
) -> None:
    """The operator itself makes the same latents, and the same gradients, of all fields together."""
    torch.manual_seed(0)
    space = SpectralSpace(channels, (modes,) * dimensions, (1.0,) * dimensions)
    settings = EncoderSettings(width=6, layers=1, modes=operator_modes)
    encoder = SpectralEncoder(variables, settings, space, places_of_means(space, [0]), 0)
    parameters = list(encoder.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(0.3 * torch.randn_like(parameter))
    fields = torch.randn(count, variables, *(24,) * dimensions)
    latents = encoder(fields)
    gradients = torch.autograd.grad(latents.square().mean(), parameters)

    seen = encoder.grids.resampled(fields, operator_modes, [4 * operator_modes] * dimensions)
    kept, correction = (encoder.grids.coefficients(f, space.modes) for f in (fields, encoder.operator(seen)))
    coefficients = torch.where(encoder.means, kept[:, encoder.copied], encoder.skip(kept) + correction)
    expected = coefficients.flatten(1)
    torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-5)
    largest = float(max(g.abs().max() for g in gradients))
    for found, of in zip(gradients, torch.autograd.grad(expected.square().mean(), parameters), strict=True):
        torch.testing.assert_close(found, of, rtol=1e-4, atol=1e-5 * largest)


def test_slaved_modes_make_a_step_that_of_a_larger_latent(
    flow_config: Config, flows: tuple[Trajectories, Trajectories]
) -> None:
    """The latent holds no more of it, at the start as at the end; and the actuators force it."""

    def build(modes: int, slaved: int) -> WorldModel:
        predictor = flow_config.model.predictor.model_copy(update={"slaved_modes": slaved})
        settings = {"latent_modes": modes, "predictor": predictor}
        return build_model(
            flow_config.model_copy(update={"model": flow_config.model.model_copy(update=settings)}), flows[0]
        )

    small, large = build(4, 2), build(6, 0)
    assert small.shapes is not None and large.shapes is not None
    assert small.latent_size == 9**2 and small.shapes.shape == large.shapes.shape
    with torch.no_grad():
        for parameter in small.predictor.parameters():
            parameter.add_(0.03 * torch.randn_like(parameter))
    large.predictor.load_state_dict(small.predictor.state_dict())
    z, action = small.encode(first_fields(flows[0])).detach(), torch.rand(4, 4) - 0.5
    with torch.no_grad():
        step = small.predictor.stepper(small.shapes)(z, action)
        stepped = large.predictor.stepper(small.shapes)(small.predictor.widening.widened(z), action)
    torch.testing.assert_close(small.predictor.widening.narrowed(stepped), step)
    assert stepped.norm() > 1.01 * step.norm()


def test_encoding_flows_by_parts_is_encoding_them(
    flow_config: Config, flows: tuple[Trajectories, Trajectories], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never more numbers at once than allowed, but at least one field."""
    model = build_model(flow_config, flows[0])
    fields = torch.from_numpy(np.asarray(flows[0].array("w")[:3]))[:, :, None]
    whole, sizes = model.encode(fields.flatten(0, 1)).unflatten(0, (3, 9)), []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda part: (sizes.append(len(part)), encode(part))[1])
    monkeypatch.setattr("sciwm.dynamics.NUMBERS_AT_ONCE", 256 * 5)
    torch.testing.assert_close(encode_trajectory(model, fields), whole)
    assert sizes == [5] * 5 + [2]
    monkeypatch.setattr("sciwm.dynamics.NUMBERS_AT_ONCE", 1)
    torch.testing.assert_close(encode_trajectory(model, fields), whole)


def test_rollouts_of_flows_are_measured(
    flow_config: Config, flows: tuple[Trajectories, Trajectories], tmp_path: Path
) -> None:
    """The numbers of the evaluation, for an untrained model."""
    model = build_model(flow_config, flows[0]).freeze()
    rollouts, metrics = measure_rollouts(flow_config, model, flows[1])
    assert rollouts["w_imagined"].dims == ("simulation", "time", "x", "y")
    assert metrics["latent"]["size"] == 81
    assert 1 < metrics["latent"]["participation_ratio"] < 81
    assert len(metrics["rollout"]["nrmse"]) == 8
    simulation = simulations.build(flow_config.simulation.model_dump())
    budgets = budgets_under_unseen_actions(flow_config, model, simulation)
    assert set(budgets.data_vars) == {"change_error", "stated_error", "residual"}
    assert dict(budgets.sizes) == {"sample": flow_config.control.episodes, "time": 8, "functional": 2}


@pytest.mark.parametrize("layers", [0, 1])
def test_only_decoders_with_products_learn(
    flow_config: Config, flows: tuple[Trajectories, Trajectories], layers: int
) -> None:
    """Whatever the encoder: with rank 0 a decoder gives back, without training, the waves that latents hold."""
    for rank in (2, 0):
        tree = flow_config.model_dump()
        tree["model"] |= {"decoder_rank": rank, "encoder": tree["model"]["encoder"] | {"layers": layers}}
        model = build_model(parse_config(tree, where="test"), flows[0])
        learned = sum(p.numel() for p in model.decoder.parameters() if p.requires_grad)
        assert (learned > 0) == (rank > 0) == (model.decoder.quadratic is not None)
    fields = model.normalize(torch.from_numpy(flows[0].array("w")[:, 0].copy())[:, None])
    held = model.decoder(model.encoder(fields))
    torch.testing.assert_close(model.encoder(held), model.encoder(fields), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model.decoder(model.encoder(held)), held, rtol=1e-4, atol=1e-4)


def test_decoder_error_of_flows(flow_config: Config, flows: tuple[Trajectories, Trajectories]) -> None:
    """Zero for resolved fields; ``<|u|^2 / (|u|^2 + floor)>`` of first and last ones if it decodes the mean."""
    model = build_model(flow_config, flows[0])
    batch = Windows([flows[0]], model.domain).draw(np.random.default_rng(0), 12, 2)
    objective = Objective(flow_config.loss, model)
    with torch.no_grad():
        for parameter in model.decoder.quadratic.parameters():
            parameter.zero_()
        resolved = model.readout(model.encode(batch.fields.flatten(0, 1)), ["fields"])["fields"]
        smooth = replace(batch, fields=resolved.unflatten(0, (12, 3)))
        terms = objective.terms(model, smooth, None, torch.Generator().manual_seed(0))
        assert float(objective.decoder_error(model, smooth, terms)) < 1e-8
        model.decoder.linear.weight.zero_()
        square = model.normalize(smooth.fields[:, [0, -1]]).square().mean(dim=(2, 3, 4))
        expected = float((square / (square + flow_config.loss.relative_floor)).mean())
        assert float(objective.decoder_error(model, smooth, terms)) == pytest.approx(expected, rel=1e-5)


def test_unknown_actuators_start_from_what_they_did(config: Config, training_set: Trajectories) -> None:
    """Least squares over the data finds nearly the forcing that known shapes give; zero for what never acted."""
    known = build_model(config, training_set)
    unknown = WorldModel(config.model, replace(known.domain, known_shapes=False))
    windows = Windows([training_set], known.domain).draw(np.random.default_rng(0), 2000, 1)
    fit_scales(unknown, windows.fields[:, 0], None)
    before, action, after = windows.fields[:, 0], windows.actions[:, 0].clone(), windows.fields[:, 1]
    fit_forcing(unknown, before, action, after, torch.zeros(len(action), 0))
    told, found = known.predictor.tendency.forcing.matrix(known.shapes), unknown.predictor.tendency.forcing.matrix(None)
    waves = [0, 1, 2, 3, 7, 8, 9]  # slow ones: over an interval the others forget their forcing
    assert torch.nn.functional.cosine_similarity(told[:, waves], found[:, waves]).min() > 0.9
    action[:, 0] = 0.0
    fit_forcing(unknown, before, action, after, torch.zeros(len(action), 0))
    assert unknown.predictor.tendency.forcing.matrix(None)[0].abs().max() < 1e-3


@pytest.mark.parametrize(("layers", "least", "most"), [(1, 0.0, 1e-3), (2, 1e-2, 1.0)])
def test_energy_is_quadratic_in_a_linear_latent_alone(
    make_config: Callable[..., Config], training_set: Trajectories, layers: int, least: float, most: float
) -> None:
    """Of fields that the latent resolves: one layer keeps what is quadratic so whatever its weights, two do not."""
    encoder = {"width": 8, "layers": layers, "modes": 8}
    model = build_model(make_config(model={"latent_modes": 6, "encoder": encoder}), training_set)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.encoder.parameters():
            noise = torch.randn(weight.shape, dtype=weight.dtype, generator=generator)
            weight.add_(0.3 * noise)
        waves = torch.randn(600, 1, 13, generator=generator)
        latents = model.encoder(along_axes(waves, [basis(6, 32)]))
    energy = waves.square().sum(dim=2)
    features = model.encoder.space.quadratics()
    readout = LinearReadout(features, features.count, 1)
    readout.fit(latents[:500], energy[:500])
    missed = (readout(latents[500:]) - energy[500:]).square().mean().sqrt() / energy[500:].std()
    assert least <= missed <= most
