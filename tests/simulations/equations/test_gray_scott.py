from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, uniform
from simulations.equations import GrayScott


def on_grid(grid: PeriodicGrid, duration: float, steps: int, acts_on: str = "kill", **parameters: Any) -> GrayScott:
    actuators = uniform(grid, limit=0.1, acts_on=acts_on)
    return GrayScott(grid, actuators, parameters=parameters, control_interval=duration, steps_per_interval=steps)


def acted_on(simulation: GrayScott, state: Tensor, action: float) -> Tensor:
    return simulation.advance(state, torch.full((len(state), 1), action, dtype=torch.float64))


def test_homogeneous_steady_states_stay() -> None:
    """u = 1, v = 0 and, where F > 4 (F + k)^2, u = (1 +- sqrt(1 - 4 (F + k)^2 / F)) / 2, v = F (1 - u) / (F + k).

    To 1e-12: one of them is unstable, but not in one interval.
    """
    feed, kill = 0.05, 0.06
    root = np.sqrt(1 - 4 * (feed + kill) ** 2 / feed)
    u = np.array([1.0, (1 + root) / 2, (1 - root) / 2])
    state = torch.tensor(np.stack([u, feed * (1 - u) / (feed + kill)], axis=1))[..., None].repeat(1, 1, 16)
    simulation = on_grid(PeriodicGrid.line(16, 0.3), 10.0, 4, feed=feed, kill=kill)
    assert (acted_on(simulation, state, 0.0) - state).abs().max() < 1e-12
    assert (acted_on(simulation, state, 0.01) - state).abs().max() > 1e-2


@pytest.mark.parametrize(("name", "nominal"), [("feed", 0.03), ("kill", 0.062)])
def test_an_action_everywhere_adds_to_its_parameter(name: str, nominal: float) -> None:
    """The same as the parameter changed, to the time error of 1e-8."""
    grid = PeriodicGrid.line(64, 0.25)
    raised = on_grid(grid, 4.0, 32, name)
    reference = raised.with_parameters({name: nominal + 0.01})
    state = torch.tensor(raised.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    assert (acted_on(raised, state, 0.01) - acted_on(reference, state, 0.0)).abs().max() < 1e-8
    assert (acted_on(raised, state, 0.0) - acted_on(reference, state, 0.0)).abs().max() > 1e-4


def number_of_spots(activator: Tensor) -> int:
    """Local maxima above half the height of a spot, ``(x, y)``."""
    neighbours = [activator.roll((i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return int(((activator > 0.15) & (activator >= torch.stack(neighbours).amax(dim=0))).sum())


def test_patches_divide_into_spots_or_die_out() -> None:
    """At F = 0.03, k = 0.062 (Pearson 1993: spots) four patches multiply; at k = 0.08 they leave u = 1, v = 0.

    The pattern's strongest wavelength is 0.142 on this and on finer grids; beside it on this domain are 0.125 and
    0.159.
    """
    simulation = on_grid(PeriodicGrid.square(48, 0.45), 150.0, 50, kill=np.array([0.062, 0.08]))
    start = torch.tensor(simulation.initial_state(np.random.default_rng(2), amplitude=1.0))[None]
    assert number_of_spots(start[0, 1]) == 4
    state = start.repeat(2, 1, 1, 1)
    for _ in range(8):
        state = acted_on(simulation, state, 0.0)
    assert (state[1, 0] - 1).abs().max() < 1e-6
    assert state[1, 1].abs().max() < 1e-6
    spots = state[0, 1]
    assert spots.min() < 0.05 < 0.25 < spots.max() < 0.5
    assert number_of_spots(spots) >= 12
    power = (simulation.spectrum(spots - spots.mean()).abs() ** 2).numpy() * simulation.grid.parseval_weights
    strongest = np.sqrt(-simulation.grid.laplacian.ravel()[power.argmax()])
    assert 0.12 < 2 * np.pi / strongest < 0.165
