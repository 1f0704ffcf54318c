"""Gymnasium environments over tasks: both public checkers, and the vector environment against single ones."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import simulations.tasks.chaos
import simulations.tasks.kolmogorov
from simulations import CATALOGUE, build
from simulations.environments import GoalEnvironment, SimulationEnvironment, SimulationVectorEnvironment
from simulations.good_values import GOOD_VALUES
from simulations.registration import environment_id
from simulations.tasks import TASKS, make_task
from simulations.tasks.burgers_target import BurgersTarget
from simulations.tasks.regulation import Regulation
from simulations.tasks.rows import put_rows, take_rows
from simulations.wrappers import ActuatorLag

PLANE = {"num_points": 16, "steps_per_interval": 2}
# The same equations and tasks on few points.
SMALL: dict[str, dict[str, Any]] = {
    **{name: {"simulation": PLANE} for name, good in GOOD_VALUES.items() if good.settings["dimensions"] == 2},
    "advection_diffusion_reaction_2d": {"simulation": {"num_points": 32}},
    "gray_scott": {"simulation": {"num_points": 32}},
    "shallow_water": {"simulation": {"num_points": 16}},
    "T1": {"steps_per_interval": 100},
    **{name: PLANE for name in ("T6a", "T6b", "T6c")},
}
CHAOS = {
    "num_points": 32,
    "domain_extent": 22.0,
    "control_interval": 0.25,
    "steps_per_interval": 2,
    "parameters": {},
    "jets": {"count": 3, "width": 1.0, "limit": 2.0},
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interfaces do not depend on how long a task warms up or how finely it scores."""
    monkeypatch.setattr(simulations.tasks.chaos, "WARM_UP", 2)
    monkeypatch.setattr(simulations.tasks.kolmogorov, "WARM_UP", 2)
    monkeypatch.setattr(BurgersTarget, "reference_steps", 100)


@pytest.fixture(scope="module")
def check_for_agents() -> Callable[..., None]:
    return pytest.importorskip("stable_baselines3.common.env_checker").check_env


def chaos(**settings: Any) -> dict[str, Any]:
    """Settings of a small regulation task."""
    return {"simulation": CHAOS, "intervals": 5, **settings}


# Checkers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_every_environment_passes_both_checkers(task: str, goal: bool, check_for_agents: Callable[..., None]) -> None:
    """Neither checker raises or warns; the pictures of goal environments are those of the others."""
    if goal and TASKS[task].target == "none":
        assert environment_id(task, goal=True) not in gymnasium.registry
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        environment = gymnasium.make(environment_id(task, goal=goal), settings=SMALL.get(task, {})).unwrapped
        check_env(environment, skip_render_check=goal)
        check_for_agents(environment, warn=True)


def test_every_equation_of_the_catalogue_has_good_values_and_an_environment() -> None:
    assert set(GOOD_VALUES) == set(CATALOGUE), "list the equation in simulations/good_values.py"
    assert "sciwm/KuramotoSivashinsky-v0" in gymnasium.registry
    assert "sciwm/Burgers2D-v0" in gymnasium.registry


def test_gymnasium_makes_the_native_batch() -> None:
    environments = gymnasium.make_vec(
        "sciwm/KuramotoSivashinsky-v0", num_envs=16, vectorization_mode="vector_entry_point", settings=chaos()
    )
    assert isinstance(environments, SimulationVectorEnvironment)
    assert environments.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    observations, _ = environments.reset(seed=0)
    assert observations in environments.observation_space
    for _ in range(7):
        observations, rewards, ended, over, _ = environments.step(environments.action_space.sample())
        assert observations in environments.observation_space
        assert (rewards.shape, ended.dtype, over.dtype) == ((16,), bool, bool)


# The vector environment ---------------------------------------------------------------------


