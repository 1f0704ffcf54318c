"""Data of somebody else: what files hold, what it means, and how it becomes stores of trajectories."""

from sciwm.data.source.bringing_in import bring_in, settings_of
from sciwm.data.source.brought_in import NOTES, BroughtIn
from sciwm.data.source.cutting import SETS
from sciwm.data.source.fingerprint import digest_of_dataset, digest_of_files
from sciwm.data.source.inventory import Inventory, Rules, Sizes, take_inventory
from sciwm.data.source.material import Given
from sciwm.data.source.opening import open_files

__all__ = [
    "NOTES",
    "SETS",
    "BroughtIn",
    "Given",
    "Inventory",
    "Rules",
    "Sizes",
    "bring_in",
    "digest_of_dataset",
    "digest_of_files",
    "open_files",
    "settings_of",
    "take_inventory",
]
