"""Whether a store is as it was written: every value, coordinate, bound and attribute, by the sha256 kept beside it."""

from collections.abc import Sequence
from pathlib import Path

from sciwm.errors import InputError, Problem, raise_if
from simulations.resumable_store import ResumableStore
from simulations.sensitivity_store import SensitivityStore
from simulations.store import TrajectoryStore
from simulations.store_seal import damaged_layout, has_checksums, markers_of, read_seal, seal_of

REMADE = (
    "give 'sciwm simulate CONFIG --out RUN' again (of files 'sciwm bring-in'): "
    "it writes what is damaged anew, and keeps the rest"
)
"""What to do about a damaged store of a run."""


def require_as_written(path: Path, rows: Sequence[int] | None = None) -> None:
    """Refuse a store that differs from what ``simulations`` wrote.

    Nothing is asked of other files and stores, nor of rows that are not marked as written. Of a store of before its
    layout was sealed, rows alone are compared.

    Args:
        path: The store.
        rows: The simulations or samples to read; all by default, which reads the whole store.

    Raises:
        InputError: With every file and every row that differs.
    """
    if not is_marked(path):
        return
    require_layout(path)  # first, as rows are read by means of it
    store = store_at(path)
    try:
        damaged = store.verify(rows)
    except Exception as error:  # whatever a store of before it was sealed makes the reader raise
        got = f"{type(error).__name__}: {error}"
        raise InputError([Problem(str(path), "a readable Zarr store", got, REMADE)]) from error
    if damaged:
        got = f"others in {store.row}s {damaged}"
        raise InputError([Problem(str(path), "the values that were written, by their sha256", got, _remedy(path))])


def is_marked(path: Path) -> bool:
    """Whether a store has the markers that ``simulations`` writes beside it."""
    return path.is_dir() and markers_of(path).is_dir()


def is_sealed(path: Path) -> bool:
    """Whether there is a seal by which coordinates, bounds and attributes of a store can be compared."""
    return read_seal(path) is not None


def require_layout(path: Path) -> None:
    """Refuse a store whose coordinates, bounds, shapes of actuators or attributes differ from what was written.

    No row is read, and the store is not opened. Nothing is asked of foreign stores, nor of those of before the layout
    was sealed.

    Args:
        path: The store, which need not be there.

    Raises:
        InputError: With every file that differs, or with the seal if it is lost.
    """
    if not is_marked(path):
        return
    damaged = damaged_layout(path)
    if damaged is not None:
        expected = f"what was written, by the sha256 in {seal_of(path)}"
        raise_if([Problem(str(path / name), expected, _found(path / name), _remedy(path)) for name in damaged])
    elif has_checksums(path):
        expected, got = "the sha256 of coordinates, bounds and attributes", "none that can be read"
        raise InputError([Problem(str(seal_of(path)), expected, got, _remedy(path))])


def store_at(path: Path) -> ResumableStore:
    """The store of trajectories or of sensitivities at ``path``."""
    return SensitivityStore(path) if (path / "sample").is_dir() else TrajectoryStore(path)


def _found(path: Path) -> str:
    if not path.exists():
        return "nothing there"
    return "something else" if path.stat().st_size else "an empty file"


def _remedy(path: Path) -> str:
    if path.stem.startswith("on_policy"):
        return f"delete {path} and {markers_of(path)}, and train again"
    return REMADE
