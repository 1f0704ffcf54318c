"""Surprise of dynamics that are exact: every violation is seen, what is possible is not."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor

import simulations
from sciwm.errors import InputError
from sciwm.evaluation import symmetric_shift
from sciwm.evaluation.surprise import Violation, observed_budget, standard_controls, standard_violations, surprise
from sciwm.evaluation.surprise.alarms import smallest_detectable, smallest_detectable_interval
from sciwm.evaluation.surprise.detection import Whitening, auroc, auroc_interval, cross_scores, paired_p_value
from sciwm.evaluation.surprise.violations import SHARES, Scene, continued
from sciwm.loss.terms import budget_residual
from sciwm.model import WorldModel
from sciwm.report.drawing import STYLE
from sciwm.report.surprise_figures import detection_over_size, surprise_by_violation
from simulations import Simulation

SETTINGS: dict[str, Any] = {
    "equation": "burgers",
    "num_points": 32,
    "domain_extent": 2 * np.pi,
    "control_interval": 0.1,
    "steps_per_interval": 4,
    "parameters": {"viscosity": 0.2},
    "jets": {"count": 4, "width": 0.4, "limit": 1.0},
}
TRAJECTORIES, INTERVALS = 24, 5


@pytest.fixture(scope="module")
def burgers() -> Simulation:
    """Smooth flow between four jets."""
    return simulations.build(SETTINGS)


def drawn(simulation: Simulation, seed: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Random starts and actions."""
    rng = np.random.default_rng(seed)
    starts = np.stack([simulation.initial_state(rng, amplitude=0.5) for _ in range(TRAJECTORIES)])
    actions = rng.uniform(-1, 1, (TRAJECTORIES, INTERVALS, len(simulation.actuators)))
    return torch.tensor(starts, dtype=dtype), torch.tensor(actions, dtype=dtype)


def judge(simulation: Simulation, violations: Sequence[Violation], dtype: torch.dtype, steps: int = 1) -> xr.Dataset:
    """The solver and its ledger, asked about trajectories of itself."""
    validation = drawn(simulation, 1, dtype)
    return surprise(
        simulation, simulation, *drawn(simulation, 0, dtype), validation=validation, violations=violations,
        residual=observed_budget(simulation), steps=steps, exposure=0.5,
    )  # fmt: skip


def test_the_exact_solver_sees_every_violation_and_no_consistent_shift(burgers: Simulation) -> None:
    """Rounding to single precision is all it cannot predict: AUROC 1 for violations, 1/2 for the shift."""
    violations = standard_violations("viscosity", sizes=(0.001,)) + standard_controls(resolution=False)
    result = judge(burgers, violations, torch.float32)
    reported = result.sel(size=result["default_size"])
    latent = reported.sel(detector="latent")
    violated = ~result["control"]
    assert (latent["auroc"].where(violated, 1.0) == 1.0).all()
    assert (latent["p_value"].where(violated, 0.0) < 1e-4).all()
    shift = latent.sel(violation="consistent_shift")
    assert float(shift["auroc"]) == pytest.approx(0.5, abs=0.1)
    assert float(shift["auroc_low"]) < 0.5 < float(shift["auroc_high"])
    assert float(shift["p_value"]) > 0.01
    assert float(result["smallest_detectable"].sel(detector="latent", violation="mass_injection")) == 0.001
    assert (result["validation_samples"] == TRAJECTORIES * INTERVALS).all()


def test_the_ledger_alone_is_a_detector(burgers: Simulation) -> None:
    """Budgets of the observed fields see mass, energy and other forcing; a shift changes but their rounding."""
    violations = standard_violations("viscosity", sizes=(0.05,)) + standard_controls(resolution=False)
    result = judge(burgers, violations, torch.float64)
    budget = result.sel(size=result["default_size"]).sel(detector="budget")["auroc"]
    for name in ("mass_injection", "energy_kick", "wrong_forcing", "splice", "viscosity_change"):
        assert float(budget.sel(violation=name)) > 0.95, name
    spread = ((2 * TRAJECTORIES + 1) / (12 * TRAJECTORIES**2)) ** 0.5  # of what cannot be told apart (Mann-Whitney)
    assert float(budget.sel(violation="consistent_shift")) == pytest.approx(0.5, abs=3 * spread)


