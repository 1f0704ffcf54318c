"""The steps of ``quadratic`` in place.

The equations are those of ``integrators`` with the coefficients folded; here every result is written
where an old one is no longer needed, so that a loop over steps stays in the cache. One text serves
NumPy arrays and torch tensors.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

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


class Kernel(ABC):
    """How a spectrum is squared, with memory of its own.

    Args:
        tape: where :meth:`square` leaves the fields that it squared, for :func:`~simulations.adjoint.pull_back`;
            None where nobody asks.
    """

    arithmetic: ClassVar[Arithmetic]
    mirrors: ClassVar[bool] = False
    """Whether weighed spectra have to be completed by their mirror image."""

    def __init__(self, tape: list[Values] | None) -> None:
        self.tape = tape

    @abstractmethod
    def square(self, spectrum: Values, memory: Values) -> Values:
        """``q(v)``, in ``memory`` or elsewhere."""

    @abstractmethod
    def pull_back(self, fields: Values, inlet: Values, memory: Values) -> Values:
        """The gradient at ``v`` of one at ``q(v) / 2``, left in the inlet, where ``fields`` were squared.

        In ``memory`` or elsewhere, and the inlet as it was.
        """

    def inlet(self, like: Values) -> Values:
        """Memory from which :meth:`pull_back` takes a gradient."""
        return self.arithmetic.empty_like(like)

    def mirror(self, weighed: Values) -> None:  # noqa: B027  (most have none)
        """S in place."""

    def mirrored(self, weighed: Values, memory: Values) -> Values:
        """S, in ``memory`` where there is a mirror image to add."""
        return weighed

    def enter(self, tensor: Tensor) -> Values:
        """A tensor ``(batch, 1, *packed)`` as this kernel's values."""
        return tensor

    def leave(self, values: Values) -> Tensor:
        """Values as a tensor."""
        return values

    @abstractmethod
    def enter_gradient(self, gradient: Tensor) -> Values:
        """A gradient of torch, as this kernel holds one, in memory of its own."""

    @abstractmethod
    def leave_gradient(self, values: Values) -> Tensor:
        """A gradient as torch holds it."""

    def adjoint_table(self, table: Tensor) -> Values:
        """What a gradient is multiplied by where values were multiplied by ``table``."""
        return self.enter(table.conj().resolve_conj())


def has_storage(tensor: Tensor) -> bool:
    """Whether it is a tensor of numbers, not one inside a function transform."""
    try:
        tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return False
    return True


def has_tangent(tensor: Tensor) -> bool:
    """Whether a forward-mode derivative travels with it."""
    return forward_ad.unpack_dual(tensor).tangent is not None


def march(v: Values, count: int, tables: Sequence[Values], forcing: Sequence[Values] | None, kernel: Kernel) -> None:
    """``count`` steps of the scheme that the tables belong to, in the place of ``v``.

    Args:
        v: packed waves.
        tables: 3 for ETDRK2, 6 for ETDRK4, in the order of their coefficients.
        forcing: what a constant forcing adds to each stage; None where there is none.
    """
    steps = _etdrk2 if len(tables) == 3 else _etdrk4
    steps(v, count, tables, forcing, kernel)


def _etdrk2(v: Values, count: int, tables: Sequence[Values], forcing: Sequence[Values] | None, kernel: Kernel) -> None:
    arithmetic, square = kernel.arithmetic, kernel.square
    mirror = kernel.mirror if kernel.mirrors else None
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


def _etdrk4(v: Values, count: int, tables: Sequence[Values], forcing: Sequence[Values] | None, kernel: Kernel) -> None:
    arithmetic, square = kernel.arithmetic, kernel.square
    mirror = kernel.mirror if kernel.mirrors else None
    decay, half_decay, q, p_1, p_2, p_3 = tables
    multiply, add, subtract = arithmetic.multiply, arithmetic.add, arithmetic.subtract
    a, b, half, first, change, memory_v, memory_a, memory_b, memory_c = (arithmetic.empty_like(v) for _ in range(9))
    q_twice = q + q
    for _ in range(count):
        n_v = square(v, memory_v)
        multiply(half_decay, v, half)
        if forcing is not None:
            add(half, forcing[0], half)
        multiply(q, n_v, first)
        if mirror is not None:
            mirror(first)
        add(half, first, a)
        n_a = square(a, memory_a)
        multiply(q, n_a, change)
        if mirror is not None:
            mirror(change)
        add(half, change, b)
        n_b = square(b, memory_b)
        multiply(half_decay, a, a)
        if forcing is not None:
            add(a, forcing[0], a)
        multiply(q_twice, n_b, change)
        if mirror is not None:
            mirror(change)
        subtract(change, first, change)
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
