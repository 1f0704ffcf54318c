"""Choosing actions through anything that can be advanced."""

from sciwm.planning.cem import CEMPlanner
from sciwm.planning.costs import Cost, action_energy, action_rate, field_target, functional, latent_target
from sciwm.planning.gradient import GradientPlanner
from sciwm.planning.linear_law import LinearLaw, linear_law
from sciwm.planning.planner import Plan, Planner
from sciwm.planning.policies import Hold, LinearFeedback, RecedingHorizon

__all__ = [
    "CEMPlanner",
    "Cost",
    "GradientPlanner",
    "Hold",
    "LinearFeedback",
    "LinearLaw",
    "Plan",
    "Planner",
    "RecedingHorizon",
    "action_energy",
    "action_rate",
    "field_target",
    "functional",
    "latent_target",
    "linear_law",
]
