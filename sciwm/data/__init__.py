"""Trajectory datasets: what they are, how windows are cut from them, what normalises them."""

from sciwm.data.actuation import Actuation, actuation_of
from sciwm.data.augmentation import augment, joint_symmetries, require_symmetries
from sciwm.data.checks import check_fields, check_forcing, check_latents, finite_problems, numbers_problems
from sciwm.data.coordinates import axis_in_words, axis_of, position_of
from sciwm.data.domain import Axis, Domain, Functional, Variable
from sciwm.data.formats import forcing_of, open_dataset
from sciwm.data.normalization import fit_domain
from sciwm.data.recipes import SEEDS, recipe
from sciwm.data.schema import LOST_REMEDY, Trajectories, open_trajectories, read_values
from sciwm.data.sensitivity_checks import check_same_simulation
from sciwm.data.sensitivity_set import Sensitivities, SensitivitySet
from sciwm.data.verification import is_sealed, require_as_written, require_layout, store_at
from sciwm.data.windows import Batch, Windows, sample_fields

__all__ = [
    "LOST_REMEDY",
    "SEEDS",
    "Actuation",
    "Axis",
    "Batch",
    "Domain",
    "Functional",
    "Sensitivities",
    "SensitivitySet",
    "Trajectories",
    "Variable",
    "Windows",
    "actuation_of",
    "augment",
    "axis_in_words",
    "axis_of",
    "check_fields",
    "check_forcing",
    "check_latents",
    "check_same_simulation",
    "finite_problems",
    "fit_domain",
    "forcing_of",
    "is_sealed",
    "joint_symmetries",
    "numbers_problems",
    "open_dataset",
    "open_trajectories",
    "position_of",
    "read_values",
    "recipe",
    "require_as_written",
    "require_layout",
    "require_symmetries",
    "sample_fields",
    "store_at",
]
