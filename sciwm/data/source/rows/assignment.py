"""Whether every variable of somebody's data has one role, and the dimensions that its role asks for."""

import difflib
from collections.abc import Sequence

import xarray as xr

from sciwm.config import SourceSettings
from sciwm.data.layouts import fields_named
from sciwm.data.source.rows.material import Given
from sciwm.data.units import same_units, units_of
from sciwm.data.values import numbers_problems
from sciwm.errors import Problem

TAKEN = (
    *("simulation", "time", "actuator", "parameter", "parameter_value", "variable", "valid", "status", "action"),
    *("action_low", "action_high", "num_intervals", "forcing_basis", "forcing", "latent", "functional", "realization"),
)
"""Names that stores and forecasts have for something else, and that fields and space dimensions cannot have."""


def assignment_problems(given: Given, settings: SourceSettings) -> tuple[list[Problem], set[str]]:
    """What is wrong with the roles of the variables of one Dataset.

    Args:
        given: The Dataset.
        settings: The roles and dimensions.

    Returns:
        The problems, and the names of the variables with a role that have none.
    """
    dataset, where = given.dataset, given.where
    problems = [*_dimension_problems(dataset, settings, where), *_without_role(dataset, settings, where)]
    sound: set[str] = set()
    for role, names in settings.roles.items():
        for name in names:
            found = [_missing(dataset, name, role, where)] if name not in dataset.variables else []
            if not found and role != "ignored":
                found = _shape_problems(dataset[name], role, settings, f"{where}: {name}")
                found = found or numbers_problems(
                    dataset[name], f"{where}: {name}", "encode it as numbers, or ignore it"
                )
            problems += found
            if not found and role != "ignored":
                sound.add(name)
    shown = dict.fromkeys([*settings.variables, *settings.static, *settings.functionals, *settings.space])
    problems += [
        Problem(f"{where}: {name}", "a name that is not taken", f"'{name}'", f"rename it with ds.rename({name}=...)")
        for name in shown
        if name in TAKEN
    ]
    return problems, sound


def unit_problems_between(first: Given, other: Given, names: Sequence[str]) -> list[Problem]:
    """Variables that have other units in one Dataset than in another."""
    return [
        Problem(f"{other.where}: {n}", f"units '{units_of(a)}' as in {first.where}", f"'{units_of(b)}'", "convert it")
        for n in names
        if not same_units(units_of(a := first.dataset[n]), units_of(b := other.dataset[n]))
    ]


def is_spatial(array: xr.DataArray, settings: SourceSettings) -> bool:
    """Whether a forcing varies in space."""
    return any(d in settings.space for d in array.dims)


def _missing(dataset: xr.Dataset, name: str, role: str, where: str) -> Problem:
    has = [str(n) for n in dataset.variables if n not in dataset.dims]
    close = difflib.get_close_matches(name, has, n=1)
    remedy = f"did you mean '{close[0]}'?" if close else f"change source.{role} of the configuration"
    return Problem(where, f"the variable '{name}' (source.{role})", ", ".join(has) or "no variables", remedy)


def _dimension_problems(dataset: xr.Dataset, settings: SourceSettings, where: str) -> list[Problem]:
    asked = {"time": (settings.time,), "space": settings.space, "run": () if settings.run is None else (settings.run,)}
    has = ", ".join(map(str, dataset.dims)) or "none"
    return [
        Problem(where, f"the dimension '{d}' (source.{key})", has, _nearest(d, dataset))
        for key, dimensions in asked.items()
        for d in dimensions
        if d not in dataset.dims
    ]


def _nearest(name: str, dataset: xr.Dataset) -> str:
    close = difflib.get_close_matches(name, map(str, dataset.dims), n=1)
    return f"did you mean '{close[0]}'?" if close else ""


def _without_role(dataset: xr.Dataset, settings: SourceSettings, where: str) -> list[Problem]:
    """Variables that nobody said anything about: a parameter that is left out unnoticed makes a model useless."""
    told = {name for names in settings.roles.values() for name in names}
    return [
        Problem(
            f"{where}: {name}",
            "a role: one of source.variables, forcings, parameters, static, mask, functionals or ignored",
            f"none, over {', '.join(map(str, dataset[name].dims)) or 'nothing'}",
            f"{_likely(dataset[name], settings)}; or name it in source.ignored",
        )
        for name in fields_named(dataset)
        if name not in told
    ]


def _likely(array: xr.DataArray, settings: SourceSettings) -> str:
    """The role that the dimensions of a variable suggest."""
    over = {str(d) for d in array.dims} - {settings.run}
    if settings.time in over:
        is_field = set(settings.space) <= over
        return "it may be one of variables or forcings" if is_field else "it may be one of forcings or functionals"
    return "it may be one of static, or the mask" if over & set(settings.space) else "it may be one of parameters"


def _shape_problems(array: xr.DataArray, role: str, settings: SourceSettings, place: str) -> list[Problem]:
    """A problem if a variable has not the dimensions that its role asks for; those with one value do not count."""
    over = [str(d) for d in array.dims if array.sizes[d] != 1 or d in (settings.time, *settings.space)]
    rest = [d for d in over if d != settings.run]
    runs = f"({settings.run}, " if settings.run else "("
    fields = f"dimensions {runs}{settings.time}, {', '.join(settings.space)}), in any order"
    expected = {
        "variables": (fields, set(rest) == {settings.time, *settings.space}),
        "forcings": (
            f"dimensions {runs}{settings.time}) and at most one other, or space",
            settings.time in rest and (len(rest) <= 2 or set(rest) <= {settings.time, *settings.space}),
        ),
        "parameters": (f"one number, or one for each of '{settings.run}'" if settings.run else "one number", not rest),
        "static": ("space dimensions alone", bool(rest) and rest == over and set(rest) <= set(settings.space)),
        "functionals": (f"dimensions {runs}{settings.time}), numbers over time", rest == [settings.time]),
        "mask": ("all space dimensions and no others", set(over) == set(settings.space)),
    }[role]
    if expected[1]:
        return []
    remedy = "change its role, or choose along the other dimension with ds.isel"
    if role == "parameters" and settings.time in rest:
        remedy = "it varies in time: name it in source.forcings"
    return [Problem(place, expected[0], f"{', '.join(map(str, array.dims)) or 'none'}", remedy)]
