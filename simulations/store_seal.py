"""The seal of a store: one sha256 for every file that is not of a row, and so for all that a reader relies on.

``NAME.done/layout.sha256`` lists the metadata of the store and of its arrays (shapes, codecs, units, names), and
the values of coordinates, of the actuators' bounds and shapes, and of targets. ``sha256sum -c`` reads it too, in
``NAME.zarr``. Rows are sealed by their markers, see :mod:`simulations.resumable_store`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from simulations.safe_files import write_atomically


def markers_of(path: Path) -> Path:
    """The folder with the markers and the seal of the store at ``path``."""
    return path.with_suffix(".done")


def seal_of(path: Path) -> Path:
    """The file that seals the layout of the store at ``path``."""
    return markers_of(path) / "layout.sha256"


def write_seal(path: Path, layout: Mapping[str, bytes]) -> None:
    """Seal a layout.

    Args:
        path: The store.
        layout: The content of every file of the layout, by its path in the store.
    """
    write_atomically(seal_of(path), _text(layout).encode())


def is_sealed_as(path: Path, layout: Mapping[str, bytes]) -> bool:
    """Whether the seal of the store at ``path`` is that of the given layout."""
    try:
        return seal_of(path).read_bytes() == _text(layout).encode()
    except OSError:
        return False


def read_seal(path: Path) -> dict[str, str] | None:
    """The sha256 of every file of the layout, by its path in the store; None where there is no seal to be read."""
    if not seal_of(path).is_file():  # a pipe would be waited for
        return None
    try:
        lines = seal_of(path).read_bytes().decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = [re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in lines]
    sealed = {line[2]: line[1] for line in found if line}
    return sealed if sealed and len(sealed) == len(lines) else None


def damaged_layout(path: Path) -> list[str] | None:
    """The files beside those of rows that are not as they were sealed; None where there is no seal to be read.

    They hold coordinates, bounds and shapes of actuators, targets, and all attributes. The store is not opened.
    """
    seal = read_seal(path)
    return None if seal is None else differing(path, seal)


def differing(path: Path, seal: Mapping[str, str]) -> list[str]:
    """The files of a layout that are not as they were sealed: changed, lost, or added since.

    Args:
        path: The store.
        seal: The sha256 of every file of the layout, by its path in the store.
    """
    there = _layout_files(path, {name.partition("/c/")[0] for name in seal if "/c/" in name})
    names = sorted(there | seal.keys())
    return [name for name in names if seal.get(name) != _sha256_at(path / name)]


def _sha256_at(path: Path) -> str:
    """The sha256 of a file; "" if it cannot be read, or is a pipe or the like."""
    if not path.is_file():
        return ""
    try:
        return sha256(path.read_bytes())
    except OSError:
        return ""


def sha256(content: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def has_checksums(path: Path) -> bool:
    """Whether the chunks of a store carry checksums, as those of every store do that was sealed when it was made."""
    try:
        codecs = json.loads((path / "status" / "zarr.json").read_bytes())["codecs"]
        return any(codec["name"] == "crc32c" for codec in codecs)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def digest_of(path: Path) -> str:
    """One sha256 over the markers and the seal of the store at ``path``; "" if it has no markers.

    A store of before there were seals has the digest that it always had.
    """
    markers = sorted(marker for marker in markers_of(path).glob("*.json") if marker.is_file())
    if not markers:
        return ""
    parts = [*markers, *([seal_of(path)] if seal_of(path).is_file() else [])]
    return sha256(b"".join(part.name.encode() + part.read_bytes() for part in parts))


def _text(layout: Mapping[str, bytes]) -> str:
    return "".join(f"{sha256(layout[name])}  {name}\n" for name in sorted(layout))


def _layout_files(path: Path, without_rows: set[str]) -> set[str]:
    """The metadata files of a store, and all files of the arrays that have no rows; hidden files do not count."""
    top = [entry for entry in path.glob("*") if not entry.name.startswith(".")]
    files = [entry for entry in top if not entry.is_dir()]
    for array in (entry for entry in top if entry.is_dir()):
        within = array.rglob("*") if array.name in without_rows else array.glob("*")
        files += [file for file in within if not file.name.startswith(".") and not file.is_dir()]
    return {file.relative_to(path).as_posix() for file in files}
