"""Forcing signals that make informative data.

Every signal is ``(interval, actuator)`` in ``[-1, 1]``, drawn from its own generator, so that the
signal of a simulation does not depend on which others are generated beside it.
"""

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]


def held_levels(rng: np.random.Generator, intervals: int, actuators: int, *, hold: float = 4.0) -> Signal:
    """Uniform random levels, each held for a geometric time of mean ``hold`` intervals."""
    levels = rng.uniform(-1, 1, (intervals, actuators))
    switch = rng.uniform(size=(intervals, actuators)) < 1 / hold
    switch[0] = True
    since = np.maximum.accumulate(np.where(switch, np.arange(intervals)[:, None], 0), axis=0)
    return np.take_along_axis(levels, since, axis=0)


def ornstein_uhlenbeck(
    rng: np.random.Generator, intervals: int, actuators: int, *, correlation: float = 8.0, deviation: float = 0.5
) -> Signal:
    """Exactly discretised Ornstein-Uhlenbeck noise of the given correlation time, clipped to the box."""
    decay = np.exp(-1 / correlation)
    noise = rng.normal(size=(intervals, actuators)) * deviation
    signal = np.empty_like(noise)
    signal[0] = noise[0]
    for t in range(1, intervals):
        signal[t] = decay * signal[t - 1] + np.sqrt(1 - decay**2) * noise[t]
    return np.clip(signal, -1, 1)


def mixed(rng: np.random.Generator, intervals: int, actuators: int, *, share_unforced: float = 0.15) -> Signal:
    """No forcing with probability ``share_unforced``; else one of the signals, scaled by U(0, 1)."""
    if rng.uniform() < share_unforced:
        return np.zeros((intervals, actuators))
    signal = held_levels if rng.uniform() < 0.5 else ornstein_uhlenbeck
    return rng.uniform() * signal(rng, intervals, actuators)
