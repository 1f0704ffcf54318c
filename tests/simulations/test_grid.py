import numpy as np
import pytest

from simulations import PeriodicGrid


def test_wavenumbers_differentiate_every_resolved_wave() -> None:
    """Multiplying a spectrum by (ik) is d/dx of sin(2 pi m x / L), m below Nyquist; 1e-12 is rounding times k."""
    grid = PeriodicGrid(32, 7.0)
    for mode in range(1, 16):
        k = 2 * np.pi * mode / 7.0
        slope = np.fft.irfft(1j * grid.wavenumbers * np.fft.rfft(np.sin(k * grid.coordinates)), n=32)
        np.testing.assert_allclose(slope, k * np.cos(k * grid.coordinates), atol=1e-12 * k)


@pytest.mark.parametrize("num_points", [8, 10, 12, 30, 32, 64])
def test_the_two_thirds_rule_leaves_no_alias_of_a_product(num_points: int) -> None:
    """No two kept modes add up to a mode that aliases onto a kept one, and the first mode dropped would; exact."""
    mask = PeriodicGrid(num_points, 1.0).dealiasing_mask
    highest = np.flatnonzero(mask).max()
    assert mask[: highest + 1].all()
    assert num_points - 2 * highest > highest
    assert num_points - 2 * (highest + 1) <= highest + 1


def test_parseval_weights_give_the_spatial_mean_of_a_product() -> None:
    """<u v> from spectra equals the mean over the grid, for white noise up to Nyquist; 1e-14 is rounding."""
    grid = PeriodicGrid(16, 3.0)
    u, v = np.random.default_rng(0).normal(size=(2, 16))
    product = np.fft.rfft(u) * np.fft.rfft(v).conj()
    assert np.sum(grid.parseval_weights * product.real) == pytest.approx(np.mean(u * v), abs=1e-14)


def test_the_period_is_not_sampled_twice() -> None:
    """Points are i L / N: the last is one spacing before L, which is the first point again; exact to rounding."""
    grid = PeriodicGrid(64, 22.0)
    assert grid.coordinates[0] == 0.0
    assert grid.coordinates[-1] + grid.spacing == pytest.approx(22.0, rel=1e-15)


def test_odd_numbers_of_points_are_refused_with_the_next_even_one() -> None:
    """An odd N has no Nyquist mode, which the weights assume; the message names a number that works."""
    with pytest.raises(ValueError, match=r"even num_points of at least 8, got 63\. Try 64"):
        PeriodicGrid(63, 1.0)
    with pytest.raises(ValueError, match=r"got 6\. Try 8"):
        PeriodicGrid(6, 1.0)


@pytest.mark.parametrize("extent", [-1.0, 0.0, np.nan, np.inf])
def test_extents_that_are_no_length_are_refused(extent: float) -> None:
    """A domain has a positive finite length."""
    with pytest.raises(ValueError, match=f"positive domain_extent, got {extent}"):
        PeriodicGrid(8, extent)
