"""The objective: prediction, anti-collapse, physics, and how they are weighed."""

from sciwm.loss.balance import backward_balanced
from sciwm.loss.objective import Objective, weighted_sum

__all__ = [
    "Objective",
    "backward_balanced",
    "weighted_sum",
]
