"""A Zarr store that survives being killed at any moment.

Layout: ``NAME.zarr`` holds the arrays, one chunk per row, laid out with NaN before anything runs;
``NAME.done/I.json`` marks row I as written and holds the sha256 of its values. The marker is written
last, so a row without one is simply written again.
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
"""What is written of one row, by array."""


class StoreError(ValueError):
    """A store that cannot be used as asked: what was expected, what was found, what to do."""


class ResumableStore:
    """Where the rows of one simulation are written and marked.

    Subclasses say what a row is.

    Args:
        path: the ``.zarr`` folder.
    """

    kind: ClassVar[str]
    """The store in words, with an article."""
    row: ClassVar[str]
    """One row in a word, which is also the name of the first dimension."""

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
        """Open the store at ``path``, or lay out a new one whose arrays are whole or not there.

        Args:
            settings: all that the values depend on, plain data.
            names: the arrays without which it is no such store.
            lay_out: lays out those that axes and status do not include.

        Raises:
            StoreError: if what is there was made with other settings, or is damaged.
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
                f"{path}: expected {cls.kind} that was written here, found values that nothing in "
                f"{markers_of(path)} tells of. Move it away and run again."
            )
        store._sweep()
        return store

    def missing(self) -> list[int]:
        """The rows not yet written, in order."""
        return [i for i in range(self._count()) if not self._marker(i).exists()]

    def outcomes(self) -> dict[str, int]:
        """How many rows are pending, ok, or blew up."""
        status = np.asarray(self._array("status")[:])
        return {meaning: int((status == code).sum()) for code, meaning in enumerate(STATUS_MEANINGS)}

    def verify(self) -> list[int]:
        """Rows that are marked as written but whose values are not the marked ones."""
        return [i for i in range(self._count()) if self._marker(i).exists() and not self._intact(i)]

    def _write_row(self, index: int, values: Row, *, failed: bool, about: Mapping[str, str]) -> None:
        """Write one row and mark it; ``about`` is kept in the marker."""
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
            return False  # a damaged marker, or a chunk that no longer decompresses

    def _digest(self, index: int) -> str:
        digest = hashlib.sha256()
        for array in self._arrays_with_rows:
            digest.update(np.ascontiguousarray(array[index]).tobytes())
        return digest.hexdigest()

    @cached_property
    def _arrays_with_rows(self) -> list[zarr.Array[Any]]:
        """By name; the row's own coordinate is not among them."""
        arrays = sorted(self._group.arrays())
        return [array for name, array in arrays if _first_dimension(array) == self.row and name != self.row]

    def _count(self) -> int:
        return int(self._array("status").shape[0])

    def _array(self, name: str) -> zarr.Array[Any]:
        array = self._group.get(name)
        if not isinstance(array, zarr.Array):
            raise StoreError(f"{self.path}: expected {self.kind}, found one without {name}. Move it away.")
        return array

    def _marker(self, index: int) -> Path:
        return markers_of(self.path) / f"{index}.json"

    def _sweep(self) -> None:
        """Remove what a killed write left behind."""
        for stray in [*self.path.rglob("*.partial"), *markers_of(self.path).glob("*.tmp")]:
            stray.unlink(missing_ok=True)


def markers_of(path: Path) -> Path:
    """The folder of the markers of the store at ``path``."""
    return path.with_suffix(".done")


def digest_of(path: Path) -> str:
    """One sha256 for all marked rows of the store at ``path``, empty where nothing is marked."""
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
    """What two settings written as JSON disagree about, "" if nothing."""
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
