import numpy as np
import pytest

from simulations import BoundedGrid, PeriodicGrid

TWO_DIMENSIONAL = PeriodicGrid((16, 24), (3.0, 5.0))
each_grid = pytest.mark.parametrize("grid", [PeriodicGrid.line(16, 3.0), TWO_DIMENSIONAL], ids=["1D", "2D"])


def transform(field: np.ndarray) -> np.ndarray:
    return np.fft.rfftn(field, axes=range(field.ndim))


def back(spectrum: np.ndarray, grid: PeriodicGrid) -> np.ndarray:
    return np.fft.irfftn(spectrum, s=grid.shape, axes=range(len(grid.shape)))


def test_wavenumbers_differentiate_every_resolved_wave() -> None:
    """Multiplying a spectrum by (ik) is d/dx of sin(2 pi m x / L), m below Nyquist; 1e-12 is rounding times k."""
    grid = PeriodicGrid.line(32, 7.0)
    x = grid.coordinates["x"]
    for mode in range(1, 16):
        k = 2 * np.pi * mode / 7.0
        for wavenumbers in (*grid.wavenumbers, *grid.odd_wavenumbers):
            slope = back(1j * wavenumbers * transform(np.sin(k * x)), grid)
            np.testing.assert_allclose(slope, k * np.cos(k * x), atol=1e-12 * k)


def test_wavenumbers_differentiate_along_each_dimension() -> None:
    """Every plane wave below Nyquist, into either quadrant, has the right slopes and Laplacian; 1e-11 is rounding."""
    grid = TWO_DIMENSIONAL
    x, y = grid.mesh
    for m_x in range(-7, 8):
        for m_y in range(0, 12):
            k_x, k_y = 2 * np.pi * m_x / 3.0, 2 * np.pi * m_y / 5.0
            wave, turned = np.sin(k_x * x + k_y * y + 0.3), np.cos(k_x * x + k_y * y + 0.3)
            for k, wavenumbers in zip((k_x, k_y), grid.odd_wavenumbers, strict=True):
                np.testing.assert_allclose(back(1j * wavenumbers * transform(wave), grid), k * turned, atol=1e-11)
            laplacian = back(grid.laplacian * transform(wave), grid)
            np.testing.assert_allclose(laplacian, -(k_x**2 + k_y**2) * wave, atol=1e-11 * (1 + k_x**2 + k_y**2))


@each_grid
def test_odd_derivatives_of_the_nyquist_mode_are_zero_and_even_ones_are_not(grid: PeriodicGrid) -> None:
    """(-1)^i has no sign of direction but the full curvature; exact."""
    for axis, (points, extent) in enumerate(zip(grid.shape, grid.extents, strict=True)):
        nyquist = np.pi * points / extent
        along = np.moveaxis(np.broadcast_to(grid.modes[axis], grid.laplacian.shape), axis, 0)
        odd = np.moveaxis(np.broadcast_to(grid.odd_wavenumbers[axis], grid.laplacian.shape), axis, 0)
        even = np.moveaxis(np.broadcast_to(grid.wavenumbers[axis], grid.laplacian.shape), axis, 0)
        at_nyquist = np.abs(along) == points // 2
        assert at_nyquist.any()
        assert not odd[at_nyquist].any()
        np.testing.assert_allclose(np.abs(even[at_nyquist]), nyquist, rtol=1e-15)
        np.testing.assert_array_equal(odd[~at_nyquist], even[~at_nyquist])


@pytest.mark.parametrize("num_points", [8, 10, 12, 30, 32, 64])
def test_the_two_thirds_rule_leaves_no_alias_of_a_product(num_points: int) -> None:
    """No two kept modes add up to a mode that aliases onto a kept one, and the first mode dropped would; exact."""
    mask = PeriodicGrid.line(num_points, 1.0).dealiasing_mask()
    highest = np.flatnonzero(mask).max()
    assert mask[: highest + 1].all()
    assert num_points - 2 * highest > highest
    assert num_points - 2 * (highest + 1) <= highest + 1


@pytest.mark.parametrize("num_points", [8, 12, 32, 64])
def test_half_the_modes_leave_no_alias_of_a_cube(num_points: int) -> None:
    """No three kept modes add up to a mode that aliases onto a kept one, and the first mode dropped would; exact."""
    highest = np.flatnonzero(PeriodicGrid.line(num_points, 1.0).dealiasing_mask(1 / 2)).max()
    assert num_points - 3 * highest > highest
    assert num_points - 3 * (highest + 1) <= highest + 1


def test_the_mask_of_two_dimensions_is_that_of_each() -> None:
    """A mode is kept where both of its numbers are; exact."""
    kept = [PeriodicGrid.line(n, 1.0).dealiasing_mask() for n in TWO_DIMENSIONAL.shape]
    along_x = np.concatenate([kept[0], kept[0][-2:0:-1]])  # negative modes after positive ones
    np.testing.assert_array_equal(TWO_DIMENSIONAL.dealiasing_mask(), along_x[:, None] & kept[1])


@each_grid
def test_parseval_weights_give_the_spatial_mean_of_a_product(grid: PeriodicGrid) -> None:
    """<u v> from spectra equals the mean over the grid, for white noise up to Nyquist; 1e-14 is rounding."""
    u, v = np.random.default_rng(0).normal(size=(2, *grid.shape))
    product = transform(u) * transform(v).conj()
    assert np.sum(grid.parseval_weights * product.real) == pytest.approx(np.mean(u * v), abs=1e-14)


