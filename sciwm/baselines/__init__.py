"""Baselines in closed form: persistence, climatology, and linear dynamics of a few modes (DMDc, EDMDc)."""

from sciwm.baselines.climatology import mean_fields
from sciwm.baselines.dmdc import DMDc, fit_dmdc, fit_edmdc
from sciwm.baselines.fields_alone import require_fields_alone
from sciwm.baselines.linear_of_runs import fit_linear_of_runs, forecast_linearly
from sciwm.baselines.modes import MOST_MODES, Modes, fit_modes
from sciwm.baselines.persistence import Persistence
from sciwm.baselines.recordings import Recordings, recordings
from sciwm.baselines.tuning import RANKS, RIDGES, Candidate, tune

__all__ = [
    "MOST_MODES",
    "RANKS",
    "RIDGES",
    "Candidate",
    "DMDc",
    "Modes",
    "Persistence",
    "Recordings",
    "fit_dmdc",
    "fit_edmdc",
    "fit_linear_of_runs",
    "fit_modes",
    "forecast_linearly",
    "mean_fields",
    "recordings",
    "require_fields_alone",
    "tune",
]
