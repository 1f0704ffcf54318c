"""A small data set as somebody may bring it, in every kind of file, written without xarray: nothing is put right."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Attributes = dict[str, Any]
RUNS, INSTANTS, ROWS, COLUMNS = 4, 9, 5, 6


@dataclass
class Held:
    """One array as a file holds it.

    Args:
        dims: the names of its dimensions, which plain HDF5 does not keep.
        values: as they are stored.
        attributes: as they are stored.
        declared: a larger shape that the file claims and that is not written.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    attributes: Attributes = field(default_factory=dict)
    declared: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """What the file says that it has."""
        return self.declared or self.values.shape


@dataclass
class Content:
    """What a file holds.

    Args:
        arrays: by name, in HDF5 with the groups before it.
        groups: the attributes of the groups; that of the top is empty.
    """

    arrays: dict[str, Held]
    groups: dict[str, Attributes] = field(default_factory=dict)


PLATE: dict[str, Any] = {
    "variables": ["heat", "flow"],
    "forcings": ["power"],
    "parameters": ["ambient"],
    "static": ["wall"],
    "mask": "on_plate",
    "run": "run",
    "time": "minute",
    "space": ["row", "col"],
}
WELL = PLATE | {"mask": None, "ignored": ["on_plate"], "run": "trajectory", "time": "time"}
PDEBENCH: dict[str, Any] = {"variables": ["tensor"], "ignored": ["Nu"], "run": "sample", "time": "time", "space": ["x"]}
ROLES = {
    "netcdf4": PLATE,
    "netcdf3": PLATE,
    "zarr3": PLATE,
    "zarr2": PLATE,
    "hdf5": PLATE,
    "well": WELL,
    "pdebench": PDEBENCH,
}
"""The roles and dimensions of each kind of file."""


def settings_for(kind: str, file: str) -> Mapping[str, Any]:
    """The configuration of an experiment on one file."""
    split = {"by": "run", "validation": 0.25, "test": 0.25}
    return {
        "name": kind,
        "source": {"files": [file], "periodic": [], "split": split, **ROLES[kind]},
        "model": {"latent_size": 2},
        "loss": {"horizon": 2},
    }


def plate() -> Content:
    """Two fields of which one is packed, a forcing, a parameter, a mask, missing values, and times with a date."""
    rng = np.random.default_rng(0)
    shape, fields = (RUNS, INSTANTS, ROWS, COLUMNS), ("run", "minute", "row", "col")
    heat = rng.integers(-2000, 2000, shape).astype(np.int16)
    heat[:, :, 0, 0] = -32768
    on_plate = np.ones((ROWS, COLUMNS), np.int8)
    on_plate[4, 5] = 0
    packed = {"units": "degC", "scale_factor": 0.01, "add_offset": 20.0, "_FillValue": np.int16(-32768)}
    minutes = {"units": "minutes since 2020-01-01 00:00:00", "calendar": "noleap", "axis": "T"}
    bounds = {"units": "W", "valid_min": -1.0, "valid_max": 8.0}
    return Content({
        "run": Held(("run",), np.array([3, 5, 8, 9], np.int32)),
        "minute": Held(("minute",), 0.5 * np.arange(INSTANTS), minutes),
        "row": Held(("row",), 2.0 - 0.5 * np.arange(ROWS), {"units": "m"}),
        "col": Held(("col",), 0.25 * np.arange(COLUMNS), {"units": "m", "long_name": "along the plate"}),
        "heat": Held(fields, heat, packed),
        "flow": Held(fields, rng.normal(size=shape).astype(np.float32), {"units": "m s-1"}),
        "power": Held(("run", "minute"), rng.uniform(0, 8, shape[:2]), bounds),
        "ambient": Held(("run",), np.array([290.0, 300.0, 295.0, 302.5], np.float32), {"units": "K"}),
        "on_plate": Held(("row", "col"), on_plate, {"long_name": "where the plate is"}),
        "wall": Held(("row",), np.array([1.0, 2.0, 2.0, 4.0, 1.5]), {"units": "mm"}),
    })  # fmt: skip


def flow_of_pdebench() -> Content:
    """One array for all samples, beside its axes; there is one time more than in the array."""
    tensor = np.random.default_rng(1).normal(size=(RUNS, INSTANTS, 12)).astype(np.float32)
    arrays = {
        "tensor": Held(("sample", "time", "x"), tensor),
        "x-coordinate": Held(("x",), (np.arange(12) + 0.5) / 12),
        "t-coordinate": Held(("end",), 0.01 * np.arange(INSTANTS + 1)),
    }
    return Content(arrays, {"": {"Nu": 0.01}})