@each_grid
def test_the_period_is_not_sampled_twice(grid: PeriodicGrid) -> None:
    """Points are i L / N: the last is one spacing before L, which is the first point again; exact to rounding."""
    assert tuple(grid.coordinates) == grid.dims == ("x", "y")[: len(grid.shape)]
    for points, count, extent, spacing in zip(
        grid.coordinates.values(), grid.shape, grid.extents, grid.spacing, strict=True
    ):
        assert points.shape == (count,)
        assert points[0] == 0.0
        assert points[-1] + spacing == pytest.approx(extent, rel=1e-15)


def test_the_mesh_is_indexed_by_x_then_y() -> None:
    """``mesh`` broadcasts to fields whose last axes are x, y; exact."""
    x, y = TWO_DIMENSIONAL.mesh
    assert (x + y).shape == TWO_DIMENSIONAL.shape
    assert (x + 0 * y)[3, 5] == TWO_DIMENSIONAL.coordinates["x"][3]
    assert (y + 0 * x)[3, 5] == TWO_DIMENSIONAL.coordinates["y"][5]


def test_lines_and_squares() -> None:
    """Shorthands for one dimension, and for two alike."""
    assert PeriodicGrid.line(8, 2.0) == PeriodicGrid((8,), (2.0,))
    assert PeriodicGrid.square(8, 2.0) == PeriodicGrid((8, 8), (2.0, 2.0))


def test_odd_numbers_of_points_are_refused_with_the_next_even_one() -> None:
    """An odd N has no Nyquist mode, which the weights assume; the message names a number that works."""
    with pytest.raises(ValueError, match=r"even num_points of at least 8, got 63\. Try 64"):
        PeriodicGrid.line(63, 1.0)
    with pytest.raises(ValueError, match=r"got 6\. Try 8"):
        PeriodicGrid((8, 6), (1.0, 1.0))


@pytest.mark.parametrize("extent", [-1.0, 0.0, np.nan, np.inf])
def test_extents_that_are_no_length_are_refused(extent: float) -> None:
    """A domain has a positive finite length."""
    with pytest.raises(ValueError, match=f"expected a finite domain_extent > 0, got {extent}"):
        PeriodicGrid((8, 8), (1.0, extent))


def test_shapes_and_extents_are_of_one_or_two_dimensions() -> None:
    """One length for each number of points."""
    for shape, extents in (((8, 8), (1.0,)), ((8, 8, 8), (1.0, 1.0, 1.0)), ((), ())):
        with pytest.raises(
            ValueError,
            match="expected one or two dimensions, with a number of points and an extent along each, got shape",
        ):
            PeriodicGrid(shape, extents)


def test_points_between_walls_are_where_they_are_put() -> None:
    """Shape, spacing and dimensions follow from the coordinates; exact."""
    grid = BoundedGrid({"x": np.linspace(0, 1, 5), "y": np.array([0.1, 0.3, 0.5])}, (1.0, 0.6))
    assert (grid.dims, grid.shape) == (("x", "y"), (5, 3))
    assert grid.spacing == pytest.approx((0.25, 0.2))


@pytest.mark.parametrize("points", [[0.0, 1.0], [0.0, 0.5, 0.5], [1.0, 0.5, 0.0], [0.0, np.nan, 1.0]])
def test_points_between_walls_that_do_not_ascend_are_refused(points: list[float]) -> None:
    """Differences need three different points in order."""
    with pytest.raises(ValueError, match="at least 3 ascending points along y"):
        BoundedGrid({"x": np.arange(3.0), "y": np.array(points)}, (2.0, 1.0))


def test_coordinates_between_walls_are_named_by_dimension() -> None:
    """x, then y, one for each extent."""
    with pytest.raises(ValueError, match=r"coordinates along \('x', 'y'\), got \('y', 'x'\)"):
        BoundedGrid({"y": np.arange(3.0), "x": np.arange(3.0)}, (2.0, 2.0))
    with pytest.raises(ValueError, match=r"coordinates along \('x',\), got \('x', 'y'\)"):
        BoundedGrid({"x": np.arange(3.0), "y": np.arange(3.0)}, (2.0,))


def test_numbers_of_points_and_extents_are_plain_numbers() -> None:
    """NumPy's integers and whole floats are taken; text and parts of a point are not, and all of it is told."""
    assert PeriodicGrid(tuple(np.array([64, 128])), (1, np.float32(2.0))) == PeriodicGrid((64, 128), (1.0, 2.0))
    assert PeriodicGrid((64.0,), (1.0,)).coordinates["x"].shape == (64,)
    with pytest.raises(
        ValueError, match=r"num_points as a whole number, got 64.5; expected a finite domain_extent > 0, got '1'"
    ):
        PeriodicGrid((64.5,), ("1",))


@pytest.mark.parametrize(
    ("shape", "extents"), [((8, 8, 8), (1.0, 1.0, 1.0)), ((32, 16), (1.0,)), ((8,), (1.0, 1.0)), ((), ())]
)
def test_cells_have_one_extent_along_each_of_one_or_two_dimensions(
    shape: tuple[int, ...], extents: tuple[float, ...]
) -> None:
    """No dimension is dropped without a word."""
    with pytest.raises(ValueError, match=r"BoundedGrid.cells: expected one or two dimensions, .* got shape"):
        BoundedGrid.cells(shape, extents)


@pytest.mark.parametrize("extent", [-1.0, 0.0, np.nan, np.inf])
def test_walls_are_a_positive_distance_apart(extent: float) -> None:
    """The message is about the extent, not about points that do not ascend."""
    expected = f"expected a finite domain_extent > 0, got {extent}"
    for make in (BoundedGrid.nodes, BoundedGrid.interior, lambda n, length: BoundedGrid.cells((n,), (length,))):
        with pytest.raises(ValueError, match=expected):
            make(8, extent)
    with pytest.raises(ValueError, match=expected):
        BoundedGrid({"x": np.arange(3.0)}, (extent,))
