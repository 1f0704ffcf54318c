"""The HDF5 schema of The Well as an ordinary Dataset.

Source: PolymathicAI, "The Well: a large-scale collection of diverse physics simulations" (2024), data format.
Fields lie in the groups ``t0_fields`` (scalars), ``t1_fields`` (vectors) and ``t2_fields`` (tensors), in the order
trajectory, time, space, components, of which attributes say what is there; numbers without space in ``scalars``, axes
in ``dimensions``, and what happens at their ends in ``boundary_conditions``.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data.source.files.lazy_values import in_chunks
from sciwm.errors import InputError, Problem, raise_if

TRAJECTORY, TIME = "trajectory", "time"
FIELDS = ("t0_fields", "t1_fields", "t2_fields")
PERIODIC = "periodic"

Groups = Mapping[str, xr.Dataset]


def is_well(groups: Mapping[str, Any]) -> bool:
    """Whether groups by name, without leading strokes, are those of The Well."""
    return "dimensions" in groups and any(name in groups for name in FIELDS)


def from_well(groups: Groups, path: Path) -> tuple[xr.Dataset, list[str]]:
    """The Dataset over trajectory, time and space, and what should be known of it.

    Args:
        groups: All groups of the file by their names without the leading stroke; that of the top is empty.
        path: The file, for errors.

    Raises:
        InputError: With everything that does not follow the schema.
    """
    top = groups[""]
    dimensions = in_chunks(groups["dimensions"], path, "dimensions")
    axes = {str(name): dimensions[name] for name in dimensions}
    space = _names(groups["dimensions"].attrs.get("spatial_dims", ()))
    missing = [n for n in (TIME, *space) if n not in axes]
    if missing or not space:
        got = f"no {', '.join(missing)}" if missing else "no attribute spatial_dims"
        raise InputError([Problem(f"{path}: dimensions", "time, and the axes that spatial_dims names", got)])
    coordinates, notes, problems = _coordinates(axes, space, groups, path)
    variables: dict[str, xr.Variable] = {}
    sizes = {name: len(c) for name, c in coordinates.items()}
    for order, group in enumerate(FIELDS):
        held = in_chunks(groups[group], path, group) if group in groups else xr.Dataset()
        for name, variable in held.variables.items():
            found = _components(str(name), variable, order, space, sizes)
            if isinstance(found, str):
                problems.append(Problem(f"{path}: {group}/{name}", found, f"{variable.shape}"))
            else:
                clash = set(found) & set(variables)
                problems += [Problem(f"{path}: {group}/{n}", "a name of its own", "that of another") for n in clash]
                variables |= found
    variables |= _scalars(groups.get("scalars", xr.Dataset()), top, sizes)
    raise_if([*problems, *_unlike_lengths(variables, sizes, path)])
    attributes = {"title": str(top.attrs.get("dataset_name", path.stem))}
    return xr.Dataset(variables, coordinates, attributes), notes


def _unlike_lengths(variables: Mapping[str, xr.Variable], sizes: Mapping[str, int], path: Path) -> list[Problem]:
    """Variables that have another number of trajectories or instants than those before them."""
    known, problems = dict(sizes), []
    for name, variable in variables.items():
        wanted = tuple(known.setdefault(d, n) for d, n in zip(map(str, variable.dims), variable.shape, strict=True))
        if wanted != variable.shape:
            place, over = f"{path}: {name}", ", ".join(map(str, variable.dims))
            problems.append(Problem(place, f"the shape {wanted} over ({over}), as others", f"{variable.shape}"))
    return problems


def _names(attribute: Any) -> list[str]:
    """A list of names; the netCDF library gives a list of one as its only name."""
    return [attribute] if isinstance(attribute, str) else [str(name) for name in np.atleast_1d(attribute)]


def _coordinates(
    axes: Mapping[str, xr.DataArray], space: Sequence[str], groups: Groups, path: Path
) -> tuple[dict[str, xr.Variable], list[str], list[Problem]]:
    found, notes, problems = {}, [], []
    ends = _boundaries(groups)
    for name in (TIME, *space):
        values = np.asarray(axes[name].values, dtype=float)
        rows = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)
        if name == TIME and not np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)):
            rows = rows - rows[:, :1]
            notes.append("trajectories begin at different times: counted from the first instant of each")
        if not np.allclose(rows, rows[0], rtol=1e-6, atol=0.0):
            expected, remedy = "the same for every trajectory", "regrid them to one axis first"
            problems.append(Problem(f"{path}: dimensions/{name}", expected, "others for some", remedy))
        attributes = {"axis": "T"} if name == TIME else {"boundary": ends[name]} if name in ends else {}
        attributes |= {"units": str(axes[name].attrs["units"])} if "units" in axes[name].attrs else {}
        found[name] = xr.Variable(name, rows[0], attributes)
    return found, notes, problems


def _boundaries(groups: Groups) -> dict[str, str]:
    """Which axes are periodic and which have walls or open ends, where the file says so."""
    ends: dict[str, str] = {}
    for name, group in groups.items():
        if name.startswith("boundary_conditions/"):
            kind = str(group.attrs.get("bc_type", "")).lower()
            for axis in _names(group.attrs.get("associated_dims", ())):
                ends[axis] = PERIODIC if kind == PERIODIC or ends.get(axis) == PERIODIC else "bounded"
    return ends


def _components(
    name: str, variable: xr.Variable, order: int, space: Sequence[str], sizes: Mapping[str, int]
) -> dict[str, xr.Variable] | str:
    """The components of a field as variables of their own, or what its shape should be."""
    varying = np.atleast_1d(variable.attrs.get("dim_varying", [True] * len(space))).astype(bool)
    lengths = [sizes[d] for d, there in zip(space, varying, strict=False) if there]
    dims = [d for d, there in zip(space, varying, strict=False) if there]
    if variable.attrs.get("time_varying", True):
        dims, lengths = [TIME, *dims], [sizes[TIME], *lengths]
    if variable.attrs.get("sample_varying", True):
        dims, lengths = [TRAJECTORY, *dims], [*variable.shape[:1], *lengths]
    own = variable.shape[len(dims) :]
    expected = f"the shape ({', '.join(dims)}{', components' if order else ''}), {tuple(lengths)} by its attributes"
    if variable.shape[: len(dims)] != tuple(lengths) or int(np.prod(own)) != len(space) ** order:
        return expected
    suffixes = ["".join(axes) for axes in itertools.product(space, repeat=order)]
    made = {}
    for suffix, index in zip(suffixes, np.ndindex(own), strict=True):
        data = variable.data[(..., *index)]
        full = f"{name}_{suffix}" if suffix else name
        made[full] = xr.Variable(dims, data, _words(full, variable))
    return made


def _words(name: str, variable: xr.Variable) -> dict[str, str]:
    """Long name and units, of which the schema says nothing but files may."""
    stated = {key: str(variable.attrs[key]) for key in ("long_name", "units") if key in variable.attrs}
    return {"long_name": name.replace("_", " ")} | stated


def _scalars(group: xr.Dataset, top: xr.Dataset, sizes: Mapping[str, int]) -> dict[str, xr.Variable]:
    """Numbers without space: by trajectory, by time, by both, or one for all; and the parameters at the top."""
    found = {}
    for name, variable in group.variables.items():
        by = {TRAJECTORY: "sample_varying", TIME: "time_varying"}
        dims = [d for d, attribute in by.items() if variable.attrs.get(attribute, False)]
        values = variable.data.reshape(variable.shape[: len(dims)])
        found[str(name)] = xr.Variable(dims, values, _words(str(name), variable))
    for name in _names(top.attrs.get("simulation_parameters", ())):
        value = np.asarray(top.attrs.get(name, ""))
        if name not in found and value.size == 1 and value.dtype.kind in "iufb":
            found[name] = xr.Variable((), value.reshape(()).astype(float), {"long_name": name.replace("_", " ")})
    return found
