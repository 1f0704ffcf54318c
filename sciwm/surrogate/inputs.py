"""Brings what users pass to a surrogate to one form: fields, one instant, a target.

Each function returns its result and all problems that it found. The result may be used only if there are none.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain, check_fields
from sciwm.data.times import instant_problems
from sciwm.data.units import converted, without_quantities
from sciwm.data.values import fill_problems
from sciwm.errors import Problem


def fields_of(ds: Any, domain: Domain, where: str) -> tuple[xr.Dataset, list[Problem]]:
    """Select the variables of ``domain`` from ``ds``, in its units; ``where`` names it in the problems."""
    if not isinstance(ds, xr.Dataset):
        remedy = "use ds[['name']] or array.to_dataset()" if isinstance(ds, xr.DataArray) else "see xarray.Dataset"
        return xr.Dataset(), [Problem(where, "an xarray.Dataset", type(ds).__name__, remedy)]
    stacked = _stacked_problems(ds, domain, where)
    if stacked:
        return xr.Dataset(), stacked
    ds = without_quantities(ds)
    names = [v.name for v in domain.variables if v.name in ds]
    problems = [problem for name in names for problem in fill_problems(ds[name], f"{where}: {name}")]
    fields = in_units_of(ds, domain)
    return fields[names], problems + check_fields(fields, domain, where=where)


def in_units_of(ds: xr.Dataset, domain: Domain) -> xr.Dataset:
    """Convert variables and positions to the units of ``domain`` where that is possible; others stay as they are."""
    wanted = {v.name: v.units for v in domain.variables} | {a.name: a.units for a in domain.axes}
    numbers = [n for n in wanted if n in ds.variables and getattr(ds[n].dtype, "kind", "O") in "iuf"]
    arrays = {n: converted(ds[n], wanted[n], n)[0] for n in numbers}
    ds = ds.assign({n: array.variable for n, array in arrays.items() if n not in ds.coords})
    return ds.assign_coords({n: array.variable for n, array in arrays.items() if n in ds.coords})


def _stacked_problems(ds: xr.Dataset, domain: Domain, where: str) -> list[Problem]:
    """Space dimensions that are levels of a stacked one, or stacked themselves."""
    indexes = ds.xindexes  # those of pint are none of pandas
    stacked = [d for d in domain.dimensions if isinstance(indexes.get(d), xr.indexes.PandasMultiIndex)]
    into = {d: str(ds[d].dims[0]) for d in stacked}
    expected = "positions over a dimension of their own"
    return [
        Problem(f"{where}: {d}", expected, f"a dimension '{name}' that stacks several", f"ds.unstack('{name}')")
        for d, name in into.items()
    ]


def instant_of(ds: Any, domain: Domain, where: str) -> tuple[xr.Dataset, list[Problem]]:
    """Select the variables of a dataset of one instant; its time stays as a scalar coordinate."""
    fields, problems = fields_of(ds, domain, where)
    instants = fields.sizes.get("time", 1)
    if instants == 0:
        return fields.drop_dims("time"), problems  # already reported as an empty dimension
    if instants != 1:
        problems.append(Problem(f"{where}: time", "one instant", f"{instants}", "choose one with ds.isel(time=0)"))
    fields = fields.isel(time=0, missing_dims="ignore")
    time = ds.get("time") if isinstance(ds, xr.Dataset) and "time" not in fields.coords else fields.get("time")
    wrong = [] if time is None or time.dims == ("time",) else instant_problems(time, domain, where)
    return (fields.drop_vars("time", errors="ignore"), problems + wrong) if wrong else (fields, problems)


def target_of(ds: Any, domain: Domain) -> tuple[NDArray[np.float32], list[Problem]]:
    """The fields of a target as one array ``(variable, *space)``, float32, in physical units."""
    fields, problems = instant_of(ds, domain, "target")
    extra = {str(d): n for d, n in fields.sizes.items() if d not in domain.dimensions}
    if extra:
        remedy = f"choose one with target.isel({', '.join(f'{d}=0' for d in extra)})"
        beside = " and ".join(f"'{d}'" for d in domain.dimensions)
        problems.append(Problem("target", f"no dimension beside {beside}", f"{extra}", remedy))
    if problems:
        return np.empty(0, np.float32), problems
    with np.errstate(over="ignore"):
        arrays = [fields[v.name].transpose(*domain.dimensions) for v in domain.variables]
        goal = np.stack([array.values.astype(np.float32) for array in arrays])
    if not np.isfinite(goal).all():  # chunked, or too large
        problems.append(Problem("target", "finite values", "some that are not", "fill or drop them"))
    return goal, problems
