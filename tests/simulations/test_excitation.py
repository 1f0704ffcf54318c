from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.excitation import held_levels, mixed, ornstein_uhlenbeck

SIGNALS = [held_levels, ornstein_uhlenbeck, mixed]
each_signal = pytest.mark.parametrize("signal", SIGNALS)


@each_signal
@given(seed=st.integers(0, 2**32), intervals=st.integers(1, 60), actuators=st.integers(1, 9))
def test_signals_stay_in_the_unit_box_and_follow_from_the_seed(
    signal: Callable[..., np.ndarray], seed: int, intervals: int, actuators: int
) -> None:
    """Every value is in [-1, 1] and a generator in the same state draws the same bits; exact."""
    first, second = (signal(np.random.default_rng(seed), intervals, actuators) for _ in range(2))
    assert first.shape == (intervals, actuators)
    assert np.abs(first).max() <= 1
    assert np.array_equal(first, second)


def test_ornstein_uhlenbeck_noise_is_stationary_with_its_correlation_time() -> None:
    """Variance is the same at the first and at every later instant, covariance decays as exp(-t / correlation).

    With 20 000 realisations a covariance is known to 1 % of the variance; 4 % is four standard errors.
    """
    signal = ornstein_uhlenbeck(np.random.default_rng(0), 25, 20_000, correlation=8.0, deviation=0.15)
    np.testing.assert_allclose(signal.mean(axis=1), 0.0, atol=4 * 0.15 / np.sqrt(20_000))
    np.testing.assert_allclose(signal.var(axis=1), 0.15**2, rtol=0.04)
    for start in (0, 12):
        covariance = (signal[start] * signal[start : start + 12]).mean(axis=1) / 0.15**2
        np.testing.assert_allclose(covariance, np.exp(-np.arange(12) / 8.0), atol=0.04)


def test_held_levels_are_held_for_the_mean_time_and_uniform() -> None:
    """A level changes with probability 1 / hold per interval, and is U(-1, 1); four standard errors of each."""
    signal = held_levels(np.random.default_rng(0), 200, 500, hold=5.0)
    changes = (np.diff(signal, axis=0) != 0).mean()
    assert changes == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 / signal.size))
    independent = signal[0]
    assert independent.mean() == pytest.approx(0.0, abs=4 / np.sqrt(3 * 500))
    assert independent.var() == pytest.approx(1 / 3, abs=4 * np.sqrt(4 / 45 / 500))


def test_the_asked_share_of_mixed_signals_is_unforced() -> None:
    """Exactly none or all at the ends, a binomial share between; four standard errors of 400 draws."""
    silent = [not mixed(np.random.default_rng(i), 3, 2, share_unforced=0.3).any() for i in range(400)]
    assert np.mean(silent) == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 400))
    assert not mixed(np.random.default_rng(0), 3, 2, share_unforced=1.0).any()
    assert all(mixed(np.random.default_rng(i), 3, 2, share_unforced=0.0).any() for i in range(50))
