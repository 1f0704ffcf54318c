"""The numbers of an evaluation on trajectories whose scores are known."""

import numpy as np
import pytest
import torch
import xarray as xr

from sciwm.config import Config
from sciwm.errors import InputError
from sciwm.evaluation import (
    bootstrap_interval,
    first_mean_square,
    summarize_control,
    unseen_action_budget,
    valid_prediction_time,
)
from sciwm.evaluation.rollouts import skill_by_step
from sciwm.loss.terms import budget_residual
from sciwm.model import WorldModel
from sciwm.training import participation_ratio
from simulations import build, run_episodes


def _rollouts(nrmse: list[list[float]]) -> xr.Dataset:
    times = 0.25 * np.arange(len(nrmse[0]))
    return xr.Dataset({"nrmse": (("simulation", "time"), nrmse)}, {"time": times})


def test_valid_time_is_the_first_exceedance() -> None:
    """A later return below the threshold does not count; a valid rollout counts to the end; NaN is invalid."""
    rollouts = _rollouts([[0, 0.4, 0.6, 0.1, 0.7], [0, 0.1, 0.2, 0.3, 0.4], [0, 0.1, np.nan, np.nan, np.nan]])
    assert valid_prediction_time(rollouts).values.tolist() == [0.5, 1.0, 0.5]


def test_skill_is_one_minus_the_ratio_to_persistence(model: WorldModel) -> None:
    """Errors of half of persistence's give 3/4; persistence itself gives 0; the truth gives 1."""
    truth = np.array([[[1.0, -1.0]] * 4]) * np.arange(1, 5)[None, :, None]
    start = truth[:, :1]
    for share, skill in ((0.5, 0.75), (1.0, 0.0), (0.0, 1.0)):
        imagined = truth + share * (start - truth)
        dims = ("simulation", "time", "x")
        rollouts = xr.Dataset({"u": (dims, truth), "u_imagined": (dims, imagined)})
        assert skill_by_step(rollouts, model).values.tolist() == pytest.approx([skill] * 3)


def test_what_blew_up_has_no_skill(model: WorldModel) -> None:
    """One of two simulations is enough: no mean over those that are left."""
    truth = np.arange(1.0, 9.0).reshape(2, 4, 1) * np.ones(2)
    imagined = np.where(np.arange(4)[:, None] > 1, np.nan, truth)
    imagined[0] = truth[0]
    dims = ("simulation", "time", "x")
    rollouts = xr.Dataset({"u": (dims, truth), "u_imagined": (dims, imagined)})
    assert skill_by_step(rollouts, model).values.tolist() == [1.0, -np.inf, -np.inf]


def test_participation_ratio_counts_equal_directions() -> None:
    """n equal variances give n; one direction gives 1; what distinguishes trajectories is not counted."""
    generator = torch.Generator().manual_seed(0)
    white = torch.randn(64, 400, 6, generator=generator)
    assert participation_ratio(white) == pytest.approx(6, rel=0.01)
    single = white[..., :1] * torch.ones(6)
    assert participation_ratio(single) == pytest.approx(1)
    parameters = 100 * torch.randn(64, 1, 6, generator=generator)
    assert participation_ratio(white + parameters) == pytest.approx(6, rel=0.01)


def test_bootstrap_interval_has_the_width_of_the_standard_error() -> None:
    """For normal samples the interval is the mean plus and minus 1.96 standard errors."""
    sample = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = bootstrap_interval(sample)
    assert (high - low) / 2 == pytest.approx(1.96 * 2.0 / 20, rel=0.15)
    assert low < 3.0 < high


