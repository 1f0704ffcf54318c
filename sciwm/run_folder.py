"""Whether a run folder is still the one in which a command began to write.

A folder that is renamed while a command is at work would be made anew under its old name, and hold half a run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sciwm.errors import InputError, Problem

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


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
