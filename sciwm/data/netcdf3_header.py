"""Where the values of a netCDF-3 file end by its header: what a shorter file lacks is read as zeros without a word."""

import math
import struct
from pathlib import Path
from typing import BinaryIO

ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
"""The bytes of a value by its type in the header."""


def end_of_values(path: Path) -> int:
    """The bytes that a netCDF-3 file has at least, if it holds all values that its header declares.

    The header is one that the netCDF library has read: its counts are sound. Padding behind the last value may lack.
    """
    with path.open("rb") as file:
        version = file.read(4)[3]
        header = _Header(file, count="q" if version == 5 else "i", place="i" if version == 1 else "q")
        records = header.count()
        header.number("i")
        lengths = [header.length() for _ in range(header.count())]
        header.skip_attributes()
        header.number("i")
        return _end([header.variable() for _ in range(header.count())], lengths, records)


class _Header:
    """Reads the parts of a header one after another (netCDF classic format specification)."""

    def __init__(self, file: BinaryIO, count: str, place: str) -> None:
        self.file, self._count, self._place = file, count, place

    def number(self, kind: str) -> int:
        return int(struct.unpack(f">{kind}", self.file.read(struct.calcsize(kind)))[0])

    def count(self) -> int:
        return self.number(self._count)

    def length(self) -> int:
        """The length of a dimension, behind its name."""
        self.skip_text()
        return self.count()

    def skip_text(self) -> None:
        self.file.seek(_padded(self.count()), 1)

    def skip_attributes(self) -> None:
        self.number("i")
        for _ in range(self.count()):
            self.skip_text()
            item = ITEM_BYTES[self.number("i")]
            self.file.seek(_padded(self.count() * item), 1)

    def variable(self) -> tuple[list[int], int, int]:
        """Indices of its dimensions, bytes of a value, and where its values begin."""
        self.skip_text()
        dimensions = [self.count() for _ in range(self.count())]
        self.skip_attributes()
        item = ITEM_BYTES[self.number("i")]
        self.count()  # its size, which is wrong for large variables
        return dimensions, item, self.number(self._place)


def _end(variables: list[tuple[list[int], int, int]], lengths: list[int], records: int) -> int:
    ends, of_records = [0], []
    for dimensions, item, begin in variables:
        shape = [lengths[d] for d in dimensions]
        if shape and shape[0] == 0:  # the dimension of records
            of_records.append((math.prod(shape[1:]) * item, begin))
        else:
            ends.append(begin + math.prod(shape) * item if math.prod(shape) else 0)
    stride = of_records[0][0] if len(of_records) == 1 else sum(_padded(size) for size, _ in of_records)
    if records > 0:
        ends += [begin + (records - 1) * stride + size for size, begin in of_records]
    return max(ends)


def _padded(size: int) -> int:
    return -(-size // 4) * 4
