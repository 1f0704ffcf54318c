"""Datasets that users name on the command line: netCDF files and Zarr stores."""

from pathlib import Path

import xarray as xr

from sciwm.data.schema import open_trajectories
from sciwm.errors import InputError, Problem, in_one_line


def open_dataset(path: Path) -> xr.Dataset:
    """Open a netCDF file or a Zarr store, with times as plain numbers.

    Raises:
        InputError: If there is none, or it is not readable.
    """
    if path.is_dir():
        return open_trajectories(path)
    if not path.exists():
        raise InputError([Problem(str(path), "a netCDF file", "nothing there")])
    try:
        dataset: xr.Dataset = xr.open_dataset(path, engine="netcdf4", decode_times=False)
    except (OSError, ValueError, RuntimeError) as error:
        got = in_one_line(error)
        raise InputError([Problem(str(path), "a readable netCDF file", got, "write it again")]) from error
    return dataset


def forcing_of(dataset: xr.Dataset, path: Path) -> xr.DataArray:
    """The forcing of a Dataset: its variable ``forcing`` or ``action``.

    Args:
        dataset: The Dataset.
        path: Where it was read, for errors.

    Raises:
        InputError: If it has neither.
    """
    for name in ("forcing", "action"):
        if name in dataset:
            return dataset[name]
    has = ", ".join(map(str, dataset.data_vars)) or "no variables"
    raise InputError([Problem(str(path), "a variable 'forcing' or 'action' over (time, actuator)", has)])
