"""Checks of the forcing that a model is given; all problems are returned together."""

import numpy as np
import xarray as xr

from sciwm.data.checks import dimension_problems, unit_problems
from sciwm.data.domain import Domain
from sciwm.data.times import step_problems
from sciwm.data.values import finite_problems, first_place
from sciwm.errors import Problem, counted
from simulations import ActionBox


def check_forcing(
    forcing: xr.DataArray, domain: Domain, *, where: str = "forcing", may_end: bool = False
) -> list[Problem]:
    """The problems that keep ``forcing`` from being actions of ``domain``, one per control interval.

    Values of a chunked forcing are not checked, as that would read all of them; see :func:`action_problems`.
    """
    box = domain.actuators
    if "actuator" not in forcing.dims or "time" not in forcing.dims:
        return [Problem(where, "the dimensions 'time' and 'actuator'", f"dimensions {forcing.dims}")]
    if forcing.sizes["time"] == 0:
        return [Problem(f"{where}: time", "at least one interval", "none")]
    if forcing.sizes["actuator"] != len(box):
        expected = f"{counted(len(box), 'actuator')} ({', '.join(box.names)})"
        return [Problem(where, expected, str(forcing.sizes["actuator"]))]
    problems = dimension_problems(forcing, ("latent", *domain.dimensions), where)
    problems += unit_problems(forcing, box.units, where)
    problems += _label_problems(forcing, box, where)
    problems += action_problems(forcing, domain, where, may_end=may_end)
    if "time" in forcing.coords:
        problems += step_problems(forcing["time"], domain, where)
    return problems


def action_problems(forcing: xr.DataArray, domain: Domain, where: str, *, may_end: bool = False) -> list[Problem]:
    """Values that are not finite or beyond the limits of the actions; those of a chunked forcing are not read.

    With ``may_end`` they may be missing.
    """
    unusable = finite_problems(forcing.fillna(0) if may_end and forcing.dtype.kind == "f" else forcing, where)
    if unusable or forcing.chunks is not None:
        return unusable
    return _out_of_limits(forcing.transpose(..., "actuator"), domain, where)


def _label_problems(forcing: xr.DataArray, box: ActionBox, where: str) -> list[Problem]:
    """Labels of actuators that are neither their names nor their numbers: their order would be a guess."""
    if "actuator" not in forcing.indexes:
        return []
    labels = forcing.indexes["actuator"]
    if not labels.is_unique:
        return [Problem(f"{where}: actuator", "every label once", f"{labels[labels.duplicated()][0]!r} more than once")]
    if set(labels) in (set(box.names), set(range(len(box)))):
        return []
    expected = f"the labels {', '.join(box.names)}, or 0 to {len(box) - 1}"
    got, remedy = ", ".join(map(repr, labels.tolist()[:8])), "assign_coords(actuator=...), or drop the labels"
    return [Problem(f"{where}: actuator", expected, got, remedy)]


def _out_of_limits(forcing: xr.DataArray, domain: Domain, where: str) -> list[Problem]:
    values, box = forcing.values, domain.actuators
    lowest, highest = domain.action_limits
    slack = 1e-6 * np.maximum(np.abs(box.low), np.abs(box.high))  # single precision rounds
    outside = (values < lowest - slack) | (values > highest + slack)
    if not outside.any():
        return []
    j = int(np.argwhere(outside)[0][-1])
    expected = (
        f"actions of '{box.names[j]}' {_between(float(lowest[j]), float(highest[j]))} [{units_of_action(domain, j)}]"
    )
    got = f"{values[outside][0]:g} at {first_place(outside, forcing)}, {int(outside.sum())} outside in all"
    remedy = "clip the forcing, or train on data with wider bounds"
    if domain.brought_in:
        remedy = (
            "clip the forcing: this limit is stated by source.bounds of the configuration, or by valid_min or valid_max"
        )
    return [Problem(where, expected, got, remedy)]


def _between(low: float, high: float) -> str:
    if np.isfinite([low, high]).all():
        return f"between {low:g} and {high:g}"
    return f"up to {high:g}" if np.isfinite(high) else f"of at least {low:g}"


def units_of_action(domain: Domain, action: int) -> str:
    """The units of one action: those of its forcing variable, where it has one."""
    own = (f.units for f in domain.forcings if f.first <= action < f.first + f.count)
    return next(own, domain.actuators.units)
