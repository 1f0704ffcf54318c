"""What a loss of power or a damaged disk leaves of a store: mended where it is known what was there, told otherwise."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from simulations.safe_files import draft_beside, remove, sweep_drafts, write_atomically
from simulations.store_seal import (
    differing,
    has_checksums,
    is_sealed_as,
    markers_of,
    read_seal,
    seal_of,
    sha256,
    write_seal,
)

MOST_NAMED = 4


class StoreError(ValueError):
    """A store cannot be used; the message tells what was expected, what was found and what to do."""


def lay_out(path: Path, layout: Mapping[str, bytes]) -> None:
    """Write a new store, which appears only when all of its files are on the disk, and its seal before it.

    Args:
        path: The ``.zarr`` folder; markers of a store that stood there before are removed.
        layout: The content of every file, by its path in the store.
    """
    sweep_drafts(path.parent, path.name)
    for place in (path, markers_of(path)):
        if place.is_symlink():
            raise StoreError(_linked(place))
    remove(markers_of(path))
    write_seal(path, layout)
    with draft_beside(path, folder=True) as draft:
        for name, content in layout.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(content)


def mend_layout(path: Path, layout: Mapping[str, bytes]) -> None:
    """Restore files of the layout of a store that are not as they were sealed.

    Files are restored where the layout that is asked for has what was sealed. A store of before there were seals is
    left as it is.

    Args:
        path: The ``.zarr`` folder, which is there.
        layout: The content of every file as the settings that are asked for have it, by its path in the store.

    Raises:
        StoreError: If a file is damaged, and the layout that is asked for is another one.
    """
    asked = {name: sha256(content) for name, content in layout.items()}
    seal = read_seal(path)
    if seal is None or not differing(path, asked):
        return
    damaged = differing(path, seal)
    lost = [name for name in damaged if name not in seal or asked.get(name) != seal[name]]
    if lost:
        raise StoreError(
            f"{path}: expected what was written, by the sha256 in {seal_of(path)}, found others in {_named(lost)}. "
            "Restore them from a backup, or move the store away and run again."
        )
    if damaged:
        require_no_links(path)
        for name in damaged:
            write_atomically(path / name, layout[name])
        warnings.warn(f"{path}: restored {_named(damaged)}, which had been damaged.", stacklevel=2)


def mend_seal(path: Path, layout: Mapping[str, bytes]) -> None:
    """Restore the seal of a store that was written here, where it is lost and the layout is the one that is asked for.

    Raises:
        StoreError: If the store was sealed when it was made, and has another layout; with the files that differ.
    """
    if is_sealed_as(path, layout):
        return
    others = differing(path, {name: sha256(content) for name, content in layout.items()})
    if not others:
        require_no_links(path)
        write_seal(path, layout)
    elif read_seal(path) is None and has_checksums(path):
        raise StoreError(
            f"{path}: expected {seal_of(path)} with the sha256 of the layout, found none that can be read, and "
            f"another layout than these settings have in {_named(others)}. "
            "Restore them from a backup, or move the store away and run again."
        )


def require_no_links(path: Path) -> None:
    """Refuse to write where a link leads, which may be anything that belongs to the user.

    Raises:
        StoreError: If the store, its folder of markers, or a folder in them is a link.
    """
    for place in (path, markers_of(path)):
        folders = [Path(folder, name) for folder, names, _ in os.walk(place) for name in names]
        for link in (folder for folder in (place, *folders) if folder.is_symlink()):
            raise StoreError(_linked(link))


def sweep(path: Path) -> None:
    """Remove what killed processes left half written in a store and beside it; links are not followed."""
    sweep_drafts(path.parent, path.name)
    for place in (path, markers_of(path)):
        if place.is_symlink():
            continue
        sweep_drafts(place)
        for folder, _, names in os.walk(place):
            if place == path and Path(folder).parent == path:
                sweep_drafts(Path(folder))
            for name in names:
                if name.endswith(".partial"):
                    Path(folder, name).unlink(missing_ok=True)


def _linked(link: Path) -> str:
    return (
        f"{link}: expected a folder to write to, found a link to {link.resolve()}. "
        "Remove the link, or name the folder that it leads to."
    )


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"
