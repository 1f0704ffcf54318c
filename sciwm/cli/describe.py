"""``sciwm info``: what a run, a store, a configuration or a file of data holds."""

from pathlib import Path

import xarray as xr

from sciwm.cli.check_store import describe_store, outcomes_of
from sciwm.config import load_config
from sciwm.data import Kind, fields_named, open_dataset, recognise, require_data
from sciwm.errors import InputError, Problem, counted
from sciwm.model import read_description, require_weights
from sciwm.run_paths import RunPaths
from sciwm.surrogate.summary import summarize
from simulations.resumable_store import markers_of


def describe(path: Path) -> str:
    """A table of what a run folder, a store or a file of data holds, told by its content; fields are not read.

    Raises:
        InputError: if ``path`` is none of these, or cannot be read.
    """
    kind = recognise(path)
    if kind is Kind.RUN:
        return _describe_run(path)
    if kind is Kind.TEXT and path.suffix in (".yaml", ".yml"):
        name = load_config(path).name
        return f"{path}: the configuration of '{name}'; simulate, train and evaluate it with 'sciwm run'"
    if kind in (Kind.FOLDER, Kind.NOTHING):
        remedy = "make a run with 'sciwm run CONFIG --out RUN'"
        got = "nothing there" if kind is Kind.NOTHING else "a folder without config.yaml and without zarr.json"
        raise InputError([Problem(str(path), "a run folder, a Zarr store or a netCDF file", got, remedy)])
    require_data(path)
    return describe_store(path) if is_own_store(path) else _describe_foreign(path, kind)


def is_own_store(path: Path) -> bool:
    """Whether it is a store of trajectories or sensitivities, as ``sciwm simulate`` writes them, and not of others.

    Raises:
        InputError: if it cannot be read.
    """
    if not path.is_dir():
        return False
    names = set(open_dataset(path).variables)  # attributes tell nothing: a part that was taken out keeps them
    return markers_of(path).exists() or {"action_low", "status"} <= names or "action_twin" in names


def in_short(dataset: xr.Dataset) -> str:
    """The fields of a dataset with their dimensions, in one line."""
    fields = [f"{name} over {', '.join(map(str, dataset[name].dims)) or 'nothing'}" for name in fields_named(dataset)]
    return "; ".join(fields[:MOST_NAMED]) + ("; ..." if len(fields) > MOST_NAMED else "") or "no variables"


MOST_NAMED = 12


def _describe_run(path: Path) -> str:
    paths = RunPaths(path)
    name = load_config(paths.config).name if paths.config.exists() else ""
    stores = [f"  {p.name:<15} {outcomes_of(p)}" for p in paths.stores]
    if not paths.description.exists():
        return "\n".join([f"{path}: a run of '{name}', not trained yet", *stores])
    description = read_description(path)
    table = summarize(description)
    require_weights(path)
    return "\n".join([f"{path}: the trained model '{description['config'].get('name')}'", table, *stores])


def _describe_foreign(path: Path, kind: Kind) -> str:
    dataset = open_dataset(path)
    fields = fields_named(dataset)
    about = [str(name) for name in dataset.data_vars if name not in fields]
    rows = {
        "dimensions": ", ".join(f"{name} {size}" for name, size in dataset.sizes.items()) or "none",
        **{f"{name}": _variable(dataset[name]) for name in fields[:100]},
        **{f"{name}": f"{_variable(c)}, {_range(c)}" for name, c in dataset.coords.items() if name in dataset.dims},
        "describing": f"{', '.join(about)} ({counted(len(about), 'variable')} about others)" if about else "",
        "next": f"'sciwm check {path} --run RUN' tells whether the model of a run can use it",
    }
    table = [f"  {name:<15} {value}" for name, value in rows.items() if value]
    return "\n".join([f"{path}: {kind.value} of another program", *table])


def _variable(array: xr.DataArray) -> str:
    over = f"({', '.join(map(str, array.dims))})"
    units = f" [{array.attrs['units']}]" if "units" in array.attrs else ""
    long_name = f" {array.attrs['long_name']}" if "long_name" in array.attrs else ""
    return f"{over}{long_name}{units}"


def _range(coordinate: xr.DataArray) -> str:
    if not coordinate.size:
        return "none"
    first, last = coordinate.values[0], coordinate.values[-1]
    return f"{first} to {last}" if coordinate.size > 1 else f"{first}"
