"""What all planners share: plans, how a sequence of actions is judged, and where a search starts."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sciwm.dynamics import Dynamics, readout_trajectory, repeated, rollout
from sciwm.planning.costs import Cost, Imagined
from sciwm.planning.linear_law import LinearLaw

SEQUENCES_AT_ONCE = 512
"""Many share the work of entering a step; with more of them memory, not arithmetic, takes the time."""


@dataclass(frozen=True)
class Plan:
    """A sequence of actions for every episode.

    Args:
        actions: physical, ``(batch, horizon, actuator)``.
        predicted_cost: what the planner believes they cost, ``(batch,)``.
        spread: range of what the search still considered, in ``[-1, 1]`` units, ``(batch,)``.
    """

    actions: Tensor
    predicted_cost: Tensor
    spread: Tensor


class Planner(Protocol):
    """Searches over actions in ``[-1, 1]``, batched over episodes, clamped to the box."""

    @property
    def horizon(self) -> int:
        """Steps imagined."""
        ...

    def plan(self, dynamics: Dynamics, state: Tensor, cost: Cost, warm_start: Plan | None = None) -> Plan:
        """The best actions found from ``state`` ``(batch, ...)``; ``warm_start`` is the plan one interval ago."""
        ...


@dataclass(frozen=True)
class PlanningProblem:
    """One planning problem: judge sequences of normalised actions from given states.

    Args:
        dynamics, cost: what to imagine with, and what to judge by.
        state: ``(batch, ...)``.
        previous_action: the last applied action in ``[-1, 1]``, ``(batch, actuator)``.
        law: adds its cost-to-go at the end of the horizon.
    """

    dynamics: Dynamics
    cost: Cost
    state: Tensor
    previous_action: Tensor
    law: LinearLaw | None

    def judge(self, actions: Tensor) -> Tensor:
        """Cost of ``(candidate, batch, horizon, actuator)``, shape ``(candidate, batch)``; non-finite is infinite.

        Where no gradient is asked for, a few candidates at once.
        """
        if torch.is_grad_enabled():
            return self._judge(actions)
        at_once = max(1, SEQUENCES_AT_ONCE // len(self.state))
        return torch.cat([self._judge(part) for part in actions.split(at_once)])

    def _judge(self, actions: Tensor) -> Tensor:
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
        return torch.nan_to_num(cost, nan=torch.inf, posinf=torch.inf).unflatten(0, (candidates, -1))


@torch.no_grad()
def first_guess(problem: PlanningProblem, horizon: int, warm_start: Plan | None) -> tuple[Tensor, Tensor]:
    """The best of: no action, the last plan shifted by one interval, and the linear law.

    Returns:
        normalised actions ``(batch, horizon, actuator)`` and the scale on which to search about
        them, ``(batch, 1, 1)``: the whole box, or, where a linear law is known, the size of the
        guess, so that a search near the goal is as fine as what is left to do.
    """
    box, batch = problem.dynamics.actuators, len(problem.state)
    nothing = box.to_normalized(problem.previous_action.new_zeros(batch, horizon, len(box)))
    guesses = [nothing]
    if warm_start is not None:
        last = box.to_normalized(warm_start.actions)
        guesses.append(torch.cat([last[:, 1:], last[:, -1:]], dim=1))
    if problem.law is not None:
        guesses.append(_follow(problem, problem.law, horizon))
    candidates = torch.stack(guesses)
    best = problem.judge(candidates).argmin(dim=0)
    guess = candidates[best, torch.arange(batch)]
    scale = torch.ones(batch, 1, 1).to(guess)
    if problem.law is not None:
        scale = (guess - nothing).abs().amax(dim=(1, 2), keepdim=True).clamp(1e-6, 1)
    return guess, scale


def previous_action(dynamics: Dynamics, state: Tensor, warm_start: Plan | None) -> Tensor:
    """The last applied action in ``[-1, 1]``: the first of the last plan, or none."""
    box = dynamics.actuators
    if warm_start is None:
        return box.to_normalized(state.new_zeros(len(state), len(box)))
    return box.to_normalized(warm_start.actions[:, 0])


def _follow(problem: PlanningProblem, law: LinearLaw, horizon: int) -> Tensor:
    state, actions = problem.state, []
    for _ in range(horizon):
        actions.append(law.action(state))
        state = problem.dynamics.advance(state, problem.dynamics.actuators.to_physical(actions[-1]))
    return torch.nan_to_num(torch.stack(actions, dim=1)).clamp(-1, 1)