def test_an_energy_kick_leaves_mass_alone(burgers: Simulation) -> None:
    """And a bump brings as much of a root mean square as a uniform injection."""
    starts, actions = drawn(burgers, 0)
    fields = torch.cat([starts[:, None], continued(burgers, starts, actions)], dim=1)
    scene = Scene(burgers, fields, actions, torch.Generator().manual_seed(0))
    changed = {v.name: v.change(scene, 0.1)[0][:, 1] - fields[:, 1] for v in standard_violations(None)}
    mean = changed["energy_kick"].mean(dim=2)
    np.testing.assert_allclose(mean, 0.0, atol=1e-14)
    rms = fields[:, 1].square().mean(dim=2).sqrt()
    for name in ("mass_injection", "bump_injection"):
        np.testing.assert_allclose(changed[name].square().mean(dim=2).sqrt(), 0.1 * rms)


def test_violated_trajectories_go_on_as_the_equation_has_it(burgers: Simulation) -> None:
    """After an injection nothing else is wrong: every later interval is one of the solver."""
    starts, actions = drawn(burgers, 0)
    fields = torch.cat([starts[:, None], continued(burgers, starts, actions)], dim=1)
    scene = Scene(burgers, fields, actions, torch.Generator().manual_seed(0))
    observed, told = standard_violations(None)[0].change(scene, 0.05)
    torch.testing.assert_close(observed[:, 2], burgers.advance(observed[:, 1], told[:, 1]))
    assert (observed[:, 0] == fields[:, 0]).all()


@pytest.mark.parametrize("count, points", [(4, 8), (2, 16), (1, None)])
def test_the_symmetric_shift_is_one_step_of_the_lattice(count: int, points: int | None) -> None:
    """N / count points; a single jet allows none. The shifted flow under permuted actions is the flow, shifted."""
    simulation = simulations.build(SETTINGS | {"jets": {"count": count, "width": 0.4, "limit": 1.0}})
    starts, actions = drawn(simulation, 0)
    found = symmetric_shift(simulation, starts[:1])
    if points is None:
        assert found is None
        return
    assert found is not None
    axis, shift, places = found
    assert (axis, shift) == (0, points)
    moved = torch.empty_like(actions)
    moved[:, :, places] = actions
    after = simulation.advance(starts.roll(shift, -1), moved[:, 0])
    torch.testing.assert_close(after, simulation.advance(starts, actions[:, 0]).roll(shift, -1))


