"""Ensembles, their calibration, and the file that holds both, against what closed forms say."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

import sciwm
from sciwm.config import Config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.evaluation.sureness import fair_crps, ranks, score_ensemble, spread_skill
from sciwm.model import WorldModel, save_model
from sciwm.model.ensemble import rollout_members
from sciwm.run_paths import RunPaths
from sciwm.uncertainty import (
    COVERAGES,
    Uncertainty,
    calibrate,
    is_of_this_model,
    load_uncertainty,
    save_uncertainty,
)
from sciwm.uncertainty.bootstrap import PAIRS, drawn_together, fit_ensemble
from sciwm.uncertainty.conformal import conformal_limits
from sciwm.uncertainty.familiarity import Familiarity
from sciwm.uncertainty.seen_states import SeenStates, look_at
from sciwm.uncertainty.thresholds import effective_numbers, thresholds_of
from sciwm.uncertainty.variance_components import variance_components


@pytest.fixture
def known(model: WorldModel, training_set: Trajectories, validation_set: Trajectories) -> Uncertainty:
    """The uncertainty of a random model."""
    return calibrate(model.freeze(), [training_set], validation_set, seed=0)


# Scores ------------------------------------------------------------------------------------------------


def test_fair_crps_of_few_members_is_that_of_their_distribution() -> None:
    """On average four normal members have the score of the normal distribution (Gneiting & Raftery 2007, eq. 5)."""
    generator, truth, mean, deviation = torch.Generator().manual_seed(0), 0.7, 0.2, 1.5
    members = mean + deviation * torch.randn(4, 200_000, generator=generator, dtype=torch.float64)
    z = (truth - mean) / deviation
    density, below = math.exp(-z * z / 2) / math.sqrt(2 * math.pi), 0.5 * (1 + math.erf(z / math.sqrt(2)))
    exact = deviation * (z * (2 * below - 1) + 2 * density - 1 / math.sqrt(math.pi))
    found = fair_crps(members, torch.full((200_000,), truth, dtype=torch.float64))
    assert float(found.mean()) == pytest.approx(exact, abs=4 * float(found.std()) / 200_000**0.5)


def test_fair_crps_by_hand() -> None:
    """Members 0 and 2 of a truth at 3: mean distance 2, minus half the distance of the pair."""
    assert float(fair_crps(torch.tensor([0.0, 2.0]), torch.tensor(3.0))) == 2.0 - 1.0


def test_members_drawn_like_the_truth_have_spread_as_error_and_flat_ranks() -> None:
    """For any number of members."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(6, 50_000, generator=generator, dtype=torch.float64)
    members, truth = drawn[:5], drawn[5]
    error = (members.mean(dim=0) - truth).square().mean()
    assert float(spread_skill(members.var(dim=0).mean(), error, 5)) == pytest.approx(1.0, abs=0.01)
    counts = torch.bincount(ranks(members, truth), minlength=6) / 50_000
    torch.testing.assert_close(counts, torch.full((6,), 1 / 6), atol=0.007, rtol=0)


# Calibration -------------------------------------------------------------------------------------------


def test_limits_of_runs_that_are_alike_are_plain_quantiles() -> None:
    """Of absolute normal numbers: 0.674 and 1.645."""
    scores = np.abs(np.random.default_rng(0).standard_normal((10, 4000)))
    limits, covered = conformal_limits(scores, COVERAGES)
    np.testing.assert_allclose(limits, [0.674, 1.645], atol=0.03)
    np.testing.assert_allclose(covered, COVERAGES, atol=0.01)


def test_limits_of_runs_that_differ_hold_for_the_next_run() -> None:
    """A plain quantile of three runs of different sizes covers too little of a fourth; raised levels do not."""
    rng, plain, raised = np.random.default_rng(0), [], []
    for _ in range(600):
        runs = np.exp(0.7 * rng.standard_normal((4, 1))) * np.abs(rng.standard_normal((4, 100)))
        (limit,), _ = conformal_limits(runs[:3], [0.9])
        plain.append((runs[3] <= np.quantile(runs[:3], 0.9)).mean())
        raised.append((runs[3] <= limit).mean())
    assert np.mean(plain) < 0.87
    assert 0.88 < np.mean(raised) < 0.93


def test_one_run_has_a_limit_and_no_claim() -> None:
    """Nothing says how far others differ from it; runs that are not so long do not count."""
    scores = np.array([np.arange(10.0), np.full(10, np.nan)])
    limits, covered = conformal_limits(scores, [0.9])
    assert limits.tolist() == [8.0] and np.isnan(covered).all()
    assert np.isnan(conformal_limits(scores[1:], [0.9])[0]).all()


