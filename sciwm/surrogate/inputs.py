"""Brings what users pass to a surrogate to one form: fields, one instant, a forcing, a target.

Each function returns its result and all problems that it found. The result may be used only if there are none.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain, check_fields, check_forcing
from sciwm.data.labels import match
from sciwm.data.times import beginning_problems, flow_times, instant_problems
from sciwm.data.units import converted, without_quantities
from sciwm.data.values import fill_problems, masked_value
from sciwm.errors import Problem, counted


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


def held_forcing(forcing: Any, start: xr.Dataset, domain: Domain) -> tuple[xr.DataArray, xr.DataArray, list[Problem]]:
    """The forcing without a last action that is NaN, and the times of the forecast under it.

    Of a chunked forcing the last instant alone is read here; its values are checked when they are computed.

    Args:
        forcing: See ``Surrogate.rollout``.
        start: One instant; if both have a time, it must be the first one of ``forcing``.
        domain: Variables, actuators and control interval of the model.

    Returns:
        The forcing in the model's units, with its actuators in the order of the model; the times, one more than
        actions; all problems.
    """
    if not isinstance(forcing, xr.DataArray):
        problem = Problem("forcing", "an xarray.DataArray", type(forcing).__name__, "as ds['action']")
        return xr.DataArray(), xr.DataArray(), [problem]
    forcing = without_quantities(forcing)
    filled = fill_problems(forcing, "forcing")
    forcing = _in_units(forcing, domain)
    used, problems = _without_the_unused(forcing, domain)
    problems = filled or problems + check_forcing(used, domain)
    if problems:
        return used, xr.DataArray(), problems
    times = flow_times(forcing if "time" in forcing.coords else start, used.sizes["time"], domain)
    if "time" in start.coords and "time" in forcing.coords:
        problems += beginning_problems(forcing["time"], start["time"], "forcing")
    used, differing = _with_labels_of(start, used)
    aside = [c for c in used.coords if c not in used.dims]  # coordinates of the trajectory that it was taken from
    return in_order(used.drop_vars(aside), domain), times, problems + differing


def _in_units(forcing: xr.DataArray, domain: Domain) -> xr.DataArray:
    numbers = getattr(forcing.dtype, "kind", "O") in "iuf"
    return converted(forcing, domain.actuators.units, "forcing")[0] if numbers else forcing


def _without_the_unused(forcing: xr.DataArray, domain: Domain) -> tuple[xr.DataArray, list[Problem]]:
    """The forcing without its last instant, if that is NaN; a problem where it may stand for an action.

    Reading turns the fill value of a file into NaN. Where that value is one that the actuators can take, nobody can
    tell an action from none.
    """
    if not forcing.sizes.get("time") or not bool(forcing.isel(time=-1).isnull().all()):
        return forcing, []
    fill, box = masked_value(forcing), domain.actuators
    if fill is None or not ((box.low <= fill) & (fill <= box.high)).any():
        return forcing.isel(time=slice(0, -1)), []
    got = f"one that is missing, since every {fill:g} in the file reads as missing"
    remedy = (
        f"where {fill:g} is an action, read it with mask_and_scale=False and remove the attribute that states it, or "
        "write it with the fill value NaN; "
        "where no action follows, leave it out with forcing.isel(time=slice(0, -1))"
    )
    return forcing.isel(time=slice(0, -1)), [
        Problem("forcing", "a last action that is a number, or NaN as written", got, remedy)
    ]


def _with_labels_of(start: xr.Dataset, forcing: xr.DataArray) -> tuple[xr.DataArray, list[Problem]]:
    """The forcing with the labels of the fields along further dimensions, such as ``simulation``, if they agree."""
    problems = []
    for dim in (str(d) for d in forcing.dims if d not in ("time", "actuator")):
        place, got = f"forcing: {dim}", counted(forcing.sizes[dim], "label")
        if dim in start.coords and start[dim].ndim == 0:
            label = start[dim].item()
            problems.append(Problem(place, f"{label}, as the fields", got, f"use forcing.sel({dim}={label!r})"))
        elif dim in start.dims:
            wrong = _difference(start, forcing, dim)
            if wrong:
                problems.append(Problem(place, f"the {counted(start.sizes[dim], 'label')} of the fields", wrong))
            elif dim in start.indexes and dim in forcing.indexes:
                forcing = forcing.assign_coords({dim: start[dim].variable})
    return forcing, problems


def _difference(start: xr.Dataset, forcing: xr.DataArray, dim: str) -> str:
    """The number of labels if it differs, otherwise the first label that does; empty if all agree."""
    if start.sizes[dim] != forcing.sizes[dim]:
        return counted(forcing.sizes[dim], "label")
    if dim not in start.indexes or dim not in forcing.indexes:
        return ""
    there, here = start[dim], forcing[dim]
    if list(there.values) == list(here.values):
        return ""
    same = match(there.reset_coords(drop=True), here.reset_coords(drop=True), ("fields", "forcing"))
    apart = set(range(there.size)) - {int(i) for i, j in zip(same.first, same.second, strict=True) if i == j}
    first = min(apart, default=None)
    return (
        "" if first is None else f"{here.values[first].item()!r} where the fields have {there.values[first].item()!r}"
    )


def in_order(forcing: xr.DataArray, domain: Domain) -> xr.DataArray:
    """The forcing with its actuators in the order of the model, if they have labels (names or numbers)."""
    if "actuator" not in forcing.indexes:
        return forcing
    labels = list(forcing["actuator"].values)
    names, numbers = list(domain.actuators.names), list(range(len(domain.actuators)))
    return forcing.sel(actuator=names if set(labels) == set(names) else numbers)