def test_a_steady_forcing_allows_shifts_along_itself_alone() -> None:
    """Kolmogorov flow forced along x by waves in y, under four jets in a row along x."""
    simulation = simulations.build(
        {
            "equation": "navier_stokes",
            "num_points": 16,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.1,
            "steps_per_interval": 2,
            "parameters": {"forcing_amplitude": 1.0},
            "jets": {"count": [4, 1], "width": 0.8, "limit": 1.0, "zero_mean": True, "normalization": "peak"},
        }
    )
    start = torch.tensor(simulation.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    assert symmetric_shift(simulation, start) == (0, 4, [1, 2, 3, 0])


def test_scores_are_those_of_normal_errors() -> None:
    """d s is chi-squared with d degrees of freedom: mean 1, variance 2 / d; units do not matter."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6)) * np.logspace(-3, 3, 6)
    known, new = rng.normal(size=(20000, 6)) @ mixing, rng.normal(size=(5000, 6)) @ mixing
    whitening = Whitening.of(known)
    assert whitening.shrinkage < 0.01
    scores = whitening.score(new)
    assert scores.mean() == pytest.approx(1, rel=0.05)
    assert scores.var() == pytest.approx(2 / 6, rel=0.15)
    rescaled = Whitening.of(1e5 * known).score(1e5 * new)
    np.testing.assert_allclose(rescaled, scores, rtol=1e-6)
    assert whitening.score(np.full((1, 6), np.nan))[0] == np.inf


def test_shrinkage_makes_few_errors_invertible() -> None:
    """Twelve independent errors of 40 components: near the identity, and every direction has a finite score."""
    rng = np.random.default_rng(0)
    whitening = Whitening.of(rng.normal(size=(12, 40)))
    assert whitening.shrinkage > 0.5
    assert np.linalg.eigvalsh(whitening.inverse).min() > 0.1
    assert whitening.score(rng.normal(size=(200, 40))).mean() == pytest.approx(1, rel=0.6)


def test_scores_that_set_a_threshold_are_those_of_new_trajectories() -> None:
    """100 errors of 30 components: scored by their own Sigma they look calm, by that of others like new ones."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(30, 30))
    known, new = (rng.normal(size=(n, 4, 30)) @ mixing for n in (25, 250))
    whitening = Whitening.of(known.reshape(-1, 30))
    own, crossed, fresh = whitening.score(known), cross_scores(known), whitening.score(new)
    assert own.mean() < 0.9 * fresh.mean()
    assert crossed.mean() == pytest.approx(fresh.mean(), rel=0.1)


def test_auroc_has_its_closed_forms() -> None:
    """1 and 0 for separate scores, 1/2 for the same, Phi(shift / sqrt 2) for two shifted normals."""
    low, high = np.arange(5.0), np.arange(5.0) + 10
    assert (auroc(high, low), auroc(low, high), auroc(low, low)) == (1.0, 0.0, 0.5)
    assert auroc([1, 1], [1, 0]) == 0.75
    rng = np.random.default_rng(0)
    plain, shifted = rng.normal(size=400), rng.normal(size=400) + 1
    expected = 0.7602499389  # Phi(1 / sqrt 2)
    lower, upper = auroc_interval(shifted, plain, np.arange(400))
    assert auroc(shifted, plain) == pytest.approx(expected, abs=0.03)
    assert lower < expected < upper and upper - lower < 0.1
    thrice = auroc_interval(np.repeat(shifted, 3), np.repeat(plain, 3), np.repeat(np.arange(400), 3))
    assert thrice == pytest.approx((lower, upper)), "no more is known from every sample three times"


def test_paired_test_sees_a_small_shift_of_each_pair() -> None:
    """Differences all above zero: p = 2^-n; none at all: 1."""
    calm = np.random.default_rng(0).normal(size=12)
    assert paired_p_value(calm + 0.01 * np.arange(1, 13), calm) == pytest.approx(2.0**-12)
    assert paired_p_value(calm, calm) == 1.0


def test_smallest_detectable_size_is_interpolated_in_its_logarithm() -> None:
    """Half-way between 20 and 100 % in the logarithm; the first size if all are seen; none if none is."""
    assert smallest_detectable([0.01, 0.1], [0.2, 1.0], power=0.6) == pytest.approx(10**-1.5)
    assert smallest_detectable([0.01, 0.1], [0.95, 1.0], power=0.9) == pytest.approx(0.01)
    assert smallest_detectable([0.01, 0.1], [0.1, 0.5], power=0.9) == np.inf
    raised = np.array([[True] * 4 + [False] * 16, [True] * 20])
    low, high = smallest_detectable_interval([0.01, 0.1], raised, np.arange(20), power=0.6)
    assert low <= 10**-1.5 <= high


def test_detection_grows_with_size_and_with_steps(burgers: Simulation) -> None:
    """Two-step errors go through the same; no alarm from nothing, alarms from all at the largest size."""
    kick = [v for v in standard_violations(None, sizes=SHARES) if v.name == "energy_kick"]
    for steps in (1, 2):
        result = judge(burgers, kick, torch.float32, steps)
        alarms = result["alarms"].sel(detector="latent", violation="energy_kick").values
        assert alarms[-1] == 1.0
        assert (np.diff(alarms) >= 0).all()
        assert float(result["false_alarms"].max()) <= 0.3
        assert result.attrs["steps"] == steps


def test_a_world_model_encodes_finer_grids_too(model: WorldModel) -> None:
    """Both controls go through a model that takes any grid, with the budget of its own heads."""
    tree = {
        "equation": "kuramoto_sivashinsky", "num_points": 32, "domain_extent": 22.0, "control_interval": 0.25,
        "steps_per_interval": 2, "jets": {"count": 4, "width": 0.8, "limit": 1.0},
    }  # fmt: skip
    simulation = simulations.build(tree)
    result = surprise(
        model, simulation, *drawn(simulation, 0, torch.float32), validation=drawn(simulation, 1, torch.float32),
        violations=standard_controls(), residual=partial(budget_residual, model),
    )  # fmt: skip
    assert result["control"].all() and set(result["detector"].values) == {"latent", "budget"}
    finer = result.sel(violation="finer_grid", size=2.0, detector="latent")
    assert float(finer["auroc"]) == pytest.approx(0.5, abs=0.1)


def test_two_dimensions_and_their_figures() -> None:
    """Vorticity on a square: the same numbers, each drawn in a figure that says what it shows."""
    tree = {
        "equation": "navier_stokes", "num_points": 16, "domain_extent": 2 * np.pi, "control_interval": 0.1,
        "steps_per_interval": 2,
        "jets": {"count": [4, 1], "width": 0.8, "limit": 1.0, "zero_mean": True, "normalization": "peak"},
    }  # fmt: skip
    simulation = simulations.build(tree)
    violations = standard_violations("viscosity", sizes=(0.01,)) + standard_controls(resolution=False)
    result = judge(simulation, violations, torch.float32)
    reported = result.sel(size=result["default_size"]).sel(detector="latent")
    for name in ("energy_kick", "bump_injection", "viscosity_change", "splice", "wrong_forcing"):
        assert float(reported["auroc"].sel(violation=name)) > 0.95, name
    assert float(reported["auroc"].sel(violation="consistent_shift")) == pytest.approx(0.5, abs=0.15)
    with matplotlib.rc_context(STYLE):
        figures = [surprise_by_violation(result), detection_over_size(result)]
    assert all(figure.png.startswith(b"\x89PNG") and str(TRAJECTORIES) in figures[0].caption for figure in figures)


def test_everything_wrong_is_told_at_once(burgers: Simulation) -> None:
    """Shapes, intervals too few for the exposure, another interval, violations without a sensible size."""
    starts, actions = drawn(burgers, 0)
    wrong = Violation("mass", lambda scene, size: (scene.fields, scene.actions), (0.2, 0.1), 0.3)
    other = simulations.build(SETTINGS | {"control_interval": 0.05})
    with pytest.raises(InputError) as error:
        surprise(other, burgers, starts[:, :, :8], actions[:5], validation=(starts, actions), violations=[wrong])
    places = [problem.where for problem in error.value.problems]
    assert places == ["starts", "starts", "validation", "simulation", "violations: mass"]


def test_another_interval_is_told_in_any_unit_of_time(burgers: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 1 and 5 picoseconds differ as those of 1 and 5 seconds do."""
    starts, actions = drawn(burgers, 0)
    other = simulations.build(SETTINGS)
    monkeypatch.setattr(burgers, "control_interval", 1e-12)
    monkeypatch.setattr(other, "control_interval", 5e-12)
    with pytest.raises(InputError, match="simulation: expected the interval 5e-12 of the dynamics, got 1e-12"):
        surprise(other, burgers, starts[:, :, :8], actions, validation=(starts, actions), violations=[])
