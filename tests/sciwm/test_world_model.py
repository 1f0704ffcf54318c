"""Encoder, predictor and heads: symmetry, resolution, structure of the action path."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from altered import cleared
from torch import Tensor

import simulations
from sciwm.config import Config
from sciwm.data import Trajectories, Windows
from sciwm.dynamics import rollout
from sciwm.errors import InputError
from sciwm.loss.terms import budget_residual
from sciwm.model import WorldModel
from sciwm.model.spaces import translate
from sciwm.model.spaces.dense import in_parts
from sciwm.training import build_model


@pytest.fixture
def fields(training_set: Trajectories) -> Tensor:
    """Eight instants of the training data, ``(8, 1, 32)``."""
    return torch.from_numpy(np.asarray(training_set.array("u")[:8, 10]))[:, None]


def _refine(fields: Tensor, points: int) -> Tensor:
    """The same function on more points, by its Fourier series."""
    return torch.fft.irfft(torch.fft.rfft(fields), n=points) * (points / fields.shape[-1])


def test_what_a_model_cannot_encode_or_read_is_told(model: WorldModel, fields: Tensor) -> None:
    """Fields that alias, and readouts that nobody fitted."""
    (fewest,) = model.fewest_points
    assert model.encode(_refine(fields, fewest)).shape == (8, model.state_size)
    with pytest.raises(InputError, match=f"fields: expected at least {fewest} points, got {fewest - 2}"):
        model.encode(_refine(fields, fewest - 2))
    with pytest.raises(InputError, match=r"readout: expected some of fields, .*energy.*, got entropy"):
        model.readout(model.encode(fields), ["fields", "entropy"])


def test_encoding_commutes_with_translation(model: WorldModel, fields: Tensor) -> None:
    """Shifting the fields by whole points turns the latent, up to the aliasing of the encoder's activations."""
    encoded, shifted = model.encode(fields), model.encode(fields.roll(5, dims=-1))
    turned = translate(encoded, model.encoder.space, [5 * 2 * np.pi / fields.shape[-1]])
    assert (shifted - turned).norm() < 1e-4 * encoded.norm()


def test_the_same_function_has_the_same_latent_at_any_resolution(model: WorldModel, fields: Tensor) -> None:
    """64 and 128 points of one function encode alike; only activations between grid points differ."""
    coarse, fine = model.encode(_refine(fields, 64)), model.encode(_refine(fields, 128))
    assert (coarse - fine).norm() < 1e-3 * coarse.norm()


@pytest.mark.parametrize("action_path", ["additive", "affine", "general"])
def test_prediction_commutes_with_translation_of_state_and_forcing(
    make_config: Callable[..., Config], training_set: Trajectories, fields: Tensor, action_path: str
) -> None:
    """``F(R z, R f) = R F(z, f)`` for any distance, below 1e-4, whatever the weights are."""
    config = make_config(model={"predictor": {"action_path": action_path}})
    model = build_model(config, training_set)
    with torch.no_grad():
        for parameter in model.predictor.parameters():
            parameter.add_(0.1 * parameter.requires_grad * torch.randn_like(parameter))
    assert model.shapes is not None
    space, action, z = model.encoder.space, torch.rand(8, 4) - 0.5, model.encode(fields)
    moved_shapes = translate(model.shapes, model.encoder.shape_space, [0.4])
    moved = model.predictor.stepper(moved_shapes)(translate(z, space, [0.4]), action)
    still = model.predictor.stepper(model.shapes)(z, action)
    assert (moved - translate(still, space, [0.4])).norm() < 1e-4 * still.norm()
    unmoved = model.predictor.stepper(model.shapes)(translate(z, space, [0.4]), action)
    assert (unmoved - translate(still, space, [0.4])).norm() > 1e-3 * still.norm()