@pytest.mark.parametrize(("task", "settings", "steps"), [("kuramoto_sivashinsky", chaos(), 13), ("T7", {}, 30)])
def test_a_batch_equals_single_environments(task: str, settings: dict[str, Any], steps: int) -> None:
    """Same seeds and actions: same episodes, through failures, time limits and new starts.

    T7 gives every episode its own parameters, and fails early under pushing actuators, so that episodes
    get out of step.
    """
    seeds = [3, 1, 4, 15]
    batch = SimulationVectorEnvironment(task, settings, num_envs=4)
    single = SyncVectorEnv([lambda: SimulationEnvironment(task, settings)] * 4)
    np.testing.assert_allclose(batch.reset(seed=seeds)[0], single.reset(seed=seeds)[0], rtol=1e-6, atol=1e-9)
    rng = np.random.default_rng(0)
    ends = np.zeros((steps, 4), dtype=bool)
    for n in range(steps):
        actions = rng.uniform(0, 1.5, (4, *batch.single_action_space.shape)).astype(np.float32)
        ours, theirs = batch.step(actions), single.step(actions)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9)
        assert np.array_equal(ours[2], theirs[2])
        assert np.array_equal(ours[3], theirs[3])
        np.testing.assert_allclose(ours[4]["time"], theirs[4]["time"])
        ends[n] = ours[2] | ours[3]
    assert ends.any(axis=0).all()
    if task == "T7":
        assert (ends.any(axis=1) & ~ends.all(axis=1)).any(), "all episodes ended together: nothing was tested"


def test_one_seed_repeats_a_whole_batch() -> None:
    """Two runs of one seed agree to the last bit, another seed differs."""

    def run(seed: int) -> np.ndarray:
        environments = SimulationVectorEnvironment("T7", num_envs=3)
        observations = [environments.reset(seed=seed)[0]]
        actions = np.random.default_rng(0).uniform(-1, 1, (25, 3, 2)).astype(np.float32)
        observations += [environments.step(a)[0] for a in actions]
        return np.stack(observations)

    assert np.array_equal(run(7), run(7))
    assert not np.array_equal(run(7), run(8))


def test_a_mask_begins_some_episodes_and_leaves_the_others() -> None:
    """The rows in between keep their fields, their age and their parameters."""
    environments = SimulationVectorEnvironment("T7", num_envs=3)
    environments.reset(seed=0)
    before, *_ = environments.step(np.zeros((3, 2), np.float32))
    gains = environments.episodes.scenario.simulation.values["gain"].copy()
    mask = np.array([True, False, True])
    after, info = environments.reset(options={"reset_mask": mask})
    assert np.array_equal(after[1], before[1])
    assert (after[mask] != before[mask]).any(axis=1).all()
    assert np.array_equal(environments.episodes.scenario.simulation.values["gain"] == gains, ~mask)
    assert environments.episodes.interval.tolist() == [0, 1, 0]
    assert info["_time"].tolist() == mask.tolist()
    with pytest.raises(ValueError, match="reset_mask of 3 bool"):
        environments.reset(options={"reset_mask": np.array([True])})


NOISY = chaos(sensors={"every": 8, "noise": 0.1}, intervals=100)


def noisy_batch(seed: int | list[int]) -> SimulationVectorEnvironment:
    """Three episodes whose sensors are noisy, after two intervals."""
    batch = SimulationVectorEnvironment("kuramoto_sivashinsky", NOISY, num_envs=3)
    batch.reset(seed=seed)
    for _ in range(2):
        batch.step(np.zeros((3, 3), np.float32))
    return batch