def sound_content(kind: str, netcdf: Path) -> Content:
    """What a sound file of a kind holds.

    Args:
        kind: one of :data:`ROLES`.
        netcdf: the sound netCDF-4 file, of which that of The Well is made, as ``sciwm convert`` makes it.
    """
    if kind == "pdebench":
        return flow_of_pdebench()
    if kind != "well":
        return plate()
    from sciwm.data.source import open_files, survey, write_well

    path = netcdf.with_name("made_well")
    write_well(survey(open_files([netcdf])), path, dict.fromkeys(PLATE["space"], False))
    return content_of_hdf5(path)


def content_of_hdf5(path: Path) -> Content:
    """What a file of HDF5 holds."""
    import h5py  # type: ignore[import-untyped]

    found = Content({})
    with h5py.File(path) as file:
        found.groups[""] = dict(file.attrs)

        def take(name: str, item: Any) -> None:
            if isinstance(item, h5py.Group):
                found.groups[name] = dict(item.attrs)
            else:
                dims = tuple(f"{name}.{k}" for k in range(item.ndim))
                found.arrays[name] = Held(dims, np.asarray(item[...]), dict(item.attrs))

        file.visititems(take)
    return found


def write(content: Content, kind: str, path: Path) -> None:
    """Write a file or store of a kind.

    Raises:
        Exception: if such a file cannot hold it; there are as many types as there are libraries.
    """
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if kind.startswith("netcdf"):
        _write_netcdf(content, path, "NETCDF4" if kind == "netcdf4" else "NETCDF3_CLASSIC")
    elif kind.startswith("zarr"):
        _write_zarr(content, path, int(kind[-1]))
    else:
        _write_hdf5(content, path)


def _write_netcdf(content: Content, path: Path, form: Any) -> None:
    import netCDF4

    if form != "NETCDF4" and any(held.declared for held in content.arrays.values()):
        raise ValueError("netCDF-3 would write all that is declared")
    with netCDF4.Dataset(path, "w", format=form) as file:
        for name, held in content.arrays.items():
            for dim, size in zip(held.dims, held.shape, strict=True):
                if dim not in file.dimensions:
                    file.createDimension(dim, size or None)
                elif len(file.dimensions[dim]) != size:
                    raise ValueError(f"two sizes of {dim}")
            attributes = dict(held.attributes)
            kind: Any = str if held.values.dtype.kind in "OU" else held.values.dtype
            chunks = tuple(min(n, 64) for n in held.shape) if held.declared and form == "NETCDF4" else None
            made = file.createVariable(
                name, kind, held.dims, fill_value=attributes.pop("_FillValue", None), chunksizes=chunks
            )
            made.set_auto_maskandscale(False)
            for key, value in attributes.items():
                made.setncattr(key, value)
            if not held.declared:
                made[...] = held.values
        file.setncatts(content.groups.get("", {}))


def _write_zarr(content: Content, path: Path, version: Any) -> None:
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=version, attributes=_plain(content.groups.get("", {})))
    for name, held in content.arrays.items():
        attributes = _plain(held.attributes)
        if version == 2:
            attributes["_ARRAY_DIMENSIONS"] = list(held.dims)
        several = held.declared or (held.values.shape if held.values.ndim < 3 else (1, *held.values.shape[1:]))
        made = group.create_array(
            name,
            shape=held.shape,
            dtype=held.values.dtype,
            chunks=tuple(min(max(n, 1), 64) for n in several),
            dimension_names=held.dims if version == 3 else None,
            attributes=attributes,
            fill_value=held.attributes.get("_FillValue") if version == 2 else None,
        )
        if not held.declared:
            made[...] = held.values


def _plain(attributes: Attributes) -> Attributes:
    """Attributes as JSON holds them."""
    return {k: v.tolist() if isinstance(v, np.generic | np.ndarray) else v for k, v in attributes.items()}


def _write_hdf5(content: Content, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, held in content.arrays.items():
            text = held.values.dtype.kind in "OU"
            kind = h5py.string_dtype() if text else held.values.dtype
            if held.declared:
                made = file.create_dataset(name, held.declared, kind, chunks=tuple(min(n, 64) for n in held.declared))
            else:
                made = file.create_dataset(name, data=held.values.astype(object) if text else held.values, dtype=kind)
            made.attrs.update(held.attributes)
        for name, attributes in content.groups.items():
            (file.require_group(name) if name else file).attrs.update(attributes)
