"""A batch of running episodes of one task, which the single and the vector environment share."""

from collections.abc import Mapping
from typing import Any, cast

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import ActionBox
from simulations.tasks import TASKS, Task, make_task
from simulations.tasks.rows import Rows, put_rows, take_rows
from simulations.tasks.task import Scenario
from simulations.wrappers import ActuatorDynamics

Observation = NDArray[np.float32]
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
OPTIONS = ("start", "target", "parameters")


class RunningEpisodes:
    """Episodes of one task, each at its own interval, with normalised actions and float32 observations.

    Args:
        task: A task, or the name of one.
        settings: Settings of a named task.
        batch: The number of episodes.
        precision: The precision of the simulation, ``"float32"`` or ``"float64"``.
        observe_target: Whether the target is appended to the observation. By default it is where the target
            differs between the episodes of a named task.
        failure_reward: The reward in place of one that is not finite.
        longest: The number of intervals after which an episode is over, if the task allows more; None or -1 for
            those of the task.

    Raises:
        ValueError: If the name, a setting, the precision or the length does not fit.
    """

    def __init__(
        self,
        task: Task | str,
        settings: Mapping[str, Any] | None,
        batch: int,
        *,
        precision: str,
        observe_target: bool | None,
        failure_reward: float,
        longest: int | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"Expected precision = {' or '.join(PRECISIONS)}, got '{precision}'.")
        if longest not in (None, -1) and not (isinstance(longest, int | np.integer) and longest >= 1):
            raise ValueError(f"Expected max_episode_steps >= 1, a whole number, or None for the task's, got {longest}.")
        if settings and not isinstance(task, str):
            raise ValueError(
                "Expected settings only with the name of a task, got a task and settings. Give one of them."
            )
        if not isinstance(task, Task | str):
            raise ValueError(
                f"Expected a task or the name of one, got {type(task).__name__}. Wrap a simulation in "
                "simulations.tasks.regulation.Regulation."
            )
        if observe_target is None:
            observe_target = isinstance(task, str) and task in TASKS and TASKS[task].target == "differs"
        self.task = make_task(task, settings) if isinstance(task, str) else task
        self.batch = batch
        self.dtype = PRECISIONS[precision]
        self.observe_target = observe_target
        self.failure_reward = failure_reward
        self.intervals = self.task.intervals if longest in (None, -1) else min(self.task.intervals, longest)
        self.scenario = take_rows(self.task.example(dtype=self.dtype), np.zeros(batch, dtype=np.int64))
        self.fields = self.before = self.scenario.start
        self.interval = np.zeros(batch, dtype=np.int64)
        self.action = torch.zeros(batch, len(self.actuators), dtype=self.dtype)
        self._parts: dict[bytes, Scenario] = {}

    @property
    def actuators(self) -> ActionBox:
        """The names and bounds of the actions."""
        return self.scenario.simulation.actuators

    @property
    def action_space(self) -> gymnasium.Space[NDArray[np.float32]]:
        """The box ``[-1, 1]`` for every actuator."""
        return cast(gymnasium.Space[Observation], gymnasium.spaces.Box(-1.0, 1.0, (len(self.actuators),), np.float32))

    def observation_space(self, size: int) -> gymnasium.Space[Observation]:
        """A box of ``size`` numbers, bounded by the magnitude that counts as a blow-up."""
        limit = self.scenario.simulation.blow_up_magnitude
        return cast(gymnasium.Space[Observation], gymnasium.spaces.Box(-limit, limit, (size,), np.float32))

    # Starting and stepping ---------------------------------------------------------------------

    def draw(self, rng: np.random.Generator, count: int, options: Mapping[str, Any] | None) -> Scenario:
        """Draw new episodes, and replace what the options give.

        Args:
            rng: Draws the episodes.
            count: The number of episodes.
            options: ``start``, ``target`` and ``parameters``; None for none.

        Raises:
            ValueError: With every option that does not fit.
        """
        return self.changed(self.task.draw(rng, count, dtype=self.dtype), {} if options is None else options)

    def begin(self, rows: Rows, scenario: Scenario) -> None:
        """Start the episodes of ``scenario`` in the given rows of the batch."""
        self.scenario = put_rows(self.scenario, rows, scenario)
        self._parts.clear()
        self.fields = self.fields.clone()
        self.fields[torch.as_tensor(rows)] = scenario.start
        self.action = self.action.clone()
        self.action[torch.as_tensor(rows)] = 0.0
        self.interval[rows] = 0

    def step(self, normalized: NDArray[Any], rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Advance some episodes by one control interval.

        Args:
            normalized: Actions in ``[-1, 1]``, to which they are clipped, ``(batch, actuator)``; see
                :func:`~simulations.environments.given_action.given_action`.
            rows: The rows to advance.

        Returns:
            The rewards, and whether each episode failed, ``(batch,)`` each; 0 and False in the other rows.
        """
        bounded = torch.tensor(np.clip(normalized, -1, 1), dtype=self.dtype)
        self.action = self.actuators.to_physical(bounded)
        rewards: NDArray[np.float64] = np.zeros(self.batch)
        failed = np.zeros(self.batch, dtype=bool)
        self.before, fields = self.fields, self.fields.clone()
        for interval in set(self.interval[rows].tolist()):  # a task may depend on it
            group = rows[self.interval[rows] == interval]
            scenario, chosen = self.part(group), torch.as_tensor(group)
            with torch.no_grad():
                after, reward = self.task.step(scenario, self.fields[chosen], self.action[chosen], interval)
                failed[group] = self.task.failed(scenario, after).numpy()
            fields[chosen] = after
            rewards[group] = reward.numpy()
        self.fields = fields
        self.interval[rows] += 1
        rewards[~np.isfinite(rewards)] = self.failure_reward
        return rewards, failed

    def part(self, rows: Rows) -> Scenario:
        """The scenario of some rows; it is kept until an episode starts."""
        if len(rows) == self.batch:
            return self.scenario
        key = rows.tobytes()
        if key not in self._parts:
            self._parts[key] = take_rows(self.scenario, rows)
        return self._parts[key]

    @property
    def over(self) -> NDArray[np.bool_]:
        """Which episodes have had all their intervals, ``(batch,)``."""
        return self.interval >= self.intervals

    @property
    def time(self) -> NDArray[np.float64]:
        """The time since the start of each episode, ``(batch,)``."""
        return np.asarray(self.interval * self.scenario.simulation.control_interval, dtype=np.float64)

    def cause(self, row: int) -> str:
        """The likeliest cause of the failure of an episode in its last interval."""
        one = np.array([row])
        return self.part(one).simulation.why_blown_up(self.before[one])

    # Observations -----------------------------------------------------------------------------

    def observe(self, rng: np.random.Generator, rows: Rows | None = None) -> Observation:
        """The observations as a new array ``(row, observation)``, finite even after a blow-up.

        Args:
            rng: Draws the noise of all these rows.
            rows: The rows to observe; all by default.
        """
        scenario, fields = self.scenario, self.fields
        if rows is not None and len(rows) < self.batch:
            scenario, fields = self.part(rows), fields[rows]
        seen = self.task.observe(scenario, fields, rng)
        if self.observe_target:
            seen = torch.cat([seen, self._target_of(scenario).flatten(1)], dim=1)
        return self._bounded(seen)

    def achieved_and_desired(self) -> tuple[Observation, Observation]:
        """The present fields and the target fields, ``(batch, values)`` each."""
        plant = self.scenario.simulation
        fields = plant.readout(self.fields, ["fields"])["fields"]
        return self._bounded(fields.flatten(1)), self._bounded(self._target_of(self.scenario).flatten(1))

    def _target_of(self, scenario: Scenario) -> Tensor:
        if scenario.target is None:
            raise ValueError(f"{self.task.name}: expected a task with a target, got one without. Use another task.")
        return scenario.target

    def _bounded(self, values: Tensor) -> Observation:
        limit = self.scenario.simulation.blow_up_magnitude
        finite = torch.nan_to_num(values, nan=0.0, posinf=limit, neginf=-limit).clamp(-limit, limit)
        return finite.numpy().astype(np.float32)

    # Options ----------------------------------------------------------------------------------

    def changed(self, scenario: Scenario, options: Mapping[str, Any]) -> Scenario:
        """A scenario with the ``start``, ``target`` and ``parameters`` of the options.

        Raises:
            ValueError: With every option that does not fit.
        """
        if not isinstance(options, Mapping):
            raise ValueError(
                f"{self.task.name}: expected options as a mapping with {', '.join(OPTIONS)}, got {options!r}."
            )
        if not options:
            return scenario
        problems = [f"expected the options {', '.join(OPTIONS)}, got '{name}'" for name in set(options) - set(OPTIONS)]
        start, target, simulation = scenario.start, scenario.target, scenario.simulation
        if options.get("start") is not None:
            start = self._start(options["start"], scenario, problems)
        if options.get("target") is not None:
            if target is None:
                problems.append("expected no target, as this task has none, got one")
            else:
                target = self._fields("target", options["target"], target, problems)
                problems += self.task.target_problems(target)
        if options.get("parameters"):
            try:
                simulation = simulation.with_parameters(options["parameters"])
            except (ValueError, TypeError, AttributeError) as error:
                problems.append(f"parameters: {error}".rstrip("."))
            else:
                if simulation.batch_of_parameters not in (None, len(start)):
                    each = f" or one for each of {len(start)} episodes" if len(start) > 1 else ""
                    problems.append(
                        f"expected parameters of one value{each}, got a batch of {simulation.batch_of_parameters}"
                    )
        if problems:
            raise ValueError(f"{self.task.name}: " + "; ".join(sorted(problems)) + ".")
        return Scenario(simulation, start, target)

    def _start(self, given: Any, scenario: Scenario, problems: list[str]) -> Tensor:
        """A start, given as fields or as the state of a wrapped simulation."""
        plant, state = scenario.simulation, scenario.start
        if not isinstance(plant, ActuatorDynamics) or np.shape(given)[-1:] == state.shape[-1:]:
            return self._fields("start", given, state, problems)
        known = len(problems)
        fields = self._fields("start", given, plant.readout(state, ["fields"])["fields"], problems)
        return plant.encode(fields) if len(problems) == known else state

    def _fields(self, name: str, given: Any, like: Tensor, problems: list[str]) -> Tensor:
        """Given values in the shape of ``like``; they are for all episodes, or one for each."""
        try:
            values = torch.as_tensor(np.asarray(given, dtype=np.float64)).to(like.dtype)
        except (TypeError, ValueError) as error:
            problems.append(f"expected {name} as an array of numbers, got {error}")
            return like
        if values.shape not in (like.shape, like.shape[1:]):
            wanted = f"{tuple(like.shape[1:])}" + (f" or {tuple(like.shape)}" if len(like) > 1 else "")
            problems.append(f"expected {name} of shape {wanted}, got {tuple(values.shape)}")
            return like
        if not torch.isfinite(values).all():
            problems.append(f"expected a finite {name}, got nan or infinity")
        return values.expand_as(like).clone()
