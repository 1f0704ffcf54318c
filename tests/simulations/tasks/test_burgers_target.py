import numpy as np
import pytest
import torch

from simulations.equations.burgers_dirichlet import two_humps
from simulations.tasks.burgers_target import Actuation, BurgersTarget, Setting
from simulations.tasks.task import Scenario

OUTER = np.r_[0:32, 96:128]


class Quick(BurgersTarget):
    """A tenth of the benchmark's steps, for what does not depend on them."""

    reference_steps = 100

    def __init__(self, setting: Setting = "FO-PC") -> None:
        super().__init__(setting, steps_per_interval=100)


def known(task: BurgersTarget, batch: int = 2) -> tuple[Scenario, torch.Tensor]:
    """A scenario and a forcing that reaches its target, within the limits."""
    rng = np.random.default_rng(4)
    forcing = np.clip(task.random_forcing(rng, batch), -10, 10)
    start = np.stack([two_humps(task.grid, rng)[None] for _ in range(batch)])
    return task.scenario(start, forcing), torch.tensor(forcing)


def test_a_target_is_reached_by_its_own_forcing_and_not_by_none() -> None:
    """An exact solution exists: J is zero under the forcing that made the target, at the benchmark's steps."""
    task = BurgersTarget("FO-PC", steps_per_interval=100)
    scenario, forcing = known(task)
    nothing = torch.zeros(2, 10, 64)
    both = Scenario(scenario.simulation, scenario.start.repeat(2, 1, 1), torch.cat([scenario.target] * 2))
    score = task.score(both, torch.cat([forcing[..., OUTER], nothing]))
    assert score[:2].max() < 1e-28
    assert score[2:].min() > 1e-3


def test_forbidden_cells_and_excess_forcing_do_not_count() -> None:
    """Forcing in the middle half is ignored, and values beyond 10 are 10."""
    task = Quick()
    scenario, forcing = known(task, batch=3)
    assert torch.equal(task.score(scenario, forcing), task.score(scenario, forcing[..., OUTER]))
    tampered = forcing.clone()
    tampered[0, :, 32:96] = 7.0
    tampered[1:, 5, 3] = torch.tensor([50.0, 10.0])
    score = task.score(scenario, tampered)
    assert score[0] < 1e-28
    limited = forcing.clone()
    limited[1:, 5, 3] = 10.0
    assert torch.equal(score[1:], task.score(scenario, limited)[1:])
    assert score[1] > 1e-12


@pytest.mark.parametrize(("setting", "actuators", "seen"), [("FO-PC", 64, 128), ("PO-FC", 128, 64), ("PO-PC", 64, 64)])
def test_settings_force_and_observe_their_quarters(setting: Setting, actuators: int, seen: int) -> None:
    """Partial means the first and the last quarter, cells 32 to 95 being out of reach or out of sight."""
    task = BurgersTarget(setting, steps_per_interval=100)
    fields = torch.arange(128.0).expand(2, 1, 128)
    scenario = Scenario(task.simulation, fields, fields)
    observed = task.observe(scenario, fields, np.random.default_rng(0))[0]
    assert observed.tolist() == (OUTER if seen == 64 else np.arange(128)).tolist()
    assert len(task.simulation.actuators) == actuators
    forcing = task.random_forcing(np.random.default_rng(0), 50)
    assert (np.abs(forcing[..., 32:96]).max() == 0) == (actuators == 64)


def test_random_forcing_has_the_energy_of_the_data() -> None:
    """The published partial forcing has a mean energy of 1408 over 10 intervals and 128 cells.

    Over 3000 draws the mean is uncertain by 2 %, and the published one, over some hundreds, by 4 %.
    """
    energy = (BurgersTarget("FO-PC").random_forcing(np.random.default_rng(0), 3000) ** 2).sum(axis=(1, 2))
    assert energy.mean() == pytest.approx(1408, rel=0.08)
    assert 3 * np.std(energy) / np.sqrt(3000) < 0.06 * 1408


def test_the_last_interval_earns_what_is_scored() -> None:
    """Stepping through the plant at the reference's own steps gives -J at the end and nothing before."""
    task = Quick()
    scenario, _ = known(task)
    actions = torch.tensor(np.random.default_rng(0).uniform(-10, 10, (2, 10, 64)))
    fields, rewards = scenario.start, []
    for interval in range(task.intervals):
        with torch.no_grad():
            fields, reward = task.step(scenario, fields, actions[:, interval], interval)
        rewards.append(reward)
    assert not torch.stack(rewards[:-1]).any()
    torch.testing.assert_close(-rewards[-1], task.score(scenario, actions), rtol=1e-12, atol=0)
    torch.testing.assert_close(task.energy(actions), actions.square().sum(dim=(1, 2)))


@pytest.mark.parametrize(("setting", "actuation"), [("FO-PC", "gaussians"), ("PO-FC", "gaussians")])
def test_gaussian_jets_keep_to_the_allowed_cells(setting: Setting, actuation: Actuation) -> None:
    """Eight jets of height one, none in the middle half where that is forbidden, symmetric about the middle."""
    task = BurgersTarget(setting, actuation, steps_per_interval=100)
    shapes = task.simulation.shapes[:, 0]
    assert len(shapes) == 8
    assert shapes.max(axis=1) == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(shapes[:, ::-1], shapes[::-1], atol=1e-12)
    assert (np.abs(shapes[:, 32:96]).max() == 0) == (setting == "FO-PC")
    action = torch.tensor(np.random.default_rng(0).uniform(-1, 1, (1, 10, 8)))
    expected = torch.einsum("bta,ax->btx", action, torch.tensor(shapes)).square().sum(dim=(1, 2))
    torch.testing.assert_close(task.energy(action), expected)


def test_scores_are_those_of_the_reference_steps_whatever_the_plant() -> None:
    """A plant of longer steps ends elsewhere, by the error of Euler's method, and is scored alike."""
    exact, coarse = Quick(), BurgersTarget("FO-PC", steps_per_interval=50)
    coarse.reference = exact.reference
    scenario, forcing = known(exact)
    actions = 0.5 * forcing
    assert torch.equal(exact.score(scenario, actions), coarse.score(scenario, actions))
    first = actions[:, 0, OUTER]
    ends = [task.simulation.advance(scenario.start, first) for task in (exact, coarse)]
    assert 1e-4 < (ends[0] - ends[1]).abs().max() < 1e-1


def test_an_example_costs_no_reference_simulation() -> None:
    """Shapes and ranges of a drawn episode, the target being its own start."""
    task = BurgersTarget("PO-FC")
    example = task.example()
    assert example.start.shape == (1, 1, 128)
    assert torch.equal(example.target, example.start)


def test_unknown_settings_and_missing_targets_are_refused() -> None:
    """The messages name the choices."""
    with pytest.raises(ValueError, match="FO-PC, PO-FC or PO-PC"):
        BurgersTarget("FO-FC")  # type: ignore[arg-type]
    task = BurgersTarget(steps_per_interval=100)
    start = torch.zeros(1, 1, 128)
    with pytest.raises(ValueError, match="expected a scenario with a target"):
        task.reward(Scenario(task.simulation, start), start, torch.zeros(1, 64), start, 9)
