"""The HDF5 layouts of PDEBench as ordinary Datasets.

Source: Takamoto et al., "PDEBench: an extensive benchmark for scientific machine learning" (2022), data generation.
Scalar equations have an array ``tensor`` (sample, time, x, ...), compressible flows one array for each of ``density``,
``pressure``, ``Vx``, ..., beside ``x-coordinate`` and ``t-coordinate``, which may hold one time more than there are;
incompressible flow ``velocity``, ``particles``, ``force`` and ``t``; others a group for each seed, with ``data``
(time, x, ..., channel) and ``grid``.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data.source.files.lazy_values import in_chunks
from sciwm.errors import InputError, Problem, raise_if

SAMPLE, TIME, SPACE = "sample", "time", ("x", "y", "z")
INCOMPRESSIBLE = ("velocity", "particles", "force")


def is_pdebench(top: Collection[str]) -> bool:
    """Whether variables at the top of an HDF5 file are those of a file of PDEBench with one array for all samples."""
    return ("x-coordinate" in top and ("tensor" in top or "density" in top)) or {"velocity", "particles", "t"} <= set(
        top
    )


def seeds_in(groups: Mapping[str, Collection[str]]) -> list[str]:
    """The groups of a file with one for each seed; empty if it is no such file."""
    return sorted(name for name, held in groups.items() if name.isdecimal() and "data" in held)


def from_pdebench(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """The Dataset over sample, time and space of a file with one array for all samples.

    Args:
        dataset: The top of the file, with dimensions that have no names.
        path: The file, for errors.

    Raises:
        InputError: If it holds a steady problem, or arrays of other shapes.
    """
    held = in_chunks(dataset, path)
    if "nu" in held and "t-coordinate" not in held:
        got = "the steady Darcy flow of PDEBench, without time"
        raise InputError([Problem(str(path), "fields that vary in time", got, "choose a file of another equation")])
    variables: dict[str, xr.Variable] = {}
    for name, variable in held.variables.items():
        if name in INCOMPRESSIBLE:
            variables |= _incompressible(str(name), variable)
        elif name != "t" and not str(name).endswith("-coordinate"):
            variables[str(name)] = _over((SAMPLE, TIME, *SPACE), variable, f"{path}: {name}")
    fields = [v for v in variables.values() if TIME in v.dims]
    sizes = {str(d): n for v in fields for d, n in zip(v.dims, v.shape, strict=True)}
    coordinates = {d: held[f"{d}-coordinate"].variable for d in SPACE if f"{d}-coordinate" in held and d in sizes}
    times = held["t-coordinate"] if "t-coordinate" in held else held.get("t")
    if times is not None:
        coordinates[TIME] = times.variable
    clash = [n for n in variables if n in coordinates]
    raise_if([Problem(f"{path}: {n}", "a name of its own", f"that of the axis {n}", "rename it") for n in clash])
    constants = {n: xr.Variable((), np.asarray(v, float)) for n, v in dataset.attrs.items() if _is_number(v)}
    return xr.Dataset(variables | constants, _axes(coordinates, sizes, path))


def from_seed(data: xr.Dataset, grid: xr.Dataset, path: Path, seed: str) -> xr.Dataset:
    """The Dataset over time and space of one seed of a file with a group for each.

    Args:
        data: Its group.
        grid: The group ``grid`` in it.
        path: The file, for errors.
        seed: The name of the group.
    """
    values = in_chunks(data, path, seed)["data"].variable
    channels = values.shape[-1]
    dims = (TIME, *SPACE)[: values.ndim - 1]
    if len(dims) != values.ndim - 1:
        raise InputError([Problem(f"{path}: {seed}/data", "(time, x, ..., channel)", f"{values.shape}")])
    names = ["data"] if channels == 1 else [f"data_{c}" for c in range(channels)]
    variables = {name: xr.Variable(dims, values.data[..., c]) for c, name in enumerate(names)}
    held = in_chunks(grid, path, f"{seed}/grid")
    axes = {d: held[n].variable for d, n in zip((TIME, *SPACE), ("t", *SPACE), strict=True) if n in held and d in dims}
    sizes = dict(zip(dims, values.shape[:-1], strict=True))
    return xr.Dataset(variables, _axes(axes, sizes, path))


def _over(dims: tuple[str, ...], variable: xr.Variable, where: str) -> xr.Variable:
    if not 3 <= variable.ndim <= len(dims):
        raise InputError([Problem(where, "an array (sample, time, x[, y[, z]])", f"{variable.shape}")])
    return xr.Variable(dims[: variable.ndim], variable.data, variable.attrs)


def _incompressible(name: str, variable: xr.Variable) -> dict[str, xr.Variable]:
    """The components of a field of the incompressible flow, whose last axis they are; the force has no time."""
    space = variable.ndim - (2 if name == "force" else 3)
    dims = (SAMPLE, *(() if name == "force" else (TIME,)), *SPACE[:space])
    count = variable.shape[-1]
    names = [name] if count == 1 else [f"{name}_{axis}" for axis in SPACE[:count]]
    return {n: xr.Variable(dims, variable.data[..., c]) for c, n in enumerate(names)}


def _axes(axes: Mapping[str, xr.Variable], sizes: Mapping[str, int], path: Path) -> dict[str, xr.Variable]:
    """Axes of the lengths of the fields; times, which may be one more, are cut."""
    found = {}
    for name, axis in axes.items():
        if name == TIME and axis.ndim:
            axis = axis[..., : sizes[TIME]]
        if axis.ndim not in (1, 2) or axis.shape[-1] != sizes[name]:  # before a large one is read
            got = f"{axis.size} values for {sizes[name]} points"
            raise InputError([Problem(f"{path}: {name}", "a value for each point", got)])
        values = np.asarray((axis if axis.ndim == 1 else axis[0]).values, dtype=float)  # or a row for each sample
        found[name] = xr.Variable(name, values, {"axis": "T" if name == TIME else name.upper()})
    return found


def _is_number(value: Any) -> bool:
    given = np.asarray(value)
    return given.size == 1 and given.ndim == 0 and given.dtype.kind in "iuf"
