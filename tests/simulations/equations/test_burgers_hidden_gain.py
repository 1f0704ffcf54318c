import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from simulations.actuators import ActionBox, Actuators
from simulations.equations.burgers_hidden_gain import HiddenGainBurgers, sine_waves
from simulations.grid import BoundedGrid

Array = NDArray[np.float64]

PARAMETERS = {
    "viscosity": [0.008, 0.018],
    "gain": [0.7, 1.3],
    "forcing": [0.4, 0.8],
    "frequency": [0.5, 1.5],
    "phase": [0.3, 4.0],
    "left": [0.03, -0.02],
    "right": [-0.01, 0.025],
}


def burgers(parameters: dict[str, list[float]], *, steps: int = 50, points: int = 48) -> HiddenGainBurgers:
    grid = BoundedGrid.nodes(points)
    x = grid.coordinates["x"]
    shapes = np.stack([np.sin(np.pi * x) ** 2, x * (1 - x)])
    actuators = Actuators(ActionBox.symmetric(["a", "b"], 2.0), shapes)
    return HiddenGainBurgers(grid, actuators, parameters=parameters, control_interval=0.025, steps_per_interval=steps)


def start(simulation: HiddenGainBurgers, batch: int, time: float = 0.0) -> torch.Tensor:
    x, rng = simulation.grid.coordinates["x"], np.random.default_rng(0)
    left, right = (np.broadcast_to(simulation.values[name], batch)[:, None] for name in ("left", "right"))
    u = left * (1 - x) + right * x + np.stack([0.2 * sine_waves(x, rng) for _ in range(batch)])
    return torch.tensor(np.stack([u, np.full_like(u, time)], axis=1))


def scheme_written_out(simulation: HiddenGainBurgers, u: Array, action: Array, element: int, time: float) -> Array:
    """50 Euler steps node by node: upwind by the sign of u, forcing at the middle of each step."""
    p = {name: values[element] for name, values in PARAMETERS.items()}
    x, dx, dt = np.linspace(0, 1, 48), 1 / 47, 5e-4
    shapes = simulation.shapes[:, 0]
    for n in range(50):
        t, new = time + (n + 0.5) * dt, u.copy()
        for i in range(1, 47):
            slope = (u[i] - u[i - 1]) / dx if u[i] > 0 else (u[i + 1] - u[i]) / dx
            swing = 0.35 * np.sin(2 * np.pi * p["frequency"] * t + p["phase"]) * np.sin(2 * np.pi * x[i])
            forcing = p["forcing"] * (np.sin(np.pi * x[i]) + swing) + p["gain"] * action @ shapes[:, i]
            diffusion = p["viscosity"] * (u[i + 1] - 2 * u[i] + u[i - 1]) / dx**2
            new[i] = u[i] + dt * (-u[i] * slope + diffusion + forcing)
        u = new
    return u


def test_an_interval_is_that_of_the_scheme_written_out() -> None:
    """Two elements with their own parameters, started at time 0.4, to rounding; walls keep their values."""
    simulation = burgers(PARAMETERS)
    state = start(simulation, 2, time=0.4)
    action = np.array([[1.5, -0.5], [-2.0, 1.0]])
    end = simulation.advance(state, torch.tensor(action)).numpy()
    for element in range(2):
        expected = scheme_written_out(simulation, state[element, 0].numpy(), action[element], element, 0.4)
        np.testing.assert_allclose(end[element, 0], expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(end[:, 0, 0], PARAMETERS["left"], rtol=0, atol=1e-15)
    np.testing.assert_allclose(end[:, 1], 0.425, rtol=1e-13)


def test_twice_the_gain_is_twice_the_action() -> None:
    """Gain and action enter as a product, and in nothing else."""
    weak, strong = burgers({"gain": [0.6, 0.6]}), burgers({"gain": [1.2, 1.2]})
    state, action = start(weak, 2), torch.tensor([[1.0, -1.0], [0.5, 2.0]], dtype=torch.float64)
    torch.testing.assert_close(weak.advance(state, 2 * action), strong.advance(state, action), rtol=0, atol=1e-15)
    assert (weak.advance(state, action) - strong.advance(state, action)).abs().max() > 1e-3


def test_without_forcing_the_flow_stays_between_its_extremes() -> None:
    """Upwind advection and diffusion obey a maximum principle at any viscosity; a uniform flow stays as it is."""
    simulation = burgers({"forcing": [0.0, 0.0], "left": [0.3, 0.0], "right": [0.3, 0.0], "viscosity": [1e-4, 1e-4]})
    state = start(simulation, 2)
    state[0, 0] = 0.3
    end = simulation.advance(state, torch.zeros(2, 2, dtype=torch.float64))
    torch.testing.assert_close(end[0, 0], state[0, 0], rtol=0, atol=1e-15)
    assert state[1, 0].min() <= end[1, 0].min() < end[1, 0].max() <= state[1, 0].max()


def test_budgets_close_to_rounding_and_time_takes_no_part() -> None:
    """Change = interval (source + sum_j a_j output_j), with walls, gains and viscosities by element."""
    simulation = burgers(PARAMETERS)
    state = start(simulation, 2, time=3.0)
    action = torch.tensor([[1.0, -1.0], [0.5, 2.0]], dtype=torch.float64)
    end, budgets = simulation.advance_with_fluxes(state, action)
    before, after = simulation.functionals(state), simulation.functionals(end)
    for name, budget in budgets.items():
        closed = 0.025 * (budget.source + (action * budget.output).sum(dim=1))
        torch.testing.assert_close(closed, after[name] - before[name], rtol=0, atol=1e-15)
        assert (after[name] - before[name]).abs().min() > 1e-4


def test_two_intervals_are_one_of_twice_the_length() -> None:
    """The clock in the state makes the equation autonomous."""
    once = burgers(PARAMETERS)
    state, action = start(once, 2), torch.tensor([[1.0, -1.0], [0.5, 2.0]], dtype=torch.float64)
    twice = HiddenGainBurgers(
        once.grid,
        Actuators(once.actuators, once.shapes[:, 0]),
        parameters=PARAMETERS,
        control_interval=0.05,
        steps_per_interval=100,
    )
    torch.testing.assert_close(once.advance(once.advance(state, action), action), twice.advance(state, action))


def test_unstable_steps_are_refused_and_fast_flow_is_named() -> None:
    """nu step / h^2 <= 1/2 whatever the state, |u| step <= h for the state at hand."""
    with pytest.raises(ValueError, match="burgers_hidden_gain: diffusion limits the step"):
        burgers({"viscosity": [0.018, 0.05]}, steps=5)
    simulation = burgers({}, steps=50)
    assert "advection" in simulation.why_blown_up(torch.full((1, 2, 48), 100.0))