def test_variances_are_told_apart() -> None:
    """Two causes of known weight, in 400 runs where they differ; a weight keeps its least value."""
    rng = np.random.default_rng(0)
    causes = rng.uniform(0.1, 2.0, (2, 400, 1))
    squares = (2.0 * causes[0] + 0.5 * causes[1]) * rng.chisquare(20, (400, 1)) / 20
    np.testing.assert_allclose(variance_components(squares, causes, np.zeros(2))[:, 0], [2.0, 0.5], atol=0.15)
    held = variance_components(squares, causes, np.array([0.0, 1.0]))[:, 0]
    assert held[1] == 1.0
    assert held[0] < 2.0


# The ensemble ------------------------------------------------------------------------------------------


def seen_of(states: Tensor, inputs: Tensor, innovations: Tensor, runs: Tensor) -> SeenStates:
    """Intervals of a latent of two numbers, whose fields do not matter."""
    nothing = torch.zeros(1)
    return SeenStates(states, inputs, innovations, nothing, nothing, runs, inputs.amin(0), inputs.amax(0))


def test_members_of_a_linear_model_are_its_bootstrap() -> None:
    """Whatever linear step was trained, members add what least squares of redrawn runs would have changed."""
    rng = np.random.default_rng(1)
    runs = torch.arange(6).repeat_interleave(30)
    z, a = (torch.from_numpy(rng.standard_normal((180, n))) for n in (2, 1))
    x = torch.cat([z, a, torch.ones(180, 1, dtype=torch.float64)], dim=1)
    after = x @ torch.from_numpy(rng.standard_normal((4, 2))) + 0.3 * torch.from_numpy(rng.standard_normal((180, 2)))
    two = cast(Any, SimpleNamespace(latent=lambda s: s, conserved=torch.zeros(2, dtype=torch.bool)))
    trained = [x @ torch.from_numpy(rng.standard_normal((4, 2))) for _ in range(2)]
    first, second = (fit_ensemble(two, seen_of(z.float(), a.float(), after - step, runs), seed=3) for step in trained)
    torch.testing.assert_close(first.corrections, second.corrections, atol=1e-5, rtol=1e-3)

    drawn = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=PAIRS)
    whole = torch.linalg.lstsq(x, after).solution
    for correction, times in zip(first.corrections, torch.from_numpy(drawn), strict=True):
        rows = torch.repeat_interleave(torch.arange(180), times[runs])
        changed = x @ (torch.linalg.lstsq(x[rows], after[rows]).solution - whole)
        of_member = first.features(z.float(), a.float()) @ correction
        torch.testing.assert_close(of_member, changed.float(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("runs", [1, 2, 4])
def test_members_of_few_runs_differ_as_those_of_many_do(runs: int) -> None:
    """Of one run every draw of runs is the same; blocks in time tell how uncertain a regression is."""
    one = cast(Any, SimpleNamespace(latent=lambda s: s, conserved=torch.zeros(1, dtype=torch.bool)))
    spread, exact = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        z = torch.from_numpy(rng.standard_normal((240, 1)))
        errors = torch.zeros(240, 1, dtype=torch.float64)
        for t in range(240):  # which remember a few intervals
            errors[t] = 0.6 * (errors[t - 1] if t else 0.0) + 0.1 * rng.standard_normal()
        seen = seen_of(z.float(), torch.zeros(240, 1), errors, torch.arange(240) // (240 // runs))
        spread.append(float(fit_ensemble(one, seen, seed).corrections[:, -1].std()))  # of the constant
        exact.append(float(errors.mean()))
    assert np.mean(spread) == pytest.approx(np.std(exact), rel=0.3)


def test_many_runs_are_drawn_whole_and_blocks_of_few_follow_in_time() -> None:
    errors = torch.from_numpy(np.random.default_rng(0).standard_normal((90, 2)))
    many = torch.arange(90) // 18
    assert torch.equal(drawn_together(many, errors), many)
    few = torch.tensor([0] * 60 + [1] * 30)
    groups = drawn_together(few, errors)
    assert (
        (groups.diff() >= 0).all()
        and (groups.diff() <= 1).all()
        and not set(groups[:60].tolist()) & set(groups[60:].tolist())
    )
    assert 10 <= len(groups.unique()) <= 30


def test_what_decoding_leaves_out_differs_among_members_of_few_runs(
    model: WorldModel, training_set: Trajectories
) -> None:
    """Of one run it comes from as many instants as there are pairs."""

    class One:
        def __getattr__(self, name: str) -> Any:
            return getattr(training_set, name)

        usable = training_set.usable[:1]

    left_out = look_at(model.freeze(), [cast(Any, One())], PAIRS).left_out
    assert len(left_out) == PAIRS and (left_out.std(dim=0) > 0).all()
    assert len(look_at(model, [training_set], PAIRS).left_out) == PAIRS


def test_members_lie_around_the_trained_model(model: WorldModel, known: Uncertainty) -> None:
    """All start alike, differ later, and to first order their mean is the trained model's forecast."""
    generator = torch.Generator().manual_seed(0)
    state = model.encode(torch.randn(3, 1, 32, generator=generator))
    actions = torch.zeros(3, 5, len(model.actuators))
    members = rollout_members(model, known.ensemble, state, actions)
    assert members.shape == (3, known.ensemble.members, 6, model.state_size)
    assert members[:, :, 0].std(dim=1).max() == 0
    one = model.advance(state, actions[:, 0])
    spread = members[:, :, 1].std(dim=1)
    assert spread.max() > 0
    assert (members[:, :, 1].mean(dim=1) - one).abs().max() < 1e-4 * spread.max() + 1e-6


def test_bands_hold_what_they_were_calibrated_for(
    model: WorldModel, known: Uncertainty, validation_set: Trajectories
) -> None:
    """On the runs that calibrated them, at every lead time, and with a spread of the size of the error."""
    scores = score_ensemble(model, known, validation_set, 20, lambda items, text: items)
    covered = scores["covered"].mean("simulation").sel(variable="u")
    assert (covered.sel(coverage=0.9) >= 0.89).all() and (covered.sel(coverage=0.9) <= 0.99).all()
    assert (covered.sel(coverage=0.5) >= 0.5).all() and (covered.sel(coverage=0.5) <= 0.75).all()
    np.testing.assert_allclose(scores["spread_skill"], 1.0, atol=1e-3)
    np.testing.assert_allclose(scores["ranks"].sum("rank"), 1.0)
    assert scores["crps"].mean() < scores["absolute_error"].mean()


# Thresholds --------------------------------------------------------------------------------------------


def scores_in_time(rng: np.random.Generator, instants: int, memory: float, fitted: float = 1.0) -> NDArray[np.float64]:
    """Positive scores of four detectors, ``(instant, 4)``, each with a correlation ``memory`` from one to the next."""
    noise = rng.standard_normal((instants, 4)) * (1 - memory**2) ** 0.5
    states = np.zeros((instants, 4))
    states[0] = rng.standard_normal(4)
    for t in range(1, instants):
        states[t] = memory * states[t - 1] + noise[t]
    return np.asarray(fitted * np.exp(0.3 * states))


def test_independent_instants_are_counted() -> None:
    """All of white noise, (1 - r) / (1 + r) of an autoregressive process, and runs that differ as wholes once each."""
    rng = np.random.default_rng(0)
    white, slow = scores_in_time(rng, 4000, 0.0), scores_in_time(rng, 20_000, 0.8)
    assert (effective_numbers([white]) > 3500).all()
    np.testing.assert_allclose(effective_numbers([slow]), 20_000 / 9, rtol=0.2)
    levels = np.exp(rng.standard_normal(12))
    whole = [level * (1 + 0.01 * rng.standard_normal((50, 1))) for level in levels]
    assert effective_numbers(whole)[0] == pytest.approx(12, rel=0.35)


@pytest.mark.parametrize(
    ("learned", "held_out", "memory"), [(300, 75, 0.0), (300, 75, 0.7), (144, 36, 0.7), (48, 12, 0)]
)
def test_sound_records_of_one_short_record_are_not_flagged(learned: int, held_out: int, memory: float) -> None:
    """On average in at most one of twenty cases, though the model was fitted to the longer part; a fault still is."""
    alarms, found = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        parts = [scores_in_time(rng, n, memory, fitted) for n, fitted in ((learned, 0.8), (held_out, 1), (100, 1))]
        limits = thresholds_of([parts[0]], [parts[1]]).limits
        alarms.append((parts[2] > limits).any(axis=1).mean())
        found.append((10 * parts[2] > limits).any(axis=1).mean())
    assert np.mean(alarms) < 0.05
    assert np.mean(found) > 0.95


def test_too_few_instants_say_nothing() -> None:
    """Of 18 independent ones no limit holds one false alarm in twenty; a detector that knows more speaks alone."""
    rng = np.random.default_rng(0)
    few = thresholds_of([scores_in_time(rng, 12, 0.0)], [scores_in_time(rng, 6, 0.0)])
    assert np.isinf(few.limits).all() and (few.independent <= 18).all()
    one = scores_in_time(rng, 200, 0.0)
    one[:, 2] = np.exp(np.sin(np.arange(200) * 2 * np.pi / 150))  # a season, of which there is little more than one
    several = thresholds_of([one[:150]], [one[150:]])
    assert np.isinf(several.limits).tolist() == [False, False, True, False]


def test_the_end_of_a_record_that_drifts_is_said_to_be_unlike_its_beginning() -> None:
    """In the words of flags, with how much farther it is; detectors that say nothing beside it."""
    grid = xr.DataArray(np.linspace(0, 1, 12), dims="x", coords={"x": np.arange(12.0)}, attrs={"units": "m"})
    day = xr.DataArray(np.arange(120.0), dims="time", coords={"time": np.arange(120.0)})
    rng = np.random.default_rng(0)
    weather = xr.DataArray(scores_in_time(rng, 120, 0.5), dims=("time", "mode"))
    modes = xr.concat([np.cos((k + 1) * np.pi * grid) for k in range(4)], "mode")

    def told_of(drift: float) -> xr.Dataset:
        field = (weather * modes).sum("mode") + np.sin(2 * np.pi * day / 10) * grid + drift * day / 120 * grid
        ds = xr.Dataset({"u": field.transpose("time", "x") + 0.02 * rng.standard_normal((120, 12))})
        settings = {
            "model": {"latent_size": 4, "predictor": {"kind": "linear"}},
            "training": {"updates": 1, "batch_size": 4},
            "loss": {"horizon": 2},
        }
        parts = [ds.isel(time=slice(*ends)) for ends in ((0, 72), (72, 90), (90, 120))]
        return sciwm.fit(parts[0], validation=parts[1], time="time", space=["x"], settings=settings).flags(parts[2])

    alike, drifting = told_of(0.0), told_of(12.0)
    assert alike.flag.mean() <= 0.05
    assert "unlike the training data" not in alike.flag.attrs.get("comment", "")
    assert "the validation data are unlike the training data: states are " in drifting.flag.attrs["comment"]


# Familiarity -------------------------------------------------------------------------------------------


def test_a_state_may_be_unusual_for_its_parameter_alone() -> None:
    """Latents follow the parameter closely: one of another parameter is like the data, and far from them."""
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(500, 1, generator=generator)
    latents = parameters + 0.01 * torch.randn(500, 1, generator=generator)
    seen = seen_of(latents, parameters, 0.1 * torch.randn(500, 1, generator=generator), torch.arange(500) // 10)
    usual = Familiarity.of(latents, parameters, seen, parameters[:5])
    at = torch.tensor([[1.0], [1.0], [8.0]])
    near, wrong, far = usual.distance(at, torch.tensor([[1.0], [-1.0], [8.0]])).tolist()
    assert near < 2
    assert wrong > 50  # 2 away, at a deviation of 0.01
    assert 4 < far < 9  # of eight deviations along one of two directions
    assert float(usual.surprise(torch.tensor([0.5]))) == pytest.approx(5.0, rel=0.15)


def test_ranges_end_a_little_beyond_the_data() -> None:
    """Actions and parameters of the training data are inside, and so are parameters of the calibration."""
    inputs = torch.tensor([[0.0, -1.0], [1.0, 1.0]])
    seen = seen_of(torch.zeros(2, 1), inputs[:, :1], torch.ones(2, 1), torch.arange(2))
    usual = Familiarity.of(torch.tensor([[0.0], [1.0]]), inputs[:, 1:], seen, torch.tensor([[3.0]]))
    beyond = usual.beyond(torch.tensor([[1.0, 3.0], [1.2, 0.0], [0.5, 9.0]]))
    assert (beyond[0] < 1).all()
    assert beyond[1, 0] > 1 and beyond[1, 1] < 1
    assert beyond[2, 0] < 1 and beyond[2, 1] > 1


# The file ----------------------------------------------------------------------------------------------


def test_the_file_gives_back_what_was_written(
    known: Uncertainty, model: WorldModel, config: Config, training_set: Trajectories, validation_set: Trajectories,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Made again it has the same bytes; other weights have none; a single flipped bit is found."""
    paths = RunPaths(tmp_path)
    save_model(tmp_path, model, config, {})
    assert not is_of_this_model(paths)
    save_uncertainty(paths, known)
    written = paths.uncertainty.read_bytes()
    read = load_uncertainty(paths, model)
    assert read is not None and read.calibration.runs == 8
    torch.testing.assert_close(read.calibration.limits, known.calibration.limits, rtol=0, atol=0)
    torch.testing.assert_close(read.ensemble.corrections, known.ensemble.corrections, rtol=0, atol=0)
    torch.testing.assert_close(read.independent, known.independent, rtol=0, atol=0)
    assert is_of_this_model(paths)
    save_uncertainty(paths, calibrate(model, [training_set], validation_set, seed=0))
    assert paths.uncertainty.read_bytes() == written

    flipped = bytearray(written)
    flipped[-3] ^= 16
    paths.uncertainty.write_bytes(flipped)
    assert not is_of_this_model(paths)
    with pytest.raises(InputError, match="its content is another than was written"):
        load_uncertainty(paths, model)
    paths.uncertainty.write_bytes(written)
    with torch.no_grad():
        model.decoder.state_dict()[next(iter(model.decoder.state_dict()))].add_(1.0)
    save_model(tmp_path, model, config, {})
    assert load_uncertainty(paths, model) is None
