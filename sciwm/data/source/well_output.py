"""Datasets written in the HDF5 schema of The Well, a slab at a time, whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.source.files.well_layout import FIELDS
from sciwm.data.source.meaning.role_proposals import OWN
from sciwm.data.source.meaning.survey import Survey
from sciwm.data.units import units_of
from sciwm.errors import InputError, Problem, raise_if
from sciwm.progress import bar
from simulations.closeness import even
from simulations.safe_files import draft_beside

SLAB_BYTES = 2**24
"""How much of one field is in memory at once."""


@dataclass(frozen=True)
class _Field:
    """One field of the schema.

    Args:
        name: Its name there.
        group: Its group, by the order of the tensor.
        components: The variables that it is made of, in the order of the schema.
    """

    name: str
    group: str
    components: tuple[str, ...]


def write_well(found: Survey, path: Path, periodic: Mapping[str, bool]) -> list[str]:
    """Write data in the schema of The Well.

    Components that are named after the axes, such as ``velocity_x`` and ``velocity_y``, become one vector or tensor.
    Forcings over time become scalars, one for each of their labels: a single one of the name ``action`` lies at
    ``scalars/action`` (trajectory, time). Units and long names are added as attributes, which readers may ignore.

    Args:
        found: The data, and what their dimensions are.
        path: The file.
        periodic: Whether each space dimension is periodic.

    Returns:
        The names of what could not be written, as it has other dimensions or holds no numbers.

    Raises:
        InputError: If the schema cannot hold the data: it wants even grids and time steps.
    """
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        got, remedy = "no package h5py", "install it with 'pip install h5py'"
        raise InputError([Problem(str(path), "what writes HDF5", got, remedy)]) from error
    raise_if(_uneven(found))
    fields, scalars, left = _contents(found)
    with draft_beside(path) as draft, h5py.File(draft, "w") as file:
        _about(file, found, scalars)
        _axes(file, found, periodic)
        _scalars(file.create_group("scalars"), scalars, found)
        for group in FIELDS:
            held = [field for field in fields if field.group == group]
            made = file.create_group(group)
            made.attrs["field_names"] = np.array([field.name for field in held], dtype=h5py.string_dtype())
            for field in bar(held, f"writing {group}"):
                _write_field(made, field, found)
    return left


def _uneven(found: Survey) -> list[Problem]:
    dataset, dims = found.dataset, found.dims
    checked = [d for d in (dims.time, *dims.space) if d is not None and d in dataset.coords]
    where = str(found.opened.files[0])
    problems = [
        Problem(f"{where}: {d}", "even steps, as The Well has", "others", "interpolate to even steps first")
        for d in checked
        if dataset[d].dtype.kind in "iuf" and not even(dataset[d].values)
    ]
    if dims.time is None or not dims.space:
        problems.append(Problem(where, "fields over time and space", "none that are told", "name the dimensions in CF"))
    return problems


def _contents(found: Survey) -> tuple[list[_Field], dict[str, xr.DataArray], list[str]]:
    """The fields, the scalars by name, and what is neither."""
    dataset, dims = found.dataset, found.dims
    allowed = {dims.time, dims.run, *dims.space}
    spatial: list[str] = []
    scalars: dict[str, xr.DataArray] = {}
    known = {p.name for p in found.roles if p.role == "ignored"} if set(dataset.data_vars) >= OWN else set()
    left = sorted(known)
    for name in (p.name for p in found.roles if p.name not in known):
        array, over = dataset[name], set(map(str, dataset[name].dims))
        others = over - allowed
        if array.dtype.kind not in "iufb" or len(others) > 1 or (others and over & set(dims.space)):
            left.append(name)
        elif over & set(dims.space):
            spatial.append(name)
        elif others:
            scalars |= _by_label(array, name, others.pop())
        else:
            scalars[name] = array
    return _tensors(spatial, dataset, dims.space), scalars, left


def _by_label(array: xr.DataArray, name: str, dim: str) -> dict[str, xr.DataArray]:
    """A scalar for each label; one alone keeps the name."""
    if array.sizes[dim] == 1:
        return {name: array.isel({dim: 0}, drop=True)}
    labels = array[dim].values if dim in array.coords else range(array.sizes[dim])
    return {f"{name}_{label}": array.isel({dim: i}, drop=True) for i, label in enumerate(labels)}


def _tensors(names: Sequence[str], dataset: xr.Dataset, space: Sequence[str]) -> list[_Field]:
    """Fields, with all components of a vector or tensor together."""
    fields: list[_Field] = []
    taken: set[str] = set()
    for order in (2, 1):
        suffixes = ["".join(space[i] for i in index) for index in np.ndindex((len(space),) * order)]
        for name in names:
            stem = name.removesuffix(f"_{suffixes[0]}")
            whole = tuple(f"{stem}_{suffix}" for suffix in suffixes)
            together = stem != name and len(space) > 1 and set(whole) <= set(names) and not taken & set(whole)
            if together and len({dataset[n].dims for n in whole}) == 1:
                fields.append(_Field(stem, FIELDS[order], whole))
                taken |= set(whole)
    return fields + [_Field(name, FIELDS[0], (name,)) for name in names if name not in taken]


def _about(file: Any, found: Survey, scalars: Mapping[str, xr.DataArray]) -> None:
    constants = {n: float(a.values) for n, a in scalars.items() if not a.ndim}
    file.attrs["dataset_name"] = str(found.dataset.attrs.get("title", found.opened.files[0].stem))
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = len(found.dims.space)
    file.attrs["n_trajectories"] = found.runs
    file.attrs["simulation_parameters"] = np.array(list(constants), dtype=object) if constants else []
    file.attrs.update(constants)


def _axes(file: Any, found: Survey, periodic: Mapping[str, bool]) -> None:
    """The group of axes, and what happens at their ends: ``PERIODIC`` or ``WALL``."""
    dimensions = file.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = list(found.dims.space)
    ends = file.create_group("boundary_conditions")
    for own, dim in (("time", str(found.dims.time)), *((d, d) for d in found.dims.space)):
        axis = dimensions.create_dataset(own, data=_positions(found, dim).astype(np.float32))
        axis.attrs.update({"sample_varying": False} | ({} if own == "time" else {"time_varying": False}))
        if dim in found.dataset.coords:
            axis.attrs["units"] = units_of(found.dataset[dim])
        if own == "time":
            continue
        kind = "PERIODIC" if periodic[dim] else "WALL"
        end = ends.create_group(f"{dim}_{kind.lower()}")
        end.attrs.update({"associated_dims": [dim], "associated_fields": [], "bc_type": kind})
        end.attrs.update({"sample_varying": False, "time_varying": False})
        points = found.dataset.sizes[dim]
        end.create_dataset("mask", data=np.isin(np.arange(points), [0, points - 1]))


def _positions(found: Survey, dim: str) -> NDArray[np.float64]:
    if dim == found.dims.time and found.clock is not None:
        return found.clock.times - found.clock.times[0]
    known = dim in found.dataset.coords and found.dataset[dim].dtype.kind in "iuf"
    return found.dataset[dim].values.astype(float) if known else np.arange(found.dataset.sizes[dim], dtype=float)


def _scalars(group: Any, scalars: Mapping[str, xr.DataArray], found: Survey) -> None:
    group.attrs["field_names"] = np.array(list(scalars), dtype=object) if scalars else []
    for name, array in scalars.items():
        by_sample, by_time = found.dims.run in array.dims, found.dims.time in array.dims
        order = [d for d in (found.dims.run, found.dims.time) if d in array.dims]
        made = group.create_dataset(name, data=array.transpose(*order).values.astype(np.float32))
        made.attrs.update({"sample_varying": by_sample, "time_varying": by_time, **_words(array)})


def _write_field(group: Any, field: _Field, found: Survey) -> None:
    """Write one field by slabs over trajectories and time."""
    dims = found.dims
    arrays = [found.dataset[name] for name in field.components]
    over = set(map(str, arrays[0].dims))
    order = [d for d in (dims.run, dims.time, *dims.space) if d in over]
    arrays = [array.transpose(*order) for array in arrays]
    rank = FIELDS.index(field.group)
    shape = (*arrays[0].shape, *(len(dims.space),) * rank)
    made = group.create_dataset(field.name, shape=shape, dtype="f4")
    made.attrs["dim_varying"] = [d in over for d in dims.space]
    made.attrs.update({"sample_varying": dims.run in over, "time_varying": dims.time in over, **_words(arrays[0])})
    if rank == 2:
        made.attrs.update({"symmetric": False, "antisymmetric": False})
    for slab in _slabs(arrays[0], [d for d in (dims.run, dims.time) if d in over]):
        for index, array in zip(np.ndindex(shape[arrays[0].ndim :]), arrays, strict=True):
            made[(*slab, ..., *index)] = array[slab].values.astype(np.float32)


def _slabs(array: xr.DataArray, leading: Sequence[str | None]) -> Iterator[tuple[slice, ...]]:
    """Parts of bounded size: some instants of one trajectory."""
    sizes = [array.sizes[d] for d in leading if d is not None]
    if not sizes:
        yield ()
        return
    one = 4 * array.size // max(int(np.prod(sizes)), 1)
    length = max(1, SLAB_BYTES // max(one, 1))
    for index in np.ndindex(*sizes[:-1]):
        for start in range(0, sizes[-1], length):
            yield (*(slice(i, i + 1) for i in index), slice(start, min(start + length, sizes[-1])))


def _words(array: xr.DataArray) -> dict[str, str]:
    return {"units": units_of(array), "long_name": str(array.attrs.get("long_name", array.name))}
