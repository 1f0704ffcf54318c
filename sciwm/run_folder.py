"""A run folder that one command writes to: locked, not led elsewhere by links, and still the one it began in.

A folder that is renamed while a command is at work would be made anew under its old name, and hold half a run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sciwm.errors import InputError, Problem
from sciwm.files import require_inside
from sciwm.plain_files import special_kind
from sciwm.run_paths import RunPaths

_BEGUN: dict[Path, tuple[int, int]] = {}
"""The folders that this process is at work in, each with what tells it from one of the same name."""


@contextmanager
def at_work_in(folder: Path) -> Iterator[None]:
    """Remember which folder this is until the block ends; :func:`require_same_folder` compares.

    Args:
        folder: A run folder that is there.
    """
    place = folder.absolute()
    if place in _BEGUN:
        require_same_folder(folder)
        yield
        return
    _BEGUN[place] = _identity(place)
    try:
        yield
    finally:
        del _BEGUN[place]


def require_same_folder(folder: Path) -> None:
    """Refuse to go on in a folder that was renamed or removed since the command began; others are not looked at.

    Raises:
        InputError: If nothing, or another folder, has its name.
    """
    begun = _BEGUN.get(folder.absolute())
    if begun is None:
        return
    try:
        found = _identity(folder)
    except OSError:
        found = None
    if found != begun:
        got = "nothing there" if found is None else "another folder of that name"
        remedy = "it was renamed or removed meanwhile: give the command again with the name that it has now"
        raise InputError([Problem(str(folder), "the run folder in which this command began", got, remedy)])


def require_no_special_files(paths: RunPaths) -> None:
    """Refuse a run with a pipe, a socket or a device in it, which reading might wait for without end.

    A run may come from somebody else. Links to files are followed, and of links to folders those in place of the
    folders of a run.

    Args:
        paths: The paths of the run, which need not be there.

    Raises:
        InputError: With the first that is found.
    """
    folders = (paths.data, paths.results, paths.metrics.parent)
    linked = [place for place in (*folders, *paths.data.glob("*")) if place.is_symlink()]
    for top in (paths.folder, *linked):
        for place in _neither_files_nor_folders(top):
            if place.exists() and (got := special_kind(place)):  # a link to nothing holds nobody up
                raise InputError([Problem(str(place), "a file of this run", got, "remove it")])


@contextmanager
def locked(paths: RunPaths, stage: str) -> Iterator[None]:
    """Lock a run folder for one stage, once no link leads it, or what the stage will write, to another place.

    Args:
        paths: The paths of the run.
        stage: The name of the stage.

    Raises:
        InputError: If another command is at work in the folder, a link leads out of it, or a pipe or device is in it.
    """
    require_no_special_files(paths)
    written = [paths.metrics]
    if stage == "simulate" or stage.startswith("on_policy"):
        written.append(paths.store(stage))
    written += {"evaluate": [paths.result(stage)], "report": [paths.figure(stage)]}.get(stage, [])
    for path in written:
        require_inside(path, paths.folder)
    if paths.lock.is_symlink():
        got = f"a link to {paths.lock.resolve()}"
        raise InputError([Problem(str(paths.lock), "a file of this run", got, "remove the link")])
    try:
        lock = FileLock(paths.lock).acquire(timeout=0)
    except Timeout:
        remedy = "wait for it to end, or choose another folder"
        expected, got = "a run folder that no other command writes to", "one with another sciwm command running"
        raise InputError([Problem(str(paths.folder), expected, got, remedy)]) from None
    with lock:
        yield


def _neither_files_nor_folders(top: Path) -> Iterator[Path]:
    """Links, and whatever else there is; of the many files of a store the listing of a folder tells, unopened."""
    pending = [str(top)]
    while pending:
        try:
            with os.scandir(pending.pop()) as listed:
                entries = list(listed)
        except OSError:  # as for os.walk: what cannot be listed is told when it is read
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            elif not entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
