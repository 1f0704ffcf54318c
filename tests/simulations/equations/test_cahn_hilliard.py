from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, sine_modes
from simulations.equations import CahnHilliard


def on_grid(grid: PeriodicGrid, duration: float, steps: int, **parameters: Any) -> CahnHilliard:
    actuators = sine_modes(grid, modes=[1], limit=1.0)
    return CahnHilliard(grid, actuators, parameters=parameters, control_interval=duration, steps_per_interval=steps)


def unforced(simulation: CahnHilliard, state: Tensor) -> Tensor:
    return simulation.advance(state, torch.zeros(len(state), 2, dtype=torch.float64))


def test_kinks_of_the_known_width_are_steady() -> None:
    """tanh(x / w), w = sqrt(2 gamma), and its mirror images half a domain away stay to 1e-9; wider ones do not."""
    simulation = on_grid(PeriodicGrid.line(256, 20.0), 2.0, 80, gradient_energy=0.25, mobility=0.5)
    x = simulation.grid.mesh[0]

    def kinks(width: float) -> Tensor:
        return torch.tensor(np.prod([np.tanh((x - c) / width) for c in (-5, 5, 15, 25)], axis=0))[None, None]

    start, wider = kinks(np.sqrt(0.5)), kinks(1.05 * np.sqrt(0.5))
    assert (unforced(simulation, start) - start).abs().max() < 1e-9
    assert (unforced(simulation, wider) - wider).abs().max() > 1e-2


def test_mixtures_separate_without_losing_mass() -> None:
    """From noise about <u> = 0 and 0.3: the mass stays to rounding, under zero-mean actions as well.

    The free energy falls in every interval without actions, by as much as its budget says.
    """
    simulation = on_grid(PeriodicGrid.square(32, 16.0), 4.0, 24)
    rng = np.random.default_rng(0)
    noise = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=0.05) for _ in range(2)]))
    state = mixed = noise + torch.tensor([0.0, 0.3], dtype=torch.float64)[:, None, None, None]
    for _ in range(12):
        end, budgets = simulation.advance_with_fluxes(state, torch.zeros(2, 2, dtype=torch.float64))
        change = simulation.functionals(end)["free_energy"] - simulation.functionals(state)["free_energy"]
        assert (change < 0).all()
        torch.testing.assert_close(change, 4 * budgets["free_energy"].source, rtol=1e-2, atol=1e-9)
        state = end
    assert (state.var(dim=(1, 2, 3)) > 0.3).all(), "nothing separated"
    forced = simulation.advance(state, torch.ones(2, 2, dtype=torch.float64) / 50)
    assert (forced - state).abs().max() > 1e-2
    for later in (state, forced):
        assert simulation.functionals(later)["mass"].tolist() == pytest.approx(
            simulation.functionals(mixed)["mass"].tolist(), abs=1e-14
        )


def test_phases_take_the_shares_of_the_lever_rule() -> None:
    """With <u> = 0.3 the phases u = +-1 end up on 65 and 35 % of the line, within the width of the interfaces."""
    simulation = on_grid(PeriodicGrid.line(128, 40.0), 50.0, 200)
    noise = simulation.initial_state(np.random.default_rng(0), amplitude=0.1)
    state = torch.tensor(0.3 + noise)[None]
    for _ in range(6):
        state = unforced(simulation, state)
    share = (state > 0).double().mean().item()
    interfaces = int(((state > 0) != (state.roll(1, -1) > 0)).sum())
    assert 2 <= interfaces <= 10
    assert share == pytest.approx(0.65, abs=0.05)
    assert 0.95 < state.max() < 1.1
    assert -1.1 < state.min() < -0.9
