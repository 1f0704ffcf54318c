"""Ways to damage bytes, drawn at random."""

import re

import numpy as np

EXTREME = (b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01", b"\xff\xff\xff\x7f", b"\x80\x00\x00\x00")
"""Integers of four bytes that counts and offsets in headers should not have."""
HOSTILE_VALUES = (
    *("-1", "0", "1e308", "NaN", "1000000000000", "-5", "0.5", "null", "{}", "[]"),
    *("[" * 2000, '"\\u001b[2J"'),
)
"""JSON of which some is no JSON."""


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes damaged in one way: bits flipped, cut off, overwritten, cut out, repeated, or integers made extreme."""
    if not content:
        return bytes(rng.integers(0, 256, 8, dtype=np.uint8))
    ways = (_flipped, _cut_off, _overwritten, _cut_out, _repeated, _extreme)
    return ways[int(rng.integers(len(ways)))](content, rng)


def damaged_text(content: bytes, rng: np.random.Generator) -> bytes:
    """JSON with one value replaced by a hostile one, or damaged as any bytes."""
    values = list(re.finditer(rb"(?<=[\s\[,:])(-?\d[\d.eE+-]*|\"[^\"]*\")(?=[\s\],}])", content))
    if not values or rng.random() < 0.4:
        return damaged(content, rng)
    chosen = values[int(rng.integers(len(values)))]
    hostile = HOSTILE_VALUES[int(rng.integers(len(HOSTILE_VALUES)))].encode()
    return content[: chosen.start()] + hostile + content[chosen.end() :]


def one_bit_flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes of which one bit is another."""
    return _flipped(content, rng, count=1)


def _flipped(content: bytes, rng: np.random.Generator, count: int = 0) -> bytes:
    changed = bytearray(content)
    for place in rng.choice(8 * len(content), min(count or int(rng.integers(1, 9)), 8 * len(content)), replace=False):
        changed[int(place) // 8] ^= 1 << int(place) % 8
    return bytes(changed)


def _cut_off(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _overwritten(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(content))), int(rng.integers(1, 65))
    random = bytes(rng.integers(0, 256, length, dtype=np.uint8))
    filling = (b"\x00" * length, b"\xff" * length, random)[int(rng.integers(3))]
    return content[:start] + filling[: len(content) - start] + content[start + length :]


def _cut_out(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(content))), int(rng.integers(1, 257))
    return content[:start] + content[start + length :]


def _repeated(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(content))), int(rng.integers(1, 257))
    return content[: start + length] + content[start:]


def _extreme(content: bytes, rng: np.random.Generator) -> bytes:
    """An integer of the header, where sizes and offsets stand, becomes an extreme one."""
    start = 4 * int(rng.integers(max(1, min(len(content), 2048) // 4)))
    return content[:start] + EXTREME[int(rng.integers(len(EXTREME)))] + content[start + 4 :]
