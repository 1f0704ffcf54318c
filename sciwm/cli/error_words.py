"""Errors of the machine and of libraries in words for people: what was expected, what there was, what to do."""

import errno
import os
from pathlib import Path
from traceback import walk_tb

from sciwm.errors import Problem, in_one_line


def is_for_the_user(error: Exception) -> bool:
    """Whether an error tells of bad input or of the machine, and not of a mistake in the code."""
    if isinstance(error, OSError):
        return error.filename is not None or error.errno is not None
    if _is_of_memory(error):
        return True
    if isinstance(error, RecursionError):
        return False
    if _is_of_files(error):
        return True
    return not isinstance(error, RuntimeError) and _packages(error)[-1] in ("sciwm", "simulations")


def _packages(error: Exception) -> list[str]:
    """Packages of all frames of the traceback; the one that raised the error is last."""
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame in frames]


def _is_of_files(error: Exception) -> bool:
    """Whether a library of files raised it: netCDF by itself, or what a damaged chunk makes a decompressor raise."""
    return (isinstance(error, RuntimeError) and str(error).startswith("NetCDF:")) or "zarr" in _packages(error)


FILE_SYSTEM = {
    errno.ENOENT: ("something there", "nothing"),
    errno.EISDIR: ("a file", "a folder; name a file in it"),
    errno.ENOTDIR: ("a folder", "a file; choose another path"),
    errno.EEXIST: ("a free path", "something there; choose another path"),
    errno.EACCES: ("permission", "none; change the permissions, or choose another path"),
    errno.EPERM: ("permission", "none; change the permissions, or choose another path"),
    errno.EROFS: ("a disk to write to", "a read-only one; choose another path"),
    errno.ENOSPC: ("space on the disk", "none left; free some, and give the same command again"),
    errno.EFBIG: ("a file no larger than is allowed here", "a larger one; raise the limit (ulimit -f), or write less"),
    errno.ENAMETOOLONG: ("a name that fits", "a longer one; choose another path"),
    errno.EMFILE: ("a few open files", "too many; raise the limit (ulimit -n)"),
    errno.EIO: ("a disk that works", "an error of the device; look at the disk, and choose another path"),
    errno.ELOOP: ("a file or a folder", "links that lead back to themselves"),
    errno.EDQUOT: ("space on the disk", "none left of your share; free some, and give the same command again"),
}


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out: numpy raises ``MemoryError``, torch a ``RuntimeError`` that says so."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def in_words(error: Exception) -> str:
    """What went wrong, as one line for each problem."""
    if _is_of_memory(error):
        remedy = "lower numbers of simulations, intervals or points, sizes of the model, or training.batch_size"
        got = str(error).rpartition("can't allocate memory: ")[2] or "more than there is"
        return str(Problem("memory", "enough for what was asked", got.rstrip("."), remedy))
    if _is_of_files(error) and not isinstance(error, OSError):
        from sciwm.data import of_reading

        if of_reading(error):
            remedy = "'sciwm check' tells which store or file is damaged, and in which rows"
            return str(Problem("a store or file", "values that can be read", in_one_line(error), remedy))
        remedy = "see whether the disk is full or read-only"
        return str(Problem("netCDF", "a file that can be written", str(error), remedy))
    if not isinstance(error, OSError):
        return str(error)
    if error.errno in (errno.EEXIST, errno.ENOTDIR) and error.filename:
        asked = Path(os.fsdecode(error.filename))
        in_the_way = next((p for p in (*reversed(asked.parents), asked) if p.is_file()), None)
        if in_the_way is not None:
            return str(Problem(str(in_the_way), "a folder", "a file; move it away, or choose another path"))
    expected, got = FILE_SYSTEM.get(error.errno or 0, ("a path that can be used", str(error.strerror or error)))
    return str(Problem(str(error.filename or "file system"), expected, got))
