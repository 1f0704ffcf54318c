"""States from observations: closed forms of the linear problem, twins, and what does not depend on the batch."""

import pytest
import torch
from linear_plate import linear_plate

from sciwm.assimilation import Observations, Prior, analyse, climatological_prior, variational
from sciwm.config import ModelSettings
from sciwm.dynamics import rollout
from sciwm.model import LatentStatistics, WorldModel, fit_scales

INSTANTS, POINTS = 4, 6


@pytest.fixture(scope="module")
def model() -> WorldModel:
    """A model that is linear in everything."""
    return linear_plate()


def observed(model: WorldModel, batch: int, *, seed: int = 0) -> tuple[Observations, torch.Tensor, torch.Tensor]:
    """Noisy observations between points of random true states, the actions, and these states at the beginning."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randn(batch, model.state_size, generator=generator)
    actions = torch.rand(batch, INSTANTS - 1, 3, generator=generator) * 2
    places = torch.randint(0, 40, (1, 1, POINTS, 2), generator=generator)
    weights = torch.rand(1, 1, POINTS, 1, generator=generator)
    weights = torch.cat([weights, 1 - weights], dim=3)
    states = torch.cat([truth[:, None], rollout(model, truth, actions)], dim=1)
    deviation = torch.where(places[..., 0] < 20, 0.3, 1e-4).expand(batch, INSTANTS, POINTS)
    empty = Observations(torch.zeros(batch, INSTANTS, POINTS), deviation, places, weights)
    fields = [model.readout(states[:, t], ["fields"])["fields"] for t in range(INSTANTS)]
    clean = torch.stack([empty.predicted(fields[t], t) for t in range(INSTANTS)], dim=1)
    values = clean + deviation * torch.randn(clean.shape, generator=generator)
    values[0, 1, 2] = torch.nan
    return Observations(values, deviation, places, weights), actions, truth


def kalman(
    model: WorldModel, observations: Observations, actions: torch.Tensor, prior: Prior
) -> tuple[torch.Tensor, torch.Tensor]:
    """The filter of Kalman (1960), one element after another, with matrices from differences of the linear model."""
    size = model.state_size
    zero, basis = torch.zeros(1, size), torch.eye(size)

    def maps(action: torch.Tensor, t: int, row: int) -> tuple[torch.Tensor, ...]:
        one = observations.of_rows(slice(row, row + 1))
        seen = lambda s: one.predicted(model.readout(s, ["fields"])["fields"].double(), t)  # noqa: E731
        step = lambda s: model.advance(s, action.expand(len(s), -1)).double()  # noqa: E731
        h, m = seen(zero)[0], step(zero)[0]
        return (seen(basis) - h).T, h, (step(basis) - m).T, m

    means, covariances = [], []
    for row in range(len(actions)):
        x, p = prior.mean[0], prior.root[0] @ prior.root[0].T
        for t in range(INSTANTS):
            h, offset, m, drift = maps(actions[row, min(t, INSTANTS - 2)][None], t, row)
            y, r = observations.values[row, t].double(), observations.deviation[row, t].double().square()
            there = ~y.isnan()
            h, y, offset, r = h[there], y[there], offset[there], r[there]
            gain = p @ h.T @ torch.linalg.inv(h @ p @ h.T + torch.diag(r))
            x, p = x + gain @ (y - h @ x - offset), p - gain @ h @ p
            if t < INSTANTS - 1:
                x, p = m @ x + drift, m @ p @ m.T
        means.append(x)
        covariances.append(p)
    return torch.stack(means), torch.stack(covariances)


def test_of_a_linear_model_the_first_step_is_the_filter_of_kalman(model: WorldModel) -> None:
    """At the end of the window, states, spread of fields and of the parameter are those of the closed form."""
    observations, actions, _ = observed(model, 3)
    prior = climatological_prior(model)
    found = analyse(model, observations, actions, prior)
    assert found.steps == 1
    assert bool(found.settled.all())
    mean, covariance = kalman(model, observations, actions, prior)
    torch.testing.assert_close(found.states[:, -1].double(), mean, atol=2e-4, rtol=2e-3)
    fields = torch.func.jacfwd(lambda s: model.readout(s[None], ["fields"])["fields"][0])(mean[0].float()).double()
    spread = torch.einsum("vrci,bij,vrcj->bvrc", fields, covariance, fields).sqrt()
    torch.testing.assert_close(found.spread[:, -1].double(), spread, atol=0, rtol=5e-3)
    parameter = 3.0 * covariance[:, -1:, -1].sqrt()
    torch.testing.assert_close(found.parameter_spread, parameter, atol=0, rtol=5e-3)


def test_the_least_cost_counts_the_observations(model: WorldModel) -> None:
    """Over many truths that the prior is right about, it has the mean and the variance of chi-square."""
    prior = Prior(torch.zeros(1, 5, dtype=torch.float64), torch.eye(5, dtype=torch.float64)[None])
    observations, actions, truth = observed(model, 400)
    found = analyse(model, observations, actions, prior)
    share = found.cost / observations.count
    assert float(share.mean()) == pytest.approx(1.0, abs=4 * (2 / (24 * 400)) ** 0.5)
    assert float(share.std()) == pytest.approx((2 / 24) ** 0.5, rel=0.2)
    away = (found.states[:, 0, -1] - truth[:, -1]) * 3.0 / found.parameter_spread[:, 0]
    assert float(away.square().mean()) == pytest.approx(1.0, abs=0.3)  # the spread is the error


def test_without_observations_the_prior_stays(model: WorldModel) -> None:
    observations, actions, _ = observed(model, 2)
    nothing = Observations(observations.values * torch.nan, *list(vars(observations).values())[1:])
    found = analyse(model, nothing, actions, climatological_prior(model))
    statistics = model.statistics
    assert isinstance(statistics, LatentStatistics)
    torch.testing.assert_close(found.states[0, 0, :4], statistics.mean)
    torch.testing.assert_close(found.parameter_spread, torch.full((2, 1), 3.0).double())
    assert found.cost.tolist() == [0.0, 0.0]


def test_a_known_parameter_is_kept(model: WorldModel) -> None:
    """In the rows where it is known, and estimated in the others."""
    observations, actions, _ = observed(model, 2)
    known = torch.tensor([[23.0], [torch.nan]])
    found = analyse(model, observations, actions, climatological_prior(model, known))
    assert float(model.parameters_in(found.states)[0, -1, 0]) == pytest.approx(23.0)
    alone = analyse(model, observations, actions, climatological_prior(model))
    torch.testing.assert_close(found.states[1], alone.states[1])
    assert float(found.parameter_spread[0, 0]) == 0.0


def test_elements_do_not_depend_on_each_other(model: WorldModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are computed at once; and the same call gives the same bytes."""
    observations, actions, _ = observed(model, 5)
    prior = climatological_prior(model)
    together = analyse(model, observations, actions, prior)
    assert torch.equal(together.states, analyse(model, observations, actions, prior).states)
    monkeypatch.setattr(variational, "NUMBERS_AT_ONCE", 2 * 40 * 5)
    apart = analyse(model, observations, actions, prior)
    torch.testing.assert_close(apart.states, together.states, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(apart.cost, together.cost, atol=0, rtol=5e-3)  # of values in single precision


def test_places_may_differ_from_run_to_run_and_from_time_to_time(model: WorldModel) -> None:
    """Sensors that move are sensors of their own at every instant."""
    observations, actions, _ = observed(model, 2)
    spread_out = Observations(
        observations.values,
        observations.deviation,
        observations.places.repeat(2, INSTANTS, 1, 1),
        observations.weights.repeat(2, INSTANTS, 1, 1),
    )
    prior = climatological_prior(model)
    same = analyse(model, spread_out, actions, prior)
    torch.testing.assert_close(same.states, analyse(model, observations, actions, prior).states)


def test_the_gradient_is_zero_where_a_nonlinear_model_settles() -> None:
    """Of a model with a quadratic tendency and decoder; the gradient is taken backwards, by other derivatives."""
    torch.manual_seed(1)
    start = linear_plate()
    settings = start.settings.model_copy(update={"predictor": ModelSettings().predictor, "decoder_rank": 2})
    model = WorldModel(settings, start.domain)
    with torch.no_grad():
        model.encoder.load_state_dict(start.encoder.state_dict())
        fields = start.readout(torch.randn(64, 5), ["fields"])["fields"]
        fit_scales(model, fields, None)
        model.decoder.quadratic.back.weight.mul_(3.0)
        model.predictor.tendency.decay.weight.mul_(0.9)
        model.predictor.set_forcing(0.1 * torch.randn(4, 4))
    model.freeze()
    observations, actions, _ = observed(model, 3)
    prior = climatological_prior(model)
    found = analyse(model, observations, actions, prior)
    assert bool(found.settled.all())
    assert found.steps > 1
    first = found.states[:, 0].double().requires_grad_()

    def cost(x: torch.Tensor) -> torch.Tensor:
        away = torch.linalg.solve_triangular(prior.root[0], (x - prior.mean).T, upper=False)
        states = torch.cat([x.float()[:, None], rollout(model, x.float(), actions)], dim=1)
        fields = [model.readout(states[:, t], ["fields"])["fields"] for t in range(INSTANTS)]
        misfits = [observations.misfit(observations.predicted(f, t), t) for t, f in enumerate(fields)]
        return away.square().sum() + torch.stack(misfits).square().sum()

    (at_end,) = torch.autograd.grad(cost(first), first)
    at_start = torch.autograd.functional.jacobian(cost, prior.mean.expand(3, -1).clone())
    assert float(at_end.norm()) < 0.02 * float(at_start.norm())
    assert float(found.cost.sum()) == pytest.approx(float(cost(first).detach()), rel=1e-4)


def test_statistics_are_stored_and_departures_are_measured() -> None:
    """A hundredth of the data lies beyond 1, wherever it is and however it is stretched."""
    torch.manual_seed(0)
    statistics = LatentStatistics(3, (1, 4))
    latents = torch.randn(4000, 3) @ torch.tensor([[5.0, 1.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 1e-3]]) + 7.0
    statistics.fit(latents, torch.zeros(1, 4))
    departure = statistics.departure(latents.view(40, 100, 3))
    assert departure.shape == (40, 100)
    assert float((departure > 1).float().mean()) == pytest.approx(0.01, abs=1e-3)
    assert float(statistics.departure(statistics.mean[None])) < 1e-15


def test_beginnings_of_runs_are_no_strangers_where_they_are_rare() -> None:
    """Cold starts of one instant in two hundred count a tenth; those like all others change nothing at all."""
    generator = torch.Generator().manual_seed(0)
    later, alike = torch.randn(2000, 3, generator=generator), torch.randn(12, 3, generator=generator)
    cold, left_out = torch.tensor([8.0, 0.0, 0.0]) + alike, torch.full((1, 4), 0.01)

    def fitted(begun: torch.Tensor | None) -> LatentStatistics:
        statistics = LatentStatistics(3, (1, 4))
        more = None if begun is None else (begun, torch.full((1, 4), 0.5))
        statistics.fit(torch.cat([later, cold[:10]]), left_out, begun=more)
        return statistics

    plain, same, mixed = fitted(None), fitted(alike), fitted(cold)
    assert torch.equal(plain.covariance, same.covariance) and torch.equal(plain.residual, same.residual)
    of_mixture = 0.9 + 0.1 * cold[:, 0].square().mean() - (0.1 * cold[:, 0].mean()).square()
    assert float(mixed.covariance[0, 0]) == pytest.approx(float(of_mixture), rel=0.1)
    assert (mixed.departure(cold).median() < 1.1) and (plain.departure(cold).median() > 1.4)
    torch.testing.assert_close(mixed.residual, torch.full((1, 4), 0.9 * 0.01 + 0.1 * 0.5))
