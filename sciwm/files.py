"""Files that are written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

import xarray as xr


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: to a temporary file beside it, flushed to disk, which then replaces it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def write_json(path: Path, content: Any) -> None:
    """Write plain data as indented JSON, atomically."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def write_netcdf(path: Path, dataset: xr.Dataset) -> None:
    """Write a netCDF-4 file atomically. A file that was cut off while being written would open as an empty one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    try:
        dataset.to_netcdf(draft, engine="netcdf4")
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(draft, path)
