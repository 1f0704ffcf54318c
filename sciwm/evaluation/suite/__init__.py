"""Everything that is measured of a trained model: the parts, and the evaluation that goes through them.

``context``: what parts are given. ``measures``: numbers with intervals. ``imagination``, ``answers``,
``grids``, ``latents``: the parts. ``table``: the parts by name. ``kept``: results that need not be made again.
"""

from sciwm.evaluation.suite.cache import evaluate_parts
from sciwm.evaluation.suite.context import INTERVALS, EvaluationContext
from sciwm.evaluation.suite.grids import measure_refined_control, measure_resolution
from sciwm.evaluation.suite.imagination import (
    UNSEEN_INTERVALS,
    budgets_under_unseen_actions,
    measure_rollouts,
    unseen_actions,
)
from sciwm.evaluation.suite.latents import measure_surprise
from sciwm.evaluation.suite.measures import Measure, Outcome, mean_of, median_of, root_mean_square_of, share_of
from sciwm.evaluation.suite.parts import PARTS, check_names

__all__ = [
    "INTERVALS",
    "PARTS",
    "UNSEEN_INTERVALS",
    "EvaluationContext",
    "Measure",
    "Outcome",
    "budgets_under_unseen_actions",
    "check_names",
    "evaluate_parts",
    "mean_of",
    "measure_refined_control",
    "measure_resolution",
    "measure_rollouts",
    "measure_surprise",
    "median_of",
    "root_mean_square_of",
    "share_of",
    "unseen_actions",
]