def test_control_summary_counts_the_right_instants(config: Config) -> None:
    """The start is not counted, "first" and "final" are as configured, the reduction is relative to the adjoint's."""
    names, intervals = ["none", "world_model", "adjoint"], config.control.intervals
    distance = np.ones((3, 2, intervals + 1))
    distance[1, :, 1 : config.control.first + 1] = 0.25
    distance[2, :, 1 : config.control.first + 1] = 0.0
    distance[1, :, -config.control.last :] = [[1e-4], [3e-4]]
    result = xr.Dataset(
        {
            "distance": (("controller", "episode", "time"), distance),
            "action": (("controller", "episode", "time", "actuator"), np.zeros((3, 2, intervals + 1, 4))),
            "seconds_per_decision": ("controller", [np.nan, 0.5, 1.0]),
        },
        {"controller": names},
    )
    summary = summarize_control(result, config)
    assert first_mean_square(result, config) == {"none": 1.0, "world_model": 0.25, "adjoint": 0.0}
    assert summary["relative_reduction"] == pytest.approx(0.75)
    assert summary["mean_square_final"]["world_model"] == pytest.approx(2e-4)
    assert summary["mean_square_final_worst"]["world_model"] == pytest.approx(3e-4)
    assert summary["seconds_per_decision"] == {"world_model": 0.5, "adjoint": 1.0}

    result["distance"][1, 1, 3:] = np.nan
    blown_up = summarize_control(result, config)
    assert blown_up["relative_reduction"] == -np.inf and blown_up["mean_square_final"]["world_model"] == np.inf
    first = f"mean_square_first_{config.control.first * config.simulation.control_interval:g}_interval"
    assert blown_up[first]["world_model"] == (0.25, np.inf)
    assert blown_up[first]["none"] == summary[first]["none"]


def test_change_error_is_imagined_minus_true_in_units_of_the_true_deviation(model: WorldModel, config: Config) -> None:
    """Exchanging the truth, but not the imagination, moves the error by exactly the difference of the truths."""
    simulation = build(config.simulation.model_dump())
    rng = np.random.default_rng(0)
    starts = torch.tensor(
        np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(6)]), dtype=torch.float32
    )
    actions = 2 * torch.rand(6, 3, 4) - 1
    episodes = run_episodes(simulation, starts, lambda fields, t: actions[:, t], range(3))
    scores = unseen_action_budget(model, simulation, starts, actions, episodes.fields)
    assert scores["change_error"].dims == ("sample", "time", "functional")
    other = unseen_action_budget(model, simulation, starts, actions, episodes.fields.flip(0))
    energies = episodes.functionals["energy"].diff(dim=1)
    gap = (energies - energies.flip(0)) / energies.flatten().std()
    for name in ("change_error", "stated_error"):
        difference = (other[name] - scores[name]).sel(functional="energy")
        np.testing.assert_allclose(difference.values, gap.numpy(), atol=1e-3)


def test_what_the_flow_conserves_has_no_budget_errors(model: WorldModel, config: Config) -> None:
    """Unforced, the mass varies by rounding, which is no unit; where nothing varies there is nothing to tell."""
    simulation = build(config.simulation.model_dump())
    rng = np.random.default_rng(0)
    drawn = [simulation.initial_state(rng, amplitude=1.0) for _ in range(6)]
    starts, unforced = torch.tensor(np.stack(drawn), dtype=torch.float32), torch.zeros(6, 3, 4)
    fields = run_episodes(simulation, starts, lambda fields, t: unforced[:, t], range(3)).fields
    scores = unseen_action_budget(model, simulation, starts, unforced, fields)
    assert "mass" in [f.name for f in model.domain.functionals]
    assert "mass" not in scores["functional"] and "energy" in scores["functional"]
    assert bool(np.isfinite(scores["residual"]).all())
    with pytest.raises(InputError, match="all conserved"):
        unseen_action_budget(model, simulation, starts, unforced, starts[:, None].expand(-1, 4, -1, -1))


def test_budget_residuals_bear_the_name_of_their_functional(model: WorldModel, config: Config) -> None:
    """The model lists its functionals in another order than the simulation."""
    simulation = build(config.simulation.model_dump())
    assert [f.name for f in model.domain.functionals] != list(simulation.functional_names)
    generator = torch.Generator().manual_seed(0)
    starts = torch.randn(6, 1, 32, generator=generator)
    actions = 2 * torch.rand(6, 1, 4, generator=generator) - 1
    episodes = run_episodes(simulation, starts, lambda fields, t: actions[:, t], range(1))
    scores = unseen_action_budget(model, simulation, starts, actions, episodes.fields)
    state = model.encode(starts)
    residual = budget_residual(model, state, actions[:, 0], model.advance(state, actions[:, 0]))
    for i, functional in enumerate(model.domain.functionals):
        true = episodes.functionals[functional.name].diff(dim=1)
        expected = residual[:, i] * functional.change_deviation / true.std()
        found = scores["residual"].sel(functional=functional.name).values[:, 0]
        np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-3, atol=1e-5)
