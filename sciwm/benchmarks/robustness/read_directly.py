"""What a file says, read by the library of its format alone."""

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciwm.benchmarks.robustness.sound_sources import ROLES


@dataclass(frozen=True)
class Said:
    """One array as a file says it is: numbers unpacked, missing ones NaN.

    Args:
        dims: the names of its dimensions.
        values: over these.
        attributes: as they are stored.
    """

    dims: tuple[str, ...]
    values: NDArray[np.float64]
    attributes: Mapping[str, Any]

    def over(self, order: Sequence[str]) -> NDArray[np.float64]:
        """Its values with dimensions in this order; others must have one point."""
        rest = tuple(k for k, d in enumerate(self.dims) if d not in order and self.values.shape[k] == 1)
        dims = [d for k, d in enumerate(self.dims) if k not in rest]
        return self.values.squeeze(rest).transpose([dims.index(d) for d in order if d in dims])


def read_directly(kind: str, path: Path) -> dict[str, Said]:
    """All arrays of a file that hold numbers, by the names that they have in an experiment."""
    if kind.startswith("netcdf"):
        return dict(_of_netcdf(path))
    return dict(_of_zarr(path)) if kind.startswith("zarr") else OF_HDF5[kind](path)


def _of_netcdf(path: Path) -> Iterator[tuple[str, Said]]:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        for name, variable in file.variables.items():
            variable.set_auto_maskandscale(False)
            if variable.dtype is not str and variable.dtype.kind in "iuf":
                attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
                default = netCDF4.default_fillvals[variable.dtype.str[1:]] if variable.dtype.kind == "f" else None
                never_written = default if "_FillValue" not in attributes else None
                yield name, Said(variable.dimensions, _decoded(variable[...], attributes, never_written), attributes)


def _of_zarr(path: Path) -> Iterator[tuple[str, Said]]:
    import zarr

    for name, array in zarr.open_group(path, mode="r").arrays():
        attributes: dict[str, Any] = dict(array.attrs)
        dims = getattr(array.metadata, "dimension_names", None) or attributes.pop("_ARRAY_DIMENSIONS", ())
        if array.dtype.kind in "iuf":
            fill = array.fill_value if array.metadata.zarr_format == 2 else None
            packed = {"scale_factor", "add_offset"} & set(attributes)
            marks = fill is not None and (fill != 0 or "_FillValue" in attributes or packed)
            values = _decoded(np.asarray(array[...]), attributes, fill if marks else None)
            yield name, Said(tuple(dims), values, attributes)


def _decoded(raw: NDArray[Any], attributes: Mapping[str, Any], also_missing: Any = None) -> NDArray[np.float64]:
    """Numbers as the CF conventions 1.11, section 8.1, have them unpacked."""
    if str(attributes.get("_Unsigned", "")).lower() == "true" and raw.dtype.kind == "i":
        raw = raw.view(raw.dtype.str.replace("i", "u"))
    values = raw.astype(np.float64)
    marks = [also_missing, attributes.get("_FillValue"), attributes.get("missing_value")]
    for mark in (m for given in marks if given is not None for m in np.atleast_1d(_number(given, raw.dtype)).ravel()):
        with np.errstate(all="ignore"):
            values[raw == np.asarray(mark).astype(raw.dtype)] = np.nan
    scale, offset = (
        np.asarray(attributes.get(k, d)).reshape(-1)[0] for k, d in (("scale_factor", 1.0), ("add_offset", 0.0))
    )
    return np.asarray(values * float(scale) + float(offset))


def _number(given: Any, kind: np.dtype[Any]) -> Any:
    """A mark of missing values; of floating-point numbers Zarr's third format keeps the bytes, in base64."""
    if isinstance(given, str | bytes):
        try:
            return struct.unpack("<d" if kind.itemsize == 8 else "<f", base64.b64decode(given))[0]
        except (ValueError, struct.error):
            return ()
    return given


def _hdf5(path: Path) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
    import h5py  # type: ignore[import-untyped]

    found = {}
    with h5py.File(path) as file:

        def take(name: str, item: Any) -> None:
            ends = name.startswith("boundary_conditions")  # which may be declared of any size
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "iufb" and not ends:
                found[name] = (np.asarray(item[...]), dict(item.attrs))

        file.visititems(take)
    return found


def _of_plain(path: Path) -> dict[str, Said]:
    """Dimensions without names are told by their lengths."""
    held = _hdf5(path)
    lengths = {len(held[n][0]): n for n in ("minute", "row", "col", "run") if n in held and held[n][0].ndim == 1}
    return {
        name: Said(_dims(name, raw, lengths), _decoded(raw, attributes), attributes)
        for name, (raw, attributes) in held.items()
    }


def _dims(name: str, raw: NDArray[Any], lengths: Mapping[int, str]) -> tuple[str, ...]:
    return (name,) if name in lengths.values() else tuple(lengths.get(n, f"{n}") for n in raw.shape)


def _of_pdebench(path: Path) -> dict[str, Said]:
    """There may be one time more than in the array."""
    found = {name: _decoded(raw, attributes) for name, (raw, attributes) in _hdf5(path).items()}
    tensor = found["tensor"]
    times = found.get("t-coordinate", np.arange(tensor.shape[1], dtype=float))
    return {
        "tensor": Said(("sample", "time", "x", "y", "z")[: tensor.ndim], tensor, _hdf5(path)["tensor"][1]),
        "time": Said(("time",), times[: tensor.shape[1]], {}),
        "x": Said(("x",), found["x-coordinate"], {}),
    }


def _of_well(path: Path) -> dict[str, Said]:
    space, found = ROLES["well"]["space"], {}
    for full, (raw, attributes) in _hdf5(path).items():
        group, _, name = full.rpartition("/")
        if group == "dimensions":
            found[name] = Said((name,), _decoded(raw, attributes), attributes)
        elif group in ("t0_fields", "scalars"):
            varying = np.atleast_1d(attributes.get("dim_varying", [group == "t0_fields"] * len(space)))
            dims = ["trajectory"] if attributes.get("sample_varying", group == "t0_fields") else []
            dims += ["time"] if attributes.get("time_varying", group == "t0_fields") else []
            dims += [d for d, there in zip(space, varying, strict=False) if there and group == "t0_fields"]
            dims += [f"one{k}" for k in range(raw.ndim - len(dims))]
            found[name] = Said(tuple(dims), _decoded(raw, attributes), attributes)
    return found


OF_HDF5 = {"hdf5": _of_plain, "pdebench": _of_pdebench, "well": _of_well}
