"""The forcings of a user's Dataset side by side over ``actuator``, as models take them, and apart again."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciwm.data import Domain, ForcingVariable, forcing_of, numbers_problems
from sciwm.data.labels import match
from sciwm.data.units import converted, without_quantities
from sciwm.data.values import fill_problems, packed_problems
from sciwm.errors import Problem, counted

NOTHING = "none"
"""The name of the one actuator of a model on which nothing acts."""


def is_unforced(domain: Domain) -> bool:
    """Whether nothing acts on the data of a model."""
    return not domain.forcings and domain.actuators.names == (NOTHING,)


def no_forcing(intervals: int) -> xr.DataArray:
    """The forcing of a model on which nothing acts."""
    return xr.DataArray(np.zeros((intervals, 1), np.float32), dims=("time", "actuator"))


def has_forcing(ds: xr.Dataset, domain: Domain) -> bool:
    """Whether a Dataset holds anything that acts."""
    return bool({"forcing", "action", *(f.name for f in domain.forcings)} & set(ds.data_vars))


def forcing_in(ds: xr.Dataset, domain: Domain, path: Path) -> xr.DataArray | xr.Dataset:
    """What acts in the Dataset of a file: the forcing variables by their names, or the actions of a store of ours.

    Args:
        ds: The Dataset.
        domain: The names.
        path: Where it was read, for errors.

    Raises:
        InputError: If a model without names of forcings finds neither ``forcing`` nor ``action``.
    """
    names = [f.name for f in domain.forcings if f.name in ds]
    ours = not names and bool({"forcing", "action"} & set(ds.data_vars))
    return ds[names] if domain.forcings and not ours else forcing_of(ds, path)


def side_by_side(forcing: Any, domain: Domain, where: str = "forcing") -> tuple[Any, list[Problem]]:
    """All forcings as one array over ``actuator``, in the units and the order of the model.

    Args:
        forcing: A Dataset with every forcing variable, or where there is one alone that variable; an array over
            ``actuator`` is taken as it is, and so is everything for a model whose forcings have no names.
        domain: The forcing variables.
        where: What it is, for messages.
    """
    of_names = domain.forcings
    if not of_names or (isinstance(forcing, xr.DataArray) and "actuator" in forcing.dims):
        return forcing, []
    if isinstance(forcing, xr.DataArray) and len(of_names) == 1:
        forcing = forcing.to_dataset(name=of_names[0].name)
    if not isinstance(forcing, xr.Dataset):
        names = ", ".join(f"'{f.name}'" for f in of_names)
        got = type(forcing).__name__ if not isinstance(forcing, xr.DataArray) else f"one array, '{forcing.name}'"
        return forcing, [Problem(where, f"an xarray.Dataset with {names}", got, "as ds[[...]] of these names")]
    parts, problems = [], list[Problem]()
    for one in of_names:
        part, wrong = part_of(without_quantities(forcing), one, where)
        parts.append(part)
        problems += wrong
    if problems:
        return forcing, problems
    whole = xr.concat(xr.broadcast(*parts, exclude=["actuator"]), dim="actuator", join="override", coords="minimal")
    leading = [d for d in whole.dims if d not in ("time", "actuator")]
    whole = whole.transpose(*leading, "time", "actuator")
    return whole.assign_coords(actuator=list(domain.actuators.names)).assign_attrs(units=domain.actuators.units), []


def part_of(forcing: xr.Dataset, one: ForcingVariable, where: str) -> tuple[xr.DataArray, list[Problem]]:
    """One forcing variable over ``time`` and ``actuator``."""
    place = f"{where}: {one.name}"
    if one.name not in forcing:
        has = ", ".join(map(str, forcing.data_vars)) or "no variables"
        over = "over time" + (f" and '{one.dimension}'" if one.dimension else "")
        return xr.DataArray(), [Problem(where, f"the variable '{one.name}' [{one.units}] {over}", has, _add(one))]
    array = forcing[one.name]
    problems = [
        Problem(place, f"the dimension '{d}'", f"dimensions {array.dims}")
        for d in ("time", one.dimension)
        if d and d not in array.dims
    ] + (numbers_problems(array, place) or packed_problems(array, place) + fill_problems(array, place))
    if problems:
        return array, problems
    array, problems = converted(array, one.units, place)
    array = array.drop_attrs(deep=False)
    if not one.dimension:
        return array.expand_dims(actuator=1, axis=-1), problems
    array, wrong = _in_order(array, one, place)
    return array.rename({one.dimension: "actuator"}), problems + wrong


def _in_order(array: xr.DataArray, one: ForcingVariable, place: str) -> tuple[xr.DataArray, list[Problem]]:
    """The values in the order of the model, by their labels if there are any."""
    place = f"{place}: {one.dimension}"
    labelled = one.dimension in array.indexes and bool(one.labels)
    given = array[one.dimension].values.tolist() if labelled else []
    plain = array.drop_vars([c for c in array.coords if one.dimension in array[c].dims])
    others = labelled and sorted(map(str, given)) != sorted(map(str, one.labels))
    if array.sizes[one.dimension] != one.count or others:
        expected = counted(one.count, "value") + (f" ({', '.join(map(str, one.labels))})" if one.labels else "")
        got = ", ".join(map(repr, given[:8])) or str(array.sizes[one.dimension])
        return plain, [Problem(place, expected, got, f"assign_coords({one.dimension}=...), or drop the labels")]
    if not labelled:
        return plain, []
    places = [list(map(str, given)).index(str(label)) for label in one.labels]
    return plain.isel({one.dimension: places}), []


def _add(one: ForcingVariable) -> str:
    dimensions = f"('{one.dimension}', ...)" if one.dimension else "(...)"
    return f"add it, as ds.assign({one.name}={dimensions}), in {one.units}"


def apart(forcing: xr.DataArray, domain: Domain) -> xr.Dataset:
    """Inverse of :func:`side_by_side`: every forcing variable under its own name, in its own units."""
    found = {}
    for one in domain.forcings:
        part = forcing.isel(actuator=slice(one.first, one.first + one.count)).drop_vars("actuator", errors="ignore")
        if one.dimension:
            part = part.rename(actuator=one.dimension)
            part = part.assign_coords({one.dimension: list(one.labels)}) if one.labels else part
        else:
            part = part.isel(actuator=0)
        found[one.name] = part.assign_attrs(units=one.units, long_name=one.long_name)
    return xr.Dataset(found)


def from_instant(forcing: xr.DataArray, known: xr.Dataset, intervals: int) -> xr.DataArray:
    """A forcing from the first time of other data on, if both have times that agree, and as long as needed.

    Args:
        forcing: Over ``time``.
        known: What begins when the forcing is to begin.
        intervals: How many intervals are needed; one instant more is kept, as the last one may be never used.
    """
    if "time" in forcing.coords and "time" in known.coords and known["time"].ndim < 2 and forcing["time"].ndim == 1:
        first = known["time"].isel(time=[0]) if "time" in known.dims else known["time"].expand_dims("time")
        found = match(forcing["time"].reset_coords(drop=True), first.reset_coords(drop=True), ("forcing", "fields"))
        if len(found.first):
            forcing = forcing.isel(time=slice(int(found.first[0]), None))
    return forcing.isel(time=slice(0, intervals + 1))
