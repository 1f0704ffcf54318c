"""Datasets as the CF conventions ask for them, before they are written to a file."""

from typing import Any

import numpy as np
import xarray as xr

from sciwm.data.axes import axis_kind, geographic_kind
from sciwm.data.units import units_of

CONVENTIONS = "CF-1.11"
VERTICAL = ("height", "depth", "altitude")
LIMITS = ("valid_min", "valid_max", "valid_range", "actual_range")
"""Attributes that must be numbers of the kind of their variable (CF 1.11, section 2.5.1)."""


def with_cf_metadata(dataset: xr.Dataset, history: str = "") -> xr.Dataset:
    """The same values with the metadata that CF 1.11 demands and recommends.

    Every variable has a long name; coordinates have no number for missing values (2.5.1); limits are of the kind of
    their variable. Times that count from no date are no time coordinate to CF (4.4), and lose the attributes
    ``axis: T`` and ``standard_name: time`` where they are written; they are still told by their name and units.

    Args:
        dataset: What shall be written; it may be lazy, and is left as it is.
        history: What was done, which is added to the attribute ``history``; nothing by default.

    Source: CF conventions 1.11, http://cfconventions.org.
    """
    made = dataset.copy()
    for name in map(str, made.variables):
        attributes, is_label = dict(made[name].attrs), name in made.coords
        if not attributes.get("long_name") and not attributes.get("standard_name"):
            attributes["long_name"] = name.replace("_", " ")
        if attributes.get("axis") == "T" or attributes.get("standard_name") == "time":
            attributes = _of_time(made[name], attributes)
        if "standard_name" not in attributes and is_label and (standard := _standard_name(made, name)):
            attributes["standard_name"] = standard
        attributes |= {key: _limits(made[name], attributes[key]) for key in LIMITS if key in attributes}
        made[name].attrs = attributes
        if is_label and made[name].dtype.kind == "f":
            made[name].encoding = {**made[name].encoding, "_FillValue": None}
    told = [line for line in (str(made.attrs.get("history", "")), history) if line]
    conventions = str(made.attrs.get("Conventions", ""))
    others = [c for c in conventions.replace(",", " ").split() if not c.startswith("CF-")]
    made.attrs |= {"Conventions": " ".join([CONVENTIONS, *others])} | ({"history": "\n".join(told)} if told else {})
    return made


def _standard_name(dataset: xr.Dataset, name: str) -> str:
    """What a coordinate is by the table of CF, where its units and its name leave no doubt."""
    geographic = geographic_kind(dataset, name) if name in dataset.dims else ""
    if geographic:
        return geographic if units_of(dataset[name]).lower().startswith("degree") else ""
    return name.lower() if name.lower() in VERTICAL and axis_kind(dataset, name) == "Z" else ""


def _of_time(time: xr.DataArray, attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes of times: dates are time, numbers are so if they say from when they count."""
    if time.dtype.kind in "MO" or " since " in units_of(time):
        return attributes | {"standard_name": "time"}
    return {key: value for key, value in attributes.items() if key not in ("axis", "standard_name")} | {
        "long_name": attributes.get("long_name", "time")
    }


def _limits(array: xr.DataArray, value: Any) -> Any:
    given = np.asarray(value)
    if given.dtype.kind not in "iuf" or array.dtype.kind not in "iuf":
        return value
    limits = given.astype(array.dtype)
    return limits[()] if limits.ndim == 0 else limits
