"""The steps of ``quadratic`` in place, for tensors whose derivatives nobody asks for.

The equations are those of ``integrators`` with the coefficients folded; here every result is written
where an old one is no longer needed, so that a loop over steps stays in the cache. One text serves
NumPy arrays and torch tensors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad

Values = Any
"""A NumPy array or a torch tensor."""


@dataclass(frozen=True)
class Arithmetic:
    """Functions of two values and of where to put the result, and how memory is taken."""

    multiply: Callable[..., Values]
    add: Callable[..., Values]
    subtract: Callable[..., Values]
    empty_like: Callable[[Values], Values]


NUMPY = Arithmetic(np.multiply, np.add, np.subtract, np.empty_like)
TORCH = Arithmetic(
    lambda a, b, out: torch.mul(a, b, out=out),
    lambda a, b, out: torch.add(a, b, out=out),
    lambda a, b, out: torch.sub(a, b, out=out),
    torch.empty_like,
)

Square = Callable[[Values, Values], Values]
"""``square(v, memory) -> q(v)``; the result may lie in ``memory`` or elsewhere."""

Mirror = Callable[[Values], None]
"""Completes a weighed spectrum in place: S."""


def is_plain(tensor: Tensor) -> bool:
    """Neither recorded, nor with a tangent, nor inside a function transform, where tensors have no storage."""
    if tensor.requires_grad or forward_ad.unpack_dual(tensor).tangent is not None:
        return False
    try:
        tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return False
    return True


def march(
    v: Values,
    count: int,
    tables: Sequence[Values],
    forcing: Sequence[Values] | None,
    square: Square,
    mirror: Mirror | None,
    arithmetic: Arithmetic,
) -> None:
    """``count`` steps of the scheme that the tables belong to, in the place of ``v``.

    Args:
        v: packed waves.
        tables: 3 for ETDRK2, 6 for ETDRK4, in the order of their coefficients.
        forcing: what a constant forcing adds to each stage; None where there is none.
    """
    steps = _etdrk2 if len(tables) == 3 else _etdrk4
    steps(v, count, tables, forcing, square, mirror, arithmetic)


def _etdrk2(
    v: Values,
    count: int,
    tables: Sequence[Values],
    forcing: Sequence[Values] | None,
    square: Square,
    mirror: Mirror | None,
    arithmetic: Arithmetic,
) -> None:
    decay, p_1, p_2 = tables
    multiply, add, subtract = arithmetic.multiply, arithmetic.add, arithmetic.subtract
    a, change, memory_v, memory_a = (arithmetic.empty_like(v) for _ in range(4))
    for _ in range(count):
        n_v = square(v, memory_v)
        multiply(p_1, n_v, change)
        if mirror is not None:
            mirror(change)
        multiply(decay, v, a)
        add(a, change, a)
        if forcing is not None:
            add(a, forcing[0], a)
        n_a = square(a, memory_a)
        subtract(n_a, n_v, change)
        multiply(p_2, change, change)
        if mirror is not None:
            mirror(change)
        add(a, change, v)


def _etdrk4(
    v: Values,
    count: int,
    tables: Sequence[Values],
    forcing: Sequence[Values] | None,
    square: Square,
    mirror: Mirror | None,
    arithmetic: Arithmetic,
) -> None:
    decay, half_decay, q, p_1, p_2, p_3 = tables
    multiply, add, subtract = arithmetic.multiply, arithmetic.add, arithmetic.subtract
    a, b, half, change, memory_v, memory_a, memory_b, memory_c = (arithmetic.empty_like(v) for _ in range(8))
    for _ in range(count):
        n_v = square(v, memory_v)
        multiply(half_decay, v, half)
        if forcing is not None:
            add(half, forcing[0], half)
        multiply(q, n_v, change)
        if mirror is not None:
            mirror(change)
        add(half, change, a)
        n_a = square(a, memory_a)
        multiply(q, n_a, change)
        if mirror is not None:
            mirror(change)
        add(half, change, b)
        n_b = square(b, memory_b)
        multiply(half_decay, a, a)
        if forcing is not None:
            add(a, forcing[0], a)
        add(n_b, n_b, change)
        subtract(change, n_v, change)
        multiply(q, change, change)
        if mirror is not None:
            mirror(change)
        add(a, change, a)
        n_c = square(a, memory_c)
        multiply(p_1, n_v, change)
        add(n_a, n_b, b)
        multiply(p_2, b, b)
        add(change, b, change)
        multiply(p_3, n_c, b)
        add(change, b, change)
        if mirror is not None:
            mirror(change)
        multiply(decay, v, v)
        add(v, change, v)
        if forcing is not None:
            add(v, forcing[1], v)
