"""A Zarr store that can be interrupted at any moment and continued later.

``NAME.zarr`` holds the arrays, with one chunk for each row; they are laid out with NaN before anything
runs. ``NAME.done/I.json`` marks row I as written and holds the sha256 of its values. The marker is written
last, so that a row without a marker is written again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from simulations.base import Simulation
from simulations.store_layout import BLEW_UP, OK, STATUS_MEANINGS, StoreLayout

Row = Mapping[str, NDArray[np.float32]]
"""The values of one row, by the name of the array."""


class StoreError(ValueError):
    """A store cannot be used; the message tells what was expected, what was found and what to do."""


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
        simulation: Simulation,
        *,
        rows: int,
        intervals: int,
        title: str,
        settings: dict[str, Any],
        names: Sequence[str],
        lay_out: Callable[[StoreLayout], None],
    ) -> Self:
        """Open the store at ``path``, or lay out a new one; a new store appears only when all arrays are there.

        Args:
            path: The ``.zarr`` folder.
            simulation: The simulation whose values are written.
            rows: The number of rows.
            intervals: The number of control intervals in each row.
            title: The title in the attributes of the store.
            settings: Everything that the values depend on, as plain data.
            names: The arrays that a store of this kind must have.
            lay_out: Makes the arrays of this kind of store, beside coordinates and status.

        Raises:
            StoreError: If the store at ``path`` was made with other settings, or is damaged.
        """
        wanted = json.dumps(settings, sort_keys=True)
        if not path.exists():
            draft = path.with_name(path.name + ".draft")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(markers_of(path), ignore_errors=True)
            draft.parent.mkdir(parents=True, exist_ok=True)
            about = _about(simulation, title, wanted)
            layout = StoreLayout(zarr.create_group(draft, attributes=about), simulation, cls.row, rows, intervals)
            layout.axes()
            lay_out(layout)
            layout.status()
            markers_of(path).mkdir()
            os.replace(draft, path)
        try:
            store = cls(path)
            differing = _difference(str(store._group.attrs["sciwm_config"]), wanted)
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
        store._sweep()
        return store

    def missing(self) -> list[int]:
        """The indices of the rows that are not yet written, in order."""
        return [i for i in range(self._count()) if not self._marker(i).exists()]

    def outcomes(self) -> dict[str, int]:
        """The numbers of rows that are pending, ok, or blew up."""
        status = np.asarray(self._array("status")[:])
        return {meaning: int((status == code).sum()) for code, meaning in enumerate(STATUS_MEANINGS)}

    def verify(self) -> list[int]:
        """The indices of the rows whose values differ from the digest in their marker."""
        return [i for i in range(self._count()) if self._marker(i).exists() and not self._intact(i)]

    def _write_row(self, index: int, values: Row, *, failed: bool, about: Mapping[str, str]) -> None:
        """Write one row, then its marker, which also keeps ``about``."""
        for name, array in values.items():
            self._array(name)[index] = array
        self._array("status")[index] = BLEW_UP if failed else OK
        markers_of(self.path).mkdir(exist_ok=True)
        _write_atomically(self._marker(index), json.dumps({"sha256": self._digest(index), **about}))

    def _intact(self, index: int) -> bool:
        try:
            marked = json.loads(self._marker(index).read_text())["sha256"]
            return bool(marked == self._digest(index))
        except (OSError, KeyError, TypeError, ValueError, RuntimeError):
            return False  # a damaged marker, or a chunk that cannot be decompressed

    def _digest(self, index: int) -> str:
        digest = hashlib.sha256()
        for array in self._arrays_with_rows:
            digest.update(np.ascontiguousarray(array[index]).tobytes())
        return digest.hexdigest()

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

    def _sweep(self) -> None:
        """Remove the partial files of an interrupted write."""
        for stray in [*self.path.rglob("*.partial"), *markers_of(self.path).glob("*.tmp")]:
            stray.unlink(missing_ok=True)


def markers_of(path: Path) -> Path:
    """The folder with the markers of the store at ``path``."""
    return path.with_suffix(".done")


def digest_of(path: Path) -> str:
    """One sha256 over the markers of the store at ``path``; "" if it has none."""
    markers = sorted(markers_of(path).glob("*.json"))
    if not markers:
        return ""
    return hashlib.sha256(b"".join(m.name.encode() + m.read_bytes() for m in markers)).hexdigest()


def _about(simulation: Simulation, title: str, settings: str) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.11",
        "title": title,
        "source": "sciwm simulations",
        "history": "written by sciwm simulate",
        "variables": " ".join(v.name for v in simulation.variables),
        "sciwm_config": settings,
    }


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


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(text)
    os.replace(draft, path)
