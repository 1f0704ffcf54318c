"""Files of somebody else, opened lazily as one Dataset."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from sciwm.data.declared_sizes import Declared, require_sound_headers
from sciwm.data.recognition import Kind, require_data
from sciwm.data.source.files.combining import combined
from sciwm.data.source.files.file_contents import STORES, by_numbers, parts_of
from sciwm.errors import InputError, Problem, raise_if
from sciwm.progress import bar


@dataclass(frozen=True)
class Opened:
    """What files hold.

    Args:
        dataset: All of it, lazily; times are numbers as in the files.
        files: The files and stores, in the order in which they were opened.
        notes: In words: which layout was recognised, and what was joined along what.
    """

    dataset: xr.Dataset
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def open_source(files: Sequence[Path], group: str | None = None) -> xr.Dataset:
    """Open files of somebody else lazily as one Dataset.

    netCDF-3, netCDF-4 and HDF5 files and Zarr stores of both formats, in folders or zip files; the layouts of PDEBench
    and The Well as ordinary Datasets. Packed numbers are unpacked, and values that are marked as missing are NaN;
    times stay the numbers that they are, with their units and calendar. What fails while values are read says in
    which file and variable.

    Args:
        files: Paths, also with ``*``, ``?``, ``[...]`` and ``**``. Many files are joined along time, runs or space,
            wherever they differ; where they do not, each is a run.
        group: A group in each of them.

    Raises:
        InputError: With everything that is wrong with the files.
    """
    return open_files(files, group).dataset


def open_files(files: Sequence[Path], group: str | None = None) -> Opened:
    """As :func:`open_source`, with the files that were found and what was understood of them."""
    paths = find_files(files)
    kinds: list[Kind] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            kinds.append(require_data(path))
        except InputError as error:
            problems += error.problems
    raise_if(problems)
    headers = _headers(paths, kinds)
    parts, notes = [], []
    for path, kind in bar(list(zip(paths, kinds, strict=True)), "opening"):
        try:
            held, said = parts_of(path, kind, group or "", headers.get(path))
        except InputError as error:
            problems += error.problems
            continue
        parts += held
        notes += [note for note in said if note not in notes]
    raise_if(problems)
    dataset, said = combined(parts)
    return Opened(dataset, tuple(paths), (*notes, *said))


def find_files(files: Sequence[Path]) -> list[Path]:
    """The files that paths and patterns name, each once; those of a pattern in the order of their names.

    Raises:
        InputError: With every path and pattern that names none.
    """
    found: dict[Path, None] = {}
    problems = []
    for asked in files:
        if glob.has_magic(str(asked)) and not asked.exists():
            matching = [Path(name) for name in sorted(glob.glob(str(asked), recursive=True), key=by_numbers)]
            if not matching:
                remedy = "see with 'ls' what is there; patterns count from the folder of the configuration"
                problems.append(Problem(str(asked), "files that match", "none", remedy))
            found |= dict.fromkeys(matching)
        else:
            found[asked] = None
    if not files:
        problems.append(Problem("files", "at least one file", "none"))
    raise_if(problems)
    return list(found)


def _headers(paths: Sequence[Path], kinds: Sequence[Kind]) -> dict[Path, Declared]:
    """What netCDF and HDF5 files declare, weighed against their sizes."""
    weighed = [(path, kind) for path, kind in zip(paths, kinds, strict=True) if kind not in STORES]
    return dict(zip([path for path, _ in weighed], require_sound_headers(weighed), strict=True))
