"""Values of files as lazy arrays that say, whenever they are read, which file and variable cannot be."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray

from sciwm.data.formats import reading

CHUNK_BYTES = 2**24
"""The most that is read at once where a file is gone through as a whole; a slice reads what it asks for alone."""
READ_AT_ONCE = 2**20
"""Bytes of a variable without time, such as labels, which is read when the file is opened."""


def in_chunks(dataset: xr.Dataset, path: Path, group: str = "") -> xr.Dataset:
    """The dataset with its large variables as lazy arrays of bounded chunks.

    Args:
        dataset: As xarray opens it.
        path: Where it was opened.
        group: The group in it.

    Returns:
        The same, with variables that are index coordinates, text or small in memory.

    Raises:
        InputError: If what is read at once cannot be; what is lazy raises it when it is computed.
    """
    token = tokenize(str(path.resolve()), path.stat().st_mtime_ns, group)
    return dataset.assign(
        {
            name: _lazy(_Values(variable, path, str(name), group), token)
            for name, variable in dataset.variables.items()
            if name not in dataset.xindexes
        }
    )


def _lazy(values: "_Values", token: str) -> xr.Variable:
    variable = values.variable
    if variable.dtype.kind not in "iufbc" or variable.nbytes <= READ_AT_ONCE:
        data: Any = values[...]
    else:
        chunks = dask.array.core.normalize_chunks(  # type: ignore[no-untyped-call]
            "auto",
            shape=variable.shape,
            dtype=variable.dtype,
            limit=CHUNK_BYTES,
            previous_chunks=_stored_chunks(variable),
        )
        empty = np.empty((0,) * variable.ndim, variable.dtype)
        data = dask.array.from_array(  # type: ignore[no-untyped-call]
            values, chunks=chunks, name=f"{values.name}-{token}", meta=empty
        )
    return xr.Variable(variable.dims, data, variable.attrs, _kept(variable.encoding))


class _Values:
    """The values of a variable, which are read where they are sliced."""

    def __init__(self, variable: xr.Variable, path: Path, name: str, group: str) -> None:
        self.variable, self.path, self.name, self.group = variable, path, name, group
        self.shape, self.dtype, self.ndim = variable.shape, variable.dtype, variable.ndim

    def __getitem__(self, key: Any) -> NDArray[Any]:
        with reading(self.path, variable=self.name):
            try:
                return np.asarray(self.variable[key].values)
            except RuntimeError as error:
                packed = {"scale_factor", "add_offset", "_FillValue", "missing_value"} & set(self.variable.encoding)
                if "Filter error" not in str(error) or packed:
                    raise
                return self._by_hdf5(key, error)

    def _by_hdf5(self, key: Any, reason: RuntimeError) -> NDArray[Any]:
        """Values packed by a filter that only the library of HDF5 for Python brings along: LZF, as PDEBench uses."""
        try:
            import h5py  # type: ignore[import-untyped]
        except ImportError:
            raise reason from None
        whole = key if isinstance(key, tuple) else (key,)
        with h5py.File(self.path, "r") as file:
            dataset = file[f"{self.group}/{self.name}"]
            if any(isinstance(k, np.ndarray | list) for k in whole):  # which HDF5 takes in increasing order alone
                return np.asarray(xr.Variable(self.variable.dims, dataset[...])[key].values)
            return np.asarray(dataset[key])


def _stored_chunks(variable: xr.Variable) -> tuple[tuple[int, ...], ...] | None:
    """The chunks in the file, of which lazy chunks should be multiples."""
    preferred: Mapping[Hashable, Any] = variable.encoding.get("preferred_chunks", {})
    stored = [preferred.get(dim) for dim in variable.dims]
    sizes = [size for size in stored if isinstance(size, int) and size > 0]
    if len(sizes) < len(stored) or 0 in variable.shape:
        return None
    return tuple(
        (size,) * (length // size) + ((length % size,) if length % size else ())
        for size, length in zip(sizes, variable.shape, strict=True)
    )


def _kept(encoding: Mapping[Hashable, Any]) -> dict[Any, Any]:
    """What is still true of the values: how they were packed, not how they were laid out in the file."""
    wanted = ("scale_factor", "add_offset", "_FillValue", "missing_value", "dtype", "source")
    return {name: encoding[name] for name in wanted if name in encoding} | {
        name: encoding[name] for name in ("grid_mapping", "bounds", "coordinates") if name in encoding
    }
