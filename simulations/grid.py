"""Grids: the points on which fields live, on a periodic box or between walls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulations.settings import above_zero, collected, raise_all, whole

Array = NDArray[np.float64]

DIMS = ("x", "y")


class Grid(Protocol):
    """The properties of a grid that every simulation uses."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points along each dimension."""
        ...

    @property
    def extents(self) -> tuple[float, ...]:
        """The length of the domain along each dimension, in the units of ``x``."""
        ...

    @property
    def coordinates(self) -> Mapping[str, Array]:
        """The positions of the points, ``{"x": (nx,)}`` or ``{"x": (nx,), "y": (ny,)}``."""
        ...

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the dimensions, ``("x",)`` or ``("x", "y")``: the last axes of every field, in this order."""
        ...


@dataclass(frozen=True)
class PeriodicGrid:
    """Equispaced points ``x_i = i L / N`` on a periodic interval or rectangle.

    Args:
        shape: The number of points N along each dimension, even and at least 8. Powers of two transform
            fastest.
        extents: The length L of the domain along each dimension, in the units of ``x``.

    Raises:
        ValueError: If a number of points is odd, below 8 or not whole, or an extent is not positive.

    Example:
        >>> import numpy as np
        >>> from simulations import PeriodicGrid
        >>> PeriodicGrid.square(64, 2 * np.pi).coordinates["y"].shape
        (64,)
    """

    shape: tuple[int, ...]
    extents: tuple[float, ...]

    def __post_init__(self) -> None:
        shape, extents = _sizes("PeriodicGrid", self.shape, self.extents)
        for count in shape:
            if count < 8 or count % 2:
                raise ValueError(
                    f"Expected an even num_points of at least 8, got {count}. Try {max(8, count + count % 2)}."
                )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "extents", extents)

    @classmethod
    def line(cls, num_points: int, domain_extent: float) -> "PeriodicGrid":
        """The line ``[0, L)`` with N points."""
        return cls((num_points,), (domain_extent,))

    @classmethod
    def square(cls, num_points: int, domain_extent: float) -> "PeriodicGrid":
        """The square ``[0, L) x [0, L)`` with N points along each side."""
        return cls((num_points, num_points), (domain_extent, domain_extent))

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the dimensions, ``("x",)`` or ``("x", "y")``."""
        return DIMS[: len(self.shape)]

    @property
    def spacing(self) -> tuple[float, ...]:
        """The distance between neighbouring points along each dimension."""
        return tuple(extent / count for extent, count in zip(self.extents, self.shape, strict=True))

    @cached_property
    def coordinates(self) -> Mapping[str, Array]:
        """The positions of the points by dimension."""
        return {d: np.asarray(np.arange(n) * h) for d, n, h in zip(self.dims, self.shape, self.spacing, strict=True)}

    @cached_property
    def mesh(self) -> tuple[Array, ...]:
        """The coordinates, each shaped to broadcast over fields."""
        return tuple(np.meshgrid(*self.coordinates.values(), indexing="ij", sparse=True))

    @cached_property
    def modes(self) -> tuple[NDArray[np.int64], ...]:
        """The integer wavenumbers of a real transform along each dimension, shaped to broadcast over spectra."""
        along = [np.fft.fftfreq(n, 1 / n).round().astype(np.int64) for n in self.shape[:-1]]
        along.append(np.arange(self.shape[-1] // 2 + 1))
        return tuple(np.meshgrid(*along, indexing="ij", sparse=True))

    @cached_property
    def wavenumbers(self) -> tuple[Array, ...]:
        """The wavenumbers ``2 pi k / L`` along each dimension, for even derivatives."""
        along = zip(self.modes, self.extents, strict=True)
        return tuple((2 * np.pi * k / extent).astype(np.float64) for k, extent in along)

    @cached_property
    def odd_wavenumbers(self) -> tuple[Array, ...]:
        """The wavenumbers for odd derivatives: zero at the Nyquist mode, whose derivative the grid cannot show."""
        odd = zip(self.modes, self.shape, self.wavenumbers, strict=True)
        return tuple(np.where(np.abs(mode) == n // 2, 0.0, k).astype(np.float64) for mode, n, k in odd)

    @cached_property
    def laplacian(self) -> Array:
        """``-|k|^2``, the Laplacian in Fourier space, with the shape of a real transform."""
        return np.asarray(-sum(k**2 for k in self.wavenumbers))

    def dealiasing_mask(self, fraction: float = 2 / 3) -> NDArray[np.bool_]:
        """True for the modes ``|k| < fraction N / 2``, which products do not alias.

        Args:
            fraction: The share of wavenumbers that is kept; 2/3 is right for quadratic products, 1/2 for
                cubic ones.
        """
        kept = [np.abs(mode) < fraction * n / 2 for mode, n in zip(self.modes, self.shape, strict=True)]
        mask = kept[0]
        for other in kept[1:]:
            mask = mask & other
        return np.asarray(mask)

    @cached_property
    def parseval_weights(self) -> Array:
        """The weights ``w_k`` with ``<u v> = sum_k w_k Re(u_hat_k conj(v_hat_k))`` for real transforms."""
        weights = np.full(self.shape[-1] // 2 + 1, 2.0)
        weights[0] = weights[-1] = 1.0
        return weights / np.prod(self.shape, dtype=float) ** 2


@dataclass(frozen=True, eq=False)
class BoundedGrid:
    """Points between walls; :meth:`nodes`, :meth:`interior` and :meth:`cells` place them for finite differences.

    Args:
        coordinates: The positions of the points by dimension, ascending.
        extents: The distance between the walls along each dimension, in the units of ``x``.

    Raises:
        ValueError: If there are fewer than 3 points along a dimension, they do not ascend, or an extent is
            not positive.

    Example:
        >>> from simulations import BoundedGrid
        >>> BoundedGrid.nodes(5, 2.0).coordinates["x"].tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0]
    """

    coordinates: Mapping[str, Array]
    extents: tuple[float, ...]

    def __post_init__(self) -> None:
        if tuple(self.coordinates) != DIMS[: len(self.extents)]:
            raise ValueError(f"Expected coordinates along {DIMS[: len(self.extents)]}, got {tuple(self.coordinates)}.")
        _sizes("BoundedGrid", [len(points) for points in self.coordinates.values()], self.extents)
        for dim, points in self.coordinates.items():
            if len(points) < 3 or not np.all(np.diff(points) > 0):
                raise ValueError(f"Expected at least 3 ascending points along {dim}, got {points}.")

    @classmethod
    def nodes(cls, num_points: int, extent: float = 1.0) -> "BoundedGrid":
        """A line with a point on each wall: ``x_i = i L / (N - 1)``."""
        (count,), (length,) = _sizes("BoundedGrid.nodes", (num_points,), (extent,))
        return cls({"x": np.linspace(0.0, length, count)}, (length,))

    @classmethod
    def interior(cls, num_points: int, extent: float = 1.0) -> "BoundedGrid":
        """A line without points on its walls: ``x_i = (i + 1) L / (N + 1)``."""
        (count,), (length,) = _sizes("BoundedGrid.interior", (num_points,), (extent,))
        return cls({"x": np.arange(1, count + 1) * length / (count + 1)}, (length,))

    @classmethod
    def cells(cls, shape: Sequence[int], extents: Sequence[float]) -> "BoundedGrid":
        """The centres of cells between the walls: ``x_i = (i + 1/2) L / N`` along each dimension."""
        counts, lengths = _sizes("BoundedGrid.cells", shape, extents)
        axes = zip(DIMS, counts, lengths, strict=False)
        return cls({d: (np.arange(n) + 0.5) * length / n for d, n, length in axes}, lengths)

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the dimensions, ``("x",)`` or ``("x", "y")``."""
        return tuple(self.coordinates)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points along each dimension."""
        return tuple(len(points) for points in self.coordinates.values())

    @property
    def spacing(self) -> tuple[float, ...]:
        """The distance between neighbouring points along each dimension."""
        return tuple(float(points[1] - points[0]) for points in self.coordinates.values())


def _sizes(where: str, shape: Sequence[int], extents: Sequence[float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Check the numbers of points and the lengths, one of each along one or two dimensions."""
    if np.ndim(shape) != 1 or np.ndim(extents) != 1 or len(shape) != len(extents) or not 1 <= len(shape) <= len(DIMS):
        raise ValueError(
            f"{where}: expected one or two dimensions, with a number of points and an extent along each, "
            f"got shape {shape} and extents {extents}."
        )
    problems: list[str] = []
    with collected(problems):
        counts = tuple(whole("num_points", count) for count in shape)
    with collected(problems):
        lengths = tuple(above_zero("domain_extent", extent) for extent in extents)
    raise_all(problems, where)
    return counts, lengths
