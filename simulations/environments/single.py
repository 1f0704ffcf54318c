"""One episode of a task as a Gymnasium environment, with or without goals."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from simulations.environments.picture import Picture
from simulations.environments.running import Observation, RunningEpisodes
from simulations.tasks import Task

Seen = TypeVar("Seen")
Action = NDArray[np.float32]
ONLY = np.zeros(1, dtype=np.int64)
RENDER_MODES = (None, "rgb_array")


class TaskEnvironment(gymnasium.Env[Seen, Action], Generic[Seen]):
    """What environments of one episode share; see :class:`SimulationEnvironment` for the arguments."""

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
        """A fresh observation."""

    @abstractmethod
    def _judge(self, seen: Seen, reward: float) -> float:
        """The reward, from what is seen and from what the task says."""

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the picture, which holds what cannot be copied and is drawn anew."""
        return self.__dict__ | {"_picture": None}

    @property
    def task(self) -> Task:
        """What is to be done."""
        return self.episode.task

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of everything random from now on.
            options: ``start`` and ``target`` in physical units ``(channel, *space)``, and ``parameters``
                by name; what is left out is drawn. Actuators that lag start at rest.

        Raises:
            ValueError: naming every option that does not fit.
        """
        super().reset(seed=seed)
        self.episode.begin(ONLY, self.episode.draw(self.np_random, 1, options))
        self.running = True
        self._picture = None
        return self._see(), self._info()

    def step(self, action: Action) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Hold an action in ``[-1, 1]`` for one control interval; others are clipped to it.

        Returns:
            observation, reward, whether the episode failed, whether its time is up, and a mapping with
            ``time``, ``interval`` and, after a failure, its likely ``cause``.

        Raises:
            gymnasium.error.ResetNeeded: if no episode is running.
            ValueError: if the action does not fit.
        """
        if not self.running:
            raise gymnasium.error.ResetNeeded(f"{self.task.name}: expected a running episode, got none; call reset().")
        rewards, failures = self.episode.step(np.asarray(action)[None], ONLY)
        failed = bool(failures[0])
        over = bool(self.episode.over[0]) and not failed
        self.running = not (failed or over)
        info = self._info()
        if failed:
            info["cause"] = self.episode.cause(0)
        seen = self._see()
        return seen, self._judge(seen, float(rewards[0])), failed, over, info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture ``(height, width, 3)`` of fields and forcing, in the mode ``"rgb_array"``."""
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
    """One episode at a time of a task.

    Args:
        task: a task, or the name of one in ``simulations.tasks.TASKS``.
        settings: of the named task, instead of those of the table.
        precision: ``"float64"`` or ``"float32"``, of the simulation; observations are float32.
        observe_target: whether the target stands behind the observation; by default where it differs
            between the episodes of a named task.
        failure_reward: replaces a reward that is not finite.
        render_mode: ``"rgb_array"`` to draw.

    Raises:
        ValueError: if an argument does not fit.

    Example:
        >>> environment = gymnasium.make("simulations.environments:sciwm/KuramotoSivashinsky-v0")
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
        size = self.episode.observe([np.random.default_rng(0)]).shape[1]
        self.observation_space = self.episode.observation_space(size)

    def _see(self) -> Observation:
        return self.episode.observe([self.np_random])[0]

    def _judge(self, seen: Observation, reward: float) -> float:
        return reward


class GoalEnvironment(TaskEnvironment[dict[str, Observation]]):
    """One episode at a time of reaching the target of a task, with goals as hindsight replay wants them.

    Observations are mappings of ``observation``, ``achieved_goal`` (all fields) and ``desired_goal``
    (the target), and the reward is minus the mean square distance of the two; see
    :class:`SimulationEnvironment` for the arguments.

    Raises:
        ValueError: also if the task has no target.
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
        size = self.episode.observe([np.random.default_rng(0)]).shape[1]
        achieved, desired = self.episode.achieved_and_desired()
        parts = {"observation": size, "achieved_goal": achieved.shape[1], "desired_goal": desired.shape[1]}
        goals: Any = gymnasium.spaces.Dict({name: space(count) for name, count in parts.items()})
        self.observation_space = goals

    def compute_reward(self, achieved_goal: NDArray[Any], desired_goal: NDArray[Any], info: Any) -> Any:
        """Minus the mean square distance over the last axis, at least ``failure_reward``; float64."""
        distance = np.square(np.asarray(achieved_goal, np.float64) - desired_goal).mean(axis=-1)
        reward = np.maximum(-distance, self.failure_reward)
        return float(reward) if reward.ndim == 0 else reward

    def _see(self) -> dict[str, Observation]:
        achieved, desired = self.episode.achieved_and_desired()
        return {
            "observation": self.episode.observe([self.np_random])[0],
            "achieved_goal": achieved[0],
            "desired_goal": desired[0],
        }

    def _judge(self, seen: dict[str, Observation], reward: float) -> float:
        return float(self.compute_reward(seen["achieved_goal"], seen["desired_goal"], None))
