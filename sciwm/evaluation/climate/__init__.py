"""Climate, the statistics of long runs: spectra, distributions, functionals, and the share of runs that diverge."""

from sciwm.evaluation.climate.climate import Climate, record_climate
from sciwm.evaluation.climate.long_run import intervals_of, long_runs, share_blown_up
from sciwm.evaluation.climate.spectra import SMALLEST_SHARE, energy_spectrum, log_spectral_distance

__all__ = [
    "SMALLEST_SHARE",
    "Climate",
    "energy_spectrum",
    "intervals_of",
    "log_spectral_distance",
    "long_runs",
    "record_climate",
    "share_blown_up",
]
