"""Whether a model notices what cannot happen, and stays calm at what can."""

from sciwm.evaluation.surprise.detection import auroc, auroc_interval
from sciwm.evaluation.surprise.surprise import Residual, observed_budget, surprise
from sciwm.evaluation.surprise.violations import Violation, standard_controls, standard_violations

__all__ = [
    "Residual",
    "Violation",
    "auroc",
    "auroc_interval",
    "observed_budget",
    "standard_controls",
    "standard_violations",
    "surprise",
]
