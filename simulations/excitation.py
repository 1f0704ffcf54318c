"""Random forcing signals for training data.

Every signal has the shape ``(interval, actuator)`` and values in ``[-1, 1]``. Each simulation draws its
signal from a generator of its own, so that the signal does not depend on the rest of the batch.
"""

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]


def held_levels(rng: np.random.Generator, intervals: int, actuators: int, *, hold: float = 4.0) -> Signal:
    """Uniform random levels; each is held for a geometrically distributed time.

    Args:
        rng: The generator of this simulation.
        intervals: The number of control intervals.
        actuators: The number of actuators.
        hold: The mean holding time in control intervals; 1 draws a new level in every interval. Choose it
            close to the time in which the flow responds to an actuator: shorter levels average out,
            longer ones give fewer independent responses. 4 is often a good start.
    """
    levels = rng.uniform(-1, 1, (intervals, actuators))
    switch = rng.uniform(size=(intervals, actuators)) < 1 / hold
    switch[0] = True
    since = np.maximum.accumulate(np.where(switch, np.arange(intervals)[:, None], 0), axis=0)
    return np.take_along_axis(levels, since, axis=0)


def ornstein_uhlenbeck(
    rng: np.random.Generator, intervals: int, actuators: int, *, correlation: float = 8.0, deviation: float = 0.5
) -> Signal:
    """Ornstein-Uhlenbeck noise, discretised exactly and clipped to ``[-1, 1]``.

    Args:
        rng: The generator of this simulation.
        intervals: The number of control intervals.
        actuators: The number of actuators.
        correlation: The correlation time in control intervals.
        deviation: The standard deviation before clipping; at 0.5 clipping affects one value in 20.
    """
    decay = np.exp(-1 / correlation)
    noise = rng.normal(size=(intervals, actuators)) * deviation
    signal = np.empty_like(noise)
    signal[0] = noise[0]
    for t in range(1, intervals):
        signal[t] = decay * signal[t - 1] + np.sqrt(1 - decay**2) * noise[t]
    return np.clip(signal, -1, 1)


def mixed(rng: np.random.Generator, intervals: int, actuators: int, *, share_unforced: float = 0.15) -> Signal:
    """The signal of training data: none, held levels or Ornstein-Uhlenbeck noise.

    Args:
        rng: The generator of this simulation.
        intervals: The number of control intervals.
        actuators: The number of actuators.
        share_unforced: The probability of no forcing at all. Otherwise one of the two signals is drawn
            with equal probability and scaled by a factor uniform in (0, 1), which is the same for all
            actuators.
    """
    if rng.uniform() < share_unforced:
        return np.zeros((intervals, actuators))
    signal = held_levels if rng.uniform() < 0.5 else ornstein_uhlenbeck
    return rng.uniform() * signal(rng, intervals, actuators)
