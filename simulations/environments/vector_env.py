"""A Gymnasium vector environment: many episodes of a task, advanced as one batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from simulations.environments.picture import Picture
from simulations.environments.running import Observation, RunningEpisodes
from simulations.environments.single import RENDER_MODES
from simulations.tasks import Task
from simulations.tasks.rows import Rows, put_rows, take_rows
from simulations.tasks.task import Scenario

Flags = NDArray[np.bool_]


class SimulationVectorEnvironment(VectorEnv[Observation, NDArray[np.float32], NDArray[Any]]):
    """Many episodes of a task; see :class:`SimulationEnvironment` for the other arguments.

    After its end an episode is replaced by a new one in the next step; that step ignores its action and
    gives the reward zero. Episodes of the same age are advanced as one batch. Environments with goals
    (``...Goal``) have no vector environment: ``gymnasium.make_vec`` steps them one by one.

    Args:
        num_envs: The number of episodes. Larger batches cost less for each episode.

    Example:
        >>> import gymnasium
        >>> import simulations
        >>> environments = gymnasium.make_vec("sciwm/KuramotoSivashinsky-v0", num_envs=4)
        >>> environments.reset(seed=0)[0].shape
        (4, 64)
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        task: Task | str,
        settings: Mapping[str, Any] | None = None,
        *,
        num_envs: int = 1,
        precision: str = "float64",
        observe_target: bool | None = None,
        failure_reward: float = -100.0,
        render_mode: str | None = None,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"Expected num_envs of at least 1, got {num_envs}.")
        if render_mode not in RENDER_MODES:
            raise ValueError(f"Expected render_mode = 'rgb_array' or None, got '{render_mode}'.")
        self.episodes = RunningEpisodes(
            task,
            settings,
            num_envs,
            precision=precision,
            observe_target=observe_target,
            failure_reward=failure_reward,
        )
        self.num_envs = num_envs
        self.render_mode = render_mode
        size = self.episodes.observe([np.random.default_rng(0)]).shape[1]
        self.single_observation_space = self.episodes.observation_space(size)
        self.single_action_space = self.episodes.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators: list[np.random.Generator] | None = None
        self._ended = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        self._pictures: dict[int, Picture] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The state without the pictures, which cannot be copied and are made again when needed."""
        return self.__dict__ | {"_pictures": {}}

    @property
    def task(self) -> Task:
        """The task."""
        return self.episodes.task

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | NDArray[np.int64] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Start all episodes, or those of ``options["reset_mask"]``.

        Args:
            seed: One number seeds one generator, which draws all episodes in one batch. A list of numbers
                seeds a generator for each episode; each then equals a single environment with that seed.
            options: ``start``, ``target`` and ``parameters`` as in a single environment, for all episodes
                that start or with one row for each of them; and ``reset_mask``, ``(num_envs,)`` of bool.

        Raises:
            ValueError: With everything that does not fit.
        """
        if options is not None and not isinstance(options, Mapping):
            raise ValueError(f"{self.task.name}: expected options as a mapping, got {options!r}.")
        options = dict(options or {})
        rows = self._masked(options.pop("reset_mask", None))
        self._seed(seed)
        self._begin(rows, options)
        return self._observe(), self._info(rows)

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Hold an action in every episode for one control interval.

        Args:
            actions: Values in ``[-1, 1]``, to which they are clipped, ``(num_envs, actuator)``.

        Returns:
            Observations, rewards, which episodes failed, which have had all their intervals, and a mapping
            with ``time``, ``interval`` and, where episodes failed, their likely ``cause``.

        Raises:
            gymnasium.error.ResetNeeded: If some episodes have never been started.
            ValueError: If the actions do not fit.
        """
        if not self._running.all():
            waiting = np.flatnonzero(~self._running).tolist()
            raise gymnasium.error.ResetNeeded(
                f"{self.task.name}: expected running episodes, call reset() for {waiting}."
            )
        rewards, failed = self.episodes.step(np.asarray(actions), np.flatnonzero(~self._ended))
        if self._ended.any():
            self._begin(np.flatnonzero(self._ended), {})
        over = self.episodes.over & ~failed
        self._ended = failed | over
        info = self._info(np.arange(self.num_envs))
        if failed.any():
            info["cause"] = np.array([self.episodes.cause(row) if failed[row] else "" for row in range(self.num_envs)])
            info["_cause"] = failed.copy()
        return self._observe(), rewards, failed, over, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A picture of every episode; None unless the mode is ``"rgb_array"``."""
        if self.render_mode is None:
            gymnasium.logger.warn("Nothing is rendered: make the environment with render_mode='rgb_array'.")
            return None
        return tuple(self._draw(row) for row in range(self.num_envs))

    def _draw(self, row: int) -> NDArray[np.uint8]:
        episodes, one = self.episodes, np.array([row])
        scenario = episodes.part(one)
        if row not in self._pictures:
            self._pictures[row] = Picture(scenario.simulation, scenario.start, scenario.target)
        return self._pictures[row].draw(episodes.fields[one], episodes.action[one], float(episodes.time[row]))

    def _begin(self, rows: Rows, options: Mapping[str, Any]) -> None:
        self.episodes.begin(rows, self._draw_scenario(rows, options))
        self._ended[rows] = False
        self._running[rows] = True
        for row in rows:
            self._pictures.pop(int(row), None)

    def _draw_scenario(self, rows: Rows, options: Mapping[str, Any]) -> Scenario:
        if self._generators is None:
            return self.episodes.draw(self.np_random, len(rows), options)
        each = [self.task.draw(self._generators[row], 1, dtype=self.episodes.dtype) for row in rows]
        scenario = take_rows(each[0], np.zeros(len(rows), dtype=np.int64))
        for place, one in enumerate(each):
            scenario = put_rows(scenario, np.array([place]), one)
        return self.episodes.changed(scenario, options)

    def _seed(self, seed: int | Sequence[int | None] | NDArray[np.int64] | None) -> None:
        if seed is None or isinstance(seed, int | np.integer):
            super().reset(seed=None if seed is None else int(seed))
            self._generators = None if seed is not None else self._generators
            return
        each = np.atleast_1d(seed).tolist() if isinstance(seed, np.ndarray) else seed
        if len(each) != self.num_envs:
            raise ValueError(f"Expected one seed or {self.num_envs}, got {len(each)}.")
        old: Sequence[np.random.Generator | None] = self._generators or [None] * self.num_envs
        self._generators = [
            generator if generator is not None and one is None else gymnasium.utils.seeding.np_random(one)[0]
            for one, generator in zip(each, old, strict=True)
        ]

    def _masked(self, mask: Any) -> Rows:
        if mask is None:
            return np.arange(self.num_envs)
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(
                f"Expected a reset_mask of {self.num_envs} bool, true somewhere, got {mask.dtype} {mask.shape}."
            )
        return np.flatnonzero(mask)

    def _observe(self) -> Observation:
        return self.episodes.observe(self._generators or [self.np_random])

    def _info(self, rows: Rows) -> dict[str, Any]:
        told = np.zeros(self.num_envs, dtype=bool)
        told[rows] = True
        values = {"time": self.episodes.time, "interval": self.episodes.interval}
        return {name: np.where(told, v, 0) for name, v in values.items()} | {f"_{name}": told.copy() for name in values}
