"""What all planners share: the plan, the cost of a sequence of actions, and the first guess of a search."""

from dataclasses import dataclass
from typing import Protocol

import torch
from pydantic import ValidationError
from torch import Tensor

from sciwm.config import Section
from sciwm.dynamics import Dynamics, readout_trajectory, repeated, rollout
from sciwm.errors import InputError, Problem, raise_if
from sciwm.planning.constraints import Limits
from sciwm.planning.costs import Cost, Imagined
from sciwm.planning.linear_law import LinearLaw

SEQUENCES_AT_ONCE = 512
"""How many sequences are predicted together: fewer waste overhead of each step, more are limited by memory."""


@dataclass(frozen=True)
class Plan:
    """A sequence of actions for every episode of a batch.

    Args:
        actions: Physical actions ``(batch, horizon, actuator)``.
        predicted_cost: The cost as the dynamics predicts it, cost beyond the horizon included, ``(batch,)``.
        spread: A measure of how far the search ranged at its end, with actions in ``[-1, 1]``, ``(batch,)``: the
            largest deviation that CEM still drew with, or the largest change of an action from the first guess.
    """

    actions: Tensor
    predicted_cost: Tensor
    spread: Tensor


class Planner(Protocol):
    """Finds cheap sequences of actions within the bounds of the actuators, for a batch of episodes at once."""

    @property
    def horizon(self) -> int:
        """Number of control intervals that a plan spans."""
        ...

    def plan(self, dynamics: Dynamics, state: Tensor, cost: Cost, warm_start: Plan | None = None) -> Plan:
        """Plan from given states.

        Args:
            dynamics: What trajectories are predicted with: a world model or a simulation.
            state: States of the dynamics, ``(batch, ...)``, as from ``dynamics.encode``.
            cost: What to minimise.
            warm_start: The plan of one interval ago, of any horizon; with one, a search needs far fewer iterations.

        Returns:
            The cheapest sequence that was found for each state; the first guess, with an infinite cost, if none has a
            finite cost.

        Raises:
            InputError: If ``warm_start`` is of another number of episodes or of actuators.
        """
        ...


def require_settings(kind: type[Section], horizon: int, settings: Section) -> None:
    """Refuse a horizon or settings that no planner can work with.

    Raises:
        InputError: With all that is wrong.
    """
    problems = []
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        problems.append(Problem("horizon", "a whole number of control intervals, at least 1", repr(horizon)))
    if not isinstance(settings, kind):
        problems.append(Problem("settings", f"sciwm.config.{kind.__name__}", type(settings).__name__))
    else:
        try:
            kind.model_validate(vars(settings))  # copies with other values were not validated
        except ValidationError as error:
            for each in error.errors():
                place = ".".join(map(str, ("settings", *each["loc"])))
                problems.append(Problem(place, each["msg"].replace("Input should be ", ""), repr(each["input"])))
    raise_if(problems)


