"""A Zarr store that can be interrupted at any moment, also by a loss of power, and continued later.

``NAME.zarr`` holds the arrays, with one chunk for each row; they are laid out with NaN before anything
runs. ``NAME.done/I.json`` marks row I as written and holds the sha256 of its values, and
``NAME.done/layout.sha256`` seals all the rest (:mod:`simulations.store_seal`). A marker is written when the values
are on the disk, so that a row without a marker, or with half of one, is written again.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from simulations.row_digests import Hash, digest_of_row, hash_of, hashes_of
from simulations.safe_files import everything_in, flush_all, write_all_atomically
from simulations.store_layout import BLEW_UP, OK, STATUS_MEANINGS
from simulations.store_mending import StoreError, lay_out, mend_layout, mend_seal, require_no_links, sweep
from simulations.store_seal import digest_of, markers_of

__all__ = ["ResumableStore", "Row", "StoreError", "WrittenRow", "digest_of", "markers_of", "settings_text"]

Row = Mapping[str, NDArray[np.float32]]
"""The values of one row, by the name of the array."""


@dataclass(frozen=True)
class WrittenRow:
    """One row to be written.

    Args:
        index: Its place in the store.
        values: Its values by the name of the array; arrays that are not named stay NaN.
        failed: Whether the simulation blew up.
        about: What its marker keeps beside the digest.
    """

    index: int
    values: Row
    failed: bool
    about: Mapping[str, str] = field(default_factory=dict)


class ResumableStore:
    """A store whose rows are written and marked one by one; a subclass defines what a row is.

    Args:
        path: The ``.zarr`` folder of a store that exists.
    """

    kind: ClassVar[str]
    """The kind of store in words, with an article, for messages."""
    row: ClassVar[str]
    """The word for a row, which is also the name of the first dimension."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group = zarr.open_group(path, mode="r+")

    @classmethod
    def _open_or_lay_out(
        cls,
        path: Path,
        layout: Mapping[str, bytes],
        *,
        settings: str,
        names: Sequence[str],
    ) -> Self:
        """Open the store at ``path``, or lay out a new one; a new store appears only when all arrays are there.

        Args:
            path: The ``.zarr`` folder.
            layout: The content of every file that a new store has, see :func:`simulations.store_layout.laid_out`.
            settings: Everything that the values depend on, as :func:`settings_text` writes it.
            names: The arrays that a store of this kind must have.

        Raises:
            StoreError: If the store at ``path`` was made with other settings, or is damaged beyond mending.
        """
        if not path.exists():
            lay_out(path, layout)
        elif path.is_dir():
            mend_layout(path, layout)
        try:
            store = cls(path)
            differing = _difference(str(store._group.attrs["sciwm_config"]), settings)
            absent = [] if differing else [n for n in (*names, "status") if n not in store._group]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path}: expected {cls.kind}, found something unreadable ({error}). Move it away and run again."
            ) from error
        if differing:
            raise StoreError(
                f"{path}: this store was made with other settings ({differing}). "
                "Choose another output folder, or delete this store to make it anew."
            )
        if absent:
            raise StoreError(
                f"{path}: expected {cls.kind}, found one without {', '.join(absent)}. Move it away and run again."
            )
        if not markers_of(path).exists() and store.outcomes()["ok"]:
            raise StoreError(
                f"{path}: expected {cls.kind} that was written here, found values without their markers in "
                f"{markers_of(path)}. Move it away and run again."
            )
        mend_seal(path, layout)
        sweep(path)
        return store

    def missing(self) -> list[int]:
        """The indices of the rows that are not yet written, in order; a marker that was cut off marks nothing."""
        return [i for i in range(self._count()) if self._marked(i) is None]

    def outcomes(self) -> dict[str, int]:
        """The numbers of rows that are pending, ok, or blew up."""
        status = np.asarray(self._array("status")[:])
        return {meaning: int((status == code).sum()) for code, meaning in enumerate(STATUS_MEANINGS)}

    def verify(self, rows: Sequence[int] | None = None) -> list[int]:
        """The indices of the rows whose values differ from the digest in their marker.

        Args:
            rows: The rows to read; all by default.
        """
        asked = range(self._count()) if rows is None else rows
        there = [i for i in asked if self._marker(i).exists()]
        return [
            i
            for i, found in zip(there, hashes_of(self._arrays_with_rows, there), strict=True)
            if not self._intact(i, found)
        ]

    def discard_damaged(self) -> None:
        """Take back the markers of rows that are not as they were written, so that these are written again."""
        damaged = [i for i in self.verify() if self._marked(i) is not None]  # half a marker marks nothing anyway
        if damaged:
            require_no_links(self.path)
            for index in damaged:
                self._marker(index).unlink()
            warnings.warn(f"{self.path}: {self.row}s {damaged} are damaged and are computed again.", stacklevel=3)

    def _write_rows(self, rows: Sequence[WrittenRow]) -> None:
        """Write the rows that are missing, then their markers; those that are there already are kept."""
        missing = set(self.missing())
        rows = [row for row in rows if row.index in missing]
        require_no_links(self.path)
        names = dict.fromkeys(["status", *(name for row in rows for name in row.values)])
        opened = {name: self._array(name) for name in names}  # once: each reads metadata from the disk
        for row in rows:
            for name, values in row.values.items():
                opened[name][row.index] = values
            opened["status"][row.index] = BLEW_UP if row.failed else OK
        self._flush([row.index for row in rows])
        arrays = self._arrays_with_rows
        found = hashes_of(arrays, [row.index for row in rows])
        pairs = zip(found, rows, strict=True)  # what cannot be read, says so when it is read alone
        digests = [digest_of_row(values or hash_of(arrays, row.index), row.about) for values, row in pairs]
        marked = {row.index: {"sha256": digest, **row.about} for digest, row in zip(digests, rows, strict=True)}
        write_all_atomically({self._marker(index): json.dumps(kept).encode() for index, kept in marked.items()})

    def _flush(self, rows: Sequence[int]) -> None:
        """Wait until the chunks of some rows are on the disk, and all that names them."""
        arrays = [self.path / array.basename for array in self._arrays_with_rows]
        chunks = [array / "c" / str(index) for array in arrays for index in rows]
        files = [file for chunk in chunks if chunk.exists() for file in everything_in(chunk)]
        flush_all([*arrays, *(array / "c" for array in arrays if (array / "c").exists()), *files])

    def _marked(self, index: int) -> dict[str, str] | None:
        """What the marker of a row keeps; None where there is none, or one that cannot be read."""
        if not self._marker(index).is_file():  # a pipe would be waited for
            return None
        try:
            marked = json.loads(self._marker(index).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return marked if isinstance(marked, dict) and isinstance(marked.get("sha256"), str) else None

    def _intact(self, index: int, found: "Hash | None") -> bool:
        marked = self._marked(index)
        if marked is None or found is None:
            return False
        about = {key: value for key, value in marked.items() if key != "sha256"}
        # Older markers of rows that failed do not seal the cause that they keep.
        return any(marked["sha256"] == digest_of_row(found, kept) for kept in (about, {}))

    @cached_property
    def _arrays_with_rows(self) -> list[zarr.Array[Any]]:
        """The arrays over rows, sorted by name, without the coordinate of the rows."""
        arrays = sorted(self._group.arrays())
        return [array for name, array in arrays if _first_dimension(array) == self.row and name != self.row]

    def _count(self) -> int:
        return int(self._array("status").shape[0])

    def _array(self, name: str) -> zarr.Array[Any]:
        array = self._group.get(name)
        if not isinstance(array, zarr.Array):
            raise StoreError(
                f"{self.path}: expected {self.kind}, found one without {name}. Move it away and run again."
            )
        return array

    def _marker(self, index: int) -> Path:
        return markers_of(self.path) / f"{index}.json"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as the text that a store keeps and compares."""
    return json.dumps(settings, sort_keys=True)


def _difference(found: str, wanted: str) -> str:
    """The differences between two settings, given as JSON; "" if there are none."""
    if found == wanted:
        return ""
    old, new = dict(json.loads(found)), dict(json.loads(wanted))
    keys = sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k))
    return "; ".join(f"{k}: there {old.get(k)}, asked {new.get(k)}" for k in keys)


def _first_dimension(array: zarr.Array[Any]) -> str | None:
    names: tuple[str | None, ...] = getattr(array.metadata, "dimension_names", None) or (None,)
    return names[0]
