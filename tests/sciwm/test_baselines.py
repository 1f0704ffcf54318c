"""Baselines in closed form: exact where their form is that of the truth, and honest about the rest."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sciwm.baselines import Persistence, Recordings, fit_dmdc, fit_edmdc, fit_modes, recordings, tune
from sciwm.baselines.dmdc import regress
from sciwm.baselines.tuning import forecast_error
from sciwm.data import Trajectories
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.errors import InputError
from simulations import ActionBox, Simulation, build

BOX = ActionBox.symmetric(["a"], 2.0)


def record(simulation: Simulation, count: int, intervals: int, *, seed: int) -> Recordings:
    """Rough starts under random actions."""
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randn(count, 1, *simulation.grid.shape, generator=generator, dtype=torch.float64)
    noise = torch.rand(count, intervals, len(simulation.actuators), generator=generator, dtype=torch.float64)
    actions = simulation.actuators.to_physical(2 * noise - 1)
    fields = torch.cat([starts[:, None], rollout(simulation, starts, actions)], dim=1)
    return Recordings(fields, actions, simulation.actuators, simulation.control_interval)


def transport(dimensions: int) -> Simulation:
    """Advection-diffusion under jets: linear."""
    velocity = {"velocity": 0.7} if dimensions == 1 else {"velocity_x": 0.7, "velocity_y": -0.4}
    return build(
        {
            "equation": "advection_diffusion_reaction" + ("_2d" if dimensions == 2 else ""),
            "num_points": 24 if dimensions == 1 else 8,
            "domain_extent": 2 * math.pi,
            "control_interval": 0.2,
            "steps_per_interval": 2,
            "parameters": {"diffusivity": 0.02, "growth": 0.0, "saturation": 0.0} | velocity,
            "jets": {"count": 3 if dimensions == 1 else 2, "width": 0.8, "limit": 1.0},
        }
    )


def quadratic(count: int, *, seed: int) -> Recordings:
    """``x' = 0.9 x, y' = 0.5 y + x^2 + 0.3 a`` as fields of two patterns on a constant: closed in x, y, x^2."""
    rng = np.random.default_rng(seed)
    actions = rng.uniform(-2, 2, (count, 12, 1))
    x, y = rng.normal(size=(2, count))
    states = [(x, y)]
    for t in range(12):
        x, y = 0.9 * x, 0.5 * y + x**2 + 0.3 * actions[:, t, 0]
        states.append((x, y))
    patterns = np.stack([np.sin(np.arange(16)), np.cos(2.0 * np.arange(16))])
    fields = 3 + np.stack(states).transpose(2, 0, 1) @ patterns
    return Recordings(torch.tensor(fields)[:, :, None], torch.tensor(actions), BOX, 0.1)


def relative_error(model: object, data: Recordings) -> float:
    states = rollout(model, model.encode(data.fields[:, 0]), data.actions)  # type: ignore[arg-type, attr-defined]
    forecast = readout_trajectory(model, states, ["fields"])["fields"]  # type: ignore[arg-type]
    return float((forecast - data.fields[:, 1:]).norm() / data.fields[:, 1:].norm())


@pytest.mark.parametrize("dimensions", [1, 2])
def test_dmdc_recovers_linear_transport_under_jets(dimensions: int) -> None:
    simulation = transport(dimensions)
    train, test = record(simulation, 30, 8, seed=0), record(simulation, 5, 20, seed=1)
    points = train.fields[0, 0].numel()
    model = fit_dmdc(train, rank=points, ridge=0.0)
    assert relative_error(model, test) < 1e-6
    assert relative_error(Persistence(train.actuators, train.control_interval), test) > 0.5


def test_dmdc_finds_the_growth_rates_of_waves() -> None:
    """Eigenvalues ``exp((-D k^2 - i c k) dt)``, the Nyquist wave among them standing still."""
    model = fit_dmdc(record(transport(1), 30, 8, seed=0), rank=24, ridge=0.0)
    k = np.arange(-11, 12)
    expected = np.append(np.exp(0.2 * (-0.02 * k**2 - 0.7j * k)), np.exp(-0.2 * 0.02 * 144))
    found = torch.linalg.eigvals(model.transition).numpy()
    assert np.abs(found[:, None] - expected).min(axis=0).max() < 1e-6


def test_dmdc_takes_several_variables_of_different_scales() -> None:
    """Any linear map of two variables on 3 x 4 points; the second is a thousand times the first."""
    generator = torch.Generator().manual_seed(0)
    transition, control = (torch.randn(24, n, generator=generator, dtype=torch.float64) for n in (24, 1))
    transition *= 0.95 / torch.linalg.eigvals(transition).abs().max()
    actions = 4 * torch.rand(40, 10, 1, generator=generator, dtype=torch.float64) - 2
    states = [torch.randn(40, 24, generator=generator, dtype=torch.float64)]
    for t in range(10):
        states.append(states[-1] @ transition.T + actions[:, t] @ control.T)
    scale = torch.tensor([1.0, 1000.0], dtype=torch.float64)[:, None, None]
    fields = torch.stack(states, dim=1).unflatten(2, (2, 3, 4)) * scale + 7
    train = Recordings(fields[:30], actions[:30], BOX, 1.0)
    test = Recordings(fields[30:], actions[30:], BOX, 1.0)
    model = fit_dmdc(train, rank=24, ridge=0.0)
    for variable in range(2):
        states_ahead = rollout(model, model.encode(test.fields[:, 0]), test.actions)
        forecast = readout_trajectory(model, states_ahead, ["fields"])["fields"][:, :, variable]
        torch.testing.assert_close(
            forecast, test.fields[:, 1:, variable], rtol=1e-6, atol=1e-6 * scale[variable].item()
        )


def test_products_make_exact_what_closes_in_squares() -> None:
    train, test = quadratic(40, seed=0), quadratic(5, seed=1)
    assert relative_error(fit_edmdc(train, rank=2, products=2, ridge=0.0), test) < 1e-6
    assert relative_error(fit_dmdc(train, rank=2, ridge=0.0), test) > 1e-2


def test_modes_are_orthonormal_and_hold_the_shares_they_state() -> None:
    fields = record(transport(1), 10, 8, seed=0).fields.flatten(0, 1)
    modes = fit_modes(fields)
    flat = modes.basis.flatten(1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(24, dtype=torch.float64))
    torch.testing.assert_close(modes.encode(fields).square().mean(dim=0), modes.shares)
    torch.testing.assert_close(modes.decode(modes.encode(fields)), fields)
    few = modes.truncated(0.9)
    left_out = few.normalized(fields).square().sum(dim=1).mean() - few.encode(fields).square().sum(dim=1).mean()
    assert left_out < 0.1 < left_out + few.shares[-1]  # one mode fewer would not do


def test_modes_of_few_snapshots_are_those_of_their_span() -> None:
    fields = torch.randn(6, 1, 5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    modes = fit_modes(fields)
    assert len(modes) == 5  # the mean is taken off
    flat = modes.basis.flatten(1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(modes.decode(modes.encode(fields)), fields)


def test_regression_is_least_squares_and_shrinks_in_units_of_deviations() -> None:
    """One regressor of deviation s: weight ``w s^2 / (s^2 + ridge s^2)``, whatever s."""
    x = torch.tensor([[-3.0], [3.0], [-3.0], [3.0]], dtype=torch.float64)
    y = 2 * x + 5 + torch.tensor([[1.0], [1.0], [-1.0], [-1.0]], dtype=torch.float64)
    (exact, offset), (shrunk, _) = regress(x + 10, y, [0.0, 0.25])
    assert math.isclose(exact.item(), 2) and math.isclose(offset.item(), 5 - 20)
    assert math.isclose(shrunk.item(), 2 / 1.25)


def test_forecast_error_is_that_of_the_decoded_fields() -> None:
    """What rank and products leave out included; one variable, whose deviation then cancels."""
    data, horizon = record(transport(1), 6, 10, seed=2), 4
    model = fit_dmdc(data, rank=5, ridge=1e-3)
    squares = totals = 0.0
    for start in (0, 4):
        states = rollout(model, model.encode(data.fields[:, start]), data.actions[:, start : start + horizon])
        truth = data.fields[:, start + 1 : start + horizon + 1]
        squares += float((readout_trajectory(model, states, ["fields"])["fields"] - truth).square().sum())
        totals += float((truth - model.modes.mean).square().sum())
    assert math.isclose(forecast_error(model, data, horizon), math.sqrt(squares / totals), rel_tol=1e-9)


def test_tuning_keeps_the_candidate_that_forecasts_best() -> None:
    train, validation = quadratic(40, seed=0), quadratic(10, seed=1)
    model, candidates = tune(train, validation, horizon=6, ranks=(1, 2), products=(0, 2), ridges=(1e-12, 1e-2))
    assert len(candidates) == 8  # a single mode has but one product
    assert (candidates[0].rank, candidates[0].products, candidates[0].ridge) == (2, 2, 1e-12)
    assert all(a.error <= b.error for a, b in itertools.pairwise(candidates))
    assert math.isclose(forecast_error(model, validation, 6), candidates[0].error)


def test_tuning_regularises_where_data_are_few_and_noisy() -> None:
    generator = torch.Generator().manual_seed(0)

    def noisy(data: Recordings) -> Recordings:
        noise = torch.randn(data.fields.shape, generator=generator, dtype=torch.float64)
        return Recordings(data.fields + 0.3 * noise, data.actions, data.actuators, data.control_interval)

    simulation = transport(1)
    train, validation = noisy(record(simulation, 3, 10, seed=0)), record(simulation, 10, 10, seed=1)
    _, candidates = tune(train, validation, horizon=10, ranks=(20,))
    by_ridge = {c.ridge: c.error for c in candidates}
    assert candidates[0].ridge >= 1e-3 and by_ridge[1e-12] > 1.2 * candidates[0].error


def test_a_strong_ridge_leads_to_persistence() -> None:
    """But for the mean change, which is not penalised."""
    data = record(transport(1), 10, 8, seed=0)
    model = fit_dmdc(data, rank=24, ridge=1e9)
    torch.testing.assert_close(model.transition, torch.eye(24, dtype=torch.float64), rtol=0, atol=1e-8)
    assert model.control.abs().max() < 1e-8


def test_a_diverging_candidate_is_never_chosen() -> None:
    data = quadratic(10, seed=0)
    model = fit_dmdc(data, rank=2, ridge=0.0)
    model.transition *= 1e200
    assert forecast_error(model, data, 6) == math.inf


def test_dmdc_learns_from_a_store(training_set: Trajectories) -> None:
    """One interval ahead of what it was fitted to, least squares with all modes cannot lose to persistence."""
    train = recordings(training_set)
    assert train.fields.shape == (24, 21, 1, 32) and train.actions.shape == (24, 20, 4)
    np.testing.assert_array_equal(train.fields[3, :, 0], training_set.array("u")[training_set.usable[3]])
    model = fit_dmdc(train, rank=len(fit_modes(train.fields.flatten(0, 1))), ridge=0.0)
    state = model.advance(model.encode(train.fields[:, :-1].flatten(0, 1)), train.actions.flatten(0, 1))
    after, before = (part.flatten(0, 1) for part in (train.fields[:, 1:], train.fields[:, :-1]))
    assert state.dtype == torch.float32
    assert (model.readout(state, ["fields"])["fields"] - after).norm() < 0.8 * (before - after).norm()


def test_persistence_keeps_the_fields() -> None:
    fields = torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(0))
    model = Persistence(BOX, 0.5)
    states = rollout(model, model.encode(fields), torch.ones(3, 4, 1))
    assert torch.equal(readout_trajectory(model, states, ["fields"])["fields"], fields[:, None].expand(3, 4, 2, 4, 5))


def test_baselines_tell_that_they_know_no_functionals() -> None:
    data = quadratic(10, seed=0)
    for model in (Persistence(BOX, 0.1), fit_dmdc(data, rank=2, ridge=0.0)):
        state = model.encode(data.fields[:, 0])
        with pytest.raises(InputError, match=r"expected 'fields', got energy.*simulation.functionals"):
            model.readout(state, ["fields", "energy"])


def test_wrong_inputs_are_told_together() -> None:
    fields, actions = torch.full((2, 3, 1, 8), math.nan), torch.zeros(2, 3, 1)
    with pytest.raises(InputError) as told:
        Recordings(fields, actions, BOX, 0.1)
    assert len(told.value.problems) == 2
    data = quadratic(10, seed=0)
    with pytest.raises(InputError, match="at most 2"):
        fit_dmdc(data, rank=3, ridge=0.0)
    with pytest.raises(InputError) as told:
        fit_edmdc(data, rank=2, products=3, ridge=-1.0)
    assert len(told.value.problems) == 2
    with pytest.raises(InputError, match="1 to 12"):
        tune(data, data, horizon=13)
    with pytest.raises(InputError, match="tied to the grid"):
        fit_dmdc(data, rank=2, ridge=0.0).encode(torch.zeros(1, 1, 32, dtype=torch.float64))
    still: Tensor = torch.ones(4, 1, 8)
    with pytest.raises(InputError, match="fields that vary"):
        fit_modes(still)
