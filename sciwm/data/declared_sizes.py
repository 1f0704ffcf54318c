"""What a file declares against what it holds: a damaged header may claim more than any memory."""

import json
import math
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sciwm.data.netcdf3_header import end_of_values
from sciwm.data.recognition import ZARR_METADATA, Kind
from sciwm.errors import InputError, Problem, counted, in_one_line, raise_if
from sciwm.plain_files import special_kind

PACKED_AT_MOST = 1000
"""How many times smaller compression makes values: deflate reaches 1032 for zeros."""
NEVER_TOO_MUCH = 2**30
"""Bytes, or fewer, are read whatever the file's own size is."""
CHUNKS_NEVER_TOO_MANY = 10**5
LARGEST_METADATA = 2**24
"""Bytes of one file of a store's metadata."""
SECONDS = 120
"""The longest that a header may take to be read, on a slow disk in a busy machine."""
AS_SINGLE = "write them as float32 or float64: file['u'] = values.astype('float32')"
DAMAGED_REMEDY = "the file is damaged: copy it again, or write it again"

Declared = Mapping[str, Mapping[str, tuple[str, Sequence[str], Sequence[int]]]]
"""By group and variable: kind of values, dimensions and shape."""


def require_sound_header(path: Path, kind: Kind) -> Declared:
    """What a netCDF or HDF5 file declares, read in a process of its own with bounded memory and time.

    Raises:
        InputError: If the header is damaged, or declares more values than the file can hold.
    """
    return _weighed(path, kind, header_lines([path])[0])


FILES_AT_ONCE = 64
"""How many headers one process reads: starting it takes longer than reading them."""


def require_sound_headers(files: Sequence[tuple[Path, Kind]]) -> list[Declared]:
    """What many netCDF or HDF5 files declare, as :func:`require_sound_header` for each.

    Raises:
        InputError: With every file whose header is damaged.
    """
    found: list[Declared] = []
    problems: list[Problem] = []
    for (path, kind), line in zip(files, header_lines([path for path, _ in files]), strict=True):
        try:
            found.append(_weighed(path, kind, line))
        except InputError as error:
            problems += error.problems
    raise_if(problems)
    return found


def header_lines(paths: Sequence[Path]) -> list[str]:
    """A line of JSON for each netCDF or HDF5 file: what it declares, or as text why that cannot be read."""
    lines: list[str] = []
    while len(lines) < len(paths):
        batch = paths[len(lines) : len(lines) + FILES_AT_ONCE]
        done, failure = _probed(batch)
        lines += done
        if len(done) < len(batch):  # the one after those that were read has ended the reader
            lines.append(json.dumps(failure))
    return lines


