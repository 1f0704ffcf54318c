"""One readable loop, resumable to the byte."""

from sciwm.training.held_out import participation_ratio
from sciwm.training.loop import NothingLearned, build_model, train, updates_of
from sciwm.training.memory import require_memory

__all__ = [
    "NothingLearned",
    "build_model",
    "participation_ratio",
    "require_memory",
    "train",
    "updates_of",
]
