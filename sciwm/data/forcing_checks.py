"""Checks of the forcing that a model is given; all problems are returned together."""

import numpy as np
import xarray as xr

from sciwm.data.checks import dimension_problems, unit_problems
from sciwm.data.domain import Domain
from sciwm.data.times import step_problems
from sciwm.data.values import finite_problems, first_place
from sciwm.errors import Problem, counted
from simulations import ActionBox


def check_forcing(forcing: xr.DataArray, domain: Domain, *, where: str = "forcing") -> list[Problem]:
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
    problems += action_problems(forcing, box, where)
    if "time" in forcing.coords:
        problems += step_problems(forcing["time"], domain, where)
    return problems


def action_problems(forcing: xr.DataArray, box: ActionBox, where: str) -> list[Problem]:
    """Values that are not finite or outside the bounds of the actuators; those of a chunked forcing are not read."""
    unusable = finite_problems(forcing, where)
    if unusable or forcing.chunks is not None:
        return unusable
    return _out_of_bounds(forcing.transpose(..., "actuator"), box, where)


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


def _out_of_bounds(forcing: xr.DataArray, box: ActionBox, where: str) -> list[Problem]:
    values = forcing.values
    slack = 1e-6 * np.maximum(np.abs(box.low), np.abs(box.high))  # single precision rounds
    outside = (values < box.low - slack) | (values > box.high + slack)
    if not outside.any():
        return []
    j = int(np.argwhere(outside)[0][-1])
    expected = f"actions of '{box.names[j]}' between {box.low[j]:g} and {box.high[j]:g} [{box.units}]"
    got = f"{values[outside][0]:g} at {first_place(outside, forcing)}, {int(outside.sum())} outside in all"
    return [Problem(where, expected, got, "clip the forcing, or train on data with wider bounds")]
