"""Which space dimensions are periodic: known from the files, or a guess that somebody must confirm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.axes import axis_kind, geographic_kind

SMOOTH, TORN = 2.0, 4.0
"""How much larger than between neighbours the difference across the ends is, at most where it looks periodic and at
least where it does not."""


@dataclass(frozen=True)
class Ends:
    """What is known of the two ends of a space dimension.

    Args:
        name: The dimension.
        periodic: Whether it is periodic; None where nothing says.
        reason: Why, or what the values look like.
    """

    name: str
    periodic: bool | None
    reason: str


def ends_of(dataset: xr.Dataset, dim: str, fields: Sequence[NDArray[Any]], axis: int) -> Ends:
    """Whether a space dimension is periodic, by what the file says of it.

    Longitudes around the globe are periodic; latitudes and vertical axes are not; the attribute ``boundary`` says it.
    Of others the values are looked at, which is no proof: the answer is then None.

    Args:
        dataset: The data.
        dim: The dimension.
        fields: A few instants of fields, NaN where there is no value.
        axis: Where the dimension is in these.
    """
    known = dim in dataset.coords and dataset[dim].dtype.kind in "iuf"
    boundary = str(dataset[dim].attrs.get("boundary", "")) if known else ""
    if boundary in ("periodic", "bounded"):
        return Ends(dim, boundary == "periodic", f"its attribute boundary is {boundary}")
    kind = geographic_kind(dataset, dim)
    if known and kind.endswith("longitude"):
        values = dataset[dim].values.astype(float)
        step = abs(values[-1] - values[0]) / max(len(values) - 1, 1)
        covered = abs(values[-1] - values[0]) + step
        around = abs(covered - 360) < 0.5 * step or abs(covered - step - 360) < 0.5 * step
        words = f"longitudes that cover {min(covered, 360):g} degrees"
        return Ends(dim, around, words)
    if kind.endswith("latitude"):
        return Ends(dim, False, "latitudes end at the poles or before")
    if axis_kind(dataset, dim) == "Z":
        return Ends(dim, False, "a vertical axis has two ends")
    return Ends(dim, None, _looks(fields, axis))


def _looks(fields: Sequence[NDArray[Any]], axis: int) -> str:
    """What the difference across the ends looks like beside that of neighbours."""
    across: list[float] = []
    between: list[float] = []
    for field in fields:
        along = np.moveaxis(field, axis, 0)
        for squares, found in ((np.square(along[0] - along[-1]), across), (np.square(np.diff(along, axis=0)), between)):
            finite = squares[np.isfinite(squares)]
            if finite.size:
                found.append(float(finite.mean()))
    if not across or not between or not any(between):
        return "nothing says"
    ratio = float(np.sqrt(np.mean(across) / np.mean(between)))
    if ratio <= SMOOTH:
        return f"looks periodic: values at both ends are {ratio:.1f} times as far apart as neighbours"
    if ratio >= TORN:
        return f"looks like two ends: their values are {ratio:.0f} times as far apart as neighbours"
    return f"values at both ends are {ratio:.1f} times as far apart as neighbours"
