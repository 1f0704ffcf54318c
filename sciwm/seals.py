"""``seals.json``: the SHA-256 of the configuration, the numbers and the results of a run.

A file is written in three steps: its coming digest joins the present one in ``seals.json``, the file takes its place,
and the coming digest is left alone. Whoever is stopped in between leaves a file that has one of both. Files that carry
a digest of their own (``model.json`` with the weights, the state of the training, the stores) are not repeated here.

Runs of older versions have no ``seals.json``: their files are read as they are, and are told as unverified.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePath

import xarray as xr
from pydantic import BaseModel, ConfigDict, ValidationError

from sciwm.errors import InputError, Problem, counted, raise_if
from sciwm.files import write_atomically, write_netcdf
from sciwm.run_folder import require_same_folder
from sciwm.run_paths import RunPaths
from sciwm.sealed_json import read_sealed, sealed

NAMED = 8
"""How many unverified files are named."""
NOTHING = ""
"""Stands for the digest of a file that is not there, which is right until it has been written for the first time."""


class Seals(BaseModel):
    """The content of ``seals.json``.

    Args:
        format: The version of this layout.
        files: For each file, by its path in the run folder, the digests that are right: one, and while it is being
            written the one before too.
        config: ``config.yaml`` as it was written, by which later edits can be told.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = 1
    files: dict[str, list[str]] = {}
    config: str | None = None


def read_seals(paths: RunPaths) -> Seals:
    """The seals of a run; without any if there is no ``seals.json``.

    Raises:
        InputError: If the file is damaged, or names files outside the run.
    """
    if not paths.seals.exists():
        return Seals()
    remedy = "delete it; the files of the run then count as unverified until they are written again"
    content = read_sealed(paths.seals, "the digests of the run's files", remedy)
    try:
        seals = Seals.model_validate(content)
    except ValidationError as error:
        got = f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
        raise InputError([Problem(str(paths.seals), "the digests of the run's files", got, remedy)]) from error
    outside = [name for name in seals.files if PurePath(name).is_absolute() or ".." in PurePath(name).parts]
    raise_if([Problem(str(paths.seals), "names of files in the run", repr(name), remedy) for name in outside])
    return seals


def write_sealed(paths: RunPaths, path: Path, content: bytes) -> None:
    """Write a file of a run whole or not at all, and seal it.

    Args:
        paths: The paths of the run.
        path: The file in it.
        content: Everything that the file shall hold.

    Raises:
        InputError: If the run folder was renamed or removed since the command began, or a link leads out of it.
    """
    require_same_folder(paths.folder)
    _announce(paths, path, hashlib.sha256(content).hexdigest(), content)
    write_atomically(path, content, within=paths.folder)
    _confirm(paths, path)


def write_sealed_netcdf(paths: RunPaths, path: Path, dataset: xr.Dataset) -> None:
    """Write a netCDF-4 file of a run as :func:`write_sealed` does. One that was cut off would open as an empty one."""
    require_same_folder(paths.folder)
    write_netcdf(path, dataset, within=paths.folder, announce=lambda draft: _announce(paths, path, _digest_of(draft)))
    _confirm(paths, path)


def require_sealed(paths: RunPaths, path: Path, remedy: str) -> bool:
    """Refuse a file that is not as it was written.

    Args:
        paths: The paths of the run.
        path: The file in it, which need not be there.
        remedy: How it is made anew once it is gone.

    Returns:
        Whether the file is sealed; one that is not is taken as it is.

    Raises:
        InputError: If a single bit is another than was written, or if the file is gone.
    """
    right = read_seals(paths).files.get(_name(paths, path))
    raise_if(_seal_problems(path, right, remedy))
    return right is not None


def is_as_written(paths: RunPaths, path: Path) -> bool:
    """Whether a file is sealed, and the same to the last bit."""
    right = read_seals(paths).files.get(_name(paths, path))
    return right is not None and not _seal_problems(path, right, "")


def changed_since_written(paths: RunPaths, path: Path) -> bool:
    """Whether a sealed file is another than was written, or gone."""
    return bool(_seal_problems(path, read_seals(paths).files.get(_name(paths, path)), ""))


def check_seals(paths: RunPaths, remedy: Callable[[Path], str]) -> str:
    """Compare the sealed files of a run with what was written, but for ``config.yaml``, which people may edit.

    Args:
        paths: The paths of the run.
        remedy: How a file is made anew once it is gone.

    Returns:
        One line: how many files are as they were written, and which are unverified.

    Raises:
        InputError: With every file that is another, or gone.
    """
    files = read_seals(paths).files
    found = [(paths.folder / name, right) for name, right in sorted(files.items()) if name != paths.config.name]
    raise_if([problem for path, right in found for problem in _seal_problems(path, right, remedy(path))])
    there = sum(path.exists() for path, _ in found)
    unverified = [_name(paths, path) for path in paths.sealed_files if _name(paths, path) not in files]
    said = [f"{counted(there, 'file')} of numbers and results as they were written"] if there else []
    more = f" and {len(unverified) - NAMED} more" if len(unverified) > NAMED else ""
    said += [f"unverified, as they have no digest: {', '.join(unverified[:NAMED])}{more}"] if unverified else []
    return f"{paths.folder}: {'; '.join(said) or 'no numbers and results yet'}"


def _seal_problems(path: Path, right: list[str] | None, remedy: str) -> list[Problem]:
    if right is None or (found := _digest_of(path)) in right:
        return []
    if found == NOTHING:
        return [Problem(str(path), "a file that was written", "nothing there", remedy)]
    got = "another content" if path.stat().st_size else "an empty file"
    remedy = f"it is damaged or was edited: delete it, and {remedy}"
    return [Problem(str(path), "a file as it was written, by its sha256", got, remedy)]


def _announce(paths: RunPaths, path: Path, digest: str, config: bytes | None = None) -> None:
    """Take a coming digest for right, beside that of the present file."""
    present = _digest_of(path)
    _update(paths, path, [digest] if present == digest else [digest, present], config if path == paths.config else None)


def _confirm(paths: RunPaths, path: Path) -> None:
    """Leave the newest digest alone."""
    newest, *others = read_seals(paths).files[_name(paths, path)]
    if others:
        _update(paths, path, [newest])


def _update(paths: RunPaths, path: Path, digests: list[str], config: bytes | None = None) -> None:
    seals = read_seals(paths)
    kept = seals.config if config is None else config.decode()
    updated = Seals(files=seals.files | {_name(paths, path): digests}, config=kept)
    if updated != seals:
        write_atomically(paths.seals, sealed(updated.model_dump()), within=paths.folder)


def _name(paths: RunPaths, path: Path) -> str:
    return path.relative_to(paths.folder).as_posix()


def _digest_of(path: Path) -> str:
    if not path.exists():
        return NOTHING
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
