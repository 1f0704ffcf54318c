"""Comparing numbers by their own size: no tolerance that is right in metres alone.

An absolute tolerance, such as numpy's default of 1e-8, makes all grids in nanometres equal and all in light years
different. Here every tolerance is a share of something: of the largest magnitude, or of the spacing.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHARE_OF_SPACING = 1e-3
"""How far a point may lie from where it belongs, in spacings."""
LARGEST_ROUNDING = 0.025
"""The largest rounding of the values themselves that is forgiven, in spacings."""
MOST_DIGITS = 6
"""Values with more decimal digits below the spacing are not taken for rounded ones."""
ROUNDING_STEPS = 8
"""The steps of the number format by which arithmetic may move a constant."""


def close(a: ArrayLike, b: ArrayLike, rtol: float = 1e-9) -> bool:
    """Whether two numbers or arrays agree, relative to the largest magnitude in either.

    Args:
        a: Numbers.
        b: Numbers of the same shape, or a single one.
        rtol: The largest difference as a share of the largest magnitude. There is no absolute tolerance: zero is
            close to zero alone.

    Returns:
        Whether they agree. Arrays of other shapes do not, and neither does NaN; an infinity agrees with itself.

    Example:
        >>> from simulations.closeness import close
        >>> close(1e-9, 5e-9), close(0.1 + 0.2, 0.3)
        (False, True)
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape and first.ndim and second.ndim:
        return False
    first, second = np.broadcast_arrays(first, second)
    finite = np.isfinite(first) & np.isfinite(second)
    if not np.array_equal(first[~finite], second[~finite]):
        return False
    first, second = first[finite], second[finite]
    largest = max(np.abs(first).max(initial=0.0), np.abs(second).max(initial=0.0))
    return bool(np.all(np.abs(first - second) <= rtol * largest))


def same_positions(a: ArrayLike, b: ArrayLike, tolerance: float = SHARE_OF_SPACING) -> bool:
    """Whether two coordinates hold the same points in the same order.

    Args:
        a: Positions or times, one-dimensional or a single one.
        b: Others.
        tolerance: The largest difference as a share of the distance to the next point. The rounding that the values
            show, such as that of single precision or of three decimals, is forgiven as well.

    Returns:
        Whether they agree; not if they differ in number.
    """
    first, second = np.atleast_1d(np.asarray(a, dtype=float)), np.atleast_1d(np.asarray(b, dtype=float))
    if first.shape != second.shape:
        return False
    return bool(np.all(np.abs(first - second) <= allowed(first, second, tolerance)))


def allowed(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    tolerance: float = SHARE_OF_SPACING,
    rounding: float = LARGEST_ROUNDING,
) -> NDArray[np.float64]:
    """How far the points of ``a`` may lie from those of ``b`` at the same indices and still be the same ones.

    Args:
        a: Positions or times, ``(n,)``, in any order.
        b: As many others.
        tolerance: As of :func:`same_positions`.
        rounding: The largest rounding of the values that is forgiven, as a share of the spacing; below a half, or
            a point could be two.

    Returns:
        A distance for each, ``(n,)``. A point without neighbours on either side is compared relative to its magnitude.
    """
    spacing = np.minimum(distance_to_next(a), distance_to_next(b))
    alone = 4 * np.finfo(np.float32).eps * np.maximum(np.abs(a), np.abs(b))
    shown = np.maximum(rounding_of(a), rounding_of(b)) * (1 + 1e-6)
    within = np.maximum(tolerance * spacing, np.where(shown <= rounding * spacing, shown, 0.0))
    return np.where(np.isfinite(spacing), within, alone)


def distance_to_next(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of each value to its nearest other one, ``(n,)``; infinite where there is no other."""
    order = np.argsort(values, kind="stable")
    gaps = np.concatenate([[np.inf], np.diff(values[order]), [np.inf]])
    nearest = np.empty(len(values))
    nearest[order] = np.minimum(gaps[:-1], gaps[1:])
    return nearest


def rounding_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest error by rounding that each value shows, ``(n,)``: half a unit of its last place.

    Values that all are numbers of half or single precision, or all have the same few decimal digits below their
    smallest spacing, are taken to have been rounded to these.
    """
    binary = np.spacing(np.abs(values)) / 2
    largest, smallest_gap = np.abs(values).max(initial=0.0), distance_to_next(values).min(initial=np.inf)
    for kind in (np.float32, np.float16):
        if largest < np.finfo(kind).max and np.array_equal(values.astype(kind).astype(float), values):
            binary = np.spacing(np.abs(values).astype(kind)).astype(float) / 2
    if not 0 < smallest_gap < np.inf:
        return binary
    for digits in range(MOST_DIGITS + 1):
        unit = 10.0 ** (np.floor(np.log10(smallest_gap)) - digits)
        if np.all(np.abs(values / unit - np.round(values / unit)) <= min(8 * np.spacing(largest) / unit, 1e-3)):
            return np.maximum(binary, unit / 2 if unit / 2 <= LARGEST_ROUNDING * smallest_gap else 0.0)
    return binary


def even(values: ArrayLike, tolerance: float = SHARE_OF_SPACING) -> bool:
    """Whether values increase or decrease in equal steps, up to the rounding that they themselves show.

    Args:
        values: Positions or times, ``(n,)``.
        tolerance: How far a value may lie from an even grid, as a share of the step. The rounding that the values
            show, such as that of single precision or of three decimals, is forgiven as well.

    Returns:
        Whether they do; two values are even where they differ, and fewer always.

    Example:
        >>> from simulations.closeness import even
        >>> even([0.0, 0.333, 0.667, 1.0]), even([0.0, 1e-10, 3e-10]), even([0, 1, 2, 4])
        (True, False, False)
    """
    given = np.asarray(values, dtype=float)
    if not np.isfinite(given).all():
        return False
    if len(given) < 2:
        return True
    step = abs(given[-1] - given[0]) / (len(given) - 1)
    if step == 0:
        return False
    away = np.abs(given - np.linspace(given[0], given[-1], len(given)))
    shown = rounding_of(given).max()
    # the grid goes through two values that are rounded themselves
    return bool(np.all(away <= max(tolerance * step, 2 * shown if shown <= LARGEST_ROUNDING * step else 0.0)))


def constant(values: ArrayLike, axis: int | tuple[int, ...] | None = None) -> NDArray[np.bool_]:
    """Whether values do not vary, up to rounding relative to their magnitude.

    Args:
        values: Numbers of any shape; the number format that they are given in decides what counts as rounding.
        axis: Over which they could vary; over all by default.

    Returns:
        For each of the rest, whether the largest and the smallest agree up to rounding. Zeros are constant; values
        that are not finite are not.
    """
    given = np.asarray(values)
    if given.dtype.kind != "f":
        given = given.astype(float)
    step = ROUNDING_STEPS * float(np.finfo(given.dtype).eps)
    with np.errstate(invalid="ignore"):
        spread = np.ptp(given, axis=axis).astype(float)
        return np.asarray(spread <= step * np.abs(given).max(axis=axis).astype(float))
