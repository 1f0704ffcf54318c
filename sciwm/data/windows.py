"""Windows of consecutive instants, cut quickly from one or several stores of trajectories.

Values in memory are cut window by window. From a store on the disk several windows are cut from the same block of a
run, and chunks that they touch are read and decompressed once: reading is what takes the time there.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.data.domain import Domain
from sciwm.data.schema import Trajectories

WINDOWS_OF_A_BLOCK = 8
"""How many windows are cut from what is read at once of a store on the disk."""
BYTES_OF_A_BLOCK = 2**25
"""The most bytes of one field in a block; a longer run gives windows close to each other."""


@dataclass(frozen=True)
class Batch:
    """Windows of H control intervals, that is of ``H + 1`` instants. Functionals are normalised by their scales.

    Args:
        fields: The fields, physical, ``(batch, H + 1, variable, *space)``.
        actions: The actions, physical, ``(batch, H, actuator)``.
        parameters: The parameters of each run, physical, ``(batch, parameter)``.
        functionals: The functionals, normalised, ``(batch, H + 1, functional)``.
        sources: The sources of their budgets, averaged over each interval, normalised, ``(batch, H, functional)``.
        outputs: The outputs of their budgets, averaged over each interval, normalised,
            ``(batch, H, functional, actuator)``.
    """

    fields: Tensor
    actions: Tensor
    parameters: Tensor
    functionals: Tensor
    sources: Tensor
    outputs: Tensor

    def first(self, count: int) -> "Batch":
        """The first ``count`` windows."""
        return Batch(*(values[:count] for values in vars(self).values()))


class Windows:
    """Random windows from several sets of trajectories; every simulation is equally likely.

    Those of a draw come from different simulations where there are enough of them, in memory. On the disk
    ``WINDOWS_OF_A_BLOCK`` come from the same one.

    Args:
        sets: Trajectories of one domain.
        domain: The order of the variables, and the scales of the functionals.
    """

    def __init__(self, sets: Sequence[Trajectories], domain: Domain) -> None:
        self.sets = sets
        self.domain = domain
        self.members = [(s, i) for s in sets for i in s.usable]

    @property
    def on_disk(self) -> bool:
        """Whether any of the sets is read from the disk at every draw."""
        return not all(s.in_memory for s in self.sets)

    def draw(self, rng: np.random.Generator, count: int, horizon: int) -> Batch:
        """Draw ``count`` windows of ``horizon`` intervals."""
        blocks = self._blocks(rng, count, horizon)

        def cut(name: str, length: int) -> Tensor:
            rest = blocks[0].data.array(name).shape[2:]
            windows, filled = np.empty((count, length, *rest), np.float32), 0
            for block in blocks:
                block.cut(block.data.array(name), length, windows[filled : filled + len(block.starts)])
                filled += len(block.starts)
            return torch.from_numpy(windows)

        functionals = self.domain.functionals
        return Batch(
            fields=torch.stack([cut(v.name, horizon + 1) for v in self.domain.variables], dim=2),
            actions=cut("action", horizon),
            parameters=torch.from_numpy(np.stack([b.data.parameters[b.row] for b in blocks for _ in b.starts])),
            functionals=_stack(
                [(cut(f.name, horizon + 1) - f.mean) / f.deviation for f in functionals], count, horizon + 1
            ),
            sources=_stack(
                [(cut(f"{f.name}_source", horizon) - f.source_mean) / f.source_deviation for f in functionals],
                count,
                horizon,
            ),
            outputs=_stack(
                [cut(f"{f.name}_output", horizon) / f.output_deviation for f in functionals], count, horizon
            ),
        )

    def _blocks(self, rng: np.random.Generator, count: int, horizon: int) -> list["_Block"]:
        long_enough = [(s, i) for s, i in self.members if s.intervals_of(i) >= horizon]
        each = WINDOWS_OF_A_BLOCK if self.on_disk else 1
        number = -(-count // each)
        chosen = rng.choice(len(long_enough), size=number, replace=number > len(long_enough))
        blocks = []
        for place, left in zip(chosen, range(count, 0, -each), strict=True):
            data, row = long_enough[place]
            length = horizon if each == 1 else self._block_length(data, row, horizon)
            first = int(rng.integers(0, data.intervals_of(row) - length + 1))
            starts = [0] if each == 1 else rng.integers(0, length - horizon + 1, min(each, left)).tolist()
            blocks.append(_Block(data, row, first, first + length, starts))
        return blocks

    def _block_length(self, data: Trajectories, row: int, horizon: int) -> int:
        """The number of intervals that are read at once."""
        of_an_instant = 4 * math.prod(axis.num_points for axis in data.axes)
        return max(horizon, min(data.intervals_of(row), BYTES_OF_A_BLOCK // of_an_instant))


@dataclass(frozen=True, eq=False)
class _Block:
    """Consecutive intervals of a simulation, and where windows begin in them.

    Args:
        data, row: The simulation.
        first, last: The first instant, and the last one.
        starts: The first instant of each window, counted from ``first``.
    """

    data: Trajectories
    row: int
    first: int
    last: int
    starts: list[int]

    def cut(self, array: Any, length: int, windows: NDArray[np.float32]) -> None:
        """Fill in its windows of so many instants; of an array on the disk only chunks that they touch are read."""
        for places, start, stop in self._reads(array, length):
            values = array[self.row, start:stop]
            for place in places:
                t = self.first + self.starts[place] - start
                windows[place] = values[t : t + length]

    def _reads(self, array: Any, length: int) -> list[tuple[list[int], int, int]]:
        """Windows that are read together, with the first instant and the one behind the last."""
        chunk = 1 if self.data.in_memory else array.chunks[1]
        reads: list[tuple[list[int], int, int]] = []
        for place in sorted(range(len(self.starts)), key=self.starts.__getitem__):
            start = self.first + self.starts[place]
            if reads and start // chunk <= -(-reads[-1][2] // chunk):
                reads[-1] = ([*reads[-1][0], place], reads[-1][1], start + length)
            else:
                reads.append(([place], start, start + length))
        return reads


def _stack(values: list[Tensor], *empty: int) -> Tensor:
    return torch.stack(values, dim=2) if values else torch.zeros(*empty, 0)


def sample_fields(sets: Sequence[Trajectories], names: Sequence[str], limit: int) -> NDArray[np.float32]:
    """About ``limit`` instants, spread evenly over all simulations, ``(sample, variable, *space)``."""
    return _together(_sampled(sets, limit), names)


def sample_blocks(
    sets: Sequence[Trajectories], names: Sequence[str], limit: int, numbers: int
) -> Iterator[NDArray[np.float32]]:
    """The same instants, simulations together as far as they have no more than so many values."""
    of_an_instant = len(names) * math.prod(axis.num_points for axis in sets[0].axes)
    block: list[_Sampled] = []
    for one in _sampled(sets, limit):
        if block and of_an_instant * (sum(map(len, block)) + len(one)) > numbers:
            yield _together(block, names)
            block = []
        block.append(one)
    yield _together(block, names)


@dataclass(frozen=True, eq=False)
class _Sampled:
    """Some instants of one simulation."""

    data: Trajectories
    row: int
    instants: range

    def __len__(self) -> int:
        return len(self.instants)


def _sampled(sets: Sequence[Trajectories], limit: int) -> list[_Sampled]:
    total = sum(len(s.usable) * (s.intervals + 1) for s in sets)
    stride = max(1, total // limit)
    return [
        _Sampled(s, i, range(n % stride, s.intervals_of(i) + 1, stride)) for s in sets for n, i in enumerate(s.usable)
    ]


def _together(block: Sequence[_Sampled], names: Sequence[str]) -> NDArray[np.float32]:
    """Their fields ``(sample, variable, *space)``."""
    first = block[0].data.array(names[0])
    fields, filled = np.empty((sum(map(len, block)), len(names), *first.shape[2:]), first.dtype), 0
    for one in block:
        where, of = slice(one.instants.start, one.instants.stop, one.instants.step), slice(filled, filled + len(one))
        for c, name in enumerate(names):
            fields[of, c] = one.data.array(name)[one.row, where]
        filled += len(one)
    return fields
