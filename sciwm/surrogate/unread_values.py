"""Values that are still in a file: where there are many of them, they are read a part at a time."""

import math
from collections.abc import Hashable

import xarray as xr

from sciwm.data import Domain

MOST_READ = 2**24
"""The number of values of a variable that are read as a whole, which lets all that is wrong with them be told first."""
NUMBERS_OF_A_PART = 2**21
"""The number of values that are read together otherwise, unless a single instant has more."""


def in_parts(ds: xr.Dataset, domain: Domain) -> xr.Dataset:
    """The same Dataset, with large variables of a model that are not read yet in chunks.

    xarray would read each as a whole, and keep it in memory with the Dataset.

    Args:
        ds: Fields as they were given.
        domain: What names the variables and the space dimensions, which are not cut.
    """
    names = [v.name for v in domain.variables if v.name in ds and _is_large_and_unread(ds[v.name])]
    return ds.assign({name: ds[name].chunk(_chunks(ds[name], domain)) for name in names}) if names else ds


def _is_large_and_unread(array: xr.DataArray) -> bool:
    return array.chunks is None and array.size > MOST_READ and not array.variable._in_memory


def _chunks(array: xr.DataArray, domain: Domain) -> dict[Hashable, int]:
    space: dict[Hashable, int] = {d: array.sizes[d] for d in array.dims if d in domain.dimensions}
    chunks = dict(space)
    left = max(1, NUMBERS_OF_A_PART // max(1, math.prod(space.values())))
    for dimension in reversed([d for d in array.dims if d not in space]):
        chunks[dimension] = max(1, min(array.sizes[dimension], left))
        left = max(1, left // chunks[dimension])
    return chunks