def test_known_forcing_starts_as_one_euler_step(config: Config, training_set: Trajectories, fields: Tensor) -> None:
    """Before training an action adds interval x forcing to the fields, where the shapes are known."""
    model = build_model(config, training_set)
    with torch.no_grad():
        model.predictor.tendency.product.back.weight.zero_()
        model.predictor.substeps, model.predictor.tendency.correction.weight.data = (
            1,
            0 * model.predictor.tendency.correction.weight,
        )
        for parameter in model.decoder.quadratic.parameters():
            parameter.zero_()
        action, state = torch.rand(8, 4) - 0.5, model.encode(fields)
        pair = [model.advance(state, a) for a in (action, 0 * action)]
        effect = torch.sub(*(model.readout(after, ["fields"])["fields"] for after in pair))[:, 0]
    shapes = torch.from_numpy(training_set.forcing_shapes[:, 0]).float()
    hat = torch.fft.rfft(action @ shapes)
    hat[:, config.model.latent_modes + 1 :] = 0
    expected = config.simulation.control_interval / config.model.predictor.substeps * torch.fft.irfft(hat, n=32)
    torch.testing.assert_close(effect, expected, atol=1e-4, rtol=0)


def test_before_training_the_decoder_inverts_the_encoder(config: Config, training_set: Trajectories) -> None:
    """A fresh model holds scaled Fourier coefficients: decoding returns the resolved part of the fields."""
    fresh = build_model(config, training_set)
    fields = torch.from_numpy(np.asarray(training_set.array("u")[:8, 10]))[:, None]
    with torch.no_grad():
        for parameter in fresh.decoder.quadratic.parameters():
            parameter.zero_()
        decoded = fresh.readout(fresh.encode(fields), ["fields"])["fields"]
    resolved = torch.fft.rfft(fields)
    resolved[..., config.model.latent_modes + 1 :] = 0
    torch.testing.assert_close(decoded, torch.fft.irfft(resolved, n=32), atol=1e-4, rtol=0)


def test_latents_have_unit_variance_before_training(config: Config, training_set: Trajectories) -> None:
    """The fixed scales whiten what carries energy."""
    fresh = build_model(config, training_set)
    fields = torch.from_numpy(np.asarray(training_set.array("u")[:]).reshape(-1, 1, 32))
    deviation = fresh.encode(fields).std(dim=0)
    assert torch.allclose(deviation[:3], torch.ones(3), atol=0.5)


@pytest.mark.parametrize("path", ["additive", "affine", "general"])
def test_action_path(make_config: Callable[..., Config], training_set: Trajectories, path: str) -> None:
    """One short substep answers linearly to the action unless the path is general."""
    config = make_config(
        model={"latent_modes": 6, "encoder": {"width": 8, "layers": 2, "modes": 8}, "predictor": {"action_path": path}}
    )
    model = build_model(config, training_set)
    predictor = model.predictor
    with torch.no_grad():
        for parameter in (*predictor.tendency.modulation.parameters(), *predictor.tendency.forcing.parameters()):
            parameter.normal_()
        predictor.tendency.correction.weight.zero_()  # one stage: the tendency itself
    predictor.substeps = 1
    step, state = predictor.stepper(model.shapes), torch.randn(3, model.latent_size)
    a, b = torch.randn(2, 3, 4)
    curvature = step(state, a + b) - step(state, a) - step(state, b) + step(state, torch.zeros_like(a))
    assert (curvature.norm() > 1e-4) == (path == "general")
    effect = [step(s, a) - step(s, torch.zeros_like(a)) for s in (state, state + 1)]
    assert torch.allclose(*effect, atol=1e-4) == (path == "additive")


