from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, uniform
from simulations.equations import AllenCahn

ZERO = torch.zeros(1, 1, dtype=torch.float64)


def on_grid(grid: PeriodicGrid, duration: float, steps: int, **parameters: Any) -> AllenCahn:
    actuators = uniform(grid, limit=1.0, acts_on="reaction_rate")
    return AllenCahn(grid, actuators, parameters=parameters, control_interval=duration, steps_per_interval=steps)


def as_state(field: np.ndarray) -> Tensor:
    return torch.tensor(field)[None, None]


def test_kinks_of_the_known_width_are_steady() -> None:
    """tanh(x / w), w = sqrt(2 D / r), and its mirror images half a domain away stay to 1e-10; wider ones do not.

    They attract each other by exp(-2 pi / w) = 2e-14 only; 384 points leave exp(-pi 96 w / 2) = 1e-13 unresolved.
    """
    simulation = on_grid(PeriodicGrid.line(384, 2 * np.pi), 4.0, 40, diffusivity=0.04, reaction_rate=2.0)
    x = simulation.grid.mesh[0]

    def kinks(width: float) -> Tensor:
        return as_state(np.prod([np.tanh((x - n * np.pi / 2) / width) for n in (-1, 1, 3, 5)], axis=0))

    start, wider = kinks(0.2), kinks(0.21)
    assert (simulation.advance(start, ZERO) - start).abs().max() < 1e-10
    assert (simulation.advance(wider, ZERO) - wider).abs().max() > 1e-2


@pytest.mark.parametrize("action", [0.0, 0.5, -0.5])
def test_uniform_states_fall_into_their_phase(action: float) -> None:
    """u^-2 = 1 + (u_0^-2 - 1) exp(-2 r t), where the action adds to the reaction rate r; to 1e-9."""
    simulation = on_grid(PeriodicGrid.line(8, 1.0), 2.0, 256, reaction_rate=1.0)
    start = torch.tensor([0.1, -0.5, 1.5], dtype=torch.float64)[:, None, None].expand(3, 1, 8)
    end = simulation.advance(start, torch.full((3, 1), action, dtype=torch.float64))
    exact = start.sign() * (1 + (start**-2 - 1) * np.exp(-4 * (1 + action))) ** -0.5
    torch.testing.assert_close(end, exact, rtol=0, atol=1e-9)


def test_drops_lose_area_at_a_constant_rate() -> None:
    """A circle shrinks at D / R: its area falls by 2 pi D per unit time, to 2 % for w / R = 0.13.

    Allen & Cahn (1979); the correction is of the order of (w / R)^2.
    """
    simulation = on_grid(PeriodicGrid.square(96, 2 * np.pi), 5.0, 50, diffusivity=0.02)
    x, y = simulation.grid.mesh
    radius = np.sqrt((x - np.pi) ** 2 + (y - np.pi) ** 2)
    state = simulation.advance(as_state(np.tanh((1.5 - radius) / 0.2)), ZERO)
    area = [(1 + simulation.functionals(s)["mass"].item()) / 2 for s in (state, simulation.advance(state, ZERO))]
    assert (area[0] - area[1]) * (2 * np.pi) ** 2 == pytest.approx(2 * np.pi * 0.02 * 5, rel=0.02)


def test_the_free_energy_only_falls() -> None:
    """From random starts, interval by interval, by as much as its budget says."""
    simulation = on_grid(PeriodicGrid.square(32, 2 * np.pi), 0.4, 8, diffusivity=0.1)
    rng = np.random.default_rng(0)
    state = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=0.5) for _ in range(4)]))
    action = torch.zeros(4, 1, dtype=torch.float64)
    for _ in range(20):
        end, budgets = simulation.advance_with_fluxes(state, action)
        change = simulation.functionals(end)["free_energy"] - simulation.functionals(state)["free_energy"]
        assert (change < 0).all()
        torch.testing.assert_close(change, 0.4 * budgets["free_energy"].source, rtol=2e-3, atol=1e-9)
        state = end
