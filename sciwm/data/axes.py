"""What the dimensions of foreign data are: time, space, or neither, by what their coordinates say."""

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import xarray as xr

from sciwm.data.units import units_text
from simulations.closeness import even

STANDARD_NAMES = {
    "longitude": "X",
    "grid_longitude": "X",
    "projection_x_coordinate": "X",
    "projection_x_angular_coordinate": "X",
    "latitude": "Y",
    "grid_latitude": "Y",
    "projection_y_coordinate": "Y",
    "projection_y_angular_coordinate": "Y",
    "height": "Z",
    "altitude": "Z",
    "depth": "Z",
    "time": "T",
}
"""The axis of a coordinate by its standard name (CF conventions 1.11, chapter 4)."""

DEGREES = {
    f"degree{plural}{join}{side}": axis
    for plural in ("", "s")
    for axis, sides in (("X", ("east", "e")), ("Y", ("north", "n")))
    for join, side in (("_", sides[0]), ("_", sides[1]), ("", sides[1]))
}
"""The axis of a coordinate by its units, in lower case."""

UNITS_OF_TIME = (
    *("s", "sec", "secs", "second", "seconds", "ms", "us", "ns", "min", "mins", "minute", "minutes"),
    *("h", "hr", "hrs", "hour", "hours", "d", "day", "days"),
)
"""Units in which nothing but time is counted, in lower case; CF has none for time without a date."""

NAMES = {
    "X": ("x", "xc", "lon", "longitude", "long", "nav_lon", "rlon", "xh", "xq", "x_c", "nx"),
    "Y": ("y", "yc", "lat", "latitude", "nav_lat", "rlat", "yh", "yq", "y_c", "ny"),
    "Z": ("z", "zc", "nz"),
    "T": ("time", "valid_time"),
}
"""The axis of a dimension by its name, in lower case."""

GEOGRAPHIC = {
    "longitude": ("lon", "longitude", "long", "nav_lon"),
    "latitude": ("lat", "latitude", "nav_lat"),
    "grid_longitude": ("rlon",),
    "grid_latitude": ("rlat",),
}
"""Latitudes and longitudes by name, in lower case."""

TRUE_AND_TURNED = tuple(GEOGRAPHIC)

RUNS = (
    *("simulation", "trajectory", "run", "case", "episode", "trial", "batch", "seed", "sample", "experiment"),
    *("replica", "replicate", "repetition", "shot", "event"),
)
"""Dimensions that separate runs of a system, by name, in lower case; their plurals and :data:`COUNTERS` count too."""

MEMBERS = ("member", "ensemble", "ensemble_member", "ens", "number", "realization", "realisation")
"""Dimensions of the members of an ensemble, by name, in lower case."""

COUNTERS = re.compile(r"^(?:n|num|nr|no|idx|i)_|_(?:number|num|nr|no|id|idx|index|label|name|dim)$|\d+$")
"""What names of dimensions carry before or behind the word that says what they count."""

KEPT = (
    *RUNS,
    *("scenario", "model", "source", "variable", "channel", "actuator", "latent", "functional", "expver"),
    *MEMBERS,
    *("quantile", "percentile", "level", "lev", "plev", "pressure", "pressure_level", "isobaricinhpa", "model_level"),
    *("hybrid", "sigma", "init_time", "initial_time", "reference_time", "forecast_reference_time", "lead"),
    *("lead_time", "step", "prediction_timedelta"),
)
"""Dimensions that are no space: members, levels of pressure, starts of forecasts and the like."""


@dataclass(frozen=True)
class Space:
    """The space dimensions of data.

    Args:
        dimensions: Their names, in the order of the data.
        unknown: Dimensions that may be space and do not say so.
    """

    dimensions: tuple[Hashable, ...]
    unknown: tuple[Hashable, ...]


def axis_kind(dataset: xr.Dataset | xr.DataArray, dimension: Hashable) -> str:
    """X, Y, Z or T by the attribute ``axis`` of the coordinate, its ``standard_name``, its ``units``, or the name.

    Returns:
        The axis in capitals; empty where nothing says.
    """
    attributes = dataset[dimension].attrs if dimension in dataset.coords else {}
    axis = _word(attributes.get("axis")).upper()
    if axis in ("X", "Y", "Z", "T"):
        return axis
    standard, units = STANDARD_NAMES.get(_word(attributes.get("standard_name"))), units_text(attributes.get("units"))
    name = str(dimension).lower()
    by_units = "T" if " since " in units else DEGREES.get(units.lower())
    if dimension in dataset.coords and name not in KEPT:
        by_units = "T" if dataset[dimension].dtype.kind == "M" or units.lower() in UNITS_OF_TIME else by_units
    return standard or by_units or next((axis for axis, names in NAMES.items() if name in names), "")


