"""Closing the loop: policies that map the observed fields to the next action."""

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
    """Model predictive control: encode what is observed, plan, apply the first action, shift, repeat.

    Args:
        dynamics: what to imagine with.
        planner, cost: how to search, and what for.
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
        """States of the dynamics ``(batch, ...)``, observed or imagined, to physical actions."""
        self.last = self.planner.plan(self.dynamics, state, self.cost, self.last)
        self.predicted_cost.append(self.last.predicted_cost)
        return self.last.actions[:, 0]


@dataclass(frozen=True)
class LinearFeedback:
    """The linear law alone, saturated at the box.

    Args:
        dynamics: whose states the law reads.
        law: see ``linear_law``.
    """

    dynamics: Dynamics
    law: LinearLaw

    def __call__(self, fields: Tensor, interval: int) -> Tensor:
        """Observed fields ``(batch, variable, *space)`` to physical actions ``(batch, actuator)``."""
        return self.dynamics.actuators.to_physical(self.law.action(self.dynamics.encode(fields)))


@dataclass(frozen=True)
class Hold:
    """No control: every action zero."""

    actuators: ActionBox

    def __call__(self, fields: Tensor, interval: int) -> Tensor:
        """Zero actions ``(batch, actuator)``."""
        return fields.new_zeros(len(fields), len(self.actuators))


@dataclass
class OutputFeedback:
    """The linear law on the filter's estimate: LQG.

    Args:
        law: the feedback.
        filter: the estimate, advanced by every call.
        dynamics: whose actions these are.
    """

    law: LinearLaw
    filter: KalmanFilter
    dynamics: Dynamics

    def __call__(self, observation: Tensor) -> Tensor:
        """Sensor readings ``(batch, sensor)`` to physical actions ``(batch, actuator)``."""
        action = self.law.action(self.filter.correct(observation))
        self.filter.predict(action)
        return self.dynamics.actuators.to_physical(action)