def _probed(paths: Sequence[Path]) -> tuple[list[str], str]:
    """A line for each file up to the first that ends the process which reads it, and how that one does."""
    script = Path(__file__).with_name("header_probe.py")
    limits = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # every thread takes address space
    seconds = SECONDS + len(paths)
    try:
        done = subprocess.run(  # noqa: S603  (our own script)
            [sys.executable, "-P", script, *(path.resolve() for path in paths)],
            capture_output=True,
            env=os.environ | limits,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return _whole_lines(error.stdout or b""), f"a header that was not read in {seconds} seconds"
    lines = _whole_lines(done.stdout)
    if not done.returncode:
        return lines, ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return lines, said[-1] if said and done.returncode > 0 else "a header that ends its reader"


def _whole_lines(output: bytes) -> list[str]:
    return output[: output.rfind(b"\n") + 1].decode(errors="replace").splitlines()


def _weighed(path: Path, kind: Kind, line: str) -> Declared:
    """What a file declares, which it must be able to hold."""
    found: Declared | str = json.loads(line)
    if isinstance(found, str):
        raise _damaged(path, found)
    raise_if(
        [
            Problem(f"{path}: {name}", "numbers of four or eight bytes, as netCDF has", f"{np.dtype(dtype)}", AS_SINGLE)
            for group in found.values()
            for name, (dtype, _, _) in group.items()
            if dtype != "O" and np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize not in (4, 8)
        ]
    )
    declared = sum(_bytes_of(dtype, shape) for group in found.values() for dtype, _, shape in group.values())
    _require_held(path, declared, path.stat().st_size, 1 if kind is Kind.NETCDF3 else PACKED_AT_MOST)
    if kind is Kind.NETCDF3:
        _require_end(path)
    return found


def _require_end(path: Path) -> None:
    """Refuse a netCDF-3 file that was cut off: what it lacks would be read as zeros."""
    try:
        lacking = end_of_values(path) - path.stat().st_size
    except (struct.error, LookupError, ValueError, OSError) as error:
        raise _damaged(path, f"a header that cannot be followed ({in_one_line(error)})") from error
    if lacking > 0:
        raise _damaged(path, f"a file that ends {counted(lacking, 'byte')} before its values do")


def held_files(path: Path) -> list[int]:
    """The sizes in bytes of all files of a Zarr store, in a folder or a zip file.

    Raises:
        InputError: If metadata are far too large, or if there is a pipe or another thing among the files that reading
            would wait for.
    """
    if not path.is_dir():
        with zipfile.ZipFile(path) as archive:
            members = [(member.filename, member.file_size, member.compress_size) for member in archive.infolist()]
        _require_small_metadata(path, ((name, size) for name, size, _ in members))
        return [packed for _, _, packed in members]
    found = [(entry.path, entry.stat().st_size) for entry in _files_of(path)]
    _require_small_metadata(path, found)
    return [size for _, size in found]


def require_sound_store(path: Path, files: Sequence[int], arrays: Sequence[Any]) -> None:
    """Compare what the arrays of a Zarr store declare with the files it holds.

    Args:
        path: The store, for errors.
        files: The sizes of its files.
        arrays: Its arrays.

    Raises:
        InputError: If they declare more values than the store can hold.
    """
    _require_held(path, sum(math.prod(a.shape) * int(a.dtype.itemsize) for a in arrays), sum(files), PACKED_AT_MOST)
    chunks = sum(math.prod(-(-n // max(c, 1)) for n, c in zip(a.shape, a.chunks, strict=True)) for a in arrays)
    if chunks > max(CHUNKS_NEVER_TOO_MANY, PACKED_AT_MOST * len(files)):
        raise _damaged(path, f"arrays of {chunks:.3g} chunks in {counted(len(files), 'file')}")


def _require_small_metadata(path: Path, files: Iterable[tuple[str, int]]) -> None:
    for name, size in files:
        if size > LARGEST_METADATA and name.rpartition("/")[2] in (*ZARR_METADATA, ".zattrs"):
            raise _damaged(path, f"metadata of {readable_bytes(size)} in {name}")


def _files_of(path: Path) -> Iterator[os.DirEntry[str]]:
    """All files in a folder and the folders in it."""
    pending, seen = [path], set()
    while pending:
        folder = pending.pop()
        about = folder.stat()
        if (about.st_dev, about.st_ino) in seen:  # a link back
            continue
        seen.add((about.st_dev, about.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    pending.append(Path(entry.path))
                elif entry.is_file():
                    yield entry
                elif got := special_kind(Path(entry.path)):
                    raise InputError([Problem(entry.path, "a file of the store", got, "restore the store")])


def _require_held(path: Path, declared: int, held: int, packed_at_most: int) -> None:
    if declared <= held or (packed_at_most > 1 and declared <= max(NEVER_TOO_MUCH, packed_at_most * held)):
        return
    raise _damaged(path, f"a header that declares {readable_bytes(declared)} of values in {readable_bytes(held)}")


def _bytes_of(dtype: str, shape: Sequence[int]) -> int:
    return math.prod(shape) * (np.dtype(dtype).itemsize if dtype != "O" else 1)


def readable_bytes(count: int) -> str:
    """A number of bytes as people write it."""
    power = min(max(len(str(count)) - 1, 0) // 3, len(UNITS) - 1)
    return f"{count / 1000**power:.3g} {UNITS[power]}"


UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def _damaged(path: Path, got: str) -> InputError:
    what = "netCDF file" if path.is_file() and not zipfile.is_zipfile(path) else "Zarr store"
    return InputError([Problem(str(path), f"a readable {what}", got, DAMAGED_REMEDY)])
