import numpy as np
import pytest
import torch

from simulations.tasks.hidden_gain import HiddenGain


def test_doing_nothing_costs_what_is_published() -> None:
    """Mean cost over 100 cases without control 0.590 (95 % interval 0.518 to 0.666), 90th percentile 1.060.

    200 cases of our own: the mean within that interval, the percentile within 15 %; no case fails.
    """
    task = HiddenGain()
    scenario = task.draw(np.random.default_rng(1), 200)
    fields, cost = scenario.start, torch.zeros(200, dtype=torch.float64)
    for interval in range(task.intervals):
        fields, reward = task.step(scenario, fields, torch.zeros(200, 2, dtype=torch.float64), interval)
        cost -= reward
    assert 0.518 < cost.mean().item() < 0.666
    assert cost.quantile(0.9).item() == pytest.approx(1.06, rel=0.15)
    assert not task.failed(scenario, fields).any()
    np.testing.assert_allclose(fields[:, 1], 0.5, rtol=1e-12)


def test_every_episode_has_its_own_parameters_within_their_ranges() -> None:
    """Uniform draws fill their ranges; starts meet the walls' values, which the flow keeps."""
    task = HiddenGain()
    scenario = task.draw(np.random.default_rng(0), 300)
    published = {
        "gain": (0.65, 1.35),
        "viscosity": (0.008, 0.018),
        "forcing": (0.4, 0.8),
        "frequency": (0.5, 1.5),
        "phase": (0, 2 * np.pi),
        "left": (-0.03, 0.03),
        "right": (-0.03, 0.03),
    }
    for name, (low, high) in published.items():
        values = scenario.simulation.values[name]
        assert low <= values.min() < low + 0.05 * (high - low), name
        assert high >= values.max() > high - 0.05 * (high - low), name
    walls = np.stack([scenario.simulation.values["left"], scenario.simulation.values["right"]], axis=1)
    np.testing.assert_allclose(scenario.start[:, 0, [0, -1]], walls, atol=1e-15)
    after = scenario.simulation.advance(scenario.start, torch.ones(300, 2, dtype=torch.float64))
    np.testing.assert_allclose(after[:, 0, [0, -1]], walls, atol=1e-15)


def test_actuators_are_gaussians_that_vanish_at_the_walls() -> None:
    """Maximum 1 near 0.28 and 0.72, exp(-1/2) a width away, 0 at the walls."""
    task = HiddenGain()
    shapes, x = task.simulation.shapes[:, 0], task.grid.coordinates["x"]
    assert shapes.max(axis=1).tolist() == [1.0, 1.0]
    assert x[shapes.argmax(axis=1)] == pytest.approx([0.28, 0.72], abs=0.5 / 47)
    assert not shapes[:, [0, -1]].any()
    assert np.interp(0.38, x, shapes[0]) == pytest.approx(np.exp(-0.5), abs=0.01)


def test_rewards_are_the_stated_costs() -> None:
    """Mean square before, 0.002 per squared action, and 4 times the mean square after the last interval."""
    task = HiddenGain()
    scenario = task.draw(np.random.default_rng(0), 2)
    before, after = torch.full((2, 2, 48), 0.2), torch.full((2, 2, 48), 0.1)
    action = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    assert task.reward(scenario, before, action, after, 3).tolist() == pytest.approx([-0.05, -0.04])
    assert task.reward(scenario, before, action, after, 19).tolist() == pytest.approx([-0.09, -0.08])


def test_fast_flows_fail_and_only_the_velocity_is_seen() -> None:
    """A root mean square above 0.55 fails whatever the time."""
    task = HiddenGain()
    scenario = task.draw(np.random.default_rng(0), 3)
    fields = torch.full((3, 2, 48), 5.0)
    fields[:, 0] = torch.tensor([0.54, 0.56, torch.nan])[:, None]
    assert task.failed(scenario, fields).tolist() == [False, True, True]
    assert torch.equal(task.observe(scenario, fields[:2], np.random.default_rng(0)), fields[:2, 0])
