"""A Gymnasium vector environment: many episodes of a task, advanced as one batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from simulations.environments.given_action import given_action
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
        max_episode_steps: The number of intervals after which an episode is over, where the task allows more.

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
        max_episode_steps: int | None = None,
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
            longest=max_episode_steps,
        )
        self.num_envs = num_envs
        self.render_mode = render_mode
        size = self.episodes.observe(np.random.default_rng(0)).shape[1]
        self.single_observation_space = self.episodes.observation_space(size)
        self.single_action_space = self.episodes.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators: list[np.random.Generator | None] = [None] * num_envs  # None: the one that rows share
        self._seen = np.zeros((num_envs, size), dtype=np.float32)
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
                seeds a generator for each episode; each then equals a single environment with that seed, to
                rounding, as all are advanced together.
            options: ``start``, ``target`` and ``parameters`` as in a single environment, for all episodes
                that start or with one row for each of them; and ``reset_mask``, ``(num_envs,)`` of bool. The
                other rows keep everything, what was last seen of them and their random numbers too: the rows
                of the mask have generators of their own from then on, which one number seeds by itself plus
                the row, and a list by its entries for them.

        Raises:
            ValueError: With everything that does not fit.
        """
        if options is not None and not isinstance(options, Mapping):
            raise ValueError(f"{self.task.name}: expected options as a mapping, got {options!r}.")
        options = dict(options or {})
        rows = self._masked(options.pop("reset_mask", None))
        self._seed(seed, rows)
        self._begin(rows, options)
        return self._observe(rows), self._info(rows)

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
        shape, active = (self.num_envs, len(self.episodes.actuators)), np.flatnonzero(~self._ended)
        rewards, failed = self.episodes.step(given_action(self.task.name, actions, shape, active), active)
        if self._ended.any():
            self._begin(np.flatnonzero(self._ended), {})
        over = self.episodes.over & ~failed
        self._ended = failed | over
        everyone = np.arange(self.num_envs)
        info = self._info(everyone)
        if failed.any():
            info["cause"] = np.array([self.episodes.cause(row) if failed[row] else "" for row in range(self.num_envs)])
            info["_cause"] = failed.copy()
        return self._observe(everyone), rewards, failed, over, info

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
        drawn = [(places, self._draw_rows(rows[places], rng)) for places, rng in self._drawing(rows)]
        scenario = take_rows(drawn[0][1], np.zeros(len(rows), dtype=np.int64)) if len(drawn) > 1 else drawn[0][1]
        for places, some in drawn if len(drawn) > 1 else []:
            scenario = put_rows(scenario, places, some)
        return self.episodes.changed(scenario, options)

    def _draw_rows(self, rows: Rows, rng: np.random.Generator) -> Scenario:
        return self.task.draw(rng, len(rows), dtype=self.episodes.dtype)

    def _drawing(self, rows: Rows) -> list[tuple[Rows, np.random.Generator]]:
        """Which generator draws for which of some rows, by their places: rows that share one are drawn in one batch."""
        own = [(np.array([p]), generator) for p, row in enumerate(rows) if (generator := self._generators[row])]
        shared = np.array([p for p, row in enumerate(rows) if self._generators[row] is None], dtype=np.int64)
        return ([(shared, self.np_random)] if len(shared) else []) + own

    def _seed(self, seed: int | Sequence[int | None] | NDArray[np.int64] | None, rows: Rows) -> None:
        each: Sequence[int | None]
        if seed is None or isinstance(seed, int | np.integer):
            if len(rows) == self.num_envs:
                super().reset(seed=None if seed is None else int(seed))
                self._generators = self._generators if seed is None else [None] * self.num_envs
                return
            each = [None if seed is None else int(seed) + row for row in range(self.num_envs)]
        else:
            each = np.atleast_1d(seed).tolist() if isinstance(seed, np.ndarray) else seed
        if len(each) != self.num_envs:
            raise ValueError(f"Expected one seed or {self.num_envs}, got {len(each)}.")
        for row in rows:
            if each[row] is not None:
                self._generators[row] = gymnasium.utils.seeding.np_random(each[row])[0]
            elif self._generators[row] is None:  # a child takes no number from the generator that others draw by
                self._generators[row] = self.np_random.spawn(1)[0]

    def _masked(self, mask: Any) -> Rows:
        if mask is None:
            return np.arange(self.num_envs)
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(
                f"Expected a reset_mask of {self.num_envs} bool, true somewhere, got {mask.dtype} {mask.shape}."
            )
        return np.flatnonzero(mask)

    def _observe(self, rows: Rows) -> Observation:
        """What is seen of these rows now, and was last seen of the others."""
        for places, rng in self._drawing(rows):
            if len(places) == 1 and self._generators[rows[places[0]]] is not None:
                self._seen[rows[places]] = self.episodes.observe(rng, rows[places])
            else:  # one draw of noise for the whole batch
                self._seen[rows[places]] = self.episodes.observe(rng)[rows[places]]
        return self._seen.copy()

    def _info(self, rows: Rows) -> dict[str, Any]:
        told = np.zeros(self.num_envs, dtype=bool)
        told[rows] = True
        values = {"time": self.episodes.time, "interval": self.episodes.interval}
        return {name: np.where(told, v, 0) for name, v in values.items()} | {f"_{name}": told.copy() for name in values}
