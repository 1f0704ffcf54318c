"""Brings what users pass to a surrogate to one form: fields, one instant, a forcing, a target.

Each function returns its result and all problems that it found. The result may be used only if there are none.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain, check_fields, check_forcing
from sciwm.errors import Problem, counted


def fields_of(ds: Any, domain: Domain, where: str) -> tuple[xr.Dataset, list[Problem]]:
    """Select the variables of ``domain`` from ``ds``; ``where`` names it in the problems."""
    if not isinstance(ds, xr.Dataset):
        remedy = "use ds[['name']] or array.to_dataset()" if isinstance(ds, xr.DataArray) else "see xarray.Dataset"
        return xr.Dataset(), [Problem(where, "an xarray.Dataset", type(ds).__name__, remedy)]
    names = [v.name for v in domain.variables]
    return ds[[n for n in names if n in ds]], check_fields(ds, domain, where=where)


def instant_of(ds: Any, domain: Domain, where: str) -> tuple[xr.Dataset, list[Problem]]:
    """Select the variables of a dataset of one instant; its time stays as a scalar coordinate."""
    fields, problems = fields_of(ds, domain, where)
    instants = fields.sizes.get("time", 1)
    if instants == 0:
        return fields.drop_dims("time"), problems  # already reported as an empty dimension
    if instants != 1:
        problems.append(Problem(f"{where}: time", "one instant", f"{instants}", "choose one with ds.isel(time=0)"))
    fields = fields.isel(time=0, missing_dims="ignore")
    got = _no_number(fields["time"]) if "time" in fields.coords else ""
    if got:
        problems.append(Problem(f"{where}: time", "one number", got))
        fields = fields.drop_vars("time")
    return fields, problems


def _no_number(time: xr.DataArray) -> str:
    """What the time is instead of one finite number; empty if it is one."""
    if time.ndim or time.dtype.kind not in "iuf":
        return f"{time.dtype} with dimensions {time.dims}"
    return "" if np.isfinite(time.values) else f"{time.values}"


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

    Args:
        forcing: See ``Surrogate.rollout``.
        start: One instant; if both have a time, it must be the first one of ``forcing``.
        domain: Variables, actuators and control interval of the model.

    Returns:
        The forcing with its actuators in the order of the model; the times, one more than actions; all problems.
    """
    if not isinstance(forcing, xr.DataArray):
        problem = Problem("forcing", "an xarray.DataArray", type(forcing).__name__, "as ds['action']")
        return xr.DataArray(), xr.DataArray(), [problem]
    forcing = forcing.compute()
    used = forcing
    if forcing.sizes.get("time") and bool(forcing.isel(time=-1).isnull().all()):
        used = forcing.isel(time=slice(0, -1))
    problems = check_forcing(used, domain)
    if problems:
        return used, xr.DataArray(), problems
    times = flow_times(forcing if "time" in forcing.coords else start, used.sizes["time"], domain)
    if "time" in start.coords and abs(float(times[0] - start["time"])) > 0.01 * domain.control_interval:
        began = float(start["time"])
        remedy = f"use forcing.sel(time=slice({began:g}, None)), or forcing.drop_vars('time')"
        problems.append(
            Problem("forcing: time", f"{began:g} first, the time of the fields", f"{float(times[0]):g}", remedy)
        )
    problems += _label_problems(used, start)
    aside = [c for c in used.coords if c not in used.dims]  # coordinates of the trajectory that it was taken from
    return in_order(used.drop_vars(aside), domain), times, problems


def _label_problems(forcing: xr.DataArray, start: xr.Dataset) -> list[Problem]:
    """Further dimensions, such as ``simulation``, whose labels differ from those of the fields."""
    problems = []
    for dim in (str(d) for d in forcing.dims if d not in ("time", "actuator")):
        place, got = f"forcing: {dim}", counted(forcing.sizes[dim], "label")
        if dim in start.coords and dim not in start.dims:
            label = start[dim].item()
            problems.append(Problem(place, f"{label}, as the fields", got, f"use forcing.sel({dim}={label!r})"))
        elif dim in start.dims and not (
            start.sizes[dim] == forcing.sizes[dim] and bool((start[dim].values == forcing[dim].values).all())
        ):
            expected = f"the {counted(start.sizes[dim], 'label')} of the fields"
            problems.append(Problem(place, expected, _difference(start, forcing, dim)))
    return problems


def _difference(start: xr.Dataset, forcing: xr.DataArray, dim: str) -> str:
    """The number of labels if it differs, otherwise the first label that does."""
    if start.sizes[dim] != forcing.sizes[dim]:
        return counted(forcing.sizes[dim], "label")
    pairs = zip(start[dim].values.tolist(), forcing[dim].values.tolist(), strict=True)
    there, here = next((a, b) for a, b in pairs if a != b)
    return f"{here!r} where the fields have {there!r}"


def in_order(forcing: xr.DataArray, domain: Domain) -> xr.DataArray:
    """The forcing with its actuators in the order of the model, if they have labels (names or numbers)."""
    if "actuator" not in forcing.indexes:
        return forcing
    labels = list(forcing["actuator"].values)
    names, numbers = list(domain.actuators.names), list(range(len(domain.actuators)))
    return forcing.sel(actuator=names if set(labels) == set(names) else numbers)


def flow_times(known: xr.DataArray | xr.Dataset, intervals: int, domain: Domain) -> xr.DataArray:
    """The ``intervals + 1`` times of a forecast: those of ``known``, continued by the control interval; else from 0."""
    attributes = {"units": "1", "long_name": "time", "axis": "T"}
    values = np.zeros(1)
    if "time" in known.coords:
        attributes = {str(k): v for k, v in known["time"].attrs.items()} or attributes
        values = np.atleast_1d(known["time"].values).astype(float)[: intervals + 1]
    missing = np.arange(1, intervals + 2 - len(values))
    values = np.concatenate([values, values[-1] + missing * domain.control_interval])
    return xr.DataArray(values, dims="time", attrs=attributes)
