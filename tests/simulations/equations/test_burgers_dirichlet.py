import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from simulations.actuators import ActionBox, Actuators
from simulations.equations.burgers_dirichlet import BurgersDirichlet, two_humps
from simulations.grid import BoundedGrid

Array = NDArray[np.float64]


def burgers(num_points: int, *, viscosity: float, interval: float, steps: int) -> BurgersDirichlet:
    cells = Actuators(ActionBox.symmetric([f"cell_{i}" for i in range(num_points)], 10.0), np.eye(num_points))
    return BurgersDirichlet(
        BoundedGrid.interior(num_points),
        cells,
        parameters={"viscosity": viscosity},
        control_interval=interval,
        steps_per_interval=steps,
    )


def advance(simulation: BurgersDirichlet, u: Array, forcing: Array) -> Array:
    return simulation.advance(torch.tensor(u)[None, None], torch.tensor(forcing)[None])[0, 0].numpy()


def test_steps_are_those_of_the_published_scheme() -> None:
    """20 steps of step 1e-4 on 128 points, written out point by point, to rounding."""
    simulation = burgers(128, viscosity=0.01, interval=0.002, steps=20)
    rng = np.random.default_rng(0)
    start, forcing = two_humps(simulation.grid, rng), rng.uniform(-10, 10, 128)
    dx, u = 1 / 129, [0.0, *start, 0.0]
    for _ in range(20):
        inside = [
            u[i]
            + 1e-4 * (-(u[i + 1] ** 2 - u[i - 1] ** 2) / (4 * dx) + 0.01 * (u[i + 1] - 2 * u[i] + u[i - 1]) / dx**2)
            + 1e-4 * forcing[i - 1]
            for i in range(1, 129)
        ]
        u = [0.0, *inside, 0.0]
    np.testing.assert_allclose(advance(simulation, start, forcing), u[1:-1], rtol=0, atol=1e-14)


def test_a_decaying_wave_follows_its_closed_form_at_second_order() -> None:
    """u = 2 nu pi e sin(pi x) / (c + e cos(pi x)), e = exp(-nu pi^2 t), by Cole-Hopf; steps shrink like h^2."""

    def error(num_points: int, steps: int) -> float:
        simulation = burgers(num_points, viscosity=0.1, interval=1.0, steps=steps)
        x = simulation.grid.coordinates["x"]

        def exact(t: float) -> Array:
            decay = np.exp(-0.1 * np.pi**2 * t)
            return 0.2 * np.pi * decay * np.sin(np.pi * x) / (1.2 + decay * np.cos(np.pi * x))

        return np.abs(advance(simulation, exact(0.0), np.zeros(num_points)) - exact(1.0)).max()

    errors = [error(15, 100), error(31, 400), error(63, 1600)]
    assert errors[-1] < 1e-3
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.15), errors


def test_reflection_reverses_the_flow() -> None:
    """u(x) -> -u(L - x) with the forcing alike commutes with an interval, bit for bit up to rounding."""
    simulation = burgers(32, viscosity=0.02, interval=0.1, steps=50)
    rng = np.random.default_rng(1)
    u, forcing = two_humps(simulation.grid, rng), rng.normal(size=32)
    reflected = advance(simulation, -u[::-1].copy(), -forcing[::-1].copy())
    np.testing.assert_allclose(reflected, -advance(simulation, u, forcing)[::-1], rtol=0, atol=1e-14)


def test_a_manufactured_steady_flow_is_held_by_its_forcing() -> None:
    """The forcing that balances the scheme's own drift holds sin(pi x) still; without it the flow decays."""
    simulation = burgers(32, viscosity=0.05, interval=0.1, steps=50)
    u = np.sin(np.pi * simulation.grid.coordinates["x"])
    drift = simulation.drift(torch.tensor(u)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(advance(simulation, u, -drift), u, rtol=0, atol=1e-13)
    assert np.abs(advance(simulation, u, 0 * u) - u).max() > 1e-2


def test_unforced_flow_loses_energy_and_budgets_close() -> None:
    """Energy falls, by exactly the averaged source; an odd flow about the middle keeps its zero mass."""
    simulation = burgers(32, viscosity=0.02, interval=0.1, steps=50)
    u = torch.tensor(np.sin(2 * np.pi * simulation.grid.coordinates["x"]))[None, None]
    end, budgets = simulation.advance_with_fluxes(u, torch.zeros(1, 32, dtype=torch.float64))
    change = simulation.functionals(end)["energy"] - simulation.functionals(u)["energy"]
    assert change.item() < -1e-3
    assert (0.1 * budgets["energy"].source - change).abs().item() < 1e-15
    assert simulation.functionals(end)["mass"].abs().item() < 1e-15


def test_steps_that_diffusion_forbids_are_refused_and_fast_flow_is_named() -> None:
    """nu step / h^2 <= 1/2 whatever the state; step <= 2 nu / u^2 for the state at hand."""
    with pytest.raises(ValueError, match="burgers_dirichlet: diffusion limits the step"):
        burgers(128, viscosity=0.1, interval=0.1, steps=100)
    simulation = burgers(32, viscosity=0.01, interval=0.1, steps=20)
    slow, fast = torch.ones(1, 1, 32), 10 * torch.ones(1, 1, 32)
    assert simulation.step_limits_at(slow)[0].step == pytest.approx(0.02)
    assert "advection at speed 10" in simulation.why_blown_up(fast)


def test_two_humps_stand_where_they_should() -> None:
    """Positive on the left, negative on the right, within the heights, near zero at the walls on average."""
    grid = BoundedGrid.interior(128)
    rng = np.random.default_rng(0)
    fields = np.stack([two_humps(grid, rng) for _ in range(200)])
    peaks, hollows = fields.argmax(axis=1) / 129, fields.argmin(axis=1) / 129
    assert fields.max() < 2
    assert fields.min() > -2
    assert 0.25 < np.median(peaks) < 0.35
    assert 0.65 < np.median(hollows) < 0.75
