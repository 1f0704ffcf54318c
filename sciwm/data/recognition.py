"""What a path is, by its content: neither suffixes nor names decide."""

import re
import zipfile
from enum import Enum
from pathlib import Path

from sciwm.errors import InputError, Problem, raise_if
from sciwm.plain_files import special_kind
from sciwm.run_paths import RunPaths

EXPECTED = "a netCDF file or a Zarr store"


class Kind(Enum):
    """What somebody may name where data are expected, by what it is called to people."""

    NETCDF3 = "a netCDF-3 file"
    HDF5 = "a netCDF-4 or HDF5 file"
    ZARR = "a Zarr store"
    ZARR_ZIP = "a Zarr store in a zip file"
    RUN = "a run folder"
    FOLDER = "a folder without zarr.json"
    TEXT = "a text file"
    OTHER = "another file"
    NOTHING = "nothing there"


DATA = (Kind.NETCDF3, Kind.HDF5, Kind.ZARR, Kind.ZARR_ZIP)
"""What :func:`sciwm.data.open_dataset` opens."""

ZARR_METADATA = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
HDF5_OFFSETS = (0, 512, 1024, 2048)
"""Where the first block of an HDF5 file may begin, after a block of the user's own."""
NETCDF3_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
PACKED = {
    b"\x1f\x8b": ("a file packed by gzip", "unpack it with 'gunzip -k {path}'"),
    b"BZh": ("a file packed by bzip2", "unpack it with 'bunzip2 -k {path}'"),
    b"\xfd7zXZ\x00": ("a file packed by xz", "unpack it with 'unxz -k {path}'"),
    b"\x28\xb5\x2f\xfd": ("a file packed by zstd", "unpack it with 'unzstd {path}'"),
    b"PK\x03\x04": ("a zip file without a Zarr store at its top", "unpack it with 'unzip {path}'"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it with '7z x {path}'"),
}
FOREIGN = {
    b"GRIB": ("a GRIB file", "convert it with 'cdo -f nc4 copy {path} OUT.nc'"),
    b"\x0e\x03\x13\x01": ("an HDF4 file", "convert it with 'h4tonccf {path} OUT.nc'"),
    b"\x93NUMPY": ("a numpy array", "give it dimensions and coordinates: xarray.Dataset(...).to_netcdf('OUT.nc')"),
    b"MATLAB 5.0": ("a MATLAB file", "save it from MATLAB with nccreate and ncwrite"),
    b"version https://git-lfs": ("a pointer of Git LFS in place of the file", "fetch it with 'git lfs pull'"),
    b"<!DOCTYPE html": ("a web page", "download the file itself"),
    b"<html": ("a web page", "download the file itself"),
    b"%PDF": ("a PDF file", ""),
}
URL = re.compile(r"^(https?|s3|gs|gcs|az|abfs|ftp|sftp|ssh|file|opendap|dods|hdfs|memory):/+", re.IGNORECASE)


def recognise(path: Path) -> Kind:
    """What is at a path, by its content; special files and addresses on the network are refused.

    Raises:
        InputError: If it is a URL, a pipe, a socket, a device or a link to nothing, or cannot be looked at.
    """
    raise_if(_no_path(path))
    try:
        if path.is_dir():
            return _kind_of_folder(path)
        if not path.exists():
            return Kind.NOTHING
        with path.open("rb") as file:
            head = file.read(HDF5_OFFSETS[-1] + len(HDF5_MAGIC))
    except OSError as error:
        raise InputError([Problem(str(path), "something that can be read", error.strerror or str(error))]) from error
    if head.startswith(NETCDF3_MAGIC):
        return Kind.NETCDF3
    if any(head[offset : offset + len(HDF5_MAGIC)] == HDF5_MAGIC for offset in HDF5_OFFSETS):
        return Kind.HDF5
    if head.startswith(b"PK\x03\x04") and _zip_holds_a_store(path):
        return Kind.ZARR_ZIP
    known = any(head.startswith(magic) for magic in (*PACKED, *FOREIGN))
    return Kind.OTHER if known or not _is_text(head) else Kind.TEXT


def require_data(path: Path) -> Kind:
    """What kind of dataset is at a path.

    Raises:
        InputError: If it is none, with what it is instead and how to come to one.
    """
    kind = recognise(path)
    if kind in DATA:
        return kind
    raise InputError([Problem(str(path), EXPECTED, *_instead(path, kind))])


def _instead(path: Path, kind: Kind) -> tuple[str, str]:
    """What there is in place of a dataset, and what to do."""
    if kind is Kind.RUN:
        return kind.value, f"name one of its stores, {RunPaths(path).store('test')}"
    if kind is Kind.FOLDER:
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))[:1000]
        named = next((p for p in inside if not special_kind(p) and recognise(p) in DATA), None)
        return kind.value, f"name what lies in it, such as {named}" if named else ""
    if kind is Kind.TEXT:
        what = "a text file in YAML" if path.suffix in (".yaml", ".yml") else kind.value
        return what, "name the file with the fields"
    if kind is Kind.OTHER:
        return _what_file(path)
    return kind.value, ""


def _what_file(path: Path) -> tuple[str, str]:
    """A file that is no dataset: what it is by its first bytes, and what to do."""
    with path.open("rb") as file:
        head = file.read(64)
    for magic, (what, remedy) in (PACKED | FOREIGN).items():
        if head.startswith(magic):
            return what, remedy.format(path=path)
    if not head:
        return "an empty file", "copy or write it again"
    return f"a file that begins with the bytes {head[:8].hex(' ')}", "convert it, or copy it again if it was netCDF"


def _no_path(path: Path) -> list[Problem]:
    url = URL.match(str(path))
    try:
        if url and not path.exists():
            address = f"{url[1]}://{str(path)[url.end() :]}"
            remedy = "download it first, or open it with xarray in Python and forecast from there"
            return [Problem(address, "a path on this machine", "an address on the network", remedy)]
        special = special_kind(path)
    except (OSError, ValueError) as error:
        return [Problem(str(path), "a path that can be looked at", getattr(error, "strerror", None) or str(error))]
    return [Problem(str(path), "a file or a folder", special, "name a file with data")] if special else []


def _kind_of_folder(path: Path) -> Kind:
    if any((path / name).exists() for name in ZARR_METADATA):
        return Kind.ZARR
    run = RunPaths(path)
    if any(part.exists() for part in (run.config, run.description, run.seals)):
        return Kind.RUN
    lost_its_metadata = path.suffix == ".zarr" or any(_is_array(inner) for inner in path.iterdir())
    return Kind.ZARR if lost_its_metadata else Kind.FOLDER


def _is_array(folder: Path) -> bool:
    """Whether a folder is an array of a store, and not a store of its own."""
    about = folder / "zarr.json"
    if special_kind(about) or not about.is_file():
        return (folder / ".zarray").is_file()
    with about.open("rb") as file:
        return re.search(rb'"node_type"\s*:\s*"array"', file.read(2**20)) is not None


def _zip_holds_a_store(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return any(name in names for name in ZARR_METADATA)


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, as some editors write
        return True
    return bool(head) and not re.search(rb"[\x00-\x08\x0e-\x1f]", head)
