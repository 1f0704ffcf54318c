"""How a file lays out its variables: which of them are fields, which stand in groups, and known layouts of others."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from sciwm.errors import Problem

ABOUT_OTHERS = ("bounds", "climatology", "grid_mapping", "cell_measures", "ancillary_variables", "formula_terms")
"""CF attributes that name variables which describe another one."""


def fields_named(dataset: xr.Dataset) -> list[str]:
    """The names of the variables without those that only describe others: bounds, grid mappings, cell measures."""
    describing = {name for variable in dataset.variables.values() for name in _named_by(variable)}
    return [str(name) for name in dataset.data_vars if name not in describing]


def _named_by(variable: xr.Variable) -> set[str]:
    words = (str(about.get(key, "")) for about in (variable.attrs, variable.encoding) for key in ABOUT_OTHERS)
    return {word for text in words for word in text.split() if not word.endswith(":")}


def layout_problems(dataset: xr.Dataset, groups: Mapping[str, Sequence[str]], path: Path) -> list[Problem]:
    """The problem of a file whose variables do not stand at its top, or have no named dimensions.

    Args:
        dataset: What stands at the top.
        groups: The variables in each group below it.
        path: Where it was read, for errors.
    """
    expected, into = "fields over named dimensions at the top of the file", "to_netcdf('OUT.nc')"
    if "t0_fields" in groups and "dimensions" in groups:
        fields = [f"'{name}'" for group in ("t0_fields", "t1_fields", "t2_fields") for name in groups.get(group, ())]
        got = f"the layout of The Well, with {', '.join(fields) or 'no fields'} in groups"
        return [Problem(str(path), expected, got, _as_dataset("file['t0_fields'][...]", into))]
    if "tensor" in dataset or {"x-coordinate", "t-coordinate"} <= set(map(str, dataset.variables)):
        return [Problem(str(path), expected, "the layout of PDEBench", _as_dataset("file['tensor'][:]", into))]
    seeds = [name for name, held in groups.items() if "data" in held and name.isdecimal()]
    if seeds and not dataset.data_vars:
        got = f"the layout of PDEBench with a group for each seed ({', '.join(seeds[:3])}, ...)"
        return [Problem(str(path), expected, got, _as_dataset("[file[seed]['data'][:] for seed in file]", into))]
    if groups and not fields_named(dataset):
        inside = "; ".join(f"'{name}' ({', '.join(held[:8])})" for name, held in list(groups.items())[:4])
        opened, more = ("open_zarr", ", consolidated=False") if path.is_dir() else ("open_dataset", "")
        first = f"{str(path)!r}, group={next(iter(groups))!r}, decode_times=False{more}"
        remedy = f"take a group out: xarray.{opened}({first}).{into}"
        return [Problem(str(path), expected, f"them in groups: {inside}", remedy)]
    return nameless_problems(dataset, path)


def nameless_problems(dataset: xr.Dataset, path: Path) -> list[Problem]:
    """Variables of which a dimension is called by nothing, or by what is no text."""
    return [
        Problem(f"{path}: {name}", "dimensions with names", f"{variable.dims}", "the file is damaged: write it again")
        for name, variable in dataset.variables.items()
        if not all(isinstance(dimension, str) and dimension for dimension in variable.dims)
    ]


def _as_dataset(values: str, into: str) -> str:
    made = f"xarray.Dataset({{'u': (('simulation', 'time', 'x'), {values}), 'action': ...}}, {{'x': ..., 'time': ...}})"
    return f"name the dimensions: {made}.{into}"


def with_text_labels(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with labels that are stored as bytes, or as text of any length, as plain text."""
    text = {}
    for name, labels in dataset.coords.items():
        if labels.dtype.kind == "S":
            text[name] = labels.copy(data=np.char.decode(labels.values, "utf-8", "replace"))
        elif labels.dtype.kind == "T":
            words = np.array(labels.values.astype(object).tolist(), dtype=str)
            text[name] = labels.copy(data=words.reshape(labels.shape))
    return dataset.assign_coords(text)


def unpacked(dataset: xr.Dataset, names: Collection[str] = ()) -> xr.Dataset:
    """Packed numbers of a dataset, and marks of missing values, decoded; lazily, and times stay as they are.

    A whole number by which values are multiplied makes no whole numbers of them, as it does in xarray.

    Args:
        dataset: As it is stored.
        names: The variables; all by default.
    """
    chosen = dataset[list(names)] if names else dataset
    packed = {name: _with_real_packing(variable) for name, variable in chosen.variables.items()}
    changed = chosen.assign({name: variable for name, variable in packed.items() if variable is not None})
    decoded: xr.Dataset = xr.decode_cf(changed, decode_times=False, decode_timedelta=False, decode_coords=False)
    return dataset.assign(decoded.variables) if names else decoded


def packed_by_whole_numbers(dataset: xr.Dataset) -> list[str]:
    """The variables of a dataset as it is stored that are multiplied by a whole number, or have one added."""
    return [str(name) for name, variable in dataset.variables.items() if _with_real_packing(variable) is not None]


def _with_real_packing(variable: xr.Variable) -> xr.Variable | None:
    """The variable with real numbers where it states whole ones for its packing; None where it states none."""
    whole = {
        key: np.float64(np.asarray(variable.attrs[key]).reshape(-1)[0])
        for key in ("scale_factor", "add_offset")
        if np.asarray(variable.attrs.get(key)).dtype.kind in "iu" and np.size(variable.attrs[key]) == 1
    }
    return variable._replace(attrs=variable.attrs | whole) if whole else None


def packing_problems(attributes: Mapping[Hashable, Mapping[str, object]], path: Path) -> list[Problem]:
    """Attributes by which values are unpacked that are no single number, such as text or a list.

    Args:
        attributes: Those of each variable as it is stored, not unpacked.
        path: Where they were read, for errors.
    """
    remedy = "give it the type of a number, as with 'ncatted -a NAME,VARIABLE,m,d,VALUE FILE'"
    return [
        Problem(f"{path}: {name}: {key}", "one finite number", repr(value), remedy)
        for name, held in attributes.items()
        for key, value in held.items()
        if key in ("scale_factor", "add_offset") and not _one_number(value)
    ]


def _one_number(value: object) -> bool:
    given = np.asarray(value)
    return given.size == 1 and given.dtype.kind in "iuf" and bool(np.isfinite(given).all())
