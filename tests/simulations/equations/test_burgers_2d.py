import numpy as np
import torch
from torch import Tensor

from simulations import PeriodicGrid, gaussian_jets
from simulations.equations import Burgers, Burgers2D

ZERO = torch.zeros(1, 1, dtype=torch.float64)


def square(num_points: int, viscosity: float, duration: float, steps: int) -> Burgers2D:
    grid = PeriodicGrid.square(num_points, 2 * np.pi)
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0)
    return Burgers2D(
        grid, jets, parameters={"viscosity": viscosity}, control_interval=duration, steps_per_interval=steps
    )


def cole_hopf(simulation: Burgers2D, viscosity: float, time: float) -> Tensor:
    """``-2 nu grad phi / phi`` for a positive phi that solves the heat equation."""
    x, y = simulation.grid.mesh
    phi, phi_x, phi_y = 1.0, 0.0, 0.0
    for height, m, n, phase in ((0.4, 1, 0, 0.3), (0.3, 1, 2, 1.0), (0.2, -1, 1, 2.0)):
        now = height * np.exp(-viscosity * (m**2 + n**2) * time)
        phi = phi + now * np.cos(m * x + n * y + phase)
        phi_x = phi_x - now * m * np.sin(m * x + n * y + phase)
        phi_y = phi_y - now * n * np.sin(m * x + n * y + phase)
    return torch.tensor(np.stack([-2 * viscosity * phi_x / phi, -2 * viscosity * phi_y / phi]))[None]


def test_gradient_flows_follow_cole_and_hopf() -> None:
    """Unforced flow from a potential, of speeds up to 4, to 1e-8 of the closed form at t = 0.5."""
    simulation = square(96, 0.3, 0.5, 80)
    start, exact = (cole_hopf(simulation, 0.3, time) for time in (0.0, 0.5))
    assert (exact - start).abs().max() > 0.5
    assert (simulation.advance(start, ZERO) - exact).abs().max() < 1e-8


def test_flows_along_x_are_those_of_the_line() -> None:
    """(u(x), 0) stays so and u follows the 1D equation, to rounding."""
    plane = square(32, 0.1, 0.2, 8)
    grid = PeriodicGrid.line(32, 2 * np.pi)
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0)
    line = Burgers(grid, jets, parameters={"viscosity": 0.1}, control_interval=0.2, steps_per_interval=8)
    u = torch.tensor(np.sin(grid.mesh[0]) + 0.5 * np.cos(2 * grid.mesh[0]))[None, None]
    end = plane.advance(torch.cat([u, 0 * u], dim=1)[..., None].repeat(1, 1, 1, 32), ZERO)
    torch.testing.assert_close(end[:, :1], line.advance(u, ZERO)[..., None].expand_as(end[:, :1]), rtol=0, atol=1e-13)
    assert end[:, 1].abs().max() < 1e-15


def test_compression_feeds_energy_and_viscosity_burns_it() -> None:
    """dE/dt = -nu <|grad u|^2> + <|u|^2 div u> / 2 and dM/dt = <u div u> on a smooth field, to rounding."""
    simulation = square(32, 0.1, 0.1, 2)
    x, y = simulation.grid.mesh
    u, v = np.sin(x + 2 * y) + 0.3, np.cos(2 * x - y)
    u_x, u_y, v_x, v_y = np.cos(x + 2 * y), 2 * np.cos(x + 2 * y), -2 * np.sin(2 * x - y), np.sin(2 * x - y)
    budgets = simulation.budgets(torch.tensor(np.stack([u, v]))[None])
    burnt = 0.1 * np.mean(u_x**2 + u_y**2 + v_x**2 + v_y**2)
    fed = np.mean((u**2 + v**2) * (u_x + v_y)) / 2
    assert abs(budgets["energy"].source.item() - (fed - burnt)) < 1e-12
    assert abs(budgets["momentum_x"].source.item() - np.mean(u * (u_x + v_y))) < 1e-12
    assert abs(budgets["momentum_y"].source.item() - np.mean(v * (u_x + v_y))) < 1e-12
