"""Datasets that users name: netCDF files, HDF5 files and Zarr stores, recognised by their content."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from sciwm.data.declared_sizes import Declared, held_files, require_sound_header, require_sound_store
from sciwm.data.layouts import (
    fields_named,
    layout_problems,
    packed_by_whole_numbers,
    packing_problems,
    unpacked,
    with_text_labels,
)
from sciwm.data.recognition import Kind, require_data
from sciwm.errors import InputError, Problem, in_one_line, raise_if

REREAD = "copy it again from where it came from, or write it again"
INSTALL = "install the filter that it was packed with, such as hdf5plugin or numcodecs, or write it without"
FIND_DAMAGE = "find the damaged simulations with 'sciwm check'"


def open_dataset(path: Path) -> xr.Dataset:
    """Open a netCDF or HDF5 file or a Zarr store lazily, with times as plain numbers.

    What a header declares is compared with the size of the file before anything of that size is made.

    Raises:
        InputError: If there is none, if it is not readable, or if it declares more than it can hold.
    """
    kind = require_data(path)
    if kind in (Kind.ZARR, Kind.ZARR_ZIP):
        return open_store(path)
    dataset, groups = open_file(path, kind)
    raise_if(layout_problems(dataset, groups, path))
    return with_text_labels(dataset)


def open_file(
    path: Path, kind: Kind, group: str = "", declared: Declared | None = None
) -> tuple[xr.Dataset, dict[str, list[str]]]:
    """What lies in one group of a netCDF or HDF5 file, lazily and as it lies there.

    Args:
        path: The file.
        kind: What it is.
        group: The group, as ``forecast/ocean``; the top of the file by default.
        declared: What :func:`require_sound_header` said of it, if it was asked before.

    Returns:
        The group, and the names of the variables in each group of the file below its top.

    Raises:
        InputError: If it is not readable, or if it declares more than it can hold.
    """
    raise_if(name_problems(path, str(path)))
    declared = declared or require_sound_header(path, kind)
    options: dict[str, Any] = {"engine": "netcdf4", "decode_times": False} | ({"group": group} if group else {})
    with reading(path, expected="a readable netCDF file"):
        packed = xr.open_dataset(path.resolve(), mask_and_scale=False, **options)
        raise_if(packing_problems({name: v.attrs for name, v in packed.variables.items()}, path))
        whole = packed_by_whole_numbers(packed)
        if whole:
            options["mask_and_scale"] = {name: name not in whole for name in map(str, packed.variables)}
        dataset: xr.Dataset = xr.open_dataset(path.resolve(), **options)
        dataset = unpacked(dataset, whole) if whole else dataset
    return dataset, {name.strip("/"): list(held) for name, held in declared.items() if name != "/" and held}


def name_problems(path: Path, where: str) -> list[Problem]:
    """The problem of a path that the netCDF library cannot be given, as it takes text alone."""
    name = str(path.resolve())
    if name == name.encode(errors="replace").decode():
        return []
    return [Problem(where, "the path of a netCDF file in UTF-8", "bytes that are no text", "rename the file or folder")]


def open_store(path: Path, remedy: str = "restore it, or delete it and write it again") -> xr.Dataset:
    """Open a Zarr store lazily, in a folder or a zip file.

    A store in Zarr's second format has a fill value for what was never written, 0 unless another was asked for.
    Where no attribute says that it stands for missing values, a 0 in it is a 0.

    Args:
        path: The store.
        remedy: What to do if it cannot be read.

    Raises:
        InputError: If it is not readable, or if it declares more than it can hold.
    """
    dataset, groups = open_store_group(path, remedy=remedy)
    raise_if(layout_problems(dataset, groups, path))
    return with_text_labels(dataset)


def open_store_group(
    path: Path, group: str = "", remedy: str = "restore it, or write it again"
) -> tuple[xr.Dataset, dict[str, list[str]]]:
    """What lies in one group of a Zarr store, as :func:`open_file` does for files."""
    files = held_files(path)
    with reading(path, remedy, expected="a readable Zarr store"), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Object at .* is not recognized")  # an array lost its metadata
        import zarr

        opened = zarr.open_group(_store(path), mode="r")
        members = dict(opened.members(max_depth=None))
        found = {name: held for name, held in members.items() if isinstance(held, zarr.Array)}
        require_sound_store(path, files, list(found.values()))
        inside = f"{group}/" if group else ""
        here = {name.removeprefix(inside): held for name, held in found.items() if name.rpartition("/")[0] == group}
        raise_if(packing_problems({name: dict(array.attrs) for name, array in here.items()}, path))
        zeros = {name for name, array in here.items() if _zero_is_a_value(array)}
        whole = {name for name, array in here.items() if _is_whole(array)} - zeros
        options: dict[str, Any] = {"mask_and_scale": {name: name not in zeros | whole for name in here}}
        options |= {"group": group} if group else {}
        dataset: xr.Dataset = xr.open_zarr(_store(path), consolidated=False, decode_times=False, **options)
        dataset = unpacked(dataset, whole) if whole else dataset
        for name in zeros & set(map(str, dataset.variables)):
            dataset[name].attrs.pop("_FillValue", None)
            if "missing_value" in dataset[name].attrs:  # masks other values
                dataset = unpacked(dataset, [name])
    groups: dict[str, list[str]] = {}
    for name in found:
        where, _, own = name.rpartition("/")
        if where:
            groups.setdefault(where, []).append(own)
    return dataset, groups


def _store(path: Path) -> Any:
    """What zarr opens: the folder, or the store in a zip file."""
    if path.is_dir():
        return path
    import zarr

    return zarr.storage.ZipStore(path, mode="r")


def _is_whole(array: Any) -> bool:
    """Whether the numbers by which an array is packed are whole."""
    return any(isinstance(array.attrs.get(key), int) for key in ("scale_factor", "add_offset"))


def _zero_is_a_value(array: Any) -> bool:
    """Whether the fill value 0 of an array is what zarr writes by itself, and not somebody's mark of what is missing.

    Packed integers without another mark are left as they are: there 0 is as likely one.
    """
    if array.metadata.zarr_format != 2 or array.fill_value is None or array.dtype.kind not in "iufcb":
        return False
    attributes = set(array.attrs)
    packed = bool({"scale_factor", "add_offset"} & attributes) and "missing_value" not in attributes
    return bool(array.fill_value == 0) and "_FillValue" not in attributes and not packed


def read_values(array: xr.DataArray, path: Path) -> NDArray[Any]:
    """The values of a variable of the file or store at ``path``.

    Raises:
        InputError: If they cannot be read, as where a chunk is damaged.
    """
    remedy = FIND_DAMAGE if path.is_dir() else ""
    with reading(path, remedy, variable=str(array.name)):
        return array.values


@contextmanager
def reading(path: Path, remedy: str = "", *, expected: str = "readable values", variable: str = "") -> Iterator[None]:
    """Tell errors of the libraries that read a file as errors of this file, whenever its values are read.

    Args:
        path: What is being read.
        remedy: What to do if it cannot be read.
        expected: What it should be.
        variable: What of it is being read, if that is known.

    Raises:
        InputError: If reading fails. Other errors pass.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # whatever a damaged chunk makes the decompressor raise
        if not variable and not of_reading(error):
            raise
        place = f"{path}: {variable}" if variable else str(path)
        advice = INSTALL if _lacks_a_filter(error) else remedy or REREAD
        raise InputError([Problem(place, expected, in_one_line(error), advice)]) from error


