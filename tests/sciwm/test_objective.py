"""The objective: terms that are one for trivial models, curriculum, and what gradients reach."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from altered import cleared

from sciwm.config import Config, LossSettings, PhysicsSettings
from sciwm.data import Batch, Trajectories, Windows
from sciwm.loss import Objective
from sciwm.loss.terms import TERMS, budget_residual, prediction_errors
from sciwm.loss.terms.budget import imagined_budget_error
from sciwm.loss.terms.heads import head_error
from sciwm.model import WorldModel


@pytest.fixture
def batch(model: WorldModel, training_set: Trajectories) -> Batch:
    """Sixteen windows of four intervals."""
    return Windows([training_set], model.domain).draw(np.random.default_rng(0), 16, 4)


def test_windows_are_what_the_store_holds(model: WorldModel, training_set: Trajectories, batch: Batch) -> None:
    """Each window is found, whole and in order, in one simulation of the store."""
    stored = np.asarray(training_set.array("u")[:])
    for window in batch.fields[:, :, 0].numpy():
        places = np.argwhere(np.all(stored == window[0], axis=-1))
        assert any(np.array_equal(stored[i, t : t + 5], window) for i, t in places if t + 5 <= stored.shape[1])


def test_large_stores_are_read_window_by_window(
    model: WorldModel, training_set: Trajectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every window that is read from disk is one of the data, its fields and its actions from the same place."""
    monkeypatch.setattr("sciwm.data.schema.IN_MEMORY_BYTES", 0)
    lazy = Windows([Trajectories(training_set.path)], model.domain).draw(np.random.default_rng(0), 16, 4)
    fields, actions = (torch.from_numpy(np.asarray(training_set.array(n))) for n in ("u", "action"))
    starts = range(training_set.intervals - 3)
    for window, acted in zip(lazy.fields[:, :, 0], lazy.actions, strict=True):
        places = [(i, t) for i in training_set.usable for t in starts if torch.equal(fields[i, t : t + 5], window)]
        assert len(places) == 1
        row, first = places[0]
        assert torch.equal(actions[row, first : first + 4], acted)


def test_persistence_has_error_one_and_perfection_zero() -> None:
    """The unit of the prediction error is what copying the first latent gets, at every step."""
    encoded = torch.randn(64, 6, 10)
    metric = torch.full((10,), 0.1)
    copied = encoded[:, :1].expand(-1, 5, -1)
    torch.testing.assert_close(prediction_errors(copied, encoded, metric, relative_floor=0.05), torch.ones(5))
    assert float(prediction_errors(encoded[:, 1:], encoded, metric, relative_floor=0.05).max()) == 0.0


def test_relative_errors_cost_the_same_in_quiet_and_turbulent_states() -> None:
    """Scaling some samples down leaves the error unchanged as long as they are above the floor."""
    encoded, noise, metric = torch.randn(512, 2, 10), 0.1 * torch.randn(512, 1, 10), torch.full((10,), 0.1)
    scale = torch.where(torch.arange(512) % 2 == 0, 1.0, 0.1)[:, None, None]
    same = prediction_errors(encoded[:, 1:] + noise, encoded, metric, relative_floor=1e-9)
    mixed = prediction_errors(scale * (encoded[:, 1:] + noise), scale * encoded, metric, relative_floor=1e-9)
    torch.testing.assert_close(mixed, same, rtol=1e-3, atol=0)


def test_heads_that_give_the_mean_have_error_one(model: WorldModel, training_set: Trajectories) -> None:
    """Labels are normalised: a head that always says the mean scores about one per functional that varies."""
    with torch.no_grad():
        cleared(model.heads)
    whole = Windows([training_set], model.domain).draw(np.random.default_rng(1), 24, 20)
    latents = torch.zeros(24, 21, model.latent_size)
    energy = [i for i, f in enumerate(model.domain.functionals) if f.name == "energy"]
    only = Batch(
        whole.fields,
        whole.actions,
        whole.parameters,
        *(v[:, :, energy] for v in (whole.functionals, whole.sources, whole.outputs)),
    )
    parts = [only.functionals, only.sources, only.outputs]
    assert float(torch.stack([p.square().mean() for p in parts]).mean()) == pytest.approx(1.0, rel=0.05)
    assert float(head_error(model, latents, whole).detach()) == pytest.approx(1.0, rel=0.5)


