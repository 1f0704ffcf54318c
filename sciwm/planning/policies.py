"""Policies: feedback from the observed fields to the next action."""

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.costs import Cost
from sciwm.planning.estimation import KalmanFilter
from sciwm.planning.linear_law import LinearLaw
from sciwm.planning.planner import Plan, Planner
from simulations import ActionBox
from simulations.controller import Controller, finite_rows


@dataclass(eq=False)
class RecedingHorizon(Controller):
    """Model predictive control: observe, plan, apply the first action, and plan again from the next observation.

    Feedback corrects the errors of the model at every interval; each plan starts its search from the last one. New
    episodes begin at interval 0 (see :class:`~simulations.controller.Controller`), which forgets all below. In a row
    whose every candidate has an infinite cost, the last action is held.

    Args:
        dynamics: What trajectories are predicted with: a world model or a simulation.
        planner: How plans are found.
        cost: What they minimise.
        last: The last plan.
        predicted_cost: The predicted costs of all plans so far, ``(batch,)`` each; infinite where an action was held.
        seconds: Wall time of each decision.

    Example:
        >>> policy = RecedingHorizon(model, GradientPlanner(horizon=20), field_target(model, rest))  # doctest: +SKIP
        >>> episodes = run_episodes(simulation, starts, policy, range(200))  # doctest: +SKIP
    """

    dynamics: Dynamics
    planner: Planner
    cost: Cost
    last: Plan | None = None
    predicted_cost: list[Tensor] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def box(self) -> ActionBox:
        """The actions of the dynamics."""
        return self.dynamics.actuators

    def reset(self) -> None:
        """Forget the last plan, all costs and times, and the actions that were sent."""
        super().reset()
        self.last, self.predicted_cost, self.seconds = None, [], []

    def act(self, observation: Tensor) -> Tensor:
        """The first actions of plans from observed fields ``(batch, variable, *space)``."""
        began = time.perf_counter()
        action = self._plan(self.dynamics.encode(finite_rows(observation)))
        self.seconds.append(time.perf_counter() - began)
        return action

    def decide(self, state: Tensor) -> Tensor:
        """States of the dynamics ``(batch, ...)`` to physical actions ``(batch, actuator)``, in the next interval."""
        self.require_same_episodes(len(state))
        return self.send(self._plan(finite_rows(state)), self.seen(state))

    def _plan(self, state: Tensor) -> Tensor:
        self.last = self.planner.plan(self.dynamics, state, self.cost, self.last)
        self.predicted_cost.append(self.last.predicted_cost)
        return self.last.actions[:, 0].where(self.last.predicted_cost.isfinite()[:, None], torch.nan)

    def send(self, wanted: Tensor, seen: Tensor) -> Tensor:
        """See :class:`~simulations.controller.Controller`; a plan that is not followed is one to hold the action."""
        action = super().send(wanted, seen)
        if self.last is not None and self.held is not None and bool(self.held.any()):
            holding = action.detach()[:, None].expand_as(self.last.actions)
            actions = holding.where(self.held[:, None, None], self.last.actions)
            cost = self.last.predicted_cost.masked_fill(self.held, torch.inf)
            self.last, self.predicted_cost[-1] = Plan(actions, cost, self.last.spread), cost
        return action


@dataclass(eq=False)
class LinearFeedback(Controller):
    """The linear law as a policy (LQR), its actions limited to their bounds. It works near the target only.

    Args:
        dynamics: Encodes the observed fields to the states that the law was made for.
        law: As from ``linear_law``.
    """

    dynamics: Dynamics
    law: LinearLaw

    @property
    def box(self) -> ActionBox:
        """The actions of the dynamics."""
        return self.dynamics.actuators

    def act(self, observation: Tensor) -> Tensor:
        """Observed fields ``(batch, variable, *space)`` to physical actions ``(batch, actuator)``."""
        return self.box.to_physical(self.law.action(self.dynamics.encode(finite_rows(observation))))


@dataclass(eq=False)
class Hold(Controller):
    """No control: every action is zero, or the allowed one that is nearest to it.

    Args:
        actuators: The actions, as ``dynamics.actuators``.
    """

    actuators: ActionBox

    @property
    def box(self) -> ActionBox:
        """The actions."""
        return self.actuators

    def act(self, observation: Tensor) -> Tensor:
        """Zero actions ``(batch, actuator)``."""
        return observation.new_zeros(len(observation), len(self.actuators))

    def seen(self, observation: Tensor) -> Tensor:
        """All rows: it does not look at the fields."""
        return torch.ones(len(observation), dtype=torch.bool, device=observation.device)


@dataclass(eq=False)
class OutputFeedback(Controller):
    """The linear law on the estimate of a Kalman filter: LQG control from noisy sensors.

    Call it with sensor readings ``(batch, sensor)``. Where readings are not finite the estimate goes on without them.

    Args:
        law: The feedback.
        filter: Estimates the state; every call corrects and advances it, and new episodes begin from its start.
        dynamics: Has the bounds of the actuators.
    """

    law: LinearLaw
    filter: KalmanFilter
    dynamics: Dynamics

    @property
    def box(self) -> ActionBox:
        """The actions of the dynamics."""
        return self.dynamics.actuators

    def reset(self) -> None:
        """Forget the episodes so far, and the estimates of their states."""
        super().reset()
        self.filter.reset()

    def act(self, observation: Tensor) -> Tensor:
        """Sensor readings ``(batch, sensor)`` to physical actions ``(batch, actuator)``."""
        return self.box.to_physical(self.law.action(self.filter.correct(observation)))

    def send(self, wanted: Tensor, seen: Tensor) -> Tensor:
        """See :class:`~simulations.controller.Controller`; the filter learns what was sent."""
        action = super().send(wanted, seen)
        normalized = self.law.action(self.filter.estimate)
        if self.held is not None:
            normalized = torch.where(self.held[:, None], self.box.nearest(action), normalized)
        self.filter.predict(normalized)
        return action