def test_large_batches_are_taken_in_parts(model: WorldModel, fields: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same latents and fields; with gradients the batch is taken whole."""
    action, whole = torch.rand(8, 4), model.encode(fields).detach()
    taken = []

    def step(z: Tensor, action: Tensor) -> Tensor:
        taken.append(len(z))
        return z + action.sum(dim=1, keepdim=True)

    model.freeze()
    with torch.no_grad():
        expected = model.advance(whole, action), model.readout(whole, ["fields"])["fields"]
        monkeypatch.setattr("sciwm.model.spaces.dense.CACHED_NUMBERS", 12)
        torch.testing.assert_close(in_parts(step, 4)(whole, action), step(whole, action))
    in_parts(step, 4)(whole, action)
    assert taken == [3, 3, 2, 8, 8]
    model.freeze()
    with torch.no_grad():
        torch.testing.assert_close((model.advance(whole, action), model.readout(whole, ["fields"])["fields"]), expected)


def test_rollout_is_repeated_advance_and_differentiable(model: WorldModel, fields: Tensor) -> None:
    """One function for all dynamics; gradients reach the first action."""
    actions = torch.rand(8, 3, 4, requires_grad=True)
    with model.assembled():
        states = rollout(model, model.encode(fields), actions)
    again = model.encode(fields)
    for t in range(3):
        again = model.advance(again, actions[:, t])
    torch.testing.assert_close(states[:, -1], again)
    (gradient,) = torch.autograd.grad(states[:, -1].sum(), [actions])
    assert (gradient[:, 0].abs().amax(dim=1) > 0).all()


def test_frozen_model_gives_the_same_values(model: WorldModel, fields: Tensor) -> None:
    """Assembling the matrices once changes nothing but the time."""
    action = torch.rand(8, 4)
    before = model.advance(model.encode(fields), action)
    decoded = model.readout(before, ["fields"])["fields"]
    model.freeze()
    assert torch.equal(model.advance(model.encode(fields), action), before)
    torch.testing.assert_close(model.readout(before, ["fields"])["fields"], decoded, rtol=1e-4, atol=1e-5)
    assert not any(p.requires_grad for p in model.parameters())


def test_heads_are_fitted_to_the_budgets_of_the_data(config: Config, training_set: Trajectories) -> None:
    """Before any update energy is read to a hundredth of its changes, and its budget closes as well."""
    model = build_model(config, training_set)
    energy = next(i for i, f in enumerate(model.domain.functionals) if f.name == "energy")
    batch = Windows([training_set], model.domain).draw(np.random.default_rng(7), 24, 1)
    before, after = (model.encode(batch.fields[:, t]).detach() for t in (0, 1))
    scales = model.domain.functionals[energy]
    changes = [
        model.functionals(state)[:, energy] - batch.functionals[:, t, energy] for t, state in enumerate((before, after))
    ]
    assert (changes[1] - changes[0]).std() * scales.deviation < 0.01 * scales.change_deviation
    right, wrong = (
        budget_residual(model, before, sign * batch.actions[:, 0], after)[:, energy].std() for sign in (1, -1)
    )
    assert right < 0.005
    assert right < 0.2 * wrong


def test_mass_budget_closes_on_true_transitions(config: Config, training_set: Trajectories) -> None:
    """With heads set by hand to M = <u>, S = 0, y_j = <g_j>, the residual of true transitions is rounding."""
    model = build_model(config, training_set)
    simulation = simulations.build(config.simulation.model_dump())
    mass = next(i for i, f in enumerate(model.domain.functionals) if f.name == "mass")
    scales = model.domain.functionals[mass]
    u, heads = model.domain.variables[0], cleared(model.heads)
    with torch.no_grad():
        mean_coefficient = model.encoder.scale[0, 0] * u.deviation
        heads.values.weight[0, mass] = mean_coefficient / scales.deviation
        heads.values.bias[mass] = (u.mean - scales.mean) / scales.deviation
        heads.sources.bias[mass] = -scales.source_mean / scales.source_deviation
        shapes = torch.from_numpy(simulation.forcing_shapes[:, 0]).float().mean(dim=1)
        heads.outputs.bias.view(heads.shape)[mass] = shapes / scales.output_deviation
        values = torch.from_numpy(np.asarray(training_set.array("u")[:, 5:7]))
        before, after = (model.encode(values[:, [t]]) for t in (0, 1))
        action = torch.from_numpy(np.asarray(training_set.array("action")[:, 5]))
        residual = budget_residual(model, before, action, after)[:, mass]
    forced = action.abs().amax(dim=1) > 0
    assert forced.any()
    assert residual.abs().max() < 1e-3
    assert budget_residual(model, before, -action, after)[forced, mass].abs().mean() > 0.1
