"""Names and stacked dimensions of what is scored: which of them scores cannot have."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data.axes import axis_kind
from sciwm.errors import Problem

TAKEN = ("variable", "variable_units", "rmse", "nrmse", "vrmse", "skill")
"""What scores call their own."""


def name_problems(dataset: xr.Dataset, where: str, dims: object) -> list[Problem]:
    """Dimensions that scores have themselves, and, where the caller names none, space stacked with something else."""
    expected, other = "no dimension of this name, which scores call their own", "rename it, as ds.rename({}='member')"
    problems = [Problem(f"{where}: {d}", expected, "one", other.format(d)) for d in dataset.dims if d in TAKEN]
    for name, index in dataset.indexes.items() if dims is None else ():
        space = [str(level) for level in index.names if index.nlevels > 1 and axis_kind(dataset, level) in tuple("XYZ")]
        if space and name in dataset.dims:
            remedy = f"ds.unstack('{name}'), or dims=['{name}'] if all of it is space"
            got = f"'{', '.join(space)}' stacked in it"
            problems.append(Problem(f"{where}: {name}", "space over dimensions of its own", got, remedy))
    return problems


def flat(dataset: xr.Dataset) -> xr.Dataset:
    """Pairs of labels of stacked dimensions as text, which can be compared, and written."""
    for name in [n for n, index in dataset.indexes.items() if index.nlevels > 1 and n in dataset.dims]:
        labels = _pairs(dataset.indexes[name])
        levels = [n for n in dataset.indexes[name].names if n in dataset.coords]
        dataset = dataset.drop_vars([name, *levels]).assign_coords({name: (name, labels)})
    return dataset


def _pairs(labels: Iterable[tuple[Any, ...]]) -> list[str]:
    """Labels of a stacked dimension as text, with six digits where these tell all apart: either may be rounded."""
    exact = list(labels)
    short = [tuple(float(f"{v:.6g}") if isinstance(v, float | np.floating) else v for v in pair) for pair in exact]
    return [str(pair) for pair in (short if len(set(short)) == len(set(exact)) else exact)]
