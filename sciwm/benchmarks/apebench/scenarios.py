"""The data of three scenarios of APEBench, made by our own solver.

Koehler, Niedermayr, Westermann & Thuerey (2024), "APEBench: A Benchmark for Autoregressive Neural
Emulators of PDEs", arXiv:2411.00180. Dynamics are given by difficulties on N points: with unit extent and
unit step, b = -delta_1 / N and a_j = gamma_j / (N^j 2^(j-1)). One step of the second-order exponential
integrator, as exponax 0.1 implements it, takes one instant to the next. The random draws are our own,
of the same distribution.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.benchmarks.apebench.equation import Convection
from sciwm.errors import InputError, Problem

NUM_POINTS = 160
LARGEST_WAVE = 5
TRAIN_SIMULATIONS, TRAIN_STEPS = 50, 50
TEST_SIMULATIONS, TEST_STEPS = 30, 200


@dataclass(frozen=True)
class Difficulty:
    """The definition of a scenario: delta_1, gamma_2 to gamma_4, and steps that are dropped at the beginning."""

    delta_1: float
    gamma_2: float = 0.0
    gamma_3: float = 0.0
    gamma_4: float = 0.0
    warm_up: int = 0


DIFFICULTIES: Mapping[str, Difficulty] = {
    "burgers": Difficulty(delta_1=-1.5, gamma_2=1.5),
    "kdv": Difficulty(delta_1=-2.0, gamma_3=-14.0, gamma_4=-9.0),
    "ks_conservative": Difficulty(delta_1=-1.0, gamma_2=-2.0, gamma_4=-18.0, warm_up=500),
}


@dataclass(frozen=True, eq=False)
class Scenario:
    """Trajectories for training and for the score, unforced and dimensionless.

    Args:
        name: a key of :data:`DIFFICULTIES`.
        train: ``(50, 51, 1, 160)``, float32.
        test: ``(30, 201, 1, 160)``, float32; forecasts start from its first instants.
        step: time between instants.
        domain_extent: length of the periodic domain.
    """

    name: str
    train: Tensor
    test: Tensor
    step: float = 1.0
    domain_extent: float = 1.0


@cache
def scenario(name: str, seed: int = 0) -> Scenario:
    """The data of one scenario; the same seed gives the same data.

    Raises:
        InputError: if there is no such scenario.

    Example:
        >>> scenario("burgers").train.shape
        torch.Size([50, 51, 1, 160])
    """
    if name not in DIFFICULTIES:
        raise InputError([Problem("scenario", " or ".join(DIFFICULTIES), name)])
    simulation, warm_up = stepper(name), DIFFICULTIES[name].warm_up

    def trajectories(split: int, simulations: int, steps: int) -> Tensor:
        starts = torch.from_numpy(random_starts(np.random.default_rng([seed, split]), simulations))
        return simulation.trajectory(starts, warm_up + steps)[:, warm_up:].float()

    return Scenario(
        name, trajectories(0, TRAIN_SIMULATIONS, TRAIN_STEPS), trajectories(1, TEST_SIMULATIONS, TEST_STEPS)
    )


def stepper(name: str) -> Convection:
    """The solver of one scenario."""
    difficulty = DIFFICULTIES[name]
    gammas = {2: difficulty.gamma_2, 3: difficulty.gamma_3, 4: difficulty.gamma_4}
    factors = {j: gamma / (NUM_POINTS**j * 2 ** (j - 1)) for j, gamma in gammas.items()}
    return Convection(
        NUM_POINTS,
        convection=-difficulty.delta_1 / NUM_POINTS,
        diffusion=factors[2],
        dispersion=factors[3],
        hyperdiffusion=factors[4],
        real_weights=True,
    )


def random_starts(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Five waves of uniform amplitude and phase, scaled to a largest absolute value of one, ``(count, 1, x)``."""
    amplitudes = rng.uniform(-1, 1, (count, LARGEST_WAVE, 1))
    phases = rng.uniform(0, 2 * np.pi, (count, LARGEST_WAVE, 1))
    waves = np.arange(1, LARGEST_WAVE + 1)[:, None]
    points = np.arange(NUM_POINTS) / NUM_POINTS
    fields = (amplitudes * np.cos(2 * np.pi * waves * points + phases)).sum(axis=1, keepdims=True)
    return np.asarray(fields / np.abs(fields).max(axis=2, keepdims=True))