def of_reading(error: BaseException) -> bool:
    """Whether an error was raised while values or metadata were read from a file or a store."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    inside = [f for f in frames if str(f.f_globals.get("__name__", "")).startswith(READERS)]
    return bool(inside) and not any(f.f_code.co_name.startswith(WRITING) for f in inside)


READERS = ("xarray.backends", "xarray.coding", "xarray.conventions", "netCDF4", "zarr", "numcodecs")
WRITING = ("to_netcdf", "to_zarr", "dump_to_store", "set_", "__setitem__", "prepare_variable")


def _lacks_a_filter(error: Exception) -> bool:
    """Whether values are packed by a filter that is not installed here."""
    text = str(error).lower()
    return any(words in text for words in ("filter", "codec not available", "unknown codec", "unsupported codec"))


def require_instants(dataset: xr.Dataset, path: Path) -> int:
    """The number of instants of a Dataset; one without a dimension ``time`` has one.

    Args:
        dataset: The Dataset.
        path: Where it was read, for errors.

    Raises:
        InputError: If it has none.
    """
    instants = dataset.sizes.get("time", 1)
    if not instants:
        got = "none; its records were not written yet, or were lost"
        raise InputError([Problem(f"{path}: time", "at least one instant", got)])
    return instants


def forcing_of(dataset: xr.Dataset, path: Path) -> xr.DataArray:
    """The forcing of a Dataset: its variable ``forcing`` or ``action``.

    Args:
        dataset: The Dataset.
        path: Where it was read, for errors.

    Raises:
        InputError: If it has neither.
    """
    for name in ("forcing", "action"):
        if name in dataset:
            return dataset[name]
    has = ", ".join(fields_named(dataset)) or "no variables"
    raise InputError([Problem(str(path), "a variable 'forcing' or 'action' over (time, actuator)", has)])
