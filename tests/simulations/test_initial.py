import numpy as np
import pytest
from cases.case import Case
from hypothesis import given
from hypothesis import strategies as st

from simulations import PeriodicGrid
from simulations.initial import random_field, random_waves


@given(seed=st.integers(0, 2**32), amplitude=st.floats(1e-6, 1e3), first=st.integers(0, 3), count=st.integers(1, 5))
def test_random_waves_have_the_asked_root_mean_square_and_modes(
    seed: int, amplitude: float, first: int, count: int
) -> None:
    """Distinct modes are orthogonal on the grid, so the scaling is exact; 1e-12 is rounding."""
    modes = range(first, first + count)
    field = random_waves(PeriodicGrid.line(32, 5.0), np.random.default_rng(seed), modes=modes, amplitude=amplitude)
    assert np.sqrt(np.mean(field**2)) == pytest.approx(amplitude, rel=1e-12)
    others = np.delete(np.abs(np.fft.rfft(field)) / 32, list(modes))
    assert others.max() < 1e-12 * amplitude


def test_random_waves_do_not_depend_on_the_resolution() -> None:
    """The same generator gives the same function on a finer grid; 1e-14 is rounding."""
    coarse, fine = (
        random_waves(PeriodicGrid.line(n, 5.0), np.random.default_rng(3), modes=range(5), amplitude=1.0)
        for n in (32, 96)
    )
    np.testing.assert_allclose(fine[::3], coarse, atol=1e-14)


@given(
    seed=st.integers(0, 2**32), amplitude=st.floats(1e-6, 1e3), cutoff=st.integers(2, 5), two_dimensional=st.booleans()
)
def test_random_fields_have_the_asked_root_mean_square_and_no_mean(
    seed: int, amplitude: float, cutoff: int, two_dimensional: bool
) -> None:
    """Every wave vector with 0 < |k| < cutoff, and nothing else, carries power; 1e-12 is rounding."""
    grid = PeriodicGrid((16, 12), (5.0, 3.0)) if two_dimensional else PeriodicGrid.line(16, 5.0)
    field = random_field(grid, np.random.default_rng(seed), cutoff=cutoff, amplitude=amplitude)
    assert np.sqrt(np.mean(field**2)) == pytest.approx(amplitude, rel=1e-12)
    spectrum = np.abs(np.fft.rfftn(field)) / field.size / amplitude
    squared = sum(mode**2 for mode in grid.modes)
    inside = (squared > 0) & (squared < cutoff**2)
    assert spectrum[~inside].max() < 1e-12
    assert spectrum[inside].min() > 1e-12


def test_random_fields_do_not_depend_on_the_resolution() -> None:
    """The same generator gives the same function on a finer grid, in one and in two dimensions; 1e-13 is rounding."""
    for dims in (1, 2):
        coarse, fine = (
            random_field(
                PeriodicGrid((n, 2 * n)[:dims], (5.0, 3.0)[:dims]), np.random.default_rng(3), cutoff=4, amplitude=2.0
            )
            for n in (16, 48)
        )
        np.testing.assert_allclose(fine[(slice(None, None, 3),) * dims], coarse, atol=1e-13)


def test_random_fields_have_no_preferred_direction() -> None:
    """Mean squares of the slopes along x and y agree over many draws; four standard errors of 200 draws are 10 %."""
    grid = PeriodicGrid.square(16, 1.0)
    fields = np.stack([random_field(grid, np.random.default_rng(n), cutoff=4, amplitude=1.0) for n in range(200)])
    along_x, along_y = ((fields - np.roll(fields, 1, axis=axis)) ** 2 for axis in (-2, -1))
    assert along_x.mean() == pytest.approx(along_y.mean(), rel=0.1)


def test_starts_are_finite_reproducible_and_do_not_depend_on_the_resolution(case: Case) -> None:
    """A generator in the same state draws the same fields, on twice the points as well, to 1e-9."""
    coarse = case.build()
    doubled = [2 * n for n in coarse.grid.shape]
    fine = case.build(num_points=doubled, steps_per_interval=64 * coarse.steps_per_interval)
    first, again, finer = (
        s.initial_state(np.random.default_rng(0), amplitude=case.amplitude) for s in (coarse, coarse, fine)
    )
    assert first.shape == (len(coarse.variables), *coarse.grid.shape)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    every_second = (..., *(slice(None, None, 2) for _ in doubled))
    np.testing.assert_allclose(finer[every_second], first, atol=1e-9 * np.abs(first).max())
    other = coarse.initial_state(np.random.default_rng(1), amplitude=case.amplitude)
    assert np.abs(other - first).max() > 1e-2 * np.abs(first).max()


def test_starts_are_of_the_asked_amplitude(case: Case) -> None:
    """Deviations from rest grow with the amplitude, and are its root mean square about zero; 1e-12 is rounding."""
    simulation = case.coarse().build()
    rest = np.reshape(case.rest, (-1, *(1 for _ in simulation.grid.shape)))
    small, large = (
        simulation.initial_state(np.random.default_rng(0), amplitude=a * case.amplitude) - rest for a in (0.5, 1.0)
    )
    np.testing.assert_allclose(2 * small, large, atol=1e-12 * np.abs(large).max())
    if not any(case.rest):
        assert np.sqrt(np.mean(large**2)) == pytest.approx(case.amplitude, rel=1e-12)


def test_nothing_cannot_be_scaled_to_an_amplitude() -> None:
    """A start without waves is refused, not made of nan."""
    grid, rng = PeriodicGrid.line(32, 22.0), np.random.default_rng(0)
    with pytest.raises(ValueError, match="modes with at least one wavenumber, got none"):
        random_waves(grid, rng, modes=[], amplitude=1.0)
    with pytest.raises(ValueError, match="cutoff above 1, below which there are waves, got 1"):
        random_field(grid, rng, cutoff=1, amplitude=1.0)
