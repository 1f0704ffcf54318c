from collections.abc import Sequence

import numpy as np
import pytest
import torch

from simulations.equations.reaction_diffusion import ReactionDiffusion
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values


def build(
    points: int, *, amplitude: float | Sequence[float] = 50.0, gamma: float = 8.0, interval: float, steps: int
) -> ReactionDiffusion:
    grid = BoundedGrid.nodes(points)
    return ReactionDiffusion(
        grid,
        boundary_values(grid, limit=20.0),
        parameters={"amplitude": amplitude, "gamma": gamma},
        control_interval=interval,
        steps_per_interval=steps,
    )


@pytest.mark.parametrize("mode", [1, 2, 5])
def test_waves_grow_at_the_rate_of_the_difference_scheme(mode: int) -> None:
    """sin(k pi x) is multiplied by 1 + step (lambda - 4 sin^2(k pi h / 2) / h^2) a step, and that nears pi^2 k^2."""
    steps, step, h = 100, 1e-4, 1 / 40
    simulation = build(41, amplitude=20.0, gamma=0.0, interval=steps * step, steps=steps)
    wave = torch.sin(mode * np.pi * torch.tensor(simulation.grid.coordinates["x"]))[None, None]
    end = simulation.advance(wave, torch.zeros(1, 1, dtype=torch.float64))
    decay = 4 * np.sin(mode * np.pi * h / 2) ** 2 / h**2
    torch.testing.assert_close(end, (1 + step * (20.0 - decay)) ** steps * wave, rtol=0, atol=1e-10)
    assert decay == pytest.approx((mode * np.pi) ** 2, rel=2 * (mode * np.pi * h) ** 2 / 12)


def test_a_held_wall_ends_in_the_profile_of_equilibrium() -> None:
    """u_xx + lambda u = 0 with u(1) = U: U sin(r x) / sin(r), r = sqrt(lambda), at second order in the spacing."""

    def error(points: int) -> float:
        simulation = build(points, amplitude=4.0, gamma=0.0, interval=2.0, steps=10 * (points - 1) ** 2)
        end = simulation.advance(torch.zeros(1, 1, points).double(), torch.tensor([[3.0]]).double())[0, 0].numpy()
        return float(np.abs(end - 3 * np.sin(2 * simulation.grid.coordinates["x"]) / np.sin(2)).max())

    assert error(21) < 3e-3
    assert error(11) / error(21) == pytest.approx(4, abs=0.1)


def test_many_steps_at_once_are_single_steps_one_after_another() -> None:
    """Matrix powers equal the scheme written with slices, walls included; 1e-12 is rounding."""
    amplitudes = np.array([[50.0], [-20.0], [10.0]])
    simulation = build(31, amplitude=amplitudes[:, 0], interval=0.02, steps=60)
    h, step = 1 / 30, 0.02 / 60
    rng = np.random.default_rng(0)
    u, action = rng.normal(size=(3, 31)), rng.normal(size=(3, 1))
    end = simulation.advance(torch.tensor(u)[:, None], torch.tensor(action))
    reaction = amplitudes * np.cos(8 * np.arccos(np.linspace(0, 1, 31)))
    for _ in range(60):
        rate = (u[:, 2:] - 2 * u[:, 1:-1] + u[:, :-2]) / h**2 + reaction[:, 1:-1] * u[:, 1:-1]
        u = np.concatenate([np.zeros((3, 1)), u[:, 1:-1] + step * rate, action], axis=1)
    np.testing.assert_allclose(end[:, 0], u, rtol=0, atol=1e-12)


def test_budgets_of_an_interval_close_to_rounding() -> None:
    """Mass and energy change by what their averaged budgets say, and the state is that of ``advance``."""
    simulation = build(31, interval=0.02, steps=60)
    rng = np.random.default_rng(0)
    start = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(4)]))
    action = torch.tensor(rng.normal(size=(4, 1)))
    end, budgets = simulation.advance_with_fluxes(start, action)
    torch.testing.assert_close(end, simulation.advance(start, action), rtol=0, atol=1e-12)
    before, after = simulation.functionals(start), simulation.functionals(end)
    for name, budget in budgets.items():
        change = after[name] - before[name]
        assert change.std() > 1e-2
        explained = 0.02 * (budget.source + (budget.output * action).sum(dim=1))
        torch.testing.assert_close(explained, change, rtol=0, atol=1e-11)


def test_the_energy_budget_is_that_of_the_equation() -> None:
    """For sin(pi x) and lambda = 20, dE/dt = <u_t u> = (20 - pi^2) / 2, within 1 % (the mean is over 401 points)."""
    simulation = build(401, amplitude=20.0, gamma=0.0, interval=1e-6, steps=1)
    wave = torch.sin(np.pi * torch.tensor(simulation.grid.coordinates["x"]))[None, None]
    budget = simulation.advance_with_fluxes(wave, torch.zeros(1, 1, dtype=torch.float64))[1]["energy"]
    assert float(budget.source) == pytest.approx((20 - np.pi**2) / 2, rel=1e-2)


def test_the_map_of_an_interval_carries_gradients_to_state_and_action() -> None:
    """Analytical derivatives agree with central differences."""
    simulation = build(9, interval=0.02, steps=8)
    state = torch.randn(2, 1, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    action = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(simulation.advance, (state, action))


def test_steps_at_which_the_shortest_wave_grows_are_refused() -> None:
    """Beyond a diffusion number of one half; the message names a number of steps that works."""
    with pytest.raises(ValueError, match=r"reaction_diffusion: diffusion limits .* steps_per_interval >= 34"):
        build(41, interval=0.01, steps=31)
    build(41, interval=0.01, steps=34)
