import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import PeriodicGrid, Simulation
from simulations.initial import random_waves


@given(seed=st.integers(0, 2**32), amplitude=st.floats(1e-6, 1e3), first=st.integers(0, 3), count=st.integers(1, 5))
def test_random_waves_have_the_asked_root_mean_square_and_modes(
    seed: int, amplitude: float, first: int, count: int
) -> None:
    """Distinct modes are orthogonal on the grid, so the scaling is exact; 1e-12 is rounding."""
    modes = range(first, first + count)
    field = random_waves(PeriodicGrid(32, 5.0), np.random.default_rng(seed), modes=modes, amplitude=amplitude)
    assert np.sqrt(np.mean(field**2)) == pytest.approx(amplitude, rel=1e-12)
    others = np.delete(np.abs(np.fft.rfft(field)) / 32, list(modes))
    assert others.max() < 1e-12 * amplitude


def test_the_draw_does_not_depend_on_the_resolution() -> None:
    """The same generator gives the same function on a finer grid; 1e-14 is rounding."""
    coarse, fine = (
        random_waves(PeriodicGrid(n, 5.0), np.random.default_rng(3), modes=range(5), amplitude=1.0) for n in (32, 96)
    )
    np.testing.assert_allclose(fine[::3], coarse, atol=1e-14)


def test_initial_states_are_resolved_and_of_the_asked_amplitude(simulation: Simulation) -> None:
    """Each start has the root mean square asked for and nothing in the dealiased tail; 1e-12 is rounding."""
    state = simulation.initial_state(np.random.default_rng(0), amplitude=0.3)
    assert state.shape == (len(simulation.variables), simulation.grid.num_points)
    assert np.sqrt(np.mean(state**2)) == pytest.approx(0.3, rel=1e-12)
    spectrum = np.abs(np.fft.rfft(state)) / simulation.grid.num_points
    assert spectrum[:, ~simulation.grid.dealiasing_mask].max() < 1e-12