@pytest.mark.parametrize("seed", [0, [3, 1, 4]], ids=["one generator", "a generator each"])
@pytest.mark.parametrize("anew", [None, 7, [5, 6, 7]], ids=["no seed", "one seed", "a list of seeds"])
def test_a_partial_reset_leaves_the_other_rows_as_they_would_be_without_it(
    seed: int | list[int], anew: int | list[int] | None
) -> None:
    """What was last seen of them to the last bit, and all that comes: fields, rewards, the noise of their sensors."""
    batch, undisturbed = noisy_batch(seed), noisy_batch(seed)
    others, still = np.array([0, 2]), np.zeros((3, 3), np.float32)
    last, *_ = batch.step(still)
    seen, _ = batch.reset(seed=anew, options={"reset_mask": np.array([False, True, False])})
    undisturbed.step(still)
    assert np.array_equal(seen[others], last[others])
    assert not np.array_equal(seen[1], last[1])
    for _ in range(3):
        ours, theirs = batch.step(still), undisturbed.step(still)
        for found, wanted in zip(ours[:2], theirs[:2], strict=True):
            np.testing.assert_allclose(found[others], wanted[others], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("anew", [[8, None, None], 8], ids=["a list of seeds", "one seed"])
def test_a_row_that_begins_anew_goes_like_a_single_environment_of_its_seed(anew: Any) -> None:
    """With the noise of its sensors, and when it begins again; one seed gives each row itself plus the row."""
    batch, single = noisy_batch(0), SimulationEnvironment("kuramoto_sivashinsky", NOISY)
    seen, _ = batch.reset(seed=anew, options={"reset_mask": np.array([True, False, False])})
    assert np.array_equal(seen[0], single.reset(seed=8)[0])
    for _ in range(3):
        actions = np.full((3, 3), 0.3, np.float32)
        np.testing.assert_allclose(batch.step(actions)[0][0], single.step(actions[0])[0], rtol=1e-6, atol=1e-9)
    seen, _ = batch.reset(options={"reset_mask": np.array([True, False, False])})
    assert np.array_equal(seen[0], single.reset()[0])


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_episodes_may_be_cut_short_in_batches_as_in_single_environments(mode: str) -> None:
    """Over after 3 intervals where the task allows 5; a longer limit than the task's changes nothing."""

    def ends(limit: int | None) -> list[list[bool]]:
        batch = gymnasium.make_vec(
            "sciwm/KuramotoSivashinsky-v0",
            num_envs=2,
            vectorization_mode=mode,
            max_episode_steps=limit,
            settings=chaos(),
        )
        batch.reset(seed=0)
        return [batch.step(np.zeros((2, 3), np.float32))[3].tolist() for _ in range(5)]

    assert ends(3)[:3] == [[False] * 2, [False] * 2, [True] * 2]
    assert ends(50) == ends(None) == [[False] * 2] * 4 + [[True] * 2]
    with pytest.raises(ValueError, match="max_episode_steps >= 1, a whole number, or None for the task's, got 0"):
        SimulationVectorEnvironment("T4", num_envs=2, max_episode_steps=0)


# One episode --------------------------------------------------------------------------------


def test_reward_and_observation_are_those_of_the_physics() -> None:
    """-(<u^2> + weight <(a / limit)^2>) of the bare simulation; observations are its fields."""
    environment = SimulationEnvironment("kuramoto_sivashinsky", chaos(action_weight=0.1))
    simulation = build({"equation": "kuramoto_sivashinsky", **CHAOS})
    start = np.cos(2 * np.pi * simulation.grid.coordinates["x"] / 22.0)[None]
    environment.reset(seed=0, options={"start": start})
    observation, reward, *_ = environment.step(np.array([0.5, -1.0, 0.0], np.float32))
    end = simulation.advance(torch.tensor(start)[None], torch.tensor([[1.0, -2.0, 0.0]], dtype=torch.float64))
    np.testing.assert_allclose(observation, end[0, 0].numpy(), rtol=1e-6, atol=1e-6)
    assert reward == pytest.approx(-(end.square().mean().item() + 0.1 * (0.25 + 1.0) / 3), rel=1e-9)


def test_time_is_up_at_the_limit_and_never_before() -> None:
    environment = SimulationEnvironment("kuramoto_sivashinsky", chaos())
    environment.reset(seed=0)
    told = [environment.step(np.zeros(3, np.float32))[1:] for _ in range(5)]
    assert [over for _, _, over, _ in told] == [False] * 4 + [True]
    assert not any(failed for _, failed, _, _ in told)
    assert {type(value) for entry in told for value in entry} == {float, bool, dict}
    assert told[-1][3] == {"time": 1.25, "interval": 5}
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        environment.step(np.zeros(3, np.float32))


def test_a_blow_up_ends_an_episode_with_a_cause_and_finite_values() -> None:
    """It costs what failing costs for every interval that was left: 7 times 5."""
    settings = {"simulation": CHAOS, "intervals": 5}
    environment = SimulationEnvironment("kuramoto_sivashinsky", settings)
    environment.task.failure_cost = 7.0  # type: ignore[attr-defined]
    environment.reset(seed=0, options={"start": 1e4 * np.sin(np.arange(32.0))[None]})
    observation, reward, failed, over, info = environment.step(np.zeros(3, np.float32))
    assert (failed, over) == (True, False)
    assert observation in environment.observation_space
    assert np.isfinite(observation).all()
    assert reward == pytest.approx(-35.0)
    assert "advection" in info["cause"]


def test_options_set_parameters_and_all_mistakes_are_named_at_once() -> None:
    environment = SimulationEnvironment("burgers", {"simulation": {"num_points": 64}})
    environment.reset(options={"parameters": {"viscosity": 0.5}, "target": np.ones((1, 64))})
    assert environment.episode.scenario.simulation.values["viscosity"] == 0.5
    with pytest.raises(ValueError, match="burgers: expected the parameters viscosity, got thickness") as refusal:
        environment.reset(
            options={
                "goal": 1,
                "start": np.zeros(3),
                "target": np.full((1, 64), np.nan),
                "parameters": {"thickness": 1},
            }
        )
    for part in (
        "expected the options start, target, parameters, got 'goal'",
        r"start of shape (1, 64)",
        "finite target",
    ):
        assert part in str(refusal.value)
    with pytest.raises(ValueError, match="task has none"):
        SimulationEnvironment("T4").reset(options={"target": np.zeros(200)})


def test_a_target_to_which_distances_are_relative_is_not_zero() -> None:
    """Such an episode would end in the reward of a failure, without a word."""
    with pytest.raises(ValueError, match="a target that is not zero everywhere, as distances are relative to it"):
        SimulationEnvironment("T6b", PLANE).reset(options={"target": np.zeros((1, 16, 16))})


def test_actions_beyond_the_box_are_clipped_and_nan_is_refused() -> None:
    environment = SimulationEnvironment("kuramoto_sivashinsky", chaos())
    ends = []
    for action in ([1.0, -1.0, 1.0], [3.0, -9.0, 1.0]):
        environment.reset(seed=0)
        ends.append(environment.step(np.array(action, np.float32))[0])
    assert np.array_equal(*ends)
    with pytest.raises(ValueError, match="expected finite actions"):
        environment.step(np.array([0.0, np.nan, 0.0], np.float32))
    with pytest.raises(ValueError, match=r"expected finite actions, got \[ 0. nan 0.\]"):
        environment.step([0.0, float("nan"), 0.0])


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (np.zeros(2, np.float32), "an action of shape (3,), got (2,). Give one value for each actuator."),
        (np.zeros((1, 3)), "an action of shape (3,), got (1, 3). This is one environment: give action[0]."),
        (0.5, "an action of shape (3,), got ()."),
        ([[0.0], [0.0, 1.0]], "an action of 3 numbers in [-1, 1], got [[0.0], [0.0, 1.0]]."),
        (None, "an action of 3 numbers in [-1, 1], got None."),
        (["0", "1", "2"], "an action of 3 numbers in [-1, 1], got ['0', '1', '2']."),
        (torch.zeros(3, requires_grad=True), "an action without gradients"),
    ],
)
def test_a_wrong_action_is_told_as_it_was_given(action: Any, told: str) -> None:
    environment = SimulationEnvironment("kuramoto_sivashinsky", chaos())
    environment.reset(seed=0)
    with pytest.raises(ValueError, match=r"^regulation: expected ") as refusal:
        environment.step(action)
    assert told in str(refusal.value)
    batch = SimulationVectorEnvironment("kuramoto_sivashinsky", chaos(), num_envs=2)
    batch.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions of shape \(2, 3\), got \(3,\). Give one row for each environment."):
        batch.step(np.zeros(3))


