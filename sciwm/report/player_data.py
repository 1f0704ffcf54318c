"""What the player shows, small enough to stand in the page: frames as whole numbers of one or two bytes."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup

from sciwm.evaluation import early_distance
from sciwm.report.contents import Results
from sciwm.report.drawing import LENGTH_UNITS, TIME_UNITS, Array
from sciwm.report.numbers import in_html

LARGEST = 3_000_000
"""Bytes of all frames together; a third more where they stand in the page as text."""
FEWEST_FRAMES, FEWEST_EPISODES = 24, 3
"""Grids on which not even so many frames fit are shown on every second point, or fewer."""
FLOWS = {"none": "Uncontrolled", "world_model": "Controlled through the world model", "imagined": "Imagined"}


@dataclass(frozen=True)
class Quantised:
    """Values as whole numbers: ``low + step * (n - 1)``, 0 for what is not there.

    Args:
        low, step: of the scale.
        numbers: unsigned, of one or two bytes, in the order of the values.
    """

    low: float
    step: float
    numbers: Array

    def to_json(self) -> dict[str, Any]:
        """With the numbers as base64 of little-endian bytes."""
        little = self.numbers.astype(self.numbers.dtype.newbyteorder("<"))
        encoded = base64.b64encode(little.tobytes()).decode()
        return {"low": self.low, "step": self.step, "bytes": self.numbers.itemsize, "numbers": encoded}


def quantise(values: Array, kind: type[np.unsignedinteger[Any]]) -> Quantised:
    """Values on an even scale from their least to their largest; NaN and infinity are not there.

    A value that is off by more than three times the range of 99.8 % of the values is clipped, so that a flow
    that blows up does not cost all others their resolution.
    """
    finite = values[np.isfinite(values)].astype(float)
    levels = int(np.iinfo(kind).max) - 1
    if not finite.size:
        return Quantised(0.0, 1.0, np.zeros(values.shape, kind))
    inner_low, inner_high = np.quantile(finite, [0.001, 0.999])
    reach = 3 * (inner_high - inner_low)
    low, high = max(finite.min(), inner_low - reach), min(finite.max(), inner_high + reach)
    step = (high - low) / levels or 1.0
    scaled = np.round((np.clip(np.nan_to_num(values.astype(float)), low, high) - low) / step) + 1
    return Quantised(float(low), float(step), np.where(np.isfinite(values), scaled, 0).astype(kind))


def player_data(results: Results) -> dict[str, Any] | None:
    """Everything the player needs, plain; None for a run that was not controlled.

    Flows over one dimension are stored in two bytes a value, those over two in one. As many whole episodes are
    kept as fit, evenly spread over what the world model achieves; where few fit, frames are left out.
    """
    controlled = results.controlled
    if controlled is None:
        return None
    variables, axes = results.domain.variables, results.domain.axes
    flows = _flows(controlled, [v.name for v in variables])
    kind: type[np.unsignedinteger[Any]] = np.uint16 if len(axes) == 1 else np.uint8
    count, instants = controlled.sizes["episode"], controlled.sizes["time"]

    def frames_that_fit(every: int) -> int:
        points = np.prod([-(-axis.num_points // every) for axis in axes])
        return int(LARGEST // (points * len(flows) * len(variables) * np.dtype(kind).itemsize))

    every = 1  # point along each dimension
    while frames_that_fit(every) < FEWEST_FRAMES:
        every *= 2
    episodes = min(count, max(frames_that_fit(every) // instants, FEWEST_EPISODES))
    stride = -(-instants * episodes // frames_that_fit(every))  # of frames
    early = early_distance(controlled, first=results.config.control.first).sel(controller="world_model").values
    ranks = np.linspace(0, count - 1, episodes).round().astype(int)
    chosen = np.sort(np.argsort(early, kind="stable")[ranks])
    thinned = {"time": slice(None, None, stride), **{axis.name: slice(None, None, every) for axis in axes}}
    part = controlled.isel({"episode": chosen, **thinned})
    box = results.domain.actuators
    return {
        "time": [float(t) for t in part["time"].values],
        "time_units": TIME_UNITS,
        "episodes": [int(e) + 1 for e in chosen],
        "of": count,
        "flows": [{"name": flow, "title": FLOWS[flow]} for flow in flows],
        "axes": [
            {
                "name": axis.name,
                "units": LENGTH_UNITS if axis.units in ("", "1") else axis.units,
                "points": [float(x) for x in part[axis.name].values],
            }
            for axis in axes
        ],
        "variables": [
            {
                "name": v.name,
                "long_name": v.long_name,
                "units": "" if v.units in ("", "1") else v.units,
                # episode, flow, time, space
                **quantise(np.stack([_values(part, v.name, flow) for flow in flows], axis=1), kind).to_json(),
            }
            for v in variables
        ],
        "actions": {
            "names": [name.replace("_", " ") for name in box.names],
            "low": [float(low) for low in box.low],
            "high": [float(high) for high in box.high],
            "units": "" if box.units in ("", "1") else box.units,
            "values": quantise(part["action"].sel(controller="world_model").values, np.uint16).to_json(),
        },
    }


def player_note(player: dict[str, Any]) -> Markup:
    """What is left out of the player, and how exact its numbers are."""
    note = Markup("{} of {} starts are stored, {} instants of each.").format(
        len(player["episodes"]), player["of"], len(player["time"])
    )
    for variable in player["variables"]:
        note += Markup(" {} is stored in steps of {}: a value is off by at most half a step.").format(
            variable["name"], in_html(variable["step"])
        )
    return note + " Values far outside the range of most are clipped; grey is what is not there."


def in_script(player: dict[str, Any] | None) -> Markup:
    """As JSON inside a script element, which nothing in it can end."""
    return Markup(json.dumps(player).replace("<", "\\u003c"))  # noqa: S704


def _flows(controlled: xr.Dataset, names: list[str]) -> list[str]:
    """Those that the results hold: older ones lack the imagined flow."""
    there = [flow for flow in ("none", "world_model") if flow in controlled["controller"].values]
    return [*there, "imagined"] if all(f"{name}_imagined" in controlled for name in names) else there


def _values(part: xr.Dataset, name: str, flow: str) -> Array:
    chosen = part[f"{name}_imagined"] if flow == "imagined" else part[name].sel(controller=flow)
    return np.asarray(chosen.values)
