"""What sums up the scores of somebody's held-out data: errors in their units, skill, walls, and the worst run."""

from typing import Any

import numpy as np
import xarray as xr

from sciwm.data import Domain
from sciwm.evaluation.held_out_scores import GUESSES
from sciwm.evaluation.suite.measures import Measure, mean_of

LINEAR = "DMDc of the same size"
"""The linear model, in words."""
SHORT, MIDDLE = 1, 10
"""The lead times in control intervals that are told beside the last one."""


def measures_of_scores(scores: xr.Dataset, domain: Domain) -> list[Measure]:
    """The numbers of the part ``scores``, the error of each variable at the last lead time first.

    Args:
        scores: As from ``score_held_out``.
        domain: Variables and units.
    """
    last = scores.sizes["time"] - 1
    found: list[Measure] = []
    for step in (last, *(n for n in (MIDDLE, SHORT) if n < last)):
        found += [m for v in domain.variables for m in _errors(scores, v.name, step, domain)]
    for variable in domain.variables:
        one = scores.sel(variable=variable.name)
        at = one.isel(time=last)
        for other, key in (("persistence", "skill"), ("climatology", "skill_climatology"), (LINEAR, "skill_linear")):
            if key in at and np.isfinite(value := float(at[key])):
                meaning = f"skill of {variable.name} against {other} {_when(at, domain)}"
                found.append(Measure(meaning, value))
        found += _walls(at, variable.name, domain)
        found.append(worst_run(one, variable.name, units=_unit(one)))
    return found


def errors_by_lead(scores: xr.Dataset) -> dict[str, dict[str, Any]]:
    """The mean errors of each variable over lead times, as plain numbers."""
    found = {}
    for name in map(str, scores["variable"].values):
        one = scores.sel(variable=name)
        worst = worst_run(one, name)
        means = {key: one[key].mean("simulation").values[1:] for key in (f"rmse{end}" for end in GUESSES) if key in one}
        found[name] = {
            "units": str(one["variable_units"].item()),
            "runs": one.sizes["simulation"],
            "lead_time": one["time"].values[1:].tolist(),
            **{key: [float(v) for v in values] for key, values in means.items()},
            "worst_run": worst.meaning.rpartition("(")[2].removesuffix(")"),
            "worst_rmse": worst.value,
        }
    return found


def worst_run(one: xr.Dataset, name: str, *, units: str = "") -> Measure:
    """The run with the largest error over all its lead times, by what its authors call it.

    Args:
        one: The scores of one variable.
        name: The variable.
        units: Its units; empty if it has none.
    """
    error = (one["rmse"].isel(time=slice(1, None)) ** 2).mean("time") ** 0.5
    worst = error.fillna(-np.inf).argmax("simulation")
    label = str(error["label"].values[int(worst)])
    return Measure(f"RMSE of {name} over all lead times in the worst run ({label})", float(error[worst]), None, units)


def _errors(scores: xr.Dataset, name: str, step: int, domain: Domain) -> list[Measure]:
    """The error of the model with its interval, and beside it those of what it is compared with."""
    at = scores.sel(variable=name).isel(time=step)
    units, when = _unit(at), _when(at, domain)
    model = mean_of(f"RMSE of {name} {when}", at["rmse"], at["simulation"])
    names = {f"rmse{end}": end[1:] if end != "_linear" else LINEAR for end in GUESSES if end}
    others = [(other, float(at[key].mean("simulation"))) for key, other in names.items() if key in at]
    return [
        Measure(model.meaning, model.value, model.interval, units),
        *(Measure(f"RMSE of {other} for {name} {when}", value, None, units) for other, value in others),
    ]


def _walls(at: xr.Dataset, name: str, domain: Domain) -> list[Measure]:
    if "rmse_walls" not in at:
        return []
    inside = float(at["rmse_interior"])
    ratio = float(at["rmse_walls"]) / inside if inside > 0 else np.nan
    return [Measure(f"RMSE of {name} within two cells of walls over that inside, {_when(at, domain)}", ratio)]


def _when(at: xr.Dataset, domain: Domain) -> str:
    units = "" if domain.time_units == "1" else f" {domain.time_units}"
    return f"at lead time {float(at['time']):g}{units}"


def _unit(at: xr.Dataset) -> str:
    units = str(at["variable_units"].item())
    return "" if units == "1" else units
