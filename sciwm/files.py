"""Files that are written whole or not at all."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr

from sciwm.errors import InputError, Problem
from sciwm.sealed_json import to_json
from simulations import safe_files
from simulations.safe_files import draft_beside


def write_atomically(path: Path, content: bytes, *, within: Path | None = None) -> None:
    """Write a file whole or not at all, and flush it to disk.

    Args:
        path: The file. A link there is replaced, not followed.
        content: Everything that the file shall hold.
        within: The run folder, which may come from somebody else: links in it must not lead the file elsewhere.

    Raises:
        InputError: If a link leads out of ``within``.
    """
    require_inside(path, within)
    safe_files.write_atomically(path, content)


def write_json(path: Path, content: Any, *, within: Path | None = None) -> None:
    """Write plain data as indented JSON, as :func:`write_atomically` does."""
    write_atomically(path, to_json(content), within=within)


def write_netcdf(
    path: Path, dataset: xr.Dataset, *, within: Path | None = None, announce: Callable[[Path], None] | None = None
) -> None:
    """Write a netCDF-4 file, as :func:`write_atomically` does. One that was cut off would open as an empty one.

    Args:
        path: The file.
        dataset: What it shall hold. Chunked values are computed and written a chunk at a time.
        within: See :func:`write_atomically`.
        announce: Called with the finished draft before it takes the place of the file.
    """
    require_inside(path, within)
    with draft_beside(path) as draft:
        with _own_threads():
            dataset.to_netcdf(draft, engine="netcdf4")
        if announce is not None:
            announce(draft)


@contextmanager
def _own_threads() -> Iterator[None]:
    """Compute chunks in threads that are done when the block is left, also by an error.

    A thread that still writes would make the file anew once it was removed.
    """
    import dask  # slow, and seldom needed

    workers = dask.config.get("num_workers", None) or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool):
        yield


def write_zarr(path: Path, dataset: xr.Dataset, *, within: Path | None = None) -> None:
    """Write a Zarr store, whole or not at all, as :func:`write_atomically` does with files.

    Args:
        path: The folder. There must be nothing, or an empty folder.
        dataset: What the store shall hold. Chunked values are computed and written a chunk at a time.
        within: See :func:`write_atomically`.

    Raises:
        InputError: If a link leads out of ``within``.
    """
    require_inside(path, within)
    with draft_beside(path, folder=True) as draft, _own_threads():
        dataset.to_zarr(draft, mode="w", zarr_format=3, consolidated=False)


def require_inside(path: Path, folder: Path | None) -> None:
    """Refuse to write where a link leads out of a folder.

    Args:
        path: The file or folder to be written; only the folders on the way to it are looked at.
        folder: The folder; None allows everything, as for a path that the user names.

    Raises:
        InputError: With the link, and where it leads.
    """
    if folder is None or not safe_files.leads_out(path, folder):
        return
    below = [place for place in reversed(path.parents) if place.is_relative_to(folder) and place != folder]
    link = next((place for place in below if safe_files.leads_out(place / path.name, folder)), path.parent)
    expected, got = f"a folder of {folder}", f"a link to {link.resolve()}"
    remedy = "nothing is written where a link of a run leads: remove the link, or put the whole run there"
    raise InputError([Problem(str(link), expected, got, remedy)])
