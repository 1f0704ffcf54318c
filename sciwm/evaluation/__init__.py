"""Measures of a trained model against the true simulation, with confidence intervals.

``suite`` measures the parts of ``sciwm evaluate``; the other modules hold the measures, which work with any
``Dynamics``.
"""

from sciwm.evaluation.actions import HELD, ROUGH, alternative_actions, draw_actions, long_run_actions
from sciwm.evaluation.control import (
    CONTROLLERS,
    ControlTask,
    control_task,
    early_distance,
    first_mean_square,
    imagine_control,
    relative_reduction,
    run_control,
    summarize_control,
    target_fields,
)
from sciwm.evaluation.counterfactuals import effect_errors
from sciwm.evaluation.gradients import gradient_agreement
from sciwm.evaluation.resolution import (
    NothingSaved,
    control_across_grids,
    encoding_errors,
    lost_share,
    on_shapes,
    refined,
)
from sciwm.evaluation.rollouts import (
    SIMULATIONS_AT_ONCE,
    VALID_ERROR,
    evaluate_rollouts,
    first_invalid,
    root_mean_square_over_time,
    unseen_action_budget,
    valid_prediction_time,
)
from sciwm.evaluation.scores import evaluate
from sciwm.evaluation.shifts import error_slope, forcing_shift, parameter_shift
from sciwm.evaluation.statistics import bootstrap_interval, bootstrap_ratio_interval, paired_bootstrap
from sciwm.evaluation.symmetry import equivariance_errors, symmetric_shift, translation_errors
from sciwm.evaluation.trajectories import decoded, relative_error

__all__ = [
    "CONTROLLERS",
    "HELD",
    "ROUGH",
    "SIMULATIONS_AT_ONCE",
    "VALID_ERROR",
    "ControlTask",
    "NothingSaved",
    "alternative_actions",
    "bootstrap_interval",
    "bootstrap_ratio_interval",
    "control_across_grids",
    "control_task",
    "decoded",
    "draw_actions",
    "early_distance",
    "effect_errors",
    "encoding_errors",
    "equivariance_errors",
    "error_slope",
    "evaluate",
    "evaluate_rollouts",
    "first_invalid",
    "first_mean_square",
    "forcing_shift",
    "gradient_agreement",
    "imagine_control",
    "long_run_actions",
    "lost_share",
    "on_shapes",
    "paired_bootstrap",
    "parameter_shift",
    "refined",
    "relative_error",
    "relative_reduction",
    "root_mean_square_over_time",
    "run_control",
    "summarize_control",
    "symmetric_shift",
    "target_fields",
    "translation_errors",
    "unseen_action_budget",
    "valid_prediction_time",
]
