"""Between the names of a user's Datasets and those that the other modules of this room work with.

Inside, time is ``time``, all forcings lie side by side over ``actuator``, grids ascend, and fields are zero where there
are none. A user's Datasets have the names of the training data, and grids in any order; results are given back alike.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.data import Domain
from sciwm.data.axes import axis_kind
from sciwm.data.units import without_quantities
from sciwm.errors import Problem, raise_if
from sciwm.surrogate.metadata import attributes_as_text

OF_TIME = re.compile(r"\btime(?==)|(?<=')time(?=')|(?<=: )time$|(?<=\.)time\b")
"""Where a problem speaks of the dimension, and not of time."""


ENDS = re.compile(r"_(deviation|lower|upper)$")
"""What the names of error bars end in."""

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


@dataclass(frozen=True)
class Translation:
    """The names of a domain.

    Args:
        domain: The names.
        valid: Where fields exist, ``(variable, *space)``; None where they do everywhere.
    """

    domain: Domain
    valid: NDArray[np.bool_] | None = None

    def inside(self, ds: Any, where: str, *, filled: bool = True) -> tuple[Any, list[Problem]]:
        """A user's Dataset or DataArray with the names and the grids of the inside; anything else as it is.

        Args:
            ds: What the user gave.
            where: What it is, for messages.
            filled: Whether points without fields become zero.
        """
        if not isinstance(ds, xr.Dataset | xr.DataArray):
            return ds, []
        plain: Any = ds
        ds, problems = self._with_time(without_quantities(plain), where)
        ds = _ascending(ds, self.domain.dimensions)
        return (self._without_masked(ds) if filled else ds), problems

    def each_inside(self, values: Any) -> Any:
        """Arrays by name with the names of the inside; anything else as it is."""
        if not isinstance(values, Mapping):
            return values
        return {name: self.inside(value, str(name))[0] for name, value in values.items()}

    def outside(self, result: xr.Dataset, like: Any) -> xr.Dataset:
        """A result with the user's names, and with grids, their attributes and their order as in a user's Dataset."""
        result = self._with_masked(result)
        if isinstance(like, xr.Dataset):
            result = self._as_given(result, without_quantities(like))
        return self.renamed(self._with_axes(result))

    def renamed(self, result: Data) -> Data:
        """A result with the user's name of time."""
        own = self.domain.time_name
        return result.rename({"time": own}) if own != "time" and "time" in {*result.dims, *result.coords} else result

    def told(self, problems: Sequence[Problem]) -> list[Problem]:
        """Problems that speak of time by the user's name."""
        own = self.domain.time_name
        if own == "time":
            return list(problems)
        words = ("where", "expected", "got", "remedy")
        return [replace(p, **{w: OF_TIME.sub(own, getattr(p, w)) for w in words}) for p in problems]

    def raise_if(self, problems: Sequence[Problem]) -> None:
        """Raise all problems, if there are any.

        Raises:
            InputError: With all of them.
        """
        raise_if(self.told(problems))

    def _with_time(self, ds: Any, where: str) -> tuple[Any, list[Problem]]:
        own = self.domain.time_name
        if own == "time" or own not in {*ds.dims, *ds.coords}:
            return ds, []
        if "time" in {*ds.dims, *ds.coords, *getattr(ds, "data_vars", ())}:
            return ds, [Problem(where, f"one time, '{own}'", "another that is called time", "rename it, or drop it")]
        return ds.rename({own: "time"}), []

    def _mask(self, name: str) -> xr.DataArray | None:
        names = [v.name for v in self.domain.variables]
        if self.valid is None or name not in names:
            return None
        return xr.DataArray(self.valid[names.index(name)], dims=self.domain.dimensions)

    def _without_masked(self, ds: Any) -> Any:
        """Zero where there are no fields: what a model reads there, whatever a file holds."""
        if self.valid is None or not isinstance(ds, xr.Dataset):
            return ds
        filled = {}
        for variable in self.domain.variables:
            mask = self._mask(variable.name)
            if mask is not None and variable.name in ds and _fits(ds[variable.name], mask):
                array = ds[variable.name]
                filled[variable.name] = array.where(mask, 0).transpose(*array.dims).assign_attrs(array.attrs)
        return ds.assign(filled)

    def _with_masked(self, result: xr.Dataset) -> xr.Dataset:
        """Missing values where there are no fields."""
        if self.valid is None:
            return result
        masks = {str(name): self._mask(ENDS.sub("", str(name))) for name in result.data_vars}
        fields = {n: mask for n, mask in masks.items() if mask is not None and _fits(result[n], mask)}
        return result.assign({n: result[n].where(mask).transpose(*result[n].dims) for n, mask in fields.items()})

    def _as_given(self, result: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
        """The result with the grids of a Dataset, wherever they have the same points, and its order of dimensions."""
        for axis in self.domain.axes:
            if axis.name not in result.dims or axis.name not in like.coords or like[axis.name].dims != (axis.name,):
                continue
            given = like[axis.name]
            if given.size == result.sizes[axis.name]:
                back = np.argsort(np.argsort(given.values, kind="stable"), kind="stable")
                turned = result.isel({axis.name: back}) if (np.diff(back) != 1).any() else result
                attributes = {**result[axis.name].attrs, **attributes_as_text(given.attrs)}
                result = turned.assign_coords({axis.name: (axis.name, given.values, attributes)})
            elif given[0] > given[-1]:
                result = result.isel({axis.name: slice(None, None, -1)})
        return self._in_order(result, like)

    def _with_axes(self, result: xr.Dataset) -> xr.Dataset:
        """The result with what its dimensions are by CF, where neither names nor attributes say so.

        Others than the model cannot know that ``row`` is space. The last dimension is X, as fields are drawn.
        """
        space = [name for name in self.domain.dimensions if name in result.coords]
        kinds = {name: axis_kind(result, name) for name in space}
        free = [kind for kind in ("X", "Y", "Z") if kind not in kinds.values()]
        silent = [name for name in reversed(space) if not kinds[name]]
        told = {name: result[name].assign_attrs(axis=kind) for name, kind in zip(silent, free, strict=False)}
        if (
            "time" in result.coords
            and axis_kind(result.rename(time=self.domain.time_name), self.domain.time_name) != "T"
        ):
            told["time"] = result["time"].assign_attrs(axis="T")
        return result.assign_coords(told)

    def _in_order(self, result: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
        """Space dimensions one after another as in a Dataset, where fields are."""
        space = self.domain.dimensions
        given = next((like[v.name] for v in self.domain.variables if v.name in like), None)
        order = [] if given is None else [str(d) for d in given.dims if d in space]
        if len(order) < len(space) or order == list(space):
            return result

        def transposed(array: xr.DataArray) -> xr.DataArray:
            next_one = iter(order)
            return array.transpose(*(next(next_one) if d in space else d for d in array.dims))

        fields = {n: array for n, array in result.data_vars.items() if set(space) <= set(array.dims)}
        return result.assign({n: transposed(array) for n, array in fields.items()})


def _fits(array: xr.DataArray, mask: xr.DataArray) -> bool:
    return all(array.sizes.get(str(d)) == n for d, n in mask.sizes.items())


def _ascending(ds: Any, dimensions: Sequence[str]) -> Any:
    """The data with ascending positions along each dimension where positions are numbers, each once."""
    for name in dimensions:
        if name not in ds.dims or name not in ds.coords or ds[name].dims != (name,):
            continue
        values = ds[name].values
        if values.dtype.kind in "iuf" and (np.diff(values) <= 0).any() and len(np.unique(values)) == len(values):
            ds = ds.sortby(name)
    return ds
