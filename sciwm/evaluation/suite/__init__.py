"""The evaluation of a trained model, part by part.

``parts`` lists the parts by name, ``context`` holds what every part is given, and ``measures`` the numbers with
intervals that it returns. The parts themselves: forecasts (``imagination``), actions and shifts (``interventions``),
finer grids (``grids``), and what latents hold (``latents``). ``cache`` measures parts and stores their results.
"""

from sciwm.evaluation.suite.cache import MADE_FROM, METRICS, depends_on, evaluate_parts
from sciwm.evaluation.suite.context import INTERVALS, EvaluationContext
from sciwm.evaluation.suite.error_bars import coverage_of
from sciwm.evaluation.suite.grids import measure_refined_control, measure_resolution
from sciwm.evaluation.suite.imagination import (
    UNSEEN_INTERVALS,
    budgets_under_unseen_actions,
    measure_rollouts,
    unseen_actions,
)
from sciwm.evaluation.suite.interventions import use_of
from sciwm.evaluation.suite.latents import measure_surprise
from sciwm.evaluation.suite.measures import Measure, Outcome, mean_of, median_of, root_mean_square_of, share_of
from sciwm.evaluation.suite.parts import NEEDS_SIMULATOR, PARTS, check_names, parts_of

__all__ = [
    "INTERVALS",
    "MADE_FROM",
    "METRICS",
    "NEEDS_SIMULATOR",
    "PARTS",
    "UNSEEN_INTERVALS",
    "EvaluationContext",
    "Measure",
    "Outcome",
    "budgets_under_unseen_actions",
    "check_names",
    "coverage_of",
    "depends_on",
    "evaluate_parts",
    "mean_of",
    "measure_refined_control",
    "measure_resolution",
    "measure_rollouts",
    "measure_surprise",
    "median_of",
    "parts_of",
    "root_mean_square_of",
    "share_of",
    "unseen_actions",
    "use_of",
]
