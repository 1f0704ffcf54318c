"""One readable loop, resumable to the byte."""

from sciwm.training.held_out import participation_ratio
from sciwm.training.loop import NothingLearned
from sciwm.training.memory import require_memory
from sciwm.training.predictor_choice import train
from sciwm.training.start import build_model
from sciwm.training.state import require_same_experiment, updates_of
from sciwm.training.state_file import read_stored_state, read_tensors

__all__ = [
    "NothingLearned",
    "build_model",
    "participation_ratio",
    "read_stored_state",
    "read_tensors",
    "require_memory",
    "require_same_experiment",
    "train",
    "updates_of",
]
