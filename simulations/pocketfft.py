"""Stepping small batches on a line without overhead: the loop of ``quadratic`` on preallocated arrays.

At a few thousand numbers a transform takes a microsecond, and calling it from torch takes ten: there
every transform is planned anew. SciPy's own transform keeps its plans and writes where it is told,
but its function is not public; without it, torch steps small batches too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

try:
    from scipy.fft._pocketfft import pypocketfft
except ImportError:  # a SciPy that keeps it elsewhere
    pypocketfft = None

Array = NDArray[Any]
Square = Callable[[Array, Array], None]

LARGEST_BATCH = 31
"""Above it torch is faster: its transforms are vectorised over the batch."""


def serves(state_hat: Tensor, forcing_hat: Tensor) -> bool:
    """Whether these tensors are plain small numbers on a CPU, whose derivatives nobody asks for."""
    return (
        pypocketfft is not None
        and state_hat.device.type == "cpu"
        and len(state_hat) <= LARGEST_BATCH
        and all(_is_plain(x) for x in (state_hat, forcing_hat))
    )


def _is_plain(tensor: Tensor) -> bool:
    """Neither recorded, nor with a tangent, nor inside a function transform, where tensors have no storage."""
    if tensor.requires_grad or forward_ad.unpack_dual(tensor).tangent is not None:
        return False
    try:
        tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return False
    return True


def march(state_hat: Array, forcing: tuple[Array, ...], tables: tuple[Array, ...], points: int, count: int) -> Array:
    """``count`` steps of the scheme that the tables belong to (see ``quadratic``).

    Args:
        state_hat: ``(batch, wavenumber)``.
        forcing: what a constant forcing adds to each stage, ``(batch, wavenumber)`` each.
        tables: folded coefficients, broadcastable to ``(batch, wavenumber)`` each.
        points: on the grid.
    """
    v = np.array(state_hat, order="C")
    real = np.empty(0, v.dtype).real.dtype
    fields = np.empty((len(v), points), real)

    def square(spectrum: Array, out: Array) -> None:
        pypocketfft.c2r(spectrum, (1,), points, False, 2, fields, 1)
        np.square(fields, out=fields)
        pypocketfft.r2c(fields, (1,), True, 0, out, 1)

    whole = tuple(np.ascontiguousarray(np.broadcast_to(table, v.shape), dtype=v.dtype) for table in tables)
    steps = _etdrk2 if len(tables) == 3 else _etdrk4
    with np.errstate(over="ignore", invalid="ignore"):  # who steps looks for blow-ups afterwards, as with torch
        steps(v, count, square, whole, forcing)
    return v


def _etdrk2(v: Array, count: int, square: Square, tables: tuple[Array, ...], forcing: tuple[Array, ...]) -> None:
    decay, p_1, p_2 = tables
    (f_1,) = forcing
    forced = bool(f_1.any())
    a, n_v, n_a = np.empty_like(v), np.empty_like(v), np.empty_like(v)
    multiply, add, subtract = np.multiply, np.add, np.subtract
    for _ in range(count):
        square(v, n_v)
        multiply(decay, v, a)
        multiply(p_1, n_v, v)
        add(a, v, a)
        if forced:
            add(a, f_1, a)
        square(a, n_a)
        subtract(n_a, n_v, n_a)
        multiply(p_2, n_a, n_a)
        add(a, n_a, v)


def _etdrk4(v: Array, count: int, square: Square, tables: tuple[Array, ...], forcing: tuple[Array, ...]) -> None:
    decay, half_decay, q, p_1, p_2, p_3 = tables
    f_half, f_whole = forcing
    a, b, half, n_v, n_a, n_b = (np.empty_like(v) for _ in range(6))
    multiply, add, subtract = np.multiply, np.add, np.subtract
    for _ in range(count):
        square(v, n_v)
        multiply(half_decay, v, half)
        add(half, f_half, half)
        multiply(q, n_v, a)
        add(half, a, a)
        square(a, n_a)
        multiply(q, n_a, b)
        add(half, b, b)
        square(b, n_b)
        multiply(half_decay, a, a)
        add(a, f_half, a)
        add(n_b, n_b, b)
        subtract(b, n_v, b)
        multiply(q, b, b)
        add(a, b, a)
        multiply(decay, v, v)
        add(v, f_whole, v)
        multiply(p_1, n_v, n_v)
        add(v, n_v, v)
        add(n_a, n_b, n_a)
        multiply(p_2, n_a, n_a)
        add(v, n_a, v)
        square(a, n_a)
        multiply(p_3, n_a, n_a)
        add(v, n_a, v)
