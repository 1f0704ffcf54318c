"""What is brought in: Datasets of somebody else with their roles, before anything of them is read."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.config import SourceSettings
from sciwm.data.layouts import unpacked
from sciwm.data.source.meaning.clock import Clock
from sciwm.data.source.rows.space_axes import SpaceAxis
from sciwm.errors import InputError, Problem, in_one_line

Label = str | int | float
BLOCK_BYTES = 2**24
"""How much of one variable is read at once, in double precision."""


@dataclass(frozen=True)
class Given:
    """One Dataset that was given.

    Args:
        dataset: What it holds, packed numbers decoded; nothing need be in memory.
        where: What it is called in messages.
        only: The set that all of it belongs to; None where the configuration splits it.
    """

    dataset: xr.Dataset
    where: str
    only: str | None = None


def decoded(dataset: xr.Dataset) -> xr.Dataset:
    """A Dataset whose packed numbers, and marks of missing values, are decoded; lazily, and times stay as they are.

    What was decoded when it was opened, stays as it is.
    """
    return unpacked(dataset)


@dataclass(frozen=True)
class Record:
    """One run of somebody's data, of which parts are read when they are asked for.

    Args:
        given: The Dataset that it is in.
        row: Its place along the dimension of runs; None where there is one record.
        label: What the run is called there.
        clock: Its times.
        settings: The roles and dimensions.
        axes: The space dimensions, in the order of the settings.
    """

    given: Given
    row: int | None
    label: Label
    clock: Clock
    settings: SourceSettings
    axes: tuple[SpaceAxis, ...]

    @property
    def where(self) -> str:
        """What it is called in messages."""
        return "" if self.row is None else f"{self.settings.run}={self.label}"

    @property
    def instants(self) -> int:
        """The number of instants, missing ones included."""
        return len(self.clock.times)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Some instants of a variable, or all of one without time.

        Args:
            name: The variable.
            start, stop: The first instant, and the one behind the last.

        Returns:
            ``(time, *rest)``: with space in the order of the settings, ascending along every axis. Values that are
            missing are NaN.

        Raises:
            InputError: If they cannot be read.
        """
        array = self.lazy(name)
        if self.settings.time in array.dims:
            array = array.isel({self.settings.time: slice(start, stop)})
        try:
            values = np.asarray(array.values, dtype=np.float64)
        except InputError:
            raise
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            place = f"{self.given.where}: {name}"
            remedy = "copy it again from where it came from, or write it again"
            raise InputError([Problem(place, "readable values", in_one_line(error), remedy)]) from error
        for axis in self.axes:
            if axis.turned and axis.name in array.dims:
                values = np.flip(values, array.dims.index(axis.name))
        return values

    def lazy(self, name: str) -> xr.DataArray:
        """A variable of this run over (time, rest), space in the order of the settings; nothing is read."""
        array = self.given.dataset[name]
        if self.row is not None and self.settings.run in array.dims:
            array = array.isel({self.settings.run: self.row})
        if name not in self.settings.forcings:
            array = array.squeeze([d for d in array.dims if array.sizes[d] == 1 and d not in self._meant])
        over = [d for d in (self.settings.time, *self.settings.space) if d in array.dims]
        return array.transpose(*over, ...)

    def blocks(self, name: str, start: int = 0, stop: int | None = None) -> list[tuple[int, int]]:
        """Instants that are read together: first ones, and ones behind the last."""
        array = self.lazy(name)
        one = 8 * max(1, array.size // max(1, array.sizes.get(self.settings.time, 1)))
        length, end = max(1, BLOCK_BYTES // one), self.instants if stop is None else stop
        return [(first, min(first + length, end)) for first in range(start, end, length)]

    @cached_property
    def _meant(self) -> tuple[Hashable, ...]:
        return (self.settings.time, *self.settings.space)

    def place(self, instant: int, where: NDArray[np.bool_] | None = None, name: str = "") -> str:
        """An instant, and a point in it, by coordinates.

        Args:
            instant: The instant.
            where: True at the point that is meant, the first if there are several, ``(*rest)``.
            name: The variable that this belongs to.
        """
        words = [self.where, f"{self.settings.time}={self.clock.times[instant]:g}"]
        if where is not None and where.any():
            rest = [str(d) for d in self.lazy(name).dims if d != self.settings.time]
            along = {axis.name: axis.values for axis in self.axes}
            for dimension, index in zip(rest, np.argwhere(where)[0], strict=True):
                known: Any = along[dimension] if dimension in along else self._labels(dimension)
                value = known[index]
                words.append(f"{dimension}={value:g}" if isinstance(value, float) else f"{dimension}={value}")
        return ", ".join(filter(None, words))

    def _labels(self, dimension: str) -> Sequence[Any]:
        return labels_of(self.given.dataset, dimension)


def labels_of(dataset: xr.Dataset, dimension: str) -> list[Label]:
    """The labels along a dimension; numbers from 0 where there are none that are numbers or text."""
    if dimension not in dataset.coords or dataset[dimension].dims != (dimension,):
        return list(range(dataset.sizes[dimension]))
    values = dataset[dimension].values
    if values.dtype.kind not in "iufUSOM":
        return list(range(len(values)))
    if values.dtype.kind in "iuf":
        return [v.item() for v in values]
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def run_labels(dataset: xr.Dataset, dimension: str) -> tuple[list[Label], str]:
    """The labels of the runs, and in words that they are numbers from 0, as those in the files tell none apart."""
    labels = labels_of(dataset, dimension)
    own = dimension not in dataset.variables or dataset[dimension].dims == (dimension,)
    apart = own and len(set(map(str, labels))) == len(labels)
    if apart and all(isinstance(label, str) or np.isfinite(label) for label in labels):
        return labels, ""
    return list(range(len(labels))), f"{dimension}: labels that do not tell runs apart: they are numbered from 0"
