"""Gymnasium environments of one episode of a task, with or without goals."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from simulations.environments.given_action import given_action
from simulations.environments.picture import Picture
from simulations.environments.running import Observation, RunningEpisodes
from simulations.tasks import Task

Seen = TypeVar("Seen")
Action = NDArray[np.float32]
ONLY = np.zeros(1, dtype=np.int64)
RENDER_MODES = (None, "rgb_array")


class TaskEnvironment(gymnasium.Env[Seen, Action], Generic[Seen]):
    """The base of both environments; see :class:`SimulationEnvironment` for the arguments."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        task: Task | str,
        settings: Mapping[str, Any] | None = None,
        *,
        precision: str = "float64",
        observe_target: bool | None = None,
        failure_reward: float = -100.0,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in RENDER_MODES:
            raise ValueError(f"Expected render_mode = 'rgb_array' or None, got '{render_mode}'.")
        self.episode = RunningEpisodes(
            task,
            settings,
            1,
            precision=precision,
            observe_target=observe_target,
            failure_reward=failure_reward,
        )
        self.failure_reward = failure_reward
        self.render_mode = render_mode
        self.action_space = self.episode.action_space
        self.running = False
        self._picture: Picture | None = None

    @abstractmethod
    def _see(self) -> Seen:
        """The observation, as a new object."""

    @abstractmethod
    def _judge(self, seen: Seen, reward: float) -> float:
        """The reward of the environment, from the observation and the reward of the task."""

    def __getstate__(self) -> dict[str, Any]:
        """The state without the picture, which cannot be copied and is made again when needed."""
        return self.__dict__ | {"_picture": None}

    @property
    def task(self) -> Task:
        """The task."""
        return self.episode.task

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: The seed of all random numbers from now on.
            options: ``start`` and ``target`` as fields in physical units ``(channel, *space)``, and
                ``parameters`` by name. The task draws those that are left out. Lagging actuators start at
                zero.

        Returns:
            The observation, and a mapping with ``time`` and ``interval``.

        Raises:
            ValueError: With every option that does not fit.
        """
        super().reset(seed=seed)
        self.episode.begin(ONLY, self.episode.draw(self.np_random, 1, options))
        self.running = True
        self._picture = None
        return self._see(), self._info()

    def step(self, action: Action) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Hold an action for one control interval.

        Args:
            action: One value for each actuator in ``[-1, 1]``; values beyond are clipped.

        Returns:
            The observation, the reward, whether the episode failed, whether it has had all its intervals,
            and a mapping with ``time``, ``interval`` and, after a failure, its likely ``cause``.

        Raises:
            gymnasium.error.ResetNeeded: If no episode is running.
            ValueError: If the action does not fit.
        """
        if not self.running:
            raise gymnasium.error.ResetNeeded(f"{self.task.name}: expected a running episode, got none; call reset().")
        normalized = given_action(self.task.name, action, (len(self.episode.actuators),))
        rewards, failures = self.episode.step(normalized[None], ONLY)
        failed = bool(failures[0])
        over = bool(self.episode.over[0]) and not failed
        self.running = not (failed or over)
        info = self._info()
        if failed:
            info["cause"] = self.episode.cause(0)
        seen = self._see()
        return seen, self._judge(seen, float(rewards[0])), failed, over, info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture of fields and forcing, ``(height, width, 3)``; None unless the mode is ``"rgb_array"``."""
        if self.render_mode is None:
            gymnasium.logger.warn("Nothing is rendered: make the environment with render_mode='rgb_array'.")
            return None
        episode, scenario = self.episode, self.episode.scenario
        if self._picture is None:
            self._picture = Picture(scenario.simulation, scenario.start, scenario.target)
        return self._picture.draw(episode.fields, episode.action, float(episode.time[0]))

    def _info(self) -> dict[str, Any]:
        return {"time": float(self.episode.time[0]), "interval": int(self.episode.interval[0])}


class SimulationEnvironment(TaskEnvironment[Observation]):
    """A task as a Gymnasium environment, one episode at a time.

    Args:
        task: A task, or the name of one in ``simulations.tasks.TASKS``.
        settings: Settings of a named task, in place of those of the table.
        precision: The precision of the simulation, ``"float64"`` or ``"float32"``, which takes half of
            the memory. Observations are float32 in any case.
        observe_target: Whether the target is appended to the observation. By default it is where the target
            differs between the episodes of a named task.
        failure_reward: The reward in place of one that is not finite.
        render_mode: ``"rgb_array"`` for pictures, None for none.

    Raises:
        ValueError: If an argument does not fit.

    Example:
        >>> import gymnasium
        >>> import simulations
        >>> environment = gymnasium.make("sciwm/KuramotoSivashinsky-v0")
        >>> observation, info = environment.reset(seed=0)
        >>> observation.shape
        (64,)
    """

    def __init__(
        self,
        task: Task | str,
        settings: Mapping[str, Any] | None = None,
        *,
        precision: str = "float64",
        observe_target: bool | None = None,
        failure_reward: float = -100.0,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(
            task,
            settings,
            precision=precision,
            observe_target=observe_target,
            failure_reward=failure_reward,
            render_mode=render_mode,
        )
        size = self.episode.observe(np.random.default_rng(0)).shape[1]
        self.observation_space = self.episode.observation_space(size)

    def _see(self) -> Observation:
        return self.episode.observe(self.np_random)[0]

    def _judge(self, seen: Observation, reward: float) -> float:
        return reward


class GoalEnvironment(TaskEnvironment[dict[str, Observation]]):
    """A task with a target as a Gymnasium environment with goals, as hindsight replay uses them.

    An observation is a mapping of ``observation``, ``achieved_goal`` (all fields) and ``desired_goal`` (the
    target). The reward is minus the mean square distance between the last two. See
    :class:`SimulationEnvironment` for the arguments.

    Raises:
        ValueError: If an argument does not fit, or the task has no target.

    Example:
        >>> import gymnasium
        >>> import simulations
        >>> environment = gymnasium.make("sciwm/KuramotoSivashinskyGoal-v0")
        >>> sorted(environment.reset(seed=0)[0])
        ['achieved_goal', 'desired_goal', 'observation']
    """

    def __init__(
        self,
        task: Task | str,
        settings: Mapping[str, Any] | None = None,
        *,
        precision: str = "float64",
        failure_reward: float = -100.0,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(
            task,
            settings,
            precision=precision,
            observe_target=False,
            failure_reward=failure_reward,
            render_mode=render_mode,
        )
        space = self.episode.observation_space
        size = self.episode.observe(np.random.default_rng(0)).shape[1]
        achieved, desired = self.episode.achieved_and_desired()
        parts = {"observation": size, "achieved_goal": achieved.shape[1], "desired_goal": desired.shape[1]}
        goals: Any = gymnasium.spaces.Dict({name: space(count) for name, count in parts.items()})
        self.observation_space = goals

    def compute_reward(self, achieved_goal: NDArray[Any], desired_goal: NDArray[Any], info: Any) -> Any:
        """Minus the mean square distance over the last axis, at least ``failure_reward``, in float64.

        Args:
            achieved_goal: Fields that were reached, ``(..., values)``.
            desired_goal: Target fields, ``(..., values)``.
            info: Not used; Gymnasium's interface has it.
        """
        distance = np.square(np.asarray(achieved_goal, np.float64) - desired_goal).mean(axis=-1)
        reward = np.maximum(-distance, self.failure_reward)
        return float(reward) if reward.ndim == 0 else reward

    def _see(self) -> dict[str, Observation]:
        achieved, desired = self.episode.achieved_and_desired()
        return {
            "observation": self.episode.observe(self.np_random)[0],
            "achieved_goal": achieved[0],
            "desired_goal": desired[0],
        }

    def _judge(self, seen: dict[str, Observation], reward: float) -> float:
        return float(self.compute_reward(seen["achieved_goal"], seen["desired_goal"], None))
