"""Builds a planner and its cost from the settings of a run, for any dynamics."""

from torch import Tensor

from sciwm.config import CEMSettings, GradientSettings, PlanningSettings
from sciwm.dynamics import Dynamics
from sciwm.planning.cem import CEMPlanner
from sciwm.planning.costs import Cost, action_energy, action_rate, field_target
from sciwm.planning.gradient import GradientPlanner
from sciwm.planning.linear_law import LinearLaw, linear_law


def planning_cost(
    settings: PlanningSettings, dynamics: Dynamics, target_fields: Tensor, *, goal: Tensor | None = None
) -> Cost:
    """The cost of driving ``dynamics`` to a target:

        sum_t < (u_t - u*)^2 > + action_weight mean_j a_j^2 + rate_weight mean_j (a_t - a_{t-1})^2

    Args:
        settings: The weights.
        dynamics: What trajectories are predicted with.
        target_fields: Physical fields to reach, ``(variable, *space)``, NaN in a variable that may take any value.
        goal: The encoded target ``(1, ...)``, if it is known already.
    """
    cost = field_target(dynamics, target_fields, goal=goal) + settings.action_weight * action_energy()
    return cost + settings.rate_weight * action_rate() if settings.rate_weight > 0 else cost


def build_planner(
    settings: PlanningSettings, dynamics: Dynamics, target_fields: Tensor, *, goal: Tensor | None = None
) -> tuple[GradientPlanner | CEMPlanner, Cost]:
    """A planner that drives ``dynamics`` to a target and holds it there, and the cost it minimises.

    Args:
        settings: Planner, horizon and weights.
        dynamics, target_fields, goal: See ``planning_cost``.

    Raises:
        NoLinearLaw: If ``terminal = riccati`` and the actuators cannot hold the target.
    """
    if goal is None:
        goal = dynamics.encode(target_fields.nan_to_num()[None])
    cost = planning_cost(settings, dynamics, target_fields, goal=goal)
    law = linear_law(dynamics, cost, target_fields, goal=goal) if settings.terminal == "riccati" else None
    return planner_of(settings, law), cost


def planner_of(settings: PlanningSettings, law: LinearLaw | None = None) -> GradientPlanner | CEMPlanner:
    """The planner of the settings.

    Args:
        settings: Planner and horizon.
        law: The linear law about the target, if there is one.
    """
    match settings.planner:
        case GradientSettings():
            return GradientPlanner(settings.horizon, settings.planner, law)
        case CEMSettings():
            return CEMPlanner(settings.horizon, settings.planner, law)
