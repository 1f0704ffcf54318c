"""Files of somebody else, opened lazily as one Dataset."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from sciwm.data.formats import open_dataset


@dataclass(frozen=True)
class Opened:
    """What files hold.

    Args:
        dataset: All of it, lazily; times are numbers as in the files.
        files: The files and stores, in the order in which they were opened.
        notes: In words: which layout was recognised, and what was joined along what.
    """

    dataset: xr.Dataset
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def open_files(files: Sequence[Path], group: str | None = None) -> Opened:
    """Open files of somebody else lazily as one Dataset, with the files that were found."""
    paths = [Path(p) for f in files for p in (sorted(glob.glob(str(f))) if glob.has_magic(str(f)) else [f])]
    return Opened(open_dataset(paths[0]), tuple(paths), ())
