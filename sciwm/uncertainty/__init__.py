"""What a model knows about its own errors: an ensemble, its calibration, and when not to believe it."""

from sciwm.uncertainty.calibrate import calibrate, why_none
from sciwm.uncertainty.calibrated_forecast import calibrated_forecast
from sciwm.uncertainty.seen_states import fields_at, parameters_at, spread_points
from sciwm.uncertainty.thresholds import FALSE_ALARMS
from sciwm.uncertainty.uncertainty import (
    COVERAGES,
    DETECTORS,
    MEANINGS,
    OF_SCORES,
    START_DETECTORS,
    UNLIKE,
    Calibration,
    Uncertainty,
)
from sciwm.uncertainty.uncertainty_file import (
    is_of_this_model,
    load_uncertainty,
    require_uncertainty,
    save_uncertainty,
)

__all__ = [
    "COVERAGES",
    "DETECTORS",
    "FALSE_ALARMS",
    "MEANINGS",
    "OF_SCORES",
    "START_DETECTORS",
    "UNLIKE",
    "Calibration",
    "Uncertainty",
    "calibrate",
    "calibrated_forecast",
    "fields_at",
    "is_of_this_model",
    "load_uncertainty",
    "parameters_at",
    "require_uncertainty",
    "save_uncertainty",
    "spread_points",
    "why_none",
]
