"""Planners, costs and policies, which work with any ``Dynamics``: a world model or the true solver."""

from sciwm.planning.cem import CEMPlanner
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
from sciwm.planning.estimation import KalmanFilter, kalman_filter
from sciwm.planning.from_settings import build_planner, planning_cost
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
    "field_target",
    "functional",
    "kalman_filter",
    "latent_target",
    "linear_law",
    "linearize",
    "mean_square_distance",
    "minimize",
    "planning_cost",
]
