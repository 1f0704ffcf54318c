"""Whether a model knows its own errors: scores of calibrated ensembles, and damaged records that must be flagged."""

from sciwm.evaluation.sureness.damaged_records import DAMAGES, SEEN_BY, detect_damages
from sciwm.evaluation.sureness.ensemble_scores import score_ensemble
from sciwm.evaluation.sureness.probabilistic import fair_crps, ranks, spread_skill

__all__ = ["DAMAGES", "SEEN_BY", "detect_damages", "fair_crps", "ranks", "score_ensemble", "spread_skill"]
