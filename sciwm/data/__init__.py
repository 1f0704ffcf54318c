"""Trajectory datasets: what they are, how windows are cut from them, what normalises them."""

from sciwm.data.actuation import Actuation, actuation_of
from sciwm.data.augmentation import augment, joint_symmetries, require_symmetries
from sciwm.data.checks import check_fields, check_latents
from sciwm.data.coordinates import axis_in_words, axis_of, position_of
from sciwm.data.domain import Axis, Domain, Functional, Variable
from sciwm.data.forcing_checks import check_forcing
from sciwm.data.formats import (
    forcing_of,
    name_problems,
    of_reading,
    open_dataset,
    read_values,
    reading,
    require_instants,
)
from sciwm.data.layouts import fields_named
from sciwm.data.normalization import ROUNDING, fit_domain, mean_and_deviation
from sciwm.data.point_weights import point_weights
from sciwm.data.recipes import SEEDS, recipe
from sciwm.data.recognition import Kind, recognise, require_data
from sciwm.data.roles import ForcingVariable, Parameter, Roles
from sciwm.data.schema import LOST_REMEDY, Trajectories, open_trajectories
from sciwm.data.sensitivity_checks import check_same_simulation
from sciwm.data.sensitivity_set import Sensitivities, SensitivitySet
from sciwm.data.stored_results import open_result
from sciwm.data.values import finite_problems, numbers_problems
from sciwm.data.verification import is_sealed, require_as_written, require_layout, store_at
from sciwm.data.windows import Batch, Windows, sample_blocks, sample_fields

__all__ = [
    "LOST_REMEDY",
    "ROUNDING",
    "SEEDS",
    "Actuation",
    "Axis",
    "Batch",
    "Domain",
    "ForcingVariable",
    "Functional",
    "Kind",
    "Parameter",
    "Roles",
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
    "fields_named",
    "finite_problems",
    "fit_domain",
    "forcing_of",
    "is_sealed",
    "joint_symmetries",
    "mean_and_deviation",
    "name_problems",
    "numbers_problems",
    "of_reading",
    "open_dataset",
    "open_result",
    "open_trajectories",
    "point_weights",
    "position_of",
    "read_values",
    "reading",
    "recipe",
    "recognise",
    "require_as_written",
    "require_data",
    "require_instants",
    "require_layout",
    "require_symmetries",
    "sample_blocks",
    "sample_fields",
    "store_at",
]
