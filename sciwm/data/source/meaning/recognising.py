"""What the dimensions of somebody's data are: time, runs, space, or labels; each with the reason in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciwm.data.axes import KEPT, axis_kind, counts_runs
from sciwm.data.layouts import fields_named
from sciwm.data.source.files.time_dimension import time_dimension
from sciwm.data.source.meaning.staggering import staggered_with
from simulations.closeness import even

FEWEST_POINTS = 4
"""Fewer points without anything that says so are labels, such as of heaters, and no space."""
MOST_SPACE = 3
LEVELS = ("level", "lev", "plev", "pressure", "pressure_level", "isobaricinhpa", "model_level", "hybrid", "sigma")


@dataclass(frozen=True)
class Dimension:
    """One dimension of the data.

    Args:
        name: Its name.
        kind: ``time``, ``run``, ``space``, ``labels``, or ``staggered`` for space that fields do not share.
        reason: Why it was taken for that.
    """

    name: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Dimensions:
    """All dimensions of the data, and what is doubtful about them.

    Args:
        found: Each dimension, space in the order of the largest field.
        doubts: What somebody who knows the data should decide, and how.
    """

    found: tuple[Dimension, ...]
    doubts: tuple[str, ...] = ()

    def named(self, kind: str) -> tuple[str, ...]:
        """The names of the dimensions of one kind."""
        return tuple(d.name for d in self.found if d.kind == kind)

    @property
    def time(self) -> str | None:
        return next(iter(self.named("time")), None)

    @property
    def run(self) -> str | None:
        return next(iter(self.named("run")), None)

    @property
    def space(self) -> tuple[str, ...]:
        return self.named("space")

    def reason(self, name: str) -> str:
        """Why a dimension was taken for what it is."""
        return next(d.reason for d in self.found if d.name == name)


def recognise_dimensions(dataset: xr.Dataset) -> Dimensions:
    """What each dimension is, by CF metadata, by name, and by the shapes of the fields; no values are read.

    Time is told by its attributes, name or units. Runs are told by name, or by labels over which time series repeat.
    Space is what is left of the largest field over time, if it says so or has positions; a dimension that only other
    variables have holds labels.
    """
    doubts: list[str] = []
    numeric = [n for n in fields_named(dataset) if dataset[n].dtype.kind in "iufb"]
    found = time_dimension(dataset)
    if found is None:
        doubts.append(f"no dimension says that it is time: state source.time, one of {_listed(dataset.dims)}")
        return Dimensions(tuple(Dimension(str(d), "labels", "nothing says") for d in dataset.dims), tuple(doubts))
    time, why = found
    dims = [Dimension(time, "time", why)]
    over_time = [n for n in numeric if time in dataset[n].dims]
    over_time.sort(key=lambda n: (-dataset[n].ndim, -dataset[n].size))
    run = _run_of(dataset, time, over_time, doubts)
    if run is not None:
        dims.append(run)
    known = {d.name for d in dims}
    largest = over_time[0] if over_time else None
    left = [d for d in map(str, dataset[largest].dims) if d not in known] if largest else []
    dims += [_space_or_labels(dataset, dim, doubts) for dim in left]
    space = [d.name for d in dims if d.kind == "space"]
    known = {d.name for d in dims}
    for dim in map(str, dataset.dims):
        if dim in known:
            continue
        like = staggered_with(dataset, dim, space)
        if like is not None:
            dims.append(Dimension(dim, "staggered", like))
        else:
            fields = [n for n in numeric if dim in dataset[n].dims]
            dims.append(Dimension(dim, "labels", f"of {_listed(fields)}" if fields else "of no field"))
    if len(space) > MOST_SPACE:
        doubts.append(f"{len(space)} dimensions may be space ({_listed(space)}): at most {MOST_SPACE} can be")
    if not space:
        doubts.append("no field varies in time and space: state source.variables and source.space")
    return Dimensions(tuple(dims), tuple(doubts))


def _run_of(dataset: xr.Dataset, time: str, over_time: Sequence[str], doubts: list[str]) -> Dimension | None:
    """The dimension that tells runs apart, by its name, or by what it labels."""
    candidates = [d for n in over_time for d in map(str, dataset[n].dims) if d != time]
    candidates = list(dict.fromkeys(candidates))
    named = [d for d in candidates if counts_runs(d) and axis_kind(dataset, d) not in ("X", "Y", "Z")]
    named.sort(key=lambda d: counts_runs(d) != "run")
    if len(named) > 1:
        quoted = [f"'{d}'" for d in named]
        stacked = f"ds.stack(all_runs=({', '.join(quoted)})).reset_index('all_runs', drop=True)"
        doubts.append(
            f"{' and '.join(quoted)} tell runs apart by their names: make one dimension of them, as with {stacked}, or "
            f"keep one '{named[1]}', as with ds.isel({named[1]}=0)"
        )
    if named:
        each = "time series repeat over it" if counts_runs(named[0]) == "run" else "each member of an ensemble is a run"
        return Dimension(named[0], "run", f"its name: {each}")
    unlike_space = [d for d in candidates if not axis_kind(dataset, d) and d.lower() not in LEVELS]
    alone = [d for d in unlike_space if any(dataset[n].dims == (d,) for n in fields_named(dataset))]
    for dim in unlike_space:
        shared = all(dim in dataset[n].dims for n in over_time)
        if not shared or not _like_labels(dataset, dim):
            continue
        others = [d for d in candidates if d != dim and d in dataset[over_time[0]].dims]
        if others and (dim in alone or _text(dataset, dim) or len(over_time) > 1):
            return Dimension(dim, "run", f"labels over which all {len(over_time)} time series repeat")
    return None


def _like_labels(dataset: xr.Dataset, dim: str) -> bool:
    """Whether a dimension has text, integers or nothing as labels, as runs have, and no positions."""
    if dim not in dataset.coords:
        return True
    return dataset[dim].dtype.kind in "iuUSO"


def _text(dataset: xr.Dataset, dim: str) -> bool:
    return dim in dataset.coords and dataset[dim].dtype.kind in "USO"


def _space_or_labels(dataset: xr.Dataset, dim: str, doubts: list[str]) -> Dimension:
    """What a dimension of the largest field is, beside time and runs."""
    kind = axis_kind(dataset, dim)
    if kind in ("X", "Y", "Z"):
        return Dimension(dim, "space", _why_space(dataset, dim, kind))
    if dim.lower() in LEVELS:
        doubts.append(f"'{dim}' holds levels: taken as space; if levels do not lie close together, choose some first")
        return Dimension(dim, "space", "levels, by its name")
    if dim.lower() in KEPT or counts_runs(dim) or _text(dataset, dim):
        doubts.append(
            f"'{dim}' holds labels: make a variable of each, as with ds['u'].to_dataset('{dim}'), before it is used"
        )
        return Dimension(dim, "labels", "labels that are no positions")
    if dim in dataset.coords and dataset[dim].dtype.kind in "iuf":
        how = "equispaced" if even(dataset[dim].values) else "increasing or decreasing"
        return Dimension(dim, "space", f"{how} coordinates of the largest field")
    if dataset.sizes[dim] < FEWEST_POINTS:
        doubts.append(f"'{dim}' has {dataset.sizes[dim]} points and no coordinate: if it is no space, choose one first")
    return Dimension(dim, "space", "no coordinate: points are counted, from the largest field")


def _why_space(dataset: xr.Dataset, dim: str, kind: str) -> str:
    attributes = dataset[dim].attrs if dim in dataset.coords else {}
    if str(attributes.get("axis", "")).upper() == kind:
        return f"its attribute axis is {kind}"
    if attributes.get("standard_name"):
        return f"its standard_name is {attributes['standard_name']}"
    units = str(attributes.get("units", ""))
    return f"its units are {units}" if units.lower().startswith("degree") else "by its name"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))


def curvilinear(dataset: xr.Dataset, space: Sequence[str]) -> list[str]:
    """The two-dimensional positions of a grid that is not straight, such as latitudes over (y, x)."""
    return [
        str(name)
        for name, array in dataset.variables.items()
        if array.ndim == len(space) == 2 and set(map(str, array.dims)) == set(space) and _is_position(array)
    ]


def _is_position(array: xr.Variable) -> bool:
    words = f"{array.attrs.get('standard_name', '')} {array.attrs.get('units', '')}".lower()
    return any(word in words for word in ("longitude", "latitude", "degrees_north", "degrees_east", "projection_"))


def repeated_end(values: np.ndarray[tuple[int], np.dtype[np.float64]], period: float) -> bool:
    """Whether the last point of a periodic axis is the first one again."""
    step = abs(values[-1] - values[0]) / (len(values) - 1)
    return bool(abs(abs(values[-1] - values[0]) - period) < 0.01 * step)
