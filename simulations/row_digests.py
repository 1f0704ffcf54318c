"""The digests of the rows of a store: of a row's values in all arrays, and of what its marker keeps beside them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

    import zarr
else:
    Hash = Any

__all__ = ["Hash", "digest_of_row", "hash_of", "hashes_of"]

BYTES_TOGETHER = 2**26
"""How much of one array is read at once."""
UNREADABLE = (OSError, KeyError, TypeError, ValueError, RuntimeError)
"""What a damaged chunk makes the decompressor raise."""


def digest_of_row(values: Hash, about: Mapping[str, str]) -> str:
    """The digest of a row, in hexadecimal digits.

    Args:
        values: The hash of its values.
        about: What its marker keeps beside the digest.
    """
    digest = values.copy()
    if about:
        digest.update(json.dumps(about, sort_keys=True).encode())
    return digest.hexdigest()


def hash_of(arrays: "Sequence[zarr.Array[Any]]", index: int) -> Hash:
    """The SHA-256 of the values of one row in all arrays, in their order; reading raises what a damaged chunk does."""
    return _hashed(arrays, range(index, index + 1))[0]


def hashes_of(arrays: "Sequence[zarr.Array[Any]]", rows: Sequence[int]) -> Iterator[Hash | None]:
    """As :func:`hash_of`, of many rows; None where a chunk cannot be read.

    Neighbouring rows are read together, which takes a fraction of the time.
    """
    for some in _together(arrays, rows):
        try:
            yield from _hashed(arrays, some)
        except UNREADABLE:
            yield from (_hash_if_readable(arrays, index) for index in some)


def _hash_if_readable(arrays: "Sequence[zarr.Array[Any]]", index: int) -> Hash | None:
    try:
        return hash_of(arrays, index)
    except UNREADABLE:
        return None


def _hashed(arrays: "Sequence[zarr.Array[Any]]", rows: range) -> list[Hash]:
    found = [hashlib.sha256() for _ in rows]
    for array in arrays:
        for one, values in zip(found, np.asarray(array[rows.start : rows.stop]), strict=True):
            one.update(np.ascontiguousarray(values).data)
    return found


def _together(arrays: "Sequence[zarr.Array[Any]]", rows: Sequence[int]) -> Iterator[range]:
    """Rows that follow each other, as many at once as memory should hold."""
    largest = max(array.nbytes // max(1, array.shape[0]) for array in arrays)
    most = max(1, BYTES_TOGETHER // max(1, largest))
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end] != rows[end - 1] + 1 or end - start == most:
            yield range(rows[start], rows[end - 1] + 1)
            start = end