def test_terms_follow_the_configuration(make_config: Callable[..., Config], model: WorldModel, batch: Batch) -> None:
    """A weight of zero removes the term; every remaining one is finite and reaches the encoder."""
    plain = make_config(loss={"physics": {"heads_encoded": 0, "heads_rolled": 0, "budget": 0}}).loss
    terms = Objective(plain, model).terms(model, batch, None, torch.Generator().manual_seed(0))
    assert set(terms.predictive) == {"one_step", "rollout", "variance", "covariance"}
    assert not terms.physics
    full = make_config(loss={"collapse": {"kind": "sigreg", "weight": 10.0}, "physics": {"budget": 0.1}}).loss
    terms = Objective(full, model).terms(model, batch, None, torch.Generator().manual_seed(0))
    assert set(terms.predictive) == {"one_step", "rollout", "sigreg"}
    assert set(terms.physics) == {"heads_encoded", "heads_rolled", "budget"}
    for name, term in (*terms.predictive.items(), *terms.physics.items()):
        (gradient,) = torch.autograd.grad(term, [terms.leaf], retain_graph=True)
        assert torch.isfinite(gradient).all(), name
        assert gradient.abs().max() > 0, name


def test_decoder_never_shapes_the_latent(config: Config, model: WorldModel, batch: Batch) -> None:
    """Its loss has a gradient for the decoder and none for anything else."""
    objective = Objective(config.loss, model)
    terms = objective.terms(model, batch, None, torch.Generator())
    objective.decoder_error(model, batch, terms).backward()
    assert all(p.grad is not None for p in model.decoder.parameters())
    assert all(p.grad is None for n, p in model.named_parameters() if not n.startswith("decoder"))


SENSITIVE = {"sensitivities": {"samples": 4, "intervals": 2}}


def test_curriculum_and_ramp(make_config: Callable[..., Config], model: WorldModel) -> None:
    """Rollouts grow from 2 steps to all; the budget fades in; without a rollout weight one step is enough."""
    physics = {"budget": 0.1}
    objective = Objective(make_config(loss={"horizon": 8, "curriculum": 0.5, "physics": physics}).loss, model)
    assert [objective.horizon(p) for p in (0.0, 0.25, 0.5, 1.0)] == [2, 5, 8, 8]
    late = Objective(make_config(loss={"horizon": 8, "short_rollouts": 0.6, "curriculum": 0.5}).loss, model)
    assert [late.horizon(p) for p in (0.0, 0.59, 0.7, 0.8, 1.0)] == [2, 2, 5, 8, 8]
    assert objective.weights(0.0)["budget"] == 0.0
    assert objective.weights(1.0)["budget"] == pytest.approx(0.1)
    tuned = make_config(loss={"physics": {"adjoints": 0.1, "adjoints_from": 0.5}}, data=SENSITIVE).loss
    assert [Objective(tuned, model).weights(p)["adjoints"] for p in (0.0, 0.49, 0.5, 1.0)] == [0, 0, 0.1, 0.1]
    assert Objective(make_config(loss={"rollout": 0.0}).loss, model).horizon(1.0) == 1


def test_counterfactual_share_draws_actions_that_the_data_do_not_hold(model: WorldModel, batch: Batch) -> None:
    """With share 0 the budget is that of the data's actions at the drawn instants; with share 1 it is another's."""
    with torch.no_grad():
        model.heads.outputs.weight.normal_(generator=torch.Generator().manual_seed(1))
        encoded = model.encode(batch.fields.flatten(0, 1)).unflatten(0, batch.fields.shape[:2])[:, :-1]

        def error(share: float) -> float:
            generator = torch.Generator().manual_seed(0)
            return float(
                imagined_budget_error(model, encoded, batch.actions, counterfactual_share=share, generator=generator)
            )

        rows = torch.arange(len(encoded))
        instants = torch.randint(batch.actions.shape[1], (len(rows),), generator=torch.Generator().manual_seed(0))
        start, action = encoded[rows, instants], batch.actions[rows, instants]
        expected = budget_residual(model, start, action, model.advance(start, action)).square().mean()
        assert error(0.0) == pytest.approx(float(expected), rel=1e-5)
        assert error(1.0) != pytest.approx(float(expected), rel=0.05)


def test_configuration_and_terms_agree_on_what_needs_sensitivities() -> None:
    """The configuration asks for simulated sensitivities exactly where a term of the objective is matched to some."""
    for term in TERMS:
        for name in ("twins", "tangents", "adjoints", "budget", "shell", "inverse"):
            settings = LossSettings.model_validate({"physics": {name: 0.1}})
            if term.name == name:
                assert term.is_asked(settings)
                assert settings.physics.matches_sensitivities == bool(term.needs)


def test_every_term_has_a_name_of_its_own_and_a_weight() -> None:
    assert len({term.name for term in TERMS}) == len(TERMS)
    keys = {*LossSettings.model_fields, *PhysicsSettings.model_fields}
    assert {term.name for term in TERMS} <= keys
