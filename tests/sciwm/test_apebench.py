"""The scenarios of APEBench: closed forms, scaling laws, the reference solver, and the score."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sciwm.benchmarks.apebench.equation import Convection
from sciwm.benchmarks.apebench.scenarios import DIFFICULTIES, NUM_POINTS, random_starts, scenario, stepper
from sciwm.benchmarks.apebench.score import PUBLISHED, geometric_mean_nrmse, nrmse
from sciwm.errors import InputError
from simulations import PeriodicGrid, uniform
from simulations.equations import Burgers, KuramotoSivashinsky

KEPT = 53  # waves that the square sees


def starts(count: int = 3) -> Tensor:
    return torch.from_numpy(random_starts(np.random.default_rng(7), count))


def waves(fields: Tensor) -> Tensor:
    """The waves that the square sees, scaled like the fields."""
    return torch.fft.rfft(fields)[..., :KEPT] / NUM_POINTS


@pytest.mark.parametrize("name", DIFFICULTIES)
def test_scenarios_are_the_same_for_the_same_seed_and_follow_the_protocol(name: str) -> None:
    data = scenario(name)
    assert data.train.shape == (50, 51, 1, NUM_POINTS) and data.test.shape == (30, 201, 1, NUM_POINTS)
    assert data.train.dtype == torch.float32 and torch.isfinite(data.test).all()
    scenario.cache_clear()
    assert torch.equal(scenario(name).test, data.test)
    assert not torch.equal(scenario(name, seed=1).test, data.test)
    assert data.test.mean(dim=-1).abs().max() < 1e-6  # convection conserves the mean


def test_starts_hold_five_waves_and_peak_at_one() -> None:
    fields = starts(20)
    spectrum = torch.fft.rfft(fields).abs()
    torch.testing.assert_close(fields.abs().amax(dim=-1), torch.ones(20, 1, dtype=torch.float64))
    assert spectrum[..., 0].max() < 1e-10 and spectrum[..., 6:].max() < 1e-10


@pytest.mark.parametrize("name", DIFFICULTIES)
def test_small_waves_follow_the_linear_equation(name: str) -> None:
    """``exp(i k x + (-g_2 k^2 - i g_3 k^3 + g_4 k^4) t)`` with ``g_j = gamma_j / (N^j 2^(j-1))``."""
    d, k, steps = DIFFICULTIES[name], 2 * math.pi * 12, 20
    a = [gamma / (NUM_POINTS**j * 2 ** (j - 1)) for j, gamma in ((2, d.gamma_2), (3, d.gamma_3), (4, d.gamma_4))]
    growth, phase = math.exp((-a[0] * k**2 + a[2] * k**4) * steps), -a[1] * k**3 * steps
    x = torch.arange(NUM_POINTS, dtype=torch.float64) / NUM_POINTS
    end = stepper(name).trajectory(1e-9 * torch.cos(k * x)[None, None], steps)[0, -1, 0]
    torch.testing.assert_close(end, 1e-9 * growth * torch.cos(k * x + phase), rtol=1e-5, atol=1e-15)


def test_burgers_is_the_equation_of_that_name_on_a_longer_domain() -> None:
    """With x in units of b, ``u_t + b u u_x = a_2 u_xx`` is ``u_t + u u_x = a_2 / b^2 u_xx``."""
    b, a_2 = 1.5 / NUM_POINTS, 1.5 / (2 * NUM_POINTS**2)
    grid = PeriodicGrid.line(NUM_POINTS, 1 / b)
    plant = Burgers(
        grid,
        uniform(grid, limit=1.0, acts_on="u"),
        parameters={"viscosity": a_2 / b**2},
        control_interval=2.0,
        steps_per_interval=2,
        order=2,
    )
    fields = starts()
    torch.testing.assert_close(
        waves(stepper("burgers").trajectory(fields, 2)[:, -1]),
        waves(plant.advance(fields, torch.zeros(3, 1, dtype=torch.float64))),
        rtol=0,
        atol=1e-6,
    )


def test_ks_is_the_equation_of_that_name_in_its_own_units() -> None:
    """Length ``sqrt(a_4 / a_2)``, time ``a_4 / a_2^2`` in absolute values, velocity their ratio over b."""
    b, a_2, a_4 = 1 / NUM_POINTS, 2 / (2 * NUM_POINTS**2), 18 / (8 * NUM_POINTS**4)
    length, time = math.sqrt(a_4 / a_2), a_4 / a_2**2
    grid = PeriodicGrid.line(NUM_POINTS, 1 / length)
    plant = KuramotoSivashinsky(
        grid,
        uniform(grid, limit=1.0, acts_on="u"),
        parameters={},
        control_interval=2 / time,
        steps_per_interval=2,
        order=2,
    )
    fields, velocity = starts(), length / (b * time)
    end = plant.advance(fields / velocity, torch.zeros(3, 1, dtype=torch.float64)) * velocity
    torch.testing.assert_close(
        waves(stepper("ks_conservative").trajectory(fields, 2)[:, -1]), waves(end), rtol=0, atol=1e-6
    )


def test_energy_of_dispersive_waves_obeys_its_budget() -> None:
    """Convection and dispersion keep the energy."""
    simulation = Convection(NUM_POINTS, convection=2e-4, dispersion=-1e-8)
    energy = simulation.functionals(simulation.trajectory(starts(), 50).flatten(0, 1))["energy"].unflatten(0, (3, 51))
    torch.testing.assert_close(energy[:, -1], energy[:, 0], rtol=1e-7, atol=0)


@pytest.mark.parametrize(("real_weights", "order"), [(False, 2), (True, 1)])
def test_order_with_dispersion_depends_on_the_weights(real_weights: bool, order: int) -> None:
    def end(steps: int) -> Tensor:
        factors = {"convection": 0.2, "dispersion": -1e-6, "hyperdiffusion": -1e-8}
        simulation = Convection(
            NUM_POINTS, **{name: value / steps for name, value in factors.items()}, real_weights=real_weights
        )
        return simulation.trajectory(starts(), steps)[:, -1]

    coarse, middle, fine = end(64), end(128), end(256)
    measured = math.log2(float((coarse - middle).norm() / (middle - fine).norm()))
    assert abs(measured - order) < 0.15


@pytest.mark.parametrize("name", DIFFICULTIES)
def test_steps_are_those_of_exponax(name: str) -> None:
    """Of its waves that the square sees: versions of exponax differ in whether they keep the others."""
    step, states = _exponax(name), scenario(name).test[:3, :8]
    theirs = torch.from_numpy(step(states.flatten(0, 1)[:, 0].numpy()))[:, None].unflatten(0, (3, 8))
    torch.testing.assert_close(waves(states[:, 1:]), waves(theirs[:, :-1]), rtol=0, atol=1e-6)


def _exponax(name: str) -> Callable[[Any], Any]:
    exponax = pytest.importorskip("exponax")
    import jax

    d = DIFFICULTIES[name]
    linear = (0.0, 0.0, d.gamma_2, d.gamma_3, d.gamma_4)
    if name == "kdv":
        reference = exponax.stepper.generic.DifficultyNonlinearStepper(
            1, NUM_POINTS, linear_difficulties=linear, nonlinear_difficulties=(0.0, d.delta_1, 0.0)
        )
    else:
        reference = exponax.stepper.generic.DifficultyConvectionStepper(
            1, NUM_POINTS, linear_difficulties=linear, convection_difficulty=-d.delta_1, conservative=True
        )
    batched = jax.jit(jax.vmap(reference))
    return lambda states: np.array(batched(states[:, None]))[:, 0]


def test_score_averages_samples_before_steps() -> None:
    """Errors of 0.1 and 0.3 on half of the steps, 0.8 on the others: sqrt(0.2 * 0.8) = 0.4."""
    truth = torch.ones(2, 100, 1, 16, dtype=torch.float64)
    predicted = truth.clone()
    predicted[0, :50] += 0.1
    predicted[1, :50] -= 0.3
    predicted[:, 50:] += 0.8
    assert math.isclose(geometric_mean_nrmse(predicted, truth).item(), 0.4, rel_tol=1e-12)
    beyond = torch.cat([predicted, 100 * predicted], dim=1), torch.cat([truth, truth], dim=1)
    assert math.isclose(geometric_mean_nrmse(*beyond).item(), 0.4, rel_tol=1e-12)


def test_score_is_relative_to_each_sample() -> None:
    truth = torch.randn(3, 100, 1, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scale = torch.tensor([1e-3, 1.0, 1e3], dtype=torch.float64)[:, None, None, None]
    torch.testing.assert_close(nrmse(1.2 * truth * scale, truth * scale), torch.full((3, 100), 0.2).double())


def test_score_tells_what_does_not_fit() -> None:
    truth = torch.ones(2, 60, 1, 16)
    with pytest.raises(InputError, match="100 instants"):
        geometric_mean_nrmse(truth, truth)
    with pytest.raises(InputError, match="shape of truth"):
        nrmse(truth[:1], truth)
    with pytest.raises(InputError, match="burgers"):
        scenario("heat")


def test_published_results_are_of_the_scenarios() -> None:
    assert set(PUBLISHED) == set(DIFFICULTIES)
