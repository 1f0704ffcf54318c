"""Data of somebody else: what files hold, what it means, and how it becomes stores of trajectories."""

from sciwm.data.row_labels import NOTES
from sciwm.data.source.files.fingerprint import digest_of_dataset, digest_of_files
from sciwm.data.source.files.opening import Opened, find_files, open_files, open_source
from sciwm.data.source.meaning.configuration_text import configuration_text
from sciwm.data.source.meaning.role_proposals import ROLES
from sciwm.data.source.meaning.survey import Survey, sizes_in_words, survey
from sciwm.data.source.rows.bringing_in import bring_in, settings_of
from sciwm.data.source.rows.brought_in import BroughtIn
from sciwm.data.source.rows.cutting import SETS
from sciwm.data.source.rows.inventory import Inventory, Rules, Sizes, take_inventory
from sciwm.data.source.rows.material import Given
from sciwm.data.source.well_output import write_well

__all__ = [
    "NOTES",
    "ROLES",
    "SETS",
    "BroughtIn",
    "Given",
    "Inventory",
    "Opened",
    "Rules",
    "Sizes",
    "Survey",
    "bring_in",
    "configuration_text",
    "digest_of_dataset",
    "digest_of_files",
    "find_files",
    "open_files",
    "open_source",
    "settings_of",
    "sizes_in_words",
    "survey",
    "take_inventory",
    "write_well",
]
