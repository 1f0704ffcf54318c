"""Planners, costs and policies, which work with any ``Dynamics``: a world model or the true solver."""

from sciwm.planning.cem import CEMPlanner
from sciwm.planning.constraints import Limits
from sciwm.planning.costs import (
    Cost,
    Imagined,
    action_energy,
    action_rate,
    field_target,
    functional,
    latent_target,
    mean_square_distance,
)
from sciwm.planning.data_costs import effort, leaving_data, region_target
from sciwm.planning.estimation import KalmanFilter, kalman_filter
from sciwm.planning.from_settings import build_planner, planner_of, planning_cost
from sciwm.planning.gradient import GradientPlanner
from sciwm.planning.lbfgs import minimize
from sciwm.planning.linear_law import LinearLaw, NoLinearLaw, linear_law, linearize
from sciwm.planning.planner import Plan, Planner
from sciwm.planning.policies import Hold, LinearFeedback, OutputFeedback, RecedingHorizon

__all__ = [
    "CEMPlanner",
    "Cost",
    "GradientPlanner",
    "Hold",
    "Imagined",
    "KalmanFilter",
    "Limits",
    "LinearFeedback",
    "LinearLaw",
    "NoLinearLaw",
    "OutputFeedback",
    "Plan",
    "Planner",
    "RecedingHorizon",
    "action_energy",
    "action_rate",
    "build_planner",
    "effort",
    "field_target",
    "functional",
    "kalman_filter",
    "latent_target",
    "leaving_data",
    "linear_law",
    "linearize",
    "mean_square_distance",
    "minimize",
    "planner_of",
    "planning_cost",
    "region_target",
]
