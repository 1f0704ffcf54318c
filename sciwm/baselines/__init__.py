"""Baselines that are fitted in closed form: persistence, and linear dynamics of a few modes (DMDc, EDMDc)."""

from sciwm.baselines.dmdc import DMDc, fit_dmdc, fit_edmdc
from sciwm.baselines.fields_alone import require_fields_alone
from sciwm.baselines.modes import Modes, fit_modes
from sciwm.baselines.persistence import Persistence
from sciwm.baselines.recordings import Recordings, recordings
from sciwm.baselines.tuning import RANKS, RIDGES, Candidate, tune

__all__ = [
    "RANKS",
    "RIDGES",
    "Candidate",
    "DMDc",
    "Modes",
    "Persistence",
    "Recordings",
    "fit_dmdc",
    "fit_edmdc",
    "fit_modes",
    "recordings",
    "require_fields_alone",
    "tune",
]
