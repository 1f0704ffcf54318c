"""The forcings of somebody's data as actions: side by side, with names, bounds, and where bounds came from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.config import SourceSettings
from sciwm.data.roles import ForcingVariable
from sciwm.data.source.rows.material import Label, labels_of
from sciwm.data.source.rows.scan import Scan, same_in_single, single_problems
from sciwm.data.units import units_of
from sciwm.errors import Problem, counted
from simulations import ActionBox

NONE = ActionBox(("none",), np.array([-1.0]), np.array([1.0]))
"""What data without forcings have, as there must be an action: it stays zero."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of a forcing.

    Args:
        low, high: The bounds of each of its values, ``(count,)``.
        words: Where they came from.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    words: str


def stated_bounds(array: xr.DataArray, settings: SourceSettings, found: Scan) -> tuple[float, float, str]:
    """The bounds of a forcing, and where they came from: the configuration, its attributes, or the data.

    ``valid_min`` and ``valid_max`` of packed numbers count as these are packed (CF conventions 1.11, section 8.1).
    """
    name = str(array.name)
    if name in settings.bounds:
        return *settings.bounds[name], "source.bounds"
    low, high = _attribute(array, "valid_min", 0), _attribute(array, "valid_max", 1)
    sources = {"valid_min": low, "valid_max": high}
    named = [key for key, value in sources.items() if value is not None]
    words = " and ".join([*named, *(["the range of the data"] if len(named) < 2 else [])])
    return found.low if low is None else low, found.high if high is None else high, words


def bounds_problems(array: xr.DataArray, low: float, high: float, words: str, found: Scan, place: str) -> list[Problem]:
    """A forcing that never varies, or that lies outside its bounds."""
    if not low < high or same_in_single(low, high):
        remedy = f"name it in source.ignored, or give source.bounds: {{{array.name}: [LOW, HIGH]}}"
        return [Problem(place, "a forcing that varies, or bounds", f"the value {low:g} always", remedy)]
    beyond = 1e-6 * (high - low)
    if found.low >= low - beyond and found.high <= high + beyond:
        return []
    remedy = f"state wider ones: source.bounds: {{{array.name}: [{found.low:g}, {found.high:g}]}}"
    got = f"values from {found.low:g} to {found.high:g}"
    return [Problem(place, f"values within [{low:g}, {high:g}] ({words})", got, remedy)]


def forcing_variables(
    dataset: xr.Dataset, settings: SourceSettings, components: Mapping[str, int]
) -> tuple[tuple[ForcingVariable, ...], tuple[str, ...]]:
    """The forcings in the order of the settings, and the name of every action.

    Args:
        dataset: What holds them.
        settings: The roles.
        components: The number of principal components of each spatial forcing.
    """
    forcings: list[ForcingVariable] = []
    names: list[str] = []
    for name in settings.forcings:
        array = dataset[name]
        rest = [str(d) for d in array.dims if d not in (settings.run, settings.time)]
        labels: list[Label]
        if name in components:
            dimension, labels = "component", [f"pc{k + 1}" for k in range(components[name])]
        elif rest:
            dimension, labels = rest[0], [_plain(label) for label in labels_of(dataset, rest[0])]
        else:
            dimension, labels = "", []
        long_name = str(array.attrs.get("long_name", name))
        about = {"name": name, "long_name": long_name, "units": units_of(array), "dimension": dimension}
        count = len(labels) if dimension else 1
        forcings.append(ForcingVariable(**about, labels=tuple(labels), first=len(names), count=count))
        names += [f"{name}.{label}" for label in labels] if dimension else [name]
    return tuple(forcings), _distinct([re.sub(r"\s+", "_", name) for name in names])


def units_of_box(forcings: Sequence[ForcingVariable]) -> str:
    """The units of all actions; "1" where they differ, as each forcing then states its own."""
    units = {forcing.units for forcing in forcings}
    return units.pop() if len(units) == 1 else "1"


def range_problems(found: Scan, place: str) -> list[Problem]:
    """Infinite values, and values that single precision cannot hold."""
    problems = []
    if found.infinite:
        got = f"{counted(found.infinite, 'infinite value')}, the first at {found.first_infinite}"
        problems.append(Problem(place, "finite values", got, "look at what wrote them; missing values are NaN"))
    return [*problems, *single_problems(found.low, found.high, place)]


def _attribute(array: xr.DataArray, name: str, place: int) -> float | None:
    """A bound that a variable states, as a number of its units."""
    given: Any = array.attrs.get(name)
    if given is None and np.size(array.attrs.get("valid_range", ())) == 2:
        given = np.asarray(array.attrs["valid_range"])[place]
    value = np.asarray(np.nan if given is None else given)
    if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value):
        return None
    packed = np.dtype(array.encoding.get("dtype", np.float64)).kind in "iu" and value.dtype.kind in "iu"
    scale, offset = array.encoding.get("scale_factor", 1.0), array.encoding.get("add_offset", 0.0)
    number = float(value.reshape(-1)[0])
    return number * float(scale) + float(offset) if packed else number


def _plain(label: Label) -> Label:
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of which each is there once; others of the same name are numbered."""
    distinct: list[str] = []
    for name in names:
        numbered = (f"{name}_{n}" for n in range(2, len(names) + 2))
        distinct.append(name if name not in distinct else next(n for n in numbered if n not in distinct))
    return tuple(distinct)