def test_actions_may_be_arrays_lists_or_tensors_of_any_precision() -> None:
    environment = SimulationEnvironment("kuramoto_sivashinsky", chaos())
    ends = []
    values = [0.5, -1.0, 0.25]
    for action in (np.array(values, np.float32), values, torch.tensor(values, dtype=torch.bfloat16), np.array(values)):
        environment.reset(seed=0)
        ends.append(environment.step(action)[:2])
    assert all(np.array_equal(ends[0][0], seen) and reward == ends[0][1] for seen, reward in ends)


def test_lagging_actuators_can_be_learned_with_too() -> None:
    """An episode over a wrapped simulation starts with actuators at rest and sees them behind the fields."""
    plant = ActuatorLag(build({"equation": "kuramoto_sivashinsky", **CHAOS}), 0.5)
    environment = SimulationEnvironment(Regulation(plant, intervals=3), render_mode="rgb_array")
    observation, _ = environment.reset(seed=0)
    assert observation[-3:].tolist() == [0.0, 0.0, 0.0]
    observation, *_ = environment.step(np.ones(3, np.float32))
    np.testing.assert_allclose(observation[-3:], 2 * (1 - math.exp(-0.5)), rtol=1e-6)
    assert environment.render() is not None
    check_env(SimulationEnvironment(Regulation(plant, intervals=3)), skip_render_check=True)


