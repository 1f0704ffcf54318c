"""Dimensions of plain HDF5 files, which have no names: found by the axes that lie beside the fields."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from sciwm.data.axes import NAMES
from simulations.closeness import even

UNNAMED = "phony_dim_"
"""How the netCDF library calls dimensions without names: one for every length."""
TIMES = (*NAMES["T"], "t", "times")


def with_named_dimensions(dataset: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Give dimensions without names those of the one-dimensional arrays that are as long and run in one direction.

    Args:
        dataset: As it was opened; with names it is left as it is.

    Returns:
        The dataset, with axes as coordinates, and what was assumed and should be looked at.
    """
    unnamed = [str(d) for d in dataset.dims if str(d).startswith(UNNAMED)]
    if not unnamed:
        return dataset, []
    notes, renamed = [], dict.fromkeys(unnamed, "")
    for length in {dataset.sizes[d] for d in unnamed}:
        dims = [d for d in unnamed if dataset.sizes[d] == length]
        axes = [n for n in map(str, dataset.data_vars) if _is_axis(dataset[n], length)]
        axes = sorted(axes, key=lambda n: (n.lower() not in TIMES, n))  # time comes before space
        if len(axes) > len(dims):
            axes = [n for n in axes if even(dataset[n].values)]
        if len(axes) > len(dims):
            axes = [n for n in axes if n.lower() in (*TIMES, *NAMES["X"], *NAMES["Y"], *NAMES["Z"])]
        if len(axes) != len(dims):
            continue
        renamed |= dict(zip(dims, axes, strict=True))
        if len(dims) > 1:
            notes.append(
                f"dimensions of length {length} have no names in the file: taken to be {', '.join(axes)}, in this "
                "order; if they are not, write the file with names of dimensions"
            )
    left = [d for d, name in renamed.items() if not name]
    if left:
        notes.append(
            f"{', '.join(left)}: dimensions without names and axes; their points are counted, or write the file with "
            "xarray: xr.Dataset({'u': (('run', 'time', 'y', 'x'), values)}, {'time': ..., 'x': ...}).to_netcdf(...)"
        )
    return _renamed(dataset, {d: name for d, name in renamed.items() if name}), notes


def _is_axis(array: xr.DataArray, length: int) -> bool:
    """Whether values are those of an axis: so many, and strictly increasing or decreasing."""
    if array.ndim != 1 or array.size != length or array.dtype.kind not in "iuf" or length < 2:
        return False
    steps = np.diff(array.values.astype(float))
    return bool((steps > 0).all() or (steps < 0).all())


def _renamed(dataset: xr.Dataset, names: dict[str, str]) -> xr.Dataset:
    """The dataset with other names of dimensions, and the arrays of these names as their coordinates."""

    def dims_of(name: str, dims: Sequence[str]) -> tuple[str, ...]:
        return (name,) if name in names.values() else tuple(names.get(d, d) for d in dims)

    variables = {
        str(n): (dims_of(str(n), [str(d) for d in v.dims]), v._data, v.attrs, v.encoding)
        for n, v in dataset.variables.items()
    }
    renamed = xr.Dataset(variables, attrs=dataset.attrs)
    return renamed.set_coords([name for name in names.values() if name in renamed])