@dataclass(frozen=True)
class PlanningProblem:
    """What a planner minimises: the cost of sequences of actions from given states.

    Args:
        dynamics, cost: What trajectories are predicted with, and their cost.
        state: States ``(batch, ...)``.
        previous_action: The last applied action in ``[-1, 1]``, ``(batch, actuator)``.
        law: Adds its cost-to-go for what is beyond the horizon; none if None.
        limits: What all actions keep to.
    """

    dynamics: Dynamics
    cost: Cost
    state: Tensor
    previous_action: Tensor
    law: LinearLaw | None
    limits: Limits

    def costs_of(self, actions: Tensor) -> Tensor:
        """Costs ``(candidate, batch)`` of actions in ``[-1, 1]``, ``(candidate, batch, horizon, actuator)``.

        A cost that is not finite counts as infinite. Without gradients, a few candidates are computed at a time.
        """
        if torch.is_grad_enabled():
            return self._costs_of(actions)
        at_once = max(1, SEQUENCES_AT_ONCE // len(self.state))
        return torch.cat([self._costs_of(part) for part in actions.split(at_once)])

    def _costs_of(self, actions: Tensor) -> Tensor:
        candidates = actions.shape[0]
        flat = actions.flatten(0, 1)
        start = self.state.repeat(candidates, *[1] * (self.state.ndim - 1))
        dynamics = repeated(self.dynamics, candidates)
        states = rollout(dynamics, start, dynamics.actuators.to_physical(flat))
        readouts = readout_trajectory(dynamics, states, sorted(self.cost.reads)) if self.cost.reads else {}
        imagined = Imagined(states, readouts, flat, self.previous_action.repeat(candidates, 1))
        cost = self.cost(imagined)
        if self.law is not None:
            cost = cost + self.law.cost_to_go()(imagined)
        return cost.where(cost.isfinite(), torch.inf).unflatten(0, (candidates, -1))


@torch.no_grad()
def first_guess(problem: PlanningProblem, horizon: int, warm_start: Plan | None) -> tuple[Tensor, Tensor]:
    """The cheapest of: no action (or the nearest one allowed), the last plan shifted by one interval, the linear law.

    Returns:
        Actions in ``[-1, 1]``, ``(batch, horizon, actuator)``, and the scale on which to search about them,
        ``(batch, 1, 1)``: 1 or, with a linear law, the largest action of the guess, so that the search becomes finer
        as the target is approached.
    """
    box, batch = problem.dynamics.actuators, len(problem.state)
    nothing = box.nearest(problem.previous_action.new_zeros(batch, horizon, len(box)))
    guesses = [nothing]
    if warm_start is not None:
        last = _known(problem.dynamics, nothing, warm_start.actions)
        guesses.append(torch.cat([last[:, 1:], last[:, -1:].expand(-1, horizon, -1)], dim=1)[:, :horizon])
    if problem.law is not None:
        guesses.append(_follow(problem, problem.law, horizon))
    candidates = torch.stack([problem.limits.allowed(guess) for guess in guesses])
    best = problem.costs_of(candidates).argmin(dim=0)
    guess = candidates[best, torch.arange(batch)]
    scale = torch.ones(batch, 1, 1).to(guess)
    if problem.law is not None:
        scale = (guess - nothing).abs().amax(dim=(1, 2), keepdim=True).clamp(1e-6, 1)
    return guess, scale


def previous_action(dynamics: Dynamics, state: Tensor, warm_start: Plan | None, limits: Limits) -> Tensor:
    """The last applied action in ``[-1, 1]``: the first of the last plan, else that of the limits, else no action.

    Raises:
        InputError: If the plan is of another number of episodes or of actuators.
    """
    box = dynamics.actuators
    nothing = box.nearest(state.new_zeros(len(state), len(box)))
    if warm_start is None:
        return nothing if limits.previous is None else limits.previous.to(nothing).expand_as(nothing)
    given = tuple(warm_start.actions.shape)
    if len(given) != 3 or (given[0], given[2]) != tuple(nothing.shape) or not given[1]:
        expected = f"actions of shape ({len(state)}, any horizon, {len(box)}), one plan for each episode"
        remedy = "plan without warm_start where new episodes begin"
        raise InputError([Problem("warm_start", expected, str(given), remedy)])
    return _known(dynamics, nothing, warm_start.actions[:, 0])


def _known(dynamics: Dynamics, nothing: Tensor, actions: Tensor) -> Tensor:
    """Physical actions in ``[-1, 1]``; none where they are not finite."""
    normalized = dynamics.actuators.nearest(actions.to(nothing))
    return torch.where(normalized.isfinite(), normalized, nothing[:, :1] if normalized.ndim == 3 else nothing)


def _follow(problem: PlanningProblem, law: LinearLaw, horizon: int) -> Tensor:
    state, actions = problem.state, []
    for _ in range(horizon):
        actions.append(law.action(state))
        state = problem.dynamics.advance(state, problem.dynamics.actuators.to_physical(actions[-1]))
    return torch.nan_to_num(torch.stack(actions, dim=1)).clamp(-1, 1)
