"""Opens the results of a run, which may come from somebody else."""

from pathlib import Path

import xarray as xr

from sciwm.data.formats import open_dataset
from sciwm.run_paths import RunPaths
from sciwm.seals import is_as_written


def open_result(paths: RunPaths, path: Path) -> xr.Dataset:
    """Open a result of a run lazily. One that is as it was written needs no caution; what others put there does.

    Args:
        paths: The paths of the run.
        path: The netCDF file in it.

    Raises:
        InputError: If the file is not sealed and not readable, or declares more than it can hold.
        OSError: If a sealed file cannot be read.
    """
    if not is_as_written(paths, path):
        open_dataset(path).close()
    return xr.open_dataset(path, engine="netcdf4")
