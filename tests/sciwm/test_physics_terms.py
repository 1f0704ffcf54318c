"""Budgets, the ledger, growth outside the data, and what physics may do to the encoder."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from altered import cleared
from torch import Tensor

import sciwm
from sciwm.config import Config
from sciwm.data import Batch, Trajectories, Windows, open_trajectories
from sciwm.dynamics import encode_trajectory, rollout
from sciwm.loss import Objective, backward_balanced
from sciwm.loss.terms import budget_residual
from sciwm.loss.terms.counterfactual import any_action
from sciwm.loss.terms.heads import head_error
from sciwm.loss.terms.ledger import ledger_tie
from sciwm.loss.terms.shell import shell_growth
from sciwm.model import WorldModel
from sciwm.training import build_model, train
from simulations import ActionBox


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def with_random_weights(model: WorldModel, deviation: float = 0.03) -> WorldModel:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(deviation * torch.randn(parameter.shape, generator=generator(), dtype=parameter.dtype))
        model.predictor.tendency.decay.weight.mul_(0.5)
    return model


@pytest.fixture
def keeper(make_config: Callable[..., Config], training_set: Trajectories) -> WorldModel:
    """A model with a ledger and random weights."""
    return with_random_weights(build_model(make_config(model=LEDGER), training_set))


LEDGER = {"latent_modes": 6, "encoder": {"width": 8, "modes": 8}, "ledger": True}


def windows(model: WorldModel, data: Trajectories) -> Batch:
    return Windows([data], model.domain).draw(np.random.default_rng(0), 16, 4)


# The ledger


def test_the_ledger_balances_whatever_the_weights_are(keeper: WorldModel, training_set: Trajectories) -> None:
    """To rounding, along a rollout, under any action of the box; heads that are read anew do not."""
    batch = windows(keeper, training_set)
    with torch.no_grad():
        start = keeper.encode(batch.fields[:, 0])
        actions = any_action(keeper, batch.actions, generator())
        states = torch.cat([start[:, None], rollout(keeper, start, actions)], dim=1)
        before, after, held = states[:, :-1].flatten(0, 1), states[:, 1:].flatten(0, 1), actions.flatten(0, 1)
        residual = budget_residual(keeper, before, held, after)
        reread = budget_residual(keeper, before, held, keeper.state_of(keeper.latent(after)))
    assert states.shape[2] == keeper.state_size == keeper.latent_size + len(keeper.domain.functionals)
    assert reread.square().mean().sqrt() > 0.1
    assert residual.abs().max() < 1e-4 * reread.abs().max()


def test_functionals_are_read_from_the_ledger(keeper: WorldModel, training_set: Trajectories) -> None:
    """And from nothing else, in physical units; the fields do not notice."""
    state = keeper.encode(windows(keeper, training_set).fields[:, 0])
    torch.testing.assert_close(keeper.functionals(state), keeper.heads.value(keeper.latent(state)))
    kept = torch.arange(16.0)[:, None] + torch.arange(len(keeper.domain.functionals))
    written = torch.cat([keeper.latent(state), kept], dim=1)
    names = [f.name for f in keeper.domain.functionals]
    read = keeper.readout(written, [*names, "fields"])
    for i, f in enumerate(keeper.domain.functionals):
        torch.testing.assert_close(read[f.name], kept[:, i] * f.deviation + f.mean)
    torch.testing.assert_close(read["fields"], keeper.readout(state, ["fields"])["fields"])


def test_the_tie_is_the_square_of_what_the_ledger_is_off(keeper: WorldModel) -> None:
    latents = torch.randn(5, 3, keeper.latent_size, generator=generator())
    states = keeper.state_of(latents)
    assert float(ledger_tie(keeper, states).detach()) == 0.0
    states = torch.cat([latents, states[..., keeper.latent_size :] + 0.3], dim=2)
    assert float(ledger_tie(keeper, states).detach()) == pytest.approx(0.09, rel=1e-4)


def test_terms_of_a_ledger(keeper: WorldModel, training_set: Trajectories, make_config: Callable[..., Config]) -> None:
    """The budget, which holds anyway, gives way to the tie; encoded states are read by the heads."""
    batch = windows(keeper, training_set)
    latents = keeper.latent(encode_trajectory(keeper, batch.fields))
    start = keeper.state_of(latents[:, 0])
    states = torch.cat([start[:, None], rollout(keeper, start, batch.actions)], dim=1)
    terms = Objective(make_config().loss, keeper).terms(keeper, batch, None, generator()).physics
    assert set(terms) == {"heads_encoded", "heads_rolled", "ledger_tie"}
    bare = with_random_weights(build_model(make_config(), training_set))
    bare.load_state_dict(keeper.state_dict())
    torch.testing.assert_close(terms["heads_encoded"], head_error(bare, latents, batch))
    assert terms["heads_rolled"] != head_error(bare, states[..., : keeper.latent_size], batch)


def test_a_trained_ledger_is_used_like_any_other_model(
    make_config: Callable[..., Config], training_set: Trajectories, validation_set: Trajectories, tmp_path: Path
) -> None:
    """From disk, by names: forecasts hold functionals whose budget closes, and latents hold the ledger."""
    config = make_config(model=LEDGER, training={"updates": 6, "updates_per_epoch": 3})
    train(config, tmp_path, [training_set], validation_set)
    lines = (tmp_path / "metrics.jsonl").read_text()
    assert '"train.ledger_tie"' in lines
    assert '"train.budget"' not in lines
    surrogate = sciwm.load(tmp_path)
    stored = open_trajectories(validation_set.path).load()
    forecast = surrogate.rollout(stored.isel(time=0), stored["action"])
    names = [f.name for f in surrogate.domain.functionals]
    for name in ("u", *names):
        assert np.isfinite(forecast[name]).all()
    latent = surrogate.encode(stored.isel(time=0))
    assert latent.sizes["latent"] == 13 + len(names)
    xr.testing.assert_allclose(surrogate.decode(latent)[names], forecast[names].isel(time=0), atol=1e-5)
    states = rollout(
        surrogate.model,
        torch.from_numpy(latent.values),
        torch.from_numpy(stored["action"].isel(time=slice(-1)).values),
    )
    last = surrogate.model.readout(states[:, -1], names)
    for name in names:
        np.testing.assert_allclose(forecast[name].isel(time=-1), last[name], rtol=1e-4, atol=1e-5)


# Soft budgets


def test_budget_residual_of_constant_heads(model: WorldModel) -> None:
    """Q at rest, S = s and y_j = c_j: r = - interval (s + sum_j a_j c_j) / std(Delta Q), all in physical units."""
    f = model.domain.functionals[0]
    scales = replace(f, source_mean=0.7, source_deviation=2.0, output_deviation=3.0, change_deviation=0.4)
    domain = replace(model.domain, functionals=(scales,) * len(model.domain.functionals))
    model = WorldModel(model.settings, domain)
    outputs = torch.tensor([1.0, -2.0, 0.5, 0.0])
    with torch.no_grad():
        cleared(model.heads)
        model.heads.sources.bias[:] = 0.25
        model.heads.outputs.bias.view(model.heads.shape)[:] = outputs
    latents, action = torch.randn(2, 6, model.latent_size), torch.randn(6, 4)
    inflow = 0.25 * (0.7 + 2.0 * 0.25 + 3.0 * action @ outputs)
    residual = budget_residual(model, latents[0], action, latents[1])
    torch.testing.assert_close(residual, (-inflow / 0.4)[:, None].expand_as(residual))
    with torch.no_grad():
        model.heads.values.weight[0] = 1.0  # Q is the mean, in deviations
    moved = budget_residual(model, latents[0], action, latents[1])
    change = (latents[1] - latents[0])[:, :1] * f.deviation
    torch.testing.assert_close(moved - residual, (change / 0.4).expand_as(residual))


def test_any_action_fills_the_box_and_stays_inside(model: WorldModel) -> None:
    """Also one that is not symmetric, and does not hold zero."""
    low, high = np.array([-1.0, 2.0, -5.0, 0.0]), np.array([1.0, 3.0, -1.0, 1e-3])
    model.actuators = ActionBox(("a", "b", "c", "d"), low, high)
    drawn = any_action(model, torch.zeros(4000, 4), generator()).numpy()
    assert np.all(drawn >= low - 1e-6)
    assert np.all(drawn <= high + 1e-6)
    np.testing.assert_allclose(drawn.min(axis=0), low, atol=0.01 * (high - low).max())
    np.testing.assert_allclose(drawn.mean(axis=0), (low + high) / 2, atol=0.05 * (high - low).max())
    np.testing.assert_allclose(drawn.std(axis=0), (high - low) / np.sqrt(12), rtol=0.05)


# Growth outside the data


@pytest.mark.parametrize("growth", [0.5, 0.95, 1.2])
def test_shell_growth_of_a_linear_model(
    make_config: Callable[..., Config], training_set: Trajectories, growth: float
) -> None:
    """max(0, ln g / c)^2 for z+ = g z, also where some latents are zero."""
    model = build_model(make_config(model=LEDGER | {"predictor": {"kind": "linear"}}), training_set)
    with torch.no_grad():
        model.predictor.decay.set_identity(growth)
        model.predictor.forcing.linear.weight.zero_()
    latents = torch.randn(32, model.latent_size, generator=generator())
    excess = max(0.0, np.log(growth / 0.9))
    term = shell_growth(model, latents, contraction=0.9, generator=generator())
    assert float(term.detach()) == pytest.approx(excess**2, abs=1e-6)
    latents[:16] = 0.0
    term = shell_growth(model, latents, contraction=0.9, generator=generator())
    assert float(term.detach()) == pytest.approx(excess**2 / 2, abs=1e-6)
    term.backward()
    assert torch.isfinite(model.predictor.decay.weight.grad).all()


def test_the_shell_lies_outside_the_data(model: WorldModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between 1.5 and 3 largest radii of the energy, in the directions of the data, ledger beside."""
    seen: list[Tensor] = []

    def advance(state: Tensor, action: Tensor) -> Tensor:
        seen.append(state)
        return state

    monkeypatch.setattr(model, "advance", advance)
    latents = torch.randn(500, model.latent_size, generator=generator())
    shell_growth(model, latents, contraction=0.9, generator=generator())
    energy = model.encoder.metric(1.0)
    radius = (seen[0].square() @ energy).sqrt() / (latents.square() @ energy).sqrt().max()
    assert float(radius.min()) == pytest.approx(1.5, abs=0.02)
    assert float(radius.max()) == pytest.approx(3.0, abs=0.02)
    torch.testing.assert_close(torch.cosine_similarity(seen[0], latents), torch.ones(500))


