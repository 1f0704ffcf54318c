"""The layout of a new Zarr store: what is known before any value is written; all other values are NaN.

A row is one trajectory or one sample, and has a chunk of its own in every array. Every chunk ends in a checksum,
so that whatever reads it notices a flipped bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

STATUS_MEANINGS = ("pending", "ok", "blew_up")
PENDING, OK, BLEW_UP = range(3)
HELD = "held over the interval that starts here"
COMPRESSED = (ZstdCodec(), Crc32cCodec())
"""How chunks are stored."""
LARGEST_CHUNK = 2**23
"""The bytes of a row above which it is kept as a shard of smaller chunks, from which windows are read alone."""
PART_OF_ROW = 2**20
"""The bytes of each of these chunks."""


def laid_out(
    row: str,
    sizes: Mapping[str, int],
    *,
    about: dict[str, Any],
    arrays: Callable[["StoreLayout"], None],
) -> dict[str, bytes]:
    """The content of every file of a new store, by its path in the store; the same bytes for the same arguments.

    Args:
        row, sizes: As those of :class:`StoreLayout`.
        about: The attributes of the store.
        arrays: Makes coordinates and arrays, beside the status.
    """
    files: dict[str, Any] = {}
    layout = StoreLayout(zarr.create_group(MemoryStore(files), attributes=about), row, sizes)
    arrays(layout)
    layout.status()
    return {name: content.to_bytes() for name, content in files.items()}


@dataclass(frozen=True)
class StoreLayout:
    """Makes the arrays of a store before any value is known.

    Args:
        group: The Zarr group in which the arrays are made.
        row: The name of the first dimension, ``"simulation"`` or ``"sample"``.
        sizes: The size of every dimension, that of the rows included.
    """

    group: zarr.Group
    row: str
    sizes: Mapping[str, int]

    def variable(
        self, name: str, dims: tuple[str, ...], long_name: str, units: str = "1", *, sharded: bool = False, **more: Any
    ) -> zarr.Array[Any]:
        """Make an array of NaN.

        Args:
            name: The name of the array.
            dims: Its dimensions. An array over rows has one chunk for each row.
            long_name: The name in words.
            units: The units; "1" is dimensionless.
            sharded: Whether a large row is cut along its second dimension, so that parts of it can be read alone. It
                still is one file.
            more: Further attributes.
        """
        shape = tuple(self.sizes[d] for d in dims)
        whole = (1, *shape[1:]) if dims[0] == self.row else shape
        parts = _part_of_row(whole) if sharded else whole
        return self.group.create_array(
            name,
            shape=shape,
            dtype="float32",
            chunks=parts,
            shards=_shard_of(whole, parts) if parts != whole else None,
            compressors=COMPRESSED,
            fill_value=np.nan,
            dimension_names=dims,
            attributes={"units": units, "long_name": long_name, **more},
            config={"write_empty_chunks": dims[0] != self.row},
        )

    def status(self) -> None:
        """Make the array with the outcome of every row, which is pending at first."""
        self.group.create_array(
            "status",
            shape=(self.sizes[self.row],),
            dtype="int8",
            chunks=(1,),
            compressors=COMPRESSED,
            fill_value=PENDING,
            dimension_names=(self.row,),
            attributes={
                "units": "1",
                "long_name": f"outcome of the {self.row}",
                "flag_values": list(range(len(STATUS_MEANINGS))),
                "flag_meanings": " ".join(STATUS_MEANINGS),
            },
        )

    def known(self, name: str, values: NDArray[Any], dims: tuple[str, ...], attributes: dict[str, Any]) -> None:
        """Write an array whose values are known already, such as a coordinate."""
        array = self.group.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            compressors=COMPRESSED,
            dimension_names=dims,
            attributes=attributes,
            config={"write_empty_chunks": True},  # values that equal the fill value have a file to seal, too
        )
        array[...] = values


def _part_of_row(whole: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the chunks in which a row is kept: cut along the second dimension, about a megabyte each."""
    if 4 * int(np.prod(whole)) <= LARGEST_CHUNK:
        return whole
    return (1, max(1, PART_OF_ROW // (4 * int(np.prod(whole[2:])))), *whole[2:])


def _shard_of(whole: tuple[int, ...], parts: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the shard that holds a whole row: so many chunks as it takes, the last of which may be longer."""
    return (1, -(-whole[1] // parts[1]) * parts[1], *whole[2:])
