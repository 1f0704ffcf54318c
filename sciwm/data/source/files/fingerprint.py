"""Digests of somebody's files, by which it is noticed that they changed since they were brought in.

Names, dates and places do not count. A file of up to a gigabyte is read whole. Of a larger one its size and 256 parts
of a megabyte are read, spread evenly from its first to its last byte: enough to notice another file, or one that was
written again, in a second or two; one changed number in a large file is not noticed.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from sciwm.errors import InputError, Problem, in_one_line

READ_WHOLE = 2**30
PART, PARTS = 2**20, 256


def digest_of_files(files: list[Path]) -> str:
    """One sha256 over files and Zarr stores, in their order.

    Raises:
        InputError: If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        for file in _inside(path):
            try:
                digest.update(_digest_of_file(file))
            except OSError as error:
                raise InputError([Problem(str(file), "a readable file", in_one_line(error))]) from error
    return digest.hexdigest()


def digest_of_dataset(dataset: xr.Dataset) -> str:
    """One sha256 over the layout of a Dataset and parts of its values; chunked ones are not computed whole."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        array = dataset[name]
        digest.update(
            f"{name} {array.dims} {array.shape} {array.dtype} {sorted(array.attrs.items(), key=str)}".encode()
        )
        if not array.ndim:
            digest.update(str(array.values).encode())
            continue
        step = max(1, -(-array.nbytes // READ_WHOLE))
        for start in range(0, array.shape[0], step):
            values = np.ascontiguousarray(array[start].values)
            digest.update(str(values).encode() if values.dtype.kind in "OUM" else values.tobytes())
    return digest.hexdigest()


def _inside(path: Path) -> list[Path]:
    """The file, or all files of a store in a fixed order."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _digest_of_file(path: Path) -> bytes:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start, length in _parts_of(size):
            file.seek(start)
            digest.update(file.read(length))
    return digest.digest()


def _parts_of(size: int) -> Iterator[tuple[int, int]]:
    """Where a file is read, and how much."""
    if size <= READ_WHOLE:
        yield from ((start, PART) for start in range(0, size, PART))
        return
    yield from ((part * (size - PART) // (PARTS - 1), PART) for part in range(PARTS))
