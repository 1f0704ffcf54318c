"""Shapes of actuators: jets, sine modes, boxes, uniform forcing, and values at walls."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulations.actuators import ActionBox, Actuators
from simulations.grid import BoundedGrid, Grid, PeriodicGrid
from simulations.settings import above_zero, collected, finite, flag, raise_all, whole

Array = NDArray[np.float64]


def _actuators(
    kind: str, name: str | None, shapes: Array, limit: float, acts_on: str | None, units: str, impulsive: bool = False
) -> Actuators:
    for key, text in (("acts_on", acts_on or ""), ("name", name or ""), ("units", units)):
        if not isinstance(text, str):
            raise ValueError(f"Expected {key} as text, got {text!r}.")
    prefix = name or (f"{acts_on}_{kind}" if acts_on else kind)
    box = ActionBox.symmetric([f"{prefix}_{j}" for j in range(len(shapes))], limit, units)
    return Actuators(box, shapes, (acts_on,) * len(shapes) if acts_on else (), impulsive)


def gaussian_jets(
    grid: PeriodicGrid | BoundedGrid,
    *,
    count: int | Sequence[int],
    width: float,
    limit: float,
    offset: float = 0.0,
    normalization: Literal["integral", "peak"] = "integral",
    zero_mean: bool = False,
    acts_on: str | None = None,
    units: str = "1",
    name: str | None = None,
) -> Actuators:
    """Gaussian jets on an equispaced lattice.

        g_j(x) = exp(-|x - x_j|^2 / (2 width^2)) / (2 pi width^2)^(d/2),    x_j = (j + offset) L / count

    On a periodic grid each jet is summed over its periodic images; between walls it is cut off at the walls.

    Args:
        grid: The grid of the simulation.
        count: The number of jets along each dimension, or one number for all dimensions.
        width: The standard deviation of the Gaussian, in the units of ``x``, at least one grid spacing.
            0.15 to 0.3 of the distance between neighbouring jets is often good: narrower jets need more
            grid points, wider ones act alike.
        limit: The bound ``|a_j| <= limit`` of every action, in units of the action.
        offset: The place of a jet within its lattice cell. Between walls it must be from 0 to 1; 0.5 is good
            there, as it keeps all jets off the walls.
        normalization: ``"integral"`` gives every jet the integral one over all space, parts beyond walls
            included; ``"peak"`` gives it the value one at its centre, without its images.
        zero_mean: Whether the mean of every shape is subtracted, so that the jets do not change the spatial
            mean. Use it where the equation conserves the mean.
        acts_on: A variable or a parameter of the equation; the first variable by default.
        units: The units of the actions; "1" is dimensionless.
        name: The beginning of the actions' names; ``jet``, or ``v_jet`` for ``acts_on="v"``, by default.

    Raises:
        ValueError: With everything that does not fit; also if a jet is narrower than one grid spacing, or so
            wide that it vanishes when its mean is subtracted.

    Example:
        >>> import numpy as np
        >>> from simulations import PeriodicGrid, gaussian_jets
        >>> jets = gaussian_jets(PeriodicGrid.line(64, 2 * np.pi), count=4, width=0.3, limit=1.0)
        >>> jets.shapes.shape
        (4, 64)
    """
    problems: list[str] = []
    with collected(problems):
        width = above_zero("width", width)
    with collected(problems):
        limit = above_zero("limit", limit)
    with collected(problems):
        offset = finite("offset", offset)
        if isinstance(grid, BoundedGrid) and not 0 <= offset <= 1:
            raise ValueError(f"expected jets between the walls, 0 <= offset <= 1, got {offset}")
    with collected(problems):
        zero_mean = flag("zero_mean", zero_mean)
    with collected(problems):
        counts = _lattice(grid, count)
    if normalization not in ("integral", "peak"):
        problems.append(f"expected normalization 'integral' or 'peak', got {normalization!r}")
    raise_all(problems, "gaussian_jets")
    if width < max(grid.spacing):
        points = 2 * int(np.ceil(max(grid.extents) / width / 2)) + isinstance(grid, BoundedGrid)
        raise ValueError(
            f"Expected jets at least one grid spacing wide, got width = {width} on a spacing of "
            f"{max(grid.spacing):.3g}. Use at least num_points = {points} or a larger width."
        )
    shapes = np.ones(1)
    for x, extent, n in zip(grid.coordinates.values(), grid.extents, counts, strict=True):
        centres = (np.arange(n)[:, None] + offset) * extent / n
        periodic = isinstance(grid, PeriodicGrid)
        profile = _periodic_gaussians(x - centres, extent, width) if periodic else _gaussian((x - centres) / width)
        profile = profile / (np.sqrt(2 * np.pi) * width) if normalization == "integral" else profile
        shapes = np.einsum("i...,jy->ij...y", shapes, profile).reshape(-1, *shapes.shape[1:], len(x))
    if zero_mean:
        highest = shapes.max()
        shapes = shapes - shapes.mean(axis=tuple(range(1, shapes.ndim)), keepdims=True)
        if np.abs(shapes).max() < 1e-9 * highest:
            raise ValueError(
                f"Expected jets that vary over the domain, got width = {width} on {max(grid.extents)}: without its "
                "mean nothing is left of a jet. Use a smaller width."
            )
    return _actuators("jet", name, shapes, limit, acts_on, units)


def _lattice(grid: Grid, count: Any) -> tuple[int, ...]:
    along_each = (count,) * len(grid.shape) if np.ndim(count) == 0 else count
    counts = tuple(whole("count", n) for n in along_each)
    if len(counts) != len(grid.shape) or min(counts) < 1:
        raise ValueError(f"expected a count of jets along each of {', '.join(grid.dims)}, got {count}")
    return counts


def _gaussian(distance: Array) -> Array:
    return np.asarray(np.exp(-(distance**2) / 2))


def _periodic_gaussians(from_centre: Array, extent: float, width: float) -> Array:
    if width > extent:  # the same sum by Poisson's formula; its next term is below 1e-34
        wavenumber = 2 * np.pi / extent
        decay = np.exp(-(min(wavenumber * width, 50.0) ** 2) / 2)  # beyond 50 the exponential is zero
        return np.asarray(np.sqrt(2 * np.pi) * width / extent * (1 + 2 * decay * np.cos(wavenumber * from_centre)))
    distance = (from_centre + extent / 2) % extent - extent / 2
    reach = 1 + int(np.ceil(8 * width / extent))  # images beyond 8 widths are below rounding
    to_images = distance[..., None] + extent * np.arange(-reach, reach + 1)
    return np.asarray(_gaussian(to_images / width).sum(axis=-1))


def sine_modes(
    grid: PeriodicGrid,
    *,
    modes: Sequence[int],
    limit: float,
    acts_on: str | None = None,
    units: str = "1",
    name: str | None = None,
) -> Actuators:
    """Sine and cosine modes along ``x``: for each wavenumber one action on the sine and one on the cosine.

    Args:
        grid: The periodic grid of the simulation.
        modes: Different integer wavenumbers, at least 1 and below the Nyquist wavenumber. Keep them below 2/3
            of it (1/2 for cubic equations), as the nonlinear term ignores higher ones.
        limit: The bound ``|a_j| <= limit`` of every action, in units of the action.
        acts_on: A variable or a parameter of the equation; the first variable by default.
        units: The units of the actions; "1" is dimensionless.
        name: The beginning of the actions' names; ``sine``, or ``v_sine`` for ``acts_on="v"``, by default.

    Raises:
        ValueError: If the grid cannot represent a mode, or is not periodic.

    Example:
        >>> from simulations import PeriodicGrid, sine_modes
        >>> sine_modes(PeriodicGrid.line(64, 22.0), modes=[1, 2], limit=0.5).box.names
        ('sine_0', 'sine_1', 'sine_2', 'sine_3')
    """
    if not isinstance(grid, PeriodicGrid):
        raise ValueError("Expected a periodic grid for sine_modes, got one between walls. Use gaussian_jets or boxes.")
    if np.ndim(modes) != 1 or not len(modes):
        raise ValueError(f"Expected sine_modes of at least one mode, as modes=[1, 2], got {modes!r}.")
    waves = [whole("modes", mode) for mode in modes]
    highest = grid.shape[0] // 2 - 1
    if min(waves) < 1 or max(waves) > highest:
        points = f" Use at least num_points = {2 * (max(waves) + 1)} for these modes." if max(waves) > highest else ""
        lowest = " Mode 0 is what `uniform` does." if 0 in waves else ""
        raise ValueError(
            f"Expected modes between 1 and {highest} on {grid.shape[0]} points, got {waves}.{points}{lowest}"
        )
    if len(set(waves)) < len(waves):
        raise ValueError(f"Expected every mode once, got {waves}.")
    phase = 2 * np.pi * grid.mesh[0] / grid.extents[0]
    shapes = [np.broadcast_to(wave(mode * phase), grid.shape) for mode in waves for wave in (np.sin, np.cos)]
    return _actuators("sine", name, np.stack(shapes), limit, acts_on, units)


def boxes(
    grid: Grid,
    *,
    intervals: Sequence[tuple[float, float]] | Sequence[tuple[tuple[float, float], tuple[float, float]]],
    limit: float,
    acts_on: str | None = None,
    units: str = "1",
    impulsive: bool = False,
    name: str | None = None,
) -> Actuators:
    """Boxes: one inside an interval ``low <= x < high`` (a rectangle in 2D), zero outside.

    On a periodic grid a box that leaves the domain continues at its other end. Between walls, a box that
    ends at the far wall includes the point on it.

    Args:
        grid: The grid of the simulation.
        intervals: ``(low, high)`` of each box in 1D, ``((x_low, x_high), (y_low, y_high))`` in 2D, in the units
            of ``x``.
        limit: The bound ``|a_j| <= limit`` of every action, in units of the action.
        acts_on: A variable or a parameter of the equation; the first variable by default.
        units: The units of the actions; "1" is dimensionless.
        impulsive: Whether the forcing is added once, at the end of a control interval.
        name: The beginning of the actions' names; ``box``, or ``v_box`` for ``acts_on="v"``, by default.

    Raises:
        ValueError: With every box that holds no grid point, is longer than the period, or crosses a wall.

    Example:
        >>> from simulations import PeriodicGrid, boxes
        >>> boxes(PeriodicGrid.line(8, 1.0), intervals=[(0.2, 0.4), (0.6, 0.9)], limit=1.0).shapes.sum(axis=1).tolist()
        [2.0, 3.0]
    """
    if isinstance(intervals, str) or np.ndim(np.asarray(intervals, dtype=object)) < 1 or not len(intervals):
        raise ValueError(f"Expected at least one interval of boxes, as intervals=[(0.0, 1.0)], got {intervals!r}.")
    shapes: list[Array] = []
    problems: list[str] = []
    for j, interval in enumerate(intervals):
        with collected(problems, f"box {j} at {interval}: "):
            shapes.append(_box(grid, interval))
    with collected(problems):
        impulsive = flag("impulsive", impulsive)
    raise_all(problems, "boxes")
    return _actuators("box", name, np.stack(shapes), limit, acts_on, units, impulsive)


def _box(grid: Grid, interval: object) -> Array:
    wanted = f"expected (low, high) with finite low < high along each of {', '.join(grid.dims)}"
    try:
        bounds = np.asarray(interval, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(wanted) from None
    bounds = bounds[None] if bounds.shape == (2,) else bounds
    if bounds.shape != (len(grid.dims), 2) or not np.isfinite(bounds).all() or not (bounds[:, 0] < bounds[:, 1]).all():
        raise ValueError(wanted)
    shape = np.ones(())
    for (low, high), x, extent in zip(bounds, grid.coordinates.values(), grid.extents, strict=True):
        shape = shape[..., None] * _inside(x, low, high, extent, isinstance(grid, PeriodicGrid))
    if not shape.any():
        raise ValueError("holds no grid point: use more points or a wider box")
    return shape


def _inside(x: Array, low: float, high: float, extent: float, periodic: bool) -> NDArray[np.bool_]:
    rounding = 1e-12 * extent
    if periodic:
        if high - low > extent + rounding:
            raise ValueError(f"expected an interval of at most the period {extent:g}, got one of {high - low:g}")
        images = extent * np.arange(np.floor(low / extent), np.ceil(high / extent) + 1)
        return np.asarray(((low <= x + images[:, None]) & (x + images[:, None] < high)).any(axis=0))
    if low < -rounding or high > extent + rounding:
        raise ValueError(f"expected an interval between the walls at 0 and {extent:g}")
    return np.asarray((low <= x) & ((x < high) | (high >= extent - rounding)))


def uniform(grid: Grid, *, limit: float, acts_on: str, units: str = "1", name: str | None = None) -> Actuators:
    """One action that changes a variable or a parameter by the same amount at every point.

    Args:
        grid: The grid of the simulation.
        limit: The bound ``|a| <= limit`` of the action, in its units.
        acts_on: A variable or a parameter of the equation.
        units: The units of the action; "1" is dimensionless.
        name: The beginning of the action's name; ``v_uniform`` for ``acts_on="v"`` by default.
    """
    return _actuators("uniform", name, np.ones((1, *grid.shape)), limit, acts_on, units)


def boundary_values(grid: Grid, *, walls: Sequence[str] = ("right",), limit: float, units: str = "1") -> Actuators:
    """One action for each named wall; it sets the field there.

    Args:
        grid: The grid of the simulation.
        walls: The names of the walls, as the equation defines them: ``"left"``, ``"right"``, and in 2D
            ``"bottom"`` and ``"top"``.
        limit: The bound ``|a_j| <= limit`` of every action, in the units of the field.
        units: The units of the actions; "1" is dimensionless.

    Raises:
        ValueError: If ``walls`` is not a list of names.
    """
    if isinstance(walls, str) or not all(isinstance(wall, str) for wall in walls):
        raise ValueError(f"Expected walls as a list of names, as walls=['left', 'right'], got {walls!r}.")
    box = ActionBox.symmetric(walls, limit, units)
    return Actuators(box, np.zeros((len(walls), *grid.shape)), tuple(walls))
