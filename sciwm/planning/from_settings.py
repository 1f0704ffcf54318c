"""From settings to a planner and its cost, the same for every dynamics."""

from torch import Tensor

from sciwm.config import PlanningSettings
from sciwm.dynamics import Dynamics
from sciwm.planning.cem import CEMPlanner
from sciwm.planning.costs import Cost, action_energy, action_rate, field_target
from sciwm.planning.gradient import GradientPlanner
from sciwm.planning.linear_law import linear_law
from sciwm.planning.planner import Planner


def planning_cost(settings: PlanningSettings, dynamics: Dynamics, target_fields: Tensor) -> Cost:
    """What a controller minimises when it drives ``dynamics`` to a target:

        sum_t < (u_t - u*)^2 > + action_weight mean_j a_j^2 + rate_weight mean_j (a_t - a_{t-1})^2

    Args:
        settings: how to weigh.
        dynamics: what will be imagined with.
        target_fields: the fields to reach, physical, ``(variable, *space)``.
    """
    cost = field_target(dynamics, target_fields) + settings.action_weight * action_energy()
    return cost + settings.rate_weight * action_rate() if settings.rate_weight > 0 else cost


def build_planner(settings: PlanningSettings, dynamics: Dynamics, target_fields: Tensor) -> tuple[Planner, Cost]:
    """A planner that drives ``dynamics`` to a target and holds it there, and the cost it minimises.

    Args:
        settings: how to search, and how to weigh.
        dynamics, target_fields: see ``planning_cost``.

    Raises:
        NoLinearLaw: if ``terminal = riccati`` and no law within reach holds the target.
    """
    cost = planning_cost(settings, dynamics, target_fields)
    law = linear_law(dynamics, cost, target_fields) if settings.terminal == "riccati" else None
    if settings.planner == "gradient":
        return GradientPlanner(settings.horizon, settings.iterations, settings.learning_rate, law), cost
    return CEMPlanner(
        settings.horizon, settings.iterations, settings.samples, settings.elites, settings.deviation, law=law
    ), cost
