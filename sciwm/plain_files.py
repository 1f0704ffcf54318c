"""Small files that are read whole: refused at once if they are none, or too large to be what they should be."""

import stat
from pathlib import Path

from sciwm.errors import InputError, Problem

LARGEST_TEXT = 2**28
"""The most bytes of a file of plain data, far above those that any run writes."""


def special_kind(path: Path) -> str:
    """What a path is if it is neither a file nor a folder, which reading might wait for without end; "" otherwise.

    Links are followed, as reading follows them.

    Raises:
        OSError: If it cannot be looked at, as for want of permission; not if nothing is there.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "a link to nothing" if path.is_symlink() else ""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def read_plain(path: Path, expected: str, *, most: int = LARGEST_TEXT) -> bytes:
    """The bytes of a file.

    Args:
        path: The file.
        expected: What it should be, for errors.
        most: The most bytes that it may have.

    Raises:
        InputError: If it is no file, cannot be read, or is larger than ``most``.
    """
    try:
        special = special_kind(path)
        if special:
            raise InputError([Problem(str(path), expected, special, "name a file")])
        with path.open("rb") as file:
            content = file.read(most + 1)  # a file of the system may say that it is empty, and have no end
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        got = getattr(error, "strerror", None) or str(error)
        raise InputError([Problem(str(path), expected, str(got))]) from error
    if len(content) > most:
        raise InputError([Problem(str(path), f"{expected} of at most {most} bytes", "a larger file")])
    return content
