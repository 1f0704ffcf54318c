from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, uniform
from simulations.equations import SwiftHohenberg


def on_grid(grid: PeriodicGrid, duration: float, steps: int, **parameters: Any) -> SwiftHohenberg:
    actuators = uniform(grid, limit=1.0, acts_on="growth")
    return SwiftHohenberg(grid, actuators, parameters=parameters, control_interval=duration, steps_per_interval=steps)


def acted_on(simulation: SwiftHohenberg, state: Tensor, action: float) -> Tensor:
    return simulation.advance(state, torch.full((len(state), 1), action, dtype=torch.float64))


def test_rolls_near_onset_have_the_known_amplitude() -> None:
    """From a small wave to u = sqrt(4 r / 3) cos x, within the third harmonic's share of 1e-3."""
    growth = np.array([0.05, 0.1])
    simulation = on_grid(PeriodicGrid.line(32, 4 * np.pi), 250.0, 500, growth=growth)
    wave = np.cos(simulation.grid.mesh[0])
    end = acted_on(simulation, torch.tensor(0.1 * wave)[None, None].repeat(2, 1, 1), 0.0)
    amplitude = 2 * (end[:, 0].numpy() * wave).mean(axis=-1)
    np.testing.assert_allclose(amplitude, np.sqrt(4 * growth / 3), rtol=1e-3)


def test_hexagons_have_the_known_amplitude() -> None:
    """Three waves at 120 degrees settle at r + g A - 15 A^2 / 4 = 0, within corrections of the order of g^2.

    Here they start 20 % too high, and the domain holds two unit cells of the hexagonal lattice.
    """
    growth, quadratic = 0.01, 0.1
    grid = PeriodicGrid((32, 32), (4 * np.pi, 4 * np.pi / np.sqrt(3)))
    simulation = on_grid(grid, 200.0, 200, growth=growth, quadratic=quadratic)
    x, y = grid.mesh
    waves = [np.cos(x) + 0 * y, np.cos(x / 2 + np.sqrt(3) / 2 * y), np.cos(x / 2 - np.sqrt(3) / 2 * y)]
    exact = (quadratic + np.sqrt(quadratic**2 + 15 * growth)) / 7.5
    end = acted_on(simulation, torch.tensor(1.2 * exact * sum(waves))[None, None], 0.0)[0, 0].numpy()
    assert [2 * np.mean(end * wave) for wave in waves] == pytest.approx([exact] * 3, rel=0.02)


def test_an_action_everywhere_adds_to_the_growth_rate() -> None:
    """An action of 0.2 on growth 0.1 is growth 0.3, to the time error of 1e-8."""
    grid = PeriodicGrid.line(64, 8 * np.pi)
    raised, reference = on_grid(grid, 0.5, 64, growth=0.1), on_grid(grid, 0.5, 64, growth=0.3)
    state = torch.tensor(raised.initial_state(np.random.default_rng(0), amplitude=0.3))[None]
    difference = acted_on(raised, state, 0.2) - acted_on(reference, state, 0.0)
    assert difference.abs().max() < 1e-8
    assert (acted_on(raised, state, 0.0) - acted_on(reference, state, 0.0)).abs().max() > 1e-2


def test_the_free_energy_only_falls() -> None:
    """With and without the quadratic term, interval by interval, by as much as its budget says."""
    grid = PeriodicGrid.square(32, 6 * np.pi)
    simulation = on_grid(grid, 2.0, 16, growth=np.array([0.3, 0.1]), quadratic=np.array([0.0, 1.0]))
    rng = np.random.default_rng(0)
    state = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=0.2) for _ in range(2)]))
    for _ in range(15):
        end, budgets = simulation.advance_with_fluxes(state, torch.zeros(2, 1, dtype=torch.float64))
        change = simulation.functionals(end)["free_energy"] - simulation.functionals(state)["free_energy"]
        assert (change < 0).all()
        torch.testing.assert_close(change, 2 * budgets["free_energy"].source, rtol=1e-2, atol=1e-7)
        state = end
