from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from simulations.equations.transport_recirculation import TransportRecirculation
from simulations.grid import BoundedGrid
from simulations.shapes import boundary_values


def build(
    points: int,
    *,
    amplitude: float | Sequence[float] = 5.0,
    gamma: float = 7.35,
    extent: float = 1.0,
    interval: float,
    steps: int,
) -> TransportRecirculation:
    grid = BoundedGrid.nodes(points, extent)
    return TransportRecirculation(
        grid,
        boundary_values(grid, limit=20.0),
        parameters={"amplitude": amplitude, "gamma": gamma},
        control_interval=interval,
        steps_per_interval=steps,
    )


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_without_recirculation_a_step_of_one_spacing_is_a_shift() -> None:
    """u(x, t) = u0(x + t), and what entered at the wall behind it: exact at a Courant number of one."""
    simulation = build(21, amplitude=0.0, interval=0.3, steps=6)
    start = torch.tensor(np.random.default_rng(0).normal(size=(2, 1, 21)))
    end = simulation.advance(start, column(3.0, -2.0))
    torch.testing.assert_close(end[..., :15], start[..., 6:], rtol=0, atol=1e-12)
    torch.testing.assert_close(end[..., 15:], column(3.0, -2.0)[..., None].expand(-1, -1, 6), rtol=0, atol=1e-12)


def test_smooth_transport_is_of_first_order() -> None:
    """At half that step, u0(x + t) away from the inflow: the error halves with the spacing."""

    def error(points: int) -> float:
        simulation = build(points, amplitude=0.0, interval=0.25, steps=(points - 1) // 2)
        x = torch.tensor(simulation.grid.coordinates["x"])
        end = simulation.advance(torch.sin(4 * x)[None, None], column(0.0))[0, 0]
        inside = x < 0.3
        return float((end - torch.sin(4 * (x + 0.25)))[inside].abs().max())

    assert error(201) < 2e-2
    assert error(201) / error(401) == pytest.approx(2, abs=0.05)


def test_constant_recirculation_grows_at_the_root_of_its_characteristic_equation() -> None:
    """exp(s t) phi(x) with phi(1) = 0 solves u_t = u_x + b u(0) if int_0^1 b exp(-s x) dx = 1.

    For b = 2 that root, 1.59, is the only growth; upwinding and Euler's method are both of first order.
    """
    exact = brentq(lambda s: 2 * (1 - np.exp(-s)) / s - 1, 0.5, 3.0)

    def error(points: int) -> float:
        simulation = build(points, amplitude=2.0, gamma=0.0, interval=1.0, steps=4 * points)
        state = torch.ones(1, 1, points, dtype=torch.float64)
        for _ in range(8):
            before, state = state, simulation.advance(state, column(0.0))
        return abs(float(torch.log(state[0, 0, 0] / before[0, 0, 0])) - exact)

    coarse, fine = error(51), error(101)
    assert fine < 0.03
    assert coarse / fine == pytest.approx(2, abs=0.15)


def test_many_steps_at_once_are_single_steps_one_after_another() -> None:
    """Matrix powers equal the scheme written with slices, with parameters that differ in the batch, to rounding."""
    amplitudes = np.array([[5.0], [-2.0], [0.5]])
    simulation = build(40, amplitude=amplitudes[:, 0], extent=0.39, interval=0.2, steps=200)
    rng = np.random.default_rng(0)
    u, action = rng.normal(size=(3, 40)), rng.normal(size=(3, 1))
    end = simulation.advance(torch.tensor(u)[:, None], torch.tensor(action))
    beta = amplitudes * np.cos(7.35 * np.arccos(np.linspace(0, 1, 40)))
    for _ in range(200):
        rate = (u[:, 1:] - u[:, :-1]) / 0.01 + beta[:, :-1] * u[:, :1]
        u = np.concatenate([u[:, :-1] + 1e-3 * rate, action], axis=1)
    np.testing.assert_allclose(end[:, 0], u, rtol=0, atol=1e-11)


def test_budgets_of_an_interval_close_to_rounding() -> None:
    """Mass and energy change by what their averaged budgets say, and the state is that of ``advance``."""
    simulation = build(30, interval=0.1, steps=50)
    rng = np.random.default_rng(0)
    start = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(4)]))
    action = torch.tensor(rng.normal(size=(4, 1)))
    end, budgets = simulation.advance_with_fluxes(start, action)
    torch.testing.assert_close(end, simulation.advance(start, action), rtol=0, atol=1e-12)
    before, after = simulation.functionals(start), simulation.functionals(end)
    for name, budget in budgets.items():
        change = after[name] - before[name]
        assert change.std() > 1e-2
        explained = 0.1 * (budget.source + (budget.output * action).sum(dim=1))
        torch.testing.assert_close(explained, change, rtol=0, atol=1e-11)


def test_the_budgets_are_those_of_the_equation() -> None:
    """On a smooth field that meets its inflow, mass and energy obey the docstring's integrals, within 1 %.

    u = exp(x) with U = e: dM/dt = e - 1 + 3, dE/dt = (e^2 - 1) / 2 + 3 (e - 1), for beta = 3.
    """
    simulation = build(801, amplitude=3.0, gamma=0.0, interval=1e-4, steps=1)
    x = torch.tensor(simulation.grid.coordinates["x"])
    start = torch.exp(x)[None, None]
    budgets = simulation.advance_with_fluxes(start, column(np.e))[1]
    total = {name: float(b.source + b.output[:, 0] * np.e) for name, b in budgets.items()}
    assert total["mass"] == pytest.approx(np.e - 1 + 3, rel=1e-2)
    assert total["energy"] == pytest.approx((np.e**2 - 1) / 2 + 3 * (np.e - 1), rel=1e-2)


def test_a_step_longer_than_one_spacing_is_refused_with_one_that_works() -> None:
    """20 steps in half a crossing of 40 spacings are just enough."""
    with pytest.raises(ValueError, match=r"transport_recirculation: advection limits .* steps_per_interval >= 20"):
        build(41, interval=0.5, steps=19)
    build(41, interval=0.5, steps=20)