def test_a_goal_is_rewarded_by_its_distance() -> None:
    """Minus the mean square difference, for one pair and for many, and never below the reward of a failure."""
    environment = GoalEnvironment("kuramoto_sivashinsky", chaos())
    goal = 0.5 * np.ones((1, 32))
    observation, _ = environment.reset(seed=0, options={"target": goal})
    assert np.array_equal(observation["desired_goal"], goal[0])
    observation, reward, *_ = environment.step(np.zeros(3, np.float32))
    assert reward == pytest.approx(-np.mean((observation["observation"] - 0.5) ** 2), rel=1e-5)
    many = environment.compute_reward(np.array([[1.0, 2.0], [0.0, 1e9]]), np.zeros((2, 2)), None)
    np.testing.assert_allclose(many, [-2.5, -100.0])
    with pytest.raises(ValueError, match="expected a task with a target"):
        GoalEnvironment("T4")


@pytest.mark.parametrize("task", ["kuramoto_sivashinsky", "burgers_2d"])
def test_pictures_show_the_flow_as_it_is(task: str) -> None:
    """Small, 8 bit, different after a step, and the same for the same flow."""
    environment = SimulationEnvironment(task, SMALL.get(task), render_mode="rgb_array")
    environment.reset(seed=0)
    first, again = environment.render(), environment.render()
    environment.step(np.ones(environment.action_space.shape, np.float32))
    later = environment.render()
    assert first is not None and later is not None
    assert (first.shape, first.dtype) == ((360, 480, 3), np.uint8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, later)
    batch = SimulationVectorEnvironment(task, SMALL.get(task), num_envs=2, render_mode="rgb_array")
    batch.reset(seed=[0, 1])
    pictures = batch.render()
    assert pictures is not None
    assert np.array_equal(pictures[0], first)
    assert not np.array_equal(pictures[1], first)


def test_names_and_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown task 'T9'"):
        make_task("T9")
    with pytest.raises(ValueError, match="precision = float32 or float64"):
        SimulationEnvironment("T4", precision="half")
    with pytest.raises(ValueError, match="render_mode"):
        SimulationEnvironment("T4", render_mode="human")
    with pytest.raises(ValueError, match="num_envs"):
        SimulationVectorEnvironment("T4", num_envs=0)
    with pytest.raises(gymnasium.error.ResetNeeded):
        SimulationVectorEnvironment("T4", num_envs=2).step(np.zeros((2, 8), np.float32))
    with pytest.raises(ValueError, match="Expected one seed or 2, got 3"):
        SimulationVectorEnvironment("T4", num_envs=2).reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match=r"expected a target of one finite value per variable \(1\)") as refusal:
        Regulation(build({"equation": "kuramoto_sivashinsky", **CHAOS}), target=[1.0, 2.0], intervals=0)
    assert "intervals >= 1" in str(refusal.value)


def test_rows_of_a_batch_are_replaced_in_a_copy() -> None:
    """Taking what was put gives it back, with every parameter; the old batch stays as it was."""
    task, rng = make_task("T7"), np.random.default_rng(0)
    old, new, rows = task.draw(rng, 3), task.draw(rng, 2), np.array([2, 0])
    kept, gains = old.start.clone(), old.simulation.values["gain"].copy()
    merged = put_rows(old, rows, new)
    assert torch.equal(old.start, kept)
    assert np.array_equal(old.simulation.values["gain"], gains)
    back = take_rows(merged, rows)
    assert torch.equal(back.start, new.start)
    for name, values in new.simulation.values.items():
        assert np.array_equal(back.simulation.values[name], values)
    assert torch.equal(take_rows(merged, np.array([1])).start, old.start[1:2])
    assert torch.equal(put_rows(new, np.array([1, 0]), take_rows(old, np.array([0, 1]))).start, old.start[[1, 0]])
