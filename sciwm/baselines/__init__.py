"""What a learned model has to beat, in closed form: persistence and linear dynamics of a few modes."""

from sciwm.baselines.dmdc import DMDc, fit_dmdc, fit_edmdc
from sciwm.baselines.persistence import Persistence
from sciwm.baselines.recordings import Recordings, recordings
from sciwm.baselines.tuning import Candidate, tune

__all__ = ["Candidate", "DMDc", "Persistence", "Recordings", "fit_dmdc", "fit_edmdc", "recordings", "tune"]
