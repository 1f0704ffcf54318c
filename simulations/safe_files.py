"""Files and folders that appear whole or not at all, also after a loss of power, and never where a link leads.

A draft has a random name beside its place and is opened exclusively, so that a link that somebody put there is
neither followed nor guessed. It is flushed to disk, takes its place, and then the folder is flushed, which keeps the
new name. A process that is killed leaves its draft behind; :func:`sweep_drafts` removes it.
"""

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ENDING = ".draft"
AT_ONCE = 16
"""How many files are flushed at a time."""
WAIT, MOST_WAITS = 0.05, 200
"""Seconds between tries to remove a folder, and the most tries: ten seconds in all."""
NAME_KEPT = 50
"""How many characters of a name its drafts repeat; a file system allows names of 255 bytes."""

_NOT_FOLLOWING = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EISDIR, errno.EPERM}
"""What systems answer that cannot flush a folder: some network file systems, and Windows."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; a link at ``path`` is replaced, not followed.

    Args:
        path: The file. Its folder is made if it is not there.
        content: Everything that the file shall hold.

    Raises:
        OSError: If it cannot be written; then nothing has changed.
    """
    with draft_beside(path) as draft, draft.open("r+b") as file:
        file.write(content)


@contextmanager
def draft_beside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Make an empty draft of a file or folder, which takes the place of ``path`` when the block ends without an error.

    Args:
        path: The file or folder to be. Its folder is made if it is not there. A file there is replaced, and so is a
            link, which is not followed; a folder is replaced only where there is none, or an empty one.
        folder: Whether to make a folder.

    Yields:
        The path of the draft, to be written by any library.

    Raises:
        OSError: If it cannot be written; then nothing has changed.
    """
    make_folder(path.parent)
    draft = path.with_name(f".{path.name[:NAME_KEPT]}.{secrets.token_hex(8)}{ENDING}")
    if folder:
        draft.mkdir()
    else:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWING, 0o666))
    try:
        yield draft
        flush_all(everything_in(draft))
        os.replace(draft, path)
    except BaseException:
        remove(draft)
        raise
    flush(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and all above it that are not there, and flush what names them."""
    missing = [place for place in (path, *path.parents) if not place.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for place in missing:
        flush(place.parent)


def flush(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk.

    Raises:
        OSError: If that fails, as on a full disk, or if ``path`` is a link to a file.
    """
    is_folder = path.is_dir()
    try:
        descriptor = os.open(path, os.O_RDONLY | (0 if is_folder else _NOT_FOLLOWING))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if not is_folder or error.errno not in _CANNOT_FLUSH:
            raise


def flush_all(paths: Iterable[Path]) -> None:
    """Flush files and the lists of names in folders, many at a time.

    A disk writes in one go what it is asked for at once; one after the other, each would be waited for by itself.
    """
    _at_once(flush, set(paths))


def everything_in(path: Path) -> list[Path]:
    """A file, or a folder with all files and folders in it, itself included; links in it are not followed."""
    walked = os.walk(path)
    return [path, *(Path(folder, name) for folder, folders, names in walked for name in (*folders, *names))]


def write_all_atomically(files: Mapping[Path, bytes]) -> None:
    """Write many files, each as :func:`write_atomically` does, in any order."""
    _at_once(lambda path: write_atomically(path, files[path]), files)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it, if it is there; of a link the link alone.

    Other threads may still be writing to a folder whose writing has failed: it is removed when they are done.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for waited in range(MOST_WAITS + 1):
        try:
            shutil.rmtree(path)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT) or waited == MOST_WAITS:
                raise
            time.sleep(WAIT)
            if not path.exists():
                return


def sweep_drafts(folder: Path, name: str = "") -> None:
    """Remove the drafts that killed processes left. Nobody else may be at work on what they are drafts of.

    Args:
        folder: Where they lie; folders in it are left alone.
        name: The file or folder whose drafts are removed; those of all by default.
    """
    of = re.escape(name[:NAME_KEPT]) if name else ".+"
    draft = re.compile(rf"\.{of}\.[0-9a-f]{{16}}{re.escape(ENDING)}", re.DOTALL)
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if draft.fullmatch(path.name):
            remove(path)


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a link below ``folder`` leads the place of ``path`` out of it. The last name itself is not followed."""
    return not path.parent.resolve().is_relative_to(folder.resolve())


def _at_once(do: Callable[[Path], None], paths: Collection[Path]) -> None:
    """Do something with every path, many at a time; the first error is raised when all are done."""
    if len(paths) == 1:
        do(*paths)
    elif paths:
        with ThreadPoolExecutor(min(AT_ONCE, len(paths))) as threads:
            list(threads.map(do, paths))