def counts_runs(name: Hashable) -> str:
    """Whether a dimension is named as one that tells runs apart: ``run``, ``member`` for members, or empty.

    Plurals and numbers count: ``replicas``, ``run_number``, ``n_trials``, ``sample0``.
    """
    word = str(name).lower().replace("-", "_").replace(" ", "_")
    bare = COUNTERS.sub("", COUNTERS.sub("", word)).strip("_")
    forms = (word, bare, word.removesuffix("s"), bare.removesuffix("s"))
    if any(form in RUNS for form in forms):
        return "run"
    return "member" if any(form in MEMBERS for form in forms) else ""


def space_of(*datasets: xr.Dataset | xr.DataArray) -> Space:
    """The space dimensions of one dataset, or of several that share dimensions; one of them saying so is enough.

    Space is what is known to be X, Y or Z. Levels of pressure are not, unless their ``axis`` says so. A dimension is
    unknown where nothing tells space from members or cases: without labels, with labels like those of a grid, beside
    longitudes without latitudes or the reverse, or where a variable has no other dimension that is space.
    """
    names = list(dict.fromkeys(d for dataset in datasets for d in dataset.dims))
    kinds = {d: next(filter(None, (axis_kind(one, d) for one in datasets if d in one.dims)), "") for d in names}
    space = tuple(d for d in names if kinds[d] in ("X", "Y", "Z"))
    open_ones = [d for d in names if not kinds[d] and not _is_kept(d, datasets)]
    alone = {kinds[d] for d in space} in ({"Y"}, {"X"}) and any(_is_geographic(d, datasets) for d in space)
    bare = {d for over in _variables(datasets) if not set(over) & set(space) for d in over}
    unknown = tuple(d for d in open_ones if _like_a_grid(d, datasets) or alone or d in bare)
    return Space(space, unknown)


def time_of(dataset: xr.Dataset | xr.DataArray) -> Hashable | None:
    """The time of a dataset: the dimension, or else the scalar coordinate, that says so; None where there is none."""
    if "time" in dataset.dims or "time" in dataset.coords:
        return "time"
    scalar = [c for c in dataset.coords if dataset[c].ndim == 0]
    return next((name for name in (*dataset.dims, *scalar) if axis_kind(dataset, name) == "T"), None)


def geographic_kind(dataset: xr.Dataset | xr.DataArray, dimension: Hashable) -> str:
    """``latitude`` or ``longitude`` by standard name, units or name, of the turned pole too; empty if neither."""
    attributes = dataset[dimension].attrs if dimension in dataset.coords else {}
    standard = _word(attributes.get("standard_name"))
    by_units = {"X": "longitude", "Y": "latitude"}.get(DEGREES.get(units_text(attributes.get("units")).lower(), ""))
    name = next((kind for kind, names in GEOGRAPHIC.items() if str(dimension).lower() in names), "")
    return standard if standard in TRUE_AND_TURNED else by_units or ("" if standard else name)


def latitude_of(dataset: xr.Dataset | xr.DataArray, space: Sequence[Hashable]) -> Hashable | None:
    """The space dimension that is latitude, not one of a turned pole; None where there is none."""
    return next((d for d in space if geographic_kind(dataset, d) == "latitude"), None)


def _word(attribute: object) -> str:
    """An attribute as one word, whatever it holds."""
    return units_text(attribute) if attribute is not None else ""


def _variables(datasets: Sequence[xr.Dataset | xr.DataArray]) -> Iterator[tuple[Hashable, ...]]:
    """The dimensions of every variable."""
    for dataset in datasets:
        yield from [v.dims for v in dataset.data_vars.values()] if isinstance(dataset, xr.Dataset) else [dataset.dims]


def _is_kept(dimension: Hashable, datasets: Sequence[xr.Dataset | xr.DataArray]) -> bool:
    """Whether a dimension is known to be no space: by its name, one single value, or labels that are no positions."""
    if str(dimension).lower() in KEPT or counts_runs(dimension):
        return True
    found = [one for one in datasets if dimension in one.dims]
    if all(one.sizes[dimension] == 1 for one in found):
        return True
    return any(dimension in one.coords and one[dimension].dtype.kind not in "iuf" for one in found)


def _like_a_grid(dimension: Hashable, datasets: Sequence[xr.Dataset | xr.DataArray]) -> bool:
    """Whether a dimension has no labels, or labels as positions are: four or more numbers in equal steps."""
    labels = [one[dimension] for one in datasets if dimension in one.dims and dimension in one.coords]
    return not labels or any(x.dtype.kind == "f" and x.ndim == 1 and x.size > 3 and even(x.values) for x in labels)


def _is_geographic(dimension: Hashable, datasets: Sequence[xr.Dataset | xr.DataArray]) -> bool:
    """Whether a dimension is latitude or longitude, which come in pairs; x or y may well be alone."""
    return any(geographic_kind(one, dimension) for one in datasets if dimension in one.dims)