def test_energy_that_passes_to_short_waves_is_no_growth(model: WorldModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """All in the longest wave before, all in the shortest after: alike where waves count by their energy."""
    scale = model.encoder.scale.flatten()
    longest, shortest = int(scale.argmax()), int(scale.argmin())

    def cascade(state: Tensor, action: Tensor) -> Tensor:
        after = torch.zeros_like(state)
        after[:, shortest] = 0.8 * state[:, longest] * scale[longest] / scale[shortest]
        return after

    monkeypatch.setattr(model, "advance", cascade)
    latents = torch.zeros(32, model.latent_size)
    latents[:, longest] = torch.randn(32, generator=generator())
    assert float(shell_growth(model, latents, contraction=0.9, generator=generator()).detach()) == 0.0
    expected = pytest.approx(np.log(0.8 / 0.5) ** 2, rel=1e-3)
    assert float(shell_growth(model, latents, contraction=0.5, generator=generator())) == expected


def test_means_that_forcing_alone_changes_cannot_contract(
    make_config: Callable[..., Config], training_set: Trajectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left as they are, and do not count."""
    model = build_model(make_config(model={"conserved": ["u"]}), training_set)
    seen: list[Tensor] = []

    def halved(state: Tensor, action: Tensor) -> Tensor:
        seen.append(state)
        return torch.where(model.conserved, state, state / 2)

    monkeypatch.setattr(model, "advance", halved)
    latents = torch.randn(32, model.latent_size, generator=generator())
    latents[:, model.conserved] *= 100
    assert int(model.conserved.sum()) == 1
    assert float(shell_growth(model, latents, contraction=0.6, generator=generator())) == 0.0
    assert torch.equal(seen[0][:, model.conserved], latents[:, model.conserved])
    assert float(shell_growth(model, latents, contraction=0.4, generator=generator())) == pytest.approx(
        np.log(0.5 / 0.4) ** 2, rel=1e-3
    )


# Balance


def balanced(predictive: float, physics: float | None, cap: float) -> tuple[dict[str, float], tuple[float, float]]:
    """Gradients of encoder ``w x``, predictor and head behind it, and the factors; slopes are those at the latent."""
    w, step, head = (torch.tensor(1.0, requires_grad=True) for _ in range(3))
    encoded = w * torch.tensor([2.0])
    leaf = encoded.detach().requires_grad_()
    imagined = (step * leaf).sum()
    rest = torch.zeros(()) if physics is None else physics * head * imagined
    factors = backward_balanced(predictive * imagined, rest, encoded, leaf, [step], cap=cap)
    weights = {"encoder": w, "predictor": step, "head": head}
    return {n: 0.0 if x.grad is None else float(x.grad) for n, x in weights.items()}, factors


@pytest.mark.parametrize(
    ("slopes", "cap", "balanced_slope", "factor"),
    [
        ((3.0, 1.0), 0.5, 3.0 + 1.0, 1.0),  # below the cap: as they are
        ((3.0, 30.0), 0.5, 3.0 + 0.5 * 3.0, 0.05),  # above: at most half of the predictive one
        ((3.0, -30.0), 0.5, 3.0 - 0.5 * 3.0, 0.05),  # it keeps its direction
        ((3.0, 30.0), 0.0, 33.0, 1.0),  # no cap
        ((3.0, None), 0.5, 3.0, 1.0),  # no physics
        ((3.0, 0.0), 0.5, 3.0, 1.0),
    ],
)
def test_physics_is_bounded_in_encoder_and_predictor(
    slopes: tuple[float, float | None], cap: float, balanced_slope: float, factor: float
) -> None:
    """And nowhere else: the head behind gets all of its gradient. All are slope x latent, which is 2."""
    gradients, factors = balanced(*slopes, cap=cap)
    assert gradients["encoder"] == gradients["predictor"] == pytest.approx(2 * balanced_slope)
    assert gradients["head"] == pytest.approx(2 * (slopes[1] or 0.0))
    assert factors == pytest.approx((factor, factor))


def test_no_gradient_where_nothing_learns() -> None:
    """Latents without an encoder behind, as fields are: the predictor learns all the same."""
    latents, gain = torch.ones(3), torch.tensor(2.0, requires_grad=True)
    predictive, physics = (gain * latents).sum(), (gain * latents).sum()
    assert backward_balanced(predictive, physics, latents, latents, [gain], cap=0.5) == (1.0, 0.5)
    assert float(gain.grad) == 4.5  # type: ignore[arg-type]


def test_uncapped_physics_is_the_plain_sum(
    make_config: Callable[..., Config], model: WorldModel, training_set: Trajectories
) -> None:
    """The gradients of the whole objective with cap 0 are those of one backward pass without a detour."""
    batch, objective = windows(model, training_set), Objective(make_config().loss, model)

    def gradients(cap: float | None) -> Sequence[Tensor | None]:
        model.zero_grad()
        terms = objective.terms(model, batch, None, generator())
        predictive, physics = (sum(t.values(), torch.zeros(())) for t in (terms.predictive, terms.physics))
        if cap is None:
            (predictive + physics).backward()
            at_latents = terms.leaf.grad
            terms.encoded.backward(at_latents)
        else:
            backward_balanced(
                predictive, physics, terms.encoded, terms.leaf, list(model.predictor.parameters()), cap=cap
            )
        return [p.grad for part in (model.encoder, model.predictor) for p in part.parameters()]

    for free, plain in zip(gradients(0.0), gradients(None), strict=True):
        torch.testing.assert_close(free, plain, rtol=1e-4, atol=1e-6)


# What is learned from


def test_an_autoencoder_is_shaped_by_reconstruction_alone(
    make_config: Callable[..., Config], model: WorldModel, training_set: Trajectories
) -> None:
    """Prediction and physics still train the predictor; reading what is encoded trains nothing."""
    settings = make_config(loss={"encoder_learns_from": "reconstruction", "physics": {"budget": 0.1}}).loss
    batch = windows(model, training_set)
    terms = Objective(settings, model).terms(model, batch, None, generator())
    assert set(terms.predictive) == {"reconstruction", "one_step", "rollout"}
    assert not terms.physics["heads_encoded"].requires_grad
    for name, term in terms.by_name().items():
        if not term.requires_grad:
            continue
        (at_latents,) = torch.autograd.grad(term, [terms.leaf], retain_graph=True, allow_unused=True)
        assert (at_latents is not None) == (name == "reconstruction"), name
    for name in ("one_step", "rollout", "budget"):
        (of_predictor,) = torch.autograd.grad(
            terms.by_name()[name], [model.predictor.tendency.decay.weight], retain_graph=True, allow_unused=True
        )
        assert of_predictor.any(), name


def test_a_moving_average_gives_the_targets(
    make_config: Callable[..., Config], model: WorldModel, training_set: Trajectories
) -> None:
    """What is predicted and completed are latents of whole fields by the copy, from whole fields and from holes."""
    settings = make_config(loss={"collapse": {"kind": "ema_target", "weight": 0.5}}).loss
    objective, batch = Objective(settings, model), windows(model, training_set)
    fields = model.normalize(batch.fields).flatten(0, 1)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.mul_(1.1)
        holes = objective.collapse.with_holes(fields, generator())
        encoded, targets = model.encoder(fields), objective.collapse.targets(fields, fields)
        assert holes is not None and not torch.allclose(encoded, targets)
        completion = objective.collapse.completion(model.encoder(holes), targets)["completion"]
        imagined = model.advance(encoded.unflatten(0, (16, 5))[:, 0], batch.actions[:, 0])
        expected = _prediction_error(objective, model, imagined, targets.unflatten(0, (16, 5)))
    terms = objective.terms(model, batch, None, generator())
    assert float(terms.predictive["one_step"].detach()) == pytest.approx(expected, rel=1e-4)
    assert "variance" not in terms.predictive
    assert float(terms.predictive["completion"].detach()) == pytest.approx(float(completion), rel=1e-4)
    whole, whole_latents = (a.unflatten(0, (16, 5))[:, [0, -1]].flatten(0, 1) for a in (fields, targets))
    with torch.no_grad():
        misses = (model.decoder(whole_latents) - whole).square().flatten(1).mean(dim=1)
    sizes = whole.square().flatten(1).mean(dim=1) + settings.relative_floor
    decoder_error = float(objective.decoder_error(model, batch, terms).detach())
    assert decoder_error == pytest.approx(float((misses / sizes).mean()), rel=1e-5), "from latents of whole fields"


def _prediction_error(objective: Objective, model: WorldModel, imagined: Tensor, targets: Tensor) -> float:
    """By the definition, of the first step."""
    metric, start, after = objective.metric(model), targets[:, 0], targets[:, 1]
    weight = 1 / ((start.square() * metric).sum(dim=1) + objective.settings.relative_floor)
    error = (weight * ((imagined - after).square() * metric).sum(dim=1)).mean()
    return float(error / (weight * ((start - after).square() * metric).sum(dim=1)).mean())


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"training": {"augmentation": ["odd_reflections"]}}, r"training\.augmentation: expected shifts alone"),
        ({"loss": {"physics": {"twins": 1.0}}}, r"data\.sensitivities: expected samples"),
        ({"loss": {"physics": {"tangents": 1.0}}}, r"data\.sensitivities: expected samples"),
        ({"loss": {"physics": {"adjoints": 1.0}}}, r"data\.sensitivities: expected samples"),
        (
            {"model": {"ledger": True, "latent": "fields"}},
            r"model\.ledger: expected false, as a model of fields has no heads",
        ),
        (
            {"model": {"latent": "vector"}, "loss": {"collapse": {"within_wavenumbers": True}}},
            r"loss\.collapse\.within_wavenumbers: expected false, as a vector latent",
        ),
        (
            {"model": {"latent": "fields"}, "loss": {"collapse": {"kind": "ema_target"}}},
            r"loss\.collapse\.kind: expected vicreg, sigreg, visreg or none, as fields",
        ),
        (
            {"model": {"ledger": True}, "loss": {"physics": {"budget": 0.1}}},
            r"loss\.physics\.budget: expected 0, as with model\.ledger budgets hold exactly",
        ),
        (
            {"loss": {"encoder_learns_from": "reconstruction", "collapse": {"kind": "ema_target"}}},
            r"loss\.collapse\.kind: expected vicreg, sigreg, visreg or none",
        ),
    ],
)
def test_terms_that_do_not_fit_together(
    make_config: Callable[..., Config], sections: dict[str, Any], told: str
) -> None:
    with pytest.raises(sciwm.InputError, match=told):
        make_config(**sections)


def test_terms_that_do(make_config: Callable[..., Config]) -> None:
    """Reflections where no functional is read, shifts where some are, twins with data, modes that a vector ignores."""
    silent = {"heads_encoded": 0, "heads_rolled": 0, "budget": 0}
    reflected = make_config(training={"augmentation": ["shifts", "odd_reflections"]}, loss={"physics": silent})
    assert "odd_reflections" in reflected.training.augmentation
    assert not reflected.loss.physics.reads_functionals
    shifted = make_config(training={"augmentation": ["shifts"]})
    assert shifted.training.augmentation == ("shifts",)
    assert shifted.loss.physics.reads_functionals
    twins = make_config(loss={"physics": {"twins": 1.0}}, data={"sensitivities": {"samples": 8}})
    assert twins.loss.physics.matches_sensitivities
    assert twins.data.sensitivities is not None
    vector = make_config(model={"latent": "vector", "latent_modes": 99})
    assert (vector.model.latent, vector.model.latent_modes) == ("vector", 99)
