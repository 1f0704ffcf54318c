"""What is seen of the values of somebody's variables: small ones whole, of large ones a few instants."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data.source.meaning.recognising import Dimensions
from simulations.closeness import constant

READ_WHOLE = 2**25
"""Bytes of a forcing or parameter up to which all of it is read; of larger ones a few runs and instants are."""
NUMBERS_SEEN = 2**23
"""The most numbers of a large variable that are in memory; where one instant has more, it is the only one."""


@dataclass(frozen=True)
class Facts:
    """What was seen of the values of a variable.

    Args:
        low, high: Their range; NaN where all are missing.
        missing: The share of values that are missing.
        never: Where values are missing in all that was read, ``(*space)``; None where there is no such point.
        whole: Whether all values were read.
        flat: Whether they do not vary at all.
        samples: A few instants of a field, ``(*space)`` in the order of the dimensions.
    """

    low: float
    high: float
    missing: float
    never: NDArray[np.bool_] | None
    whole: bool
    flat: bool
    samples: tuple[NDArray[Any], ...] = ()


def look_at(array: xr.DataArray, dims: Dimensions) -> Facts:
    is_field = bool(dims.space) and set(dims.space) <= set(map(str, array.dims)) and dims.time in array.dims
    if is_field or array.nbytes > READ_WHOLE:
        order = [d for d in dims.space if d in array.dims]
        read = [one.transpose(*order, ...).values.astype(float) for one in _sampled(array, dims)]
        values, whole = np.stack(read), len(read) >= array.size / max(read[0].size, 1)
        samples = tuple(np.where(np.isfinite(one), one, np.nan) for one in read) if is_field else ()
    else:
        values, whole, samples = array.values.astype(float), True, ()
    good = values[np.isfinite(values)]
    never = ~np.isfinite(values).any(axis=0) if samples else None
    return Facts(
        low=float(good.min()) if good.size else np.nan,
        high=float(good.max()) if good.size else np.nan,
        missing=1 - good.size / max(values.size, 1),
        never=never if never is not None and never.any() else None,
        whole=whole,
        flat=bool(good.size > 1 and constant(good)),
        samples=samples,
    )


def _sampled(array: xr.DataArray, dims: Dimensions) -> Iterator[xr.DataArray]:
    """A few instants of a few runs of a variable, without runs and time: the first, a middle and the last of each."""
    chosen = [d for d in (dims.run, dims.time) if d in array.dims]
    places = [sorted({0, array.sizes[d] // 2, array.sizes[d] - 1}) for d in chosen]
    indices = list(np.ndindex(*map(len, places)))
    one = array.size // max(math.prod(array.sizes[d] for d in chosen), 1)
    most = max(1, min(len(indices), NUMBERS_SEEN // max(one, 1)))
    for index in (indices[round(k * (len(indices) - 1) / max(most - 1, 1))] for k in range(most)):
        yield array.isel({d: places[k][index[k]] for k, d in enumerate(chosen)})


def lengths_of(dataset: xr.Dataset, forcings: Sequence[str], dims: Dimensions) -> tuple[int, ...]:
    """How many instants runs have, by the last value of their forcings; a forcing that lacks the last one alone ends
    there, as its value is never used."""
    for name in forcings:
        array = dataset[name]
        if dims.run in array.dims and dims.time in array.dims and array.nbytes <= READ_WHOLE:
            values = array.transpose(dims.run, dims.time, ...).values
            there = np.isfinite(values.reshape(*values.shape[:2], -1)).all(axis=2)
            last = there.shape[1] - np.argmax(there[:, ::-1], axis=1)
            last = np.where(there.any(axis=1), last, 0)
            if last.max() < there.shape[1]:
                last = last + (there.shape[1] - last.max())
            return tuple(int(n) for n in last) if len(set(last.tolist())) > 1 else ()
    return ()


def lacks_the_last_alone(array: xr.DataArray, dims: Dimensions) -> bool:
    """Whether a forcing lacks its last value alone, which is never used."""
    if dims.time not in array.dims or array.nbytes > READ_WHOLE:
        return False
    return bool(np.isfinite(array.isel({dims.time: slice(None, -1)}).values).all())
