"""The steps of ``quadratic`` in place.

The schemes are those of ``integrators`` with folded coefficients. Every result is written into memory that
is no longer needed, so that a loop over steps stays in the cache. The same functions step NumPy arrays and
torch tensors.
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
    """The operations on NumPy arrays or on torch tensors.

    Args:
        multiply: ``multiply(a, b, out)`` writes the product into ``out``.
        add: ``add(a, b, out)`` writes the sum into ``out``.
        subtract: ``subtract(a, b, out)`` writes the difference into ``out``.
        empty_like: Allocates memory of the same shape.
    """

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
    """Squares a field given by its spectrum, in memory of its own.

    In these docstrings v is a packed spectrum, ``q(v)`` the spectrum of the square of its field, and S adds
    the mirror image of a complex spectrum (see :mod:`simulations.quadratic`).

    Args:
        tape: A list to which :meth:`square` appends the fields that it squares, for
            :func:`~simulations.adjoint.pull_back`; None where no gradient is needed.
    """

    arithmetic: ClassVar[Arithmetic]
    mirrors: ClassVar[bool] = False
    """Whether S adds a mirror image; otherwise S does nothing."""

    def __init__(self, tape: list[Values] | None) -> None:
        self.tape = tape

    @abstractmethod
    def square(self, spectrum: Values, memory: Values) -> Values:
        """``q(v)``, written into ``memory`` or into memory of the kernel's own."""

    @abstractmethod
    def pull_back(self, fields: Values, inlet: Values, memory: Values) -> Values:
        """The gradient at ``v`` that belongs to the gradient ``inlet`` at ``q(v) / 2``.

        Args:
            fields: The field that was squared, from the tape.
            inlet: The gradient, in the memory that :meth:`inlet` gave; it is not changed.
            memory: Memory for the result; the result may also be in memory of the kernel's own.
        """

    def inlet(self, like: Values) -> Values:
        """Memory of the shape of ``like`` from which :meth:`pull_back` takes a gradient."""
        return self.arithmetic.empty_like(like)

    def mirror(self, weighed: Values) -> None:  # noqa: B027  (most kernels have no mirror image)
        """Apply S in place."""

    def mirrored(self, weighed: Values, memory: Values) -> Values:
        """Apply S; the result is in ``memory`` if S adds a mirror image, else it is ``weighed`` itself."""
        return weighed

    def enter(self, tensor: Tensor) -> Values:
        """Convert a tensor ``(batch, 1, *packed)`` to the arrays of this kernel."""
        return tensor

    def leave(self, values: Values) -> Tensor:
        """Convert arrays of this kernel to a tensor; the inverse of :meth:`enter`."""
        return values

    @abstractmethod
    def enter_gradient(self, gradient: Tensor) -> Values:
        """Convert a gradient of torch to one of this kernel, in new memory."""

    @abstractmethod
    def leave_gradient(self, values: Values) -> Tensor:
        """Convert a gradient of this kernel to one of torch; the inverse of :meth:`enter_gradient`."""

    def adjoint_table(self, table: Tensor) -> Values:
        """The table that multiplies gradients where ``table`` multiplied values."""
        return self.enter(table.conj().resolve_conj())


def has_storage(tensor: Tensor) -> bool:
    """Whether the tensor holds numbers; tensors inside a function transform such as vmap do not."""
    try:
        tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return False
    return True


def has_tangent(tensor: Tensor) -> bool:
    """Whether the tensor carries a forward-mode derivative."""
    return forward_ad.unpack_dual(tensor).tangent is not None


def march(v: Values, count: int, tables: Sequence[Values], forcing: Sequence[Values] | None, kernel: Kernel) -> None:
    """Take ``count`` steps in place of ``v``.

    Args:
        v: The packed spectrum; it is overwritten.
        count: The number of steps.
        tables: The folded coefficients, three for ETDRK2 and six for ETDRK4, in the order of the scheme's
            ``coefficients``.
        forcing: The terms that a constant forcing adds to the stages; None without forcing.
        kernel: Squares the field.
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
