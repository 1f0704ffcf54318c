"""Policies: feedback from the observed fields to the next action."""

import time
from dataclasses import dataclass, field

from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.costs import Cost
from sciwm.planning.estimation import KalmanFilter
from sciwm.planning.linear_law import LinearLaw
from sciwm.planning.planner import Plan, Planner
from simulations import ActionBox


@dataclass
class RecedingHorizon:
    """Model predictive control: observe, plan, apply the first action, and plan again from the next observation.

    Feedback corrects the errors of the model at every interval; each plan starts its search from the last one, so one
    policy drives one batch of episodes from their start.

    Args:
        dynamics: What trajectories are predicted with: a world model or a simulation.
        planner: How plans are found.
        cost: What they minimise.
        last: The last plan.
        predicted_cost: The predicted costs of all plans so far, ``(batch,)`` each.
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

    def __call__(self, fields: Tensor, interval: int) -> Tensor:
        """Observed fields ``(batch, variable, *space)`` to physical actions ``(batch, actuator)``."""
        began = time.perf_counter()
        action = self.decide(self.dynamics.encode(fields))
        self.seconds.append(time.perf_counter() - began)
        return action

    def decide(self, state: Tensor) -> Tensor:
        """States of the dynamics ``(batch, ...)`` to physical actions ``(batch, actuator)``."""
        self.last = self.planner.plan(self.dynamics, state, self.cost, self.last)
        self.predicted_cost.append(self.last.predicted_cost)
        return self.last.actions[:, 0]


@dataclass(frozen=True)
class LinearFeedback:
    """The linear law as a policy (LQR), its actions limited to their bounds. It works near the target only.

    Args:
        dynamics: Encodes the observed fields to the states that the law was made for.
        law: As from ``linear_law``.
    """

    dynamics: Dynamics
    law: LinearLaw

    def __call__(self, fields: Tensor, interval: int) -> Tensor:
        """Observed fields ``(batch, variable, *space)`` to physical actions ``(batch, actuator)``."""
        return self.dynamics.actuators.to_physical(self.law.action(self.dynamics.encode(fields)))


@dataclass(frozen=True)
class Hold:
    """No control: every action is zero.

    Args:
        actuators: The actions, as ``dynamics.actuators``.
    """

    actuators: ActionBox

    def __call__(self, fields: Tensor, interval: int) -> Tensor:
        """Zero actions ``(batch, actuator)``."""
        return fields.new_zeros(len(fields), len(self.actuators))


@dataclass
class OutputFeedback:
    """The linear law on the estimate of a Kalman filter: LQG control from noisy sensors.

    Args:
        law: The feedback.
        filter: Estimates the state; every call corrects and advances it.
        dynamics: Has the bounds of the actuators.
    """

    law: LinearLaw
    filter: KalmanFilter
    dynamics: Dynamics

    def __call__(self, observation: Tensor) -> Tensor:
        """Sensor readings ``(batch, sensor)`` to physical actions ``(batch, actuator)``."""
        action = self.law.action(self.filter.correct(observation))
        self.filter.predict(action)
        return self.dynamics.actuators.to_physical(action)
