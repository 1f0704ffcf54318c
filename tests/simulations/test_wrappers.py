"""Actuators that lag, actuators of limited rate, and sensors, against closed forms."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from simulations import build
from simulations.base import Simulation
from simulations.sensors import Sensors
from simulations.wrappers import ActuatorLag, RateLimit

SETTINGS: dict[str, Any] = {
    "equation": "kuramoto_sivashinsky",
    "num_points": 32,
    "domain_extent": 22.0,
    "control_interval": 0.25,
    "steps_per_interval": 2,
    "parameters": {},
    "jets": {"count": 3, "width": 1.0, "limit": 2.0},
}


@pytest.fixture
def bare() -> Simulation:
    return build(SETTINGS)


def fields_of(simulation: Simulation, batch: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(batch)]))


def test_a_step_command_is_approached_exponentially(bare: Simulation) -> None:
    """After n intervals under a held command u the actuators are at u (1 - exp(-t / tau)), each with its own tau."""
    tau = np.array([0.1, 0.5, 2.0])
    lagging = ActuatorLag(bare, tau)
    state = lagging.encode(fields_of(bare, 2))
    command = torch.tensor([[1.0, -2.0, 0.5]] * 2, dtype=torch.float64)
    for n in range(1, 6):
        state = lagging.advance(state, command)
        expected = command[0].numpy() * (1 - np.exp(-n * 0.25 / tau))
        np.testing.assert_allclose(lagging.readout(state, ["acting"])["acting"][0], expected, rtol=1e-12)


def test_the_simulation_feels_what_acts_and_not_what_is_commanded(bare: Simulation) -> None:
    """Fields of a lagging simulation are those of the bare one under the lagged actions; exact."""
    lagging = ActuatorLag(bare, 0.5)
    fields = start = fields_of(bare, 2)
    state = lagging.encode(start)
    command = torch.full((2, 3), 1.5, dtype=torch.float64)
    for n in range(1, 4):
        state = lagging.advance(state, command)
        fields = bare.advance(fields, command * (1 - math.exp(-n * 0.25 / 0.5)))
    read = lagging.readout(state, ["fields", "energy"])
    torch.testing.assert_close(read["fields"], fields, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(read["energy"], bare.functionals(fields)["energy"])
    assert (fields - start).abs().max() > 0.1


def test_a_vanishing_lag_and_a_generous_limit_are_the_bare_simulation(bare: Simulation) -> None:
    """exp(-0.25 / 1e-3) is zero in float64, and no action of this box moves faster than 1e3."""
    wrapped = ActuatorLag(RateLimit(bare, 1e3), 1e-4)
    fields, action = fields_of(bare, 2), torch.tensor([[1.0, -1.0, 0.3]] * 2, dtype=torch.float64)
    end = wrapped.readout(wrapped.advance(wrapped.encode(fields), action), ["fields"])["fields"]
    assert torch.equal(end, bare.advance(fields, action))


def test_the_command_reaches_the_first_interval_with_the_known_gradient(bare: Simulation) -> None:
    """d x / d u = 1 - exp(-n interval / tau), and gradients pass through fields as well."""
    lagging = ActuatorLag(bare, 0.5)
    command = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    state = lagging.encode(fields_of(bare, 1))
    for _ in range(3):
        state = lagging.advance(state, command)
    (slope,) = torch.autograd.grad(lagging.split(state)[1].sum(), command, retain_graph=True)
    np.testing.assert_allclose(slope, 1 - math.exp(-1.5), rtol=1e-12)
    (through,) = torch.autograd.grad(lagging.readout(state, ["energy"])["energy"].sum(), command)
    assert through.abs().max() > 1e-3


def test_a_limited_rate_makes_a_ramp(bare: Simulation) -> None:
    """At 2 per unit of time and 0.25 per interval, the way to -1.2 is -0.5, -1.0, -1.2, -1.2; exact in steps of 0.5."""
    limited = RateLimit(bare, [2.0, 2.0, 8.0])
    state = limited.encode(fields_of(bare, 1))
    path = []
    for _ in range(4):
        state = limited.advance(state, torch.full((1, 3), -1.2, dtype=torch.float64))
        path.append(limited.readout(state, ["acting"])["acting"][0].numpy())
    np.testing.assert_allclose(np.array(path)[:, 0], [-0.5, -1.0, -1.2, -1.2], rtol=1e-12)
    np.testing.assert_allclose(np.array(path)[:, 2], -1.2, rtol=1e-12)


def test_wrappers_compose_from_the_outside_in(bare: Simulation) -> None:
    """Lag over limit: the limited actuator follows the lagged value; one interval by hand."""
    wrapped = ActuatorLag(RateLimit(bare, 1.0), 0.5)
    fields = fields_of(bare, 2)
    acting = torch.tensor([[0.5, 0.0, -0.5]] * 2, dtype=torch.float64)
    command = torch.tensor([[2.0, 0.1, -2.0]] * 2, dtype=torch.float64)
    state = wrapped.advance(wrapped.encode(fields, acting), command)
    lagged = command + (acting - command) * math.exp(-0.5)
    limited = acting + torch.clamp(lagged - acting, -0.25, 0.25)
    torch.testing.assert_close(wrapped.split(state)[1], lagged)
    torch.testing.assert_close(wrapped.readout(state, ["fields"])["fields"], bare.advance(fields, limited))
    assert wrapped.bare is bare
    assert not wrapped.blown_up(state).any()


def test_changed_parameters_reach_the_simulation_inside() -> None:
    """Parameters, one per element, are those of the bare simulation with the same ones."""
    burgers = build(SETTINGS | {"equation": "burgers", "domain_extent": 6.28, "control_interval": 0.05})
    viscosity = {"viscosity": np.array([0.1, 0.5])}
    wrapped, changed = ActuatorLag(burgers, 0.5).with_parameters(viscosity), burgers.with_parameters(viscosity)
    fields, rest = fields_of(burgers, 2), torch.zeros(2, 3, dtype=torch.float64)
    end = wrapped.readout(wrapped.advance(wrapped.encode(fields), rest), ["fields"])["fields"]
    assert torch.equal(end, changed.advance(fields, rest))
    assert wrapped.batch_of_parameters == 2
    assert list(wrapped.values) == ["viscosity"]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, [1.0, 2.0]])
def test_a_lag_without_a_meaning_is_refused(bare: Simulation, value: Any) -> None:
    with pytest.raises(ValueError, match="expected time_constant > 0, one for all or one for each of 3 actuators"):
        ActuatorLag(bare, value)
    with pytest.raises(ValueError, match="expected limit > 0"):
        RateLimit(bare, value)


def test_states_and_actions_of_a_wrong_shape_are_refused(bare: Simulation) -> None:
    lagging = ActuatorLag(bare, 0.5)
    fields = fields_of(bare, 1)
    with pytest.raises(ValueError, match=r"expected state of shape \('batch', 35\).*encode"):
        lagging.advance(fields, torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"expected action of shape \(1, 3\), got \(1, 2\)"):
        lagging.advance(lagging.encode(fields), torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"expected acting of shape \(1, 3\), got \(3,\)"):
        lagging.encode(fields, torch.zeros(3))


# Sensors ------------------------------------------------------------------------------------


def plane() -> Simulation:
    """A flow in the plane, 16 by 8 points on 4 by 2."""
    return build(
        SETTINGS
        | {"equation": "burgers_2d", "num_points": [16, 8], "domain_extent": [4.0, 2.0], "control_interval": 0.02}
    )


def test_sensors_at_grid_points_read_them(bare: Simulation) -> None:
    """Every 8th of 32 points, by number, by mask and by position; exact."""
    fields = fields_of(bare, 2)
    mask = np.arange(32) % 8 == 0
    for sensors in (
        Sensors(bare, every=8),
        Sensors(bare, mask=mask),
        Sensors(bare, positions={"x": bare.grid.coordinates["x"][::8]}),
    ):
        torch.testing.assert_close(sensors.observe(fields), fields[:, 0, ::8], rtol=1e-14, atol=1e-14)
    assert Sensors(bare, every=8).names == ("u_0", "u_1", "u_2", "u_3")


def test_sensors_between_points_interpolate(bare: Simulation) -> None:
    """A straight line is read exactly; across the seam of the period, half-way between last and first point."""
    x = torch.tensor(bare.grid.coordinates["x"])
    spacing = 22.0 / 32
    sensors = Sensors(bare, positions={"x": [0.3, 5.0, 22.0 - spacing / 2]})
    expected = [0.3, 5.0, float(x[-1]) / 2]
    np.testing.assert_allclose(sensors.observe(x[None, None])[0], expected, rtol=1e-12)
    nearest = Sensors(bare, positions={"x": [0.3, 5.0, 22.0 - 0.1 * spacing]}, between="nearest")
    np.testing.assert_allclose(nearest.observe(x[None, None])[0], [0.0, 7 * spacing, 0.0], rtol=1e-12)


def test_sensors_in_the_plane_read_a_bilinear_function() -> None:
    """1 + x y is its own bilinear interpolant, and places and variables keep their order."""
    simulation = plane()
    x, y = (torch.tensor(c) for c in simulation.grid.coordinates.values())
    field = 1 + x[:, None] * y[None, :]
    fields = torch.stack([field, 2 * field])[None]
    sensors = Sensors(simulation, positions={"y": [0.1, 1.7], "x": [3.3, 0.6]})
    np.testing.assert_allclose(sensors.observe(fields)[0], [1.33, 2.02, 2.66, 4.04], rtol=1e-12)
    second = [v.name for v in simulation.variables][1]
    one = Sensors(simulation, positions={"y": [0.1], "x": [3.3]}, variables=[second])
    np.testing.assert_allclose(one.observe(fields)[0], [2.66], rtol=1e-12)
    assert len(Sensors(simulation, every=4)) == 2 * 4 * 2


def test_noise_has_its_deviation_and_follows_its_generator(bare: Simulation) -> None:
    """Over 2000 x 32 readings the deviation is known to 0.3 %: five of those are allowed."""
    sensors = Sensors(bare, every=1, noise=0.5)
    still = torch.zeros(2000, 1, 32, dtype=torch.float64)
    readings = sensors.observe(still, torch.Generator().manual_seed(0))
    assert readings.std().item() == pytest.approx(0.5, rel=0.015)
    assert torch.equal(readings, sensors.observe(still, torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="expected a generator"):
        sensors.observe(still)


def test_everything_that_does_not_fit_is_named_at_once(bare: Simulation) -> None:
    with pytest.raises(ValueError, match=r"expected 0 <= x <= 22, got -1, 30") as refusal:
        Sensors(bare, positions={"x": [-1.0, 3.0, 30.0]}, variables=["v"], noise=-1.0)
    assert "expected variables among u" in str(refusal.value)
    assert "expected noise >= 0" in str(refusal.value)
    for choice in ({}, {"every": 2, "positions": {"x": [1.0]}}, {"mask": np.ones(8, dtype=bool)}, {"every": 0}):
        with pytest.raises(ValueError, match="expected"):
            Sensors(bare, **choice)
    with pytest.raises(ValueError, match="expected positions along x, got y"):
        Sensors(bare, positions={"y": [1.0]})
    with pytest.raises(ValueError, match=r"expected fields of shape \('batch', 1, 32\)"):
        Sensors(bare, every=2).observe(torch.zeros(1, 32))
