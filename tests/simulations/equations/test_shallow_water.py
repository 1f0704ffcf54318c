import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, gaussian_jets
from simulations.equations import ShallowWater

OBLONG = (2 * np.pi, 4 * np.pi)
INVISCID = {"coriolis": 1.5, "gravity": 2.0, "depth": 0.8, "viscosity": 0.0}


def layer(
    num_points: tuple[int, int] = (16, 16),
    extents: tuple[float, float] = (2 * np.pi, 2 * np.pi),
    *,
    duration: float = 0.5,
    steps: int = 20,
    order: int = 4,
    **parameters: float,
) -> ShallowWater:
    grid = PeriodicGrid(num_points, extents)
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0)
    return ShallowWater(
        grid, jets, parameters=INVISCID | parameters, control_interval=duration, steps_per_interval=steps, order=order
    )


def still(batch: int = 1) -> Tensor:
    return torch.zeros(batch, 1, dtype=torch.float64)


def random_state(simulation: ShallowWater, amplitude: float = 0.2) -> Tensor:
    return torch.tensor(simulation.initial_state(np.random.default_rng(0), amplitude=amplitude))[None]


# Waves and balance --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [(1, 0), (0, 1), (2, 3), (7, 7)])
def test_infinitesimal_waves_have_the_frequency_of_poincare_waves(mode: tuple[int, int]) -> None:
    """omega^2 = f^2 + g H |k|^2 for waves of every length, those beyond dealiasing included.

    With k along x' and phase k x' - omega t, eta = cos, u' = omega / (k H) cos, v' = f / (k H) sin. Waves of
    1e-8 have nonlinear terms of 1e-16; 1e-6 of the wave covers the steps of the shortest.
    """
    simulation = layer((16, 16), OBLONG, steps=100)
    x, y = simulation.grid.mesh
    kx, ky = (2 * np.pi * m / extent for m, extent in zip(mode, OBLONG, strict=True))
    k = np.hypot(kx, ky)
    frequency = np.sqrt(1.5**2 + 2.0 * 0.8 * k**2)

    def wave(time: float) -> np.ndarray:
        phase = kx * x + ky * y - frequency * time
        along, across = frequency / (k * 0.8) * np.cos(phase), 1.5 / (k * 0.8) * np.sin(phase)
        return 1e-8 * np.stack([(kx * along - ky * across) / k, (ky * along + kx * across) / k, np.cos(phase)])

    end = simulation.advance(torch.tensor(wave(0.0))[None], still())[0].numpy()
    np.testing.assert_allclose(end, wave(0.5), atol=1e-14)
    assert np.abs(end - wave(0.0)).max() > 1e-9


def test_inertial_oscillations_turn_clockwise_at_the_coriolis_frequency() -> None:
    """A uniform flow turns with u + i v = U exp(-i f t) and leaves the surface flat; 1e-9 covers the steps."""
    simulation = layer(duration=1.0, steps=60)
    start = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    start[:, 0] = 0.5
    u, v, eta = simulation.advance(start, still())[0].numpy()
    np.testing.assert_allclose(u + 1j * v, 0.5 * np.exp(-1.5j), atol=1e-9)
    assert np.abs(eta).max() < 1e-14


def test_parallel_flow_in_geostrophic_balance_is_steady() -> None:
    """f u = -g eta_y holds a jet along x of any strength without its surface, to rounding, and not with half of it."""
    simulation = layer((16, 32))
    x, y = simulation.grid.mesh
    eta = 0.3 * np.sin(y) + 0.1 * np.cos(2 * y) + 0 * x
    jet = -2.0 / 1.5 * (0.3 * np.cos(y) - 0.2 * np.sin(2 * y)) + 0 * x
    balanced = torch.tensor(np.stack([jet, 0 * jet, eta]))[None]
    torch.testing.assert_close(simulation.advance(balanced, still()), balanced, rtol=0, atol=1e-13)
    unbalanced = balanced * torch.tensor([1.0, 1.0, 0.5], dtype=torch.float64)[:, None, None]
    assert (simulation.advance(unbalanced, still()) - unbalanced).abs().max() > 1e-2


def test_random_starts_are_in_balance() -> None:
    """f v = g eta_x and f u = -g eta_y at every point; 1e-13 is rounding. Without rotation the surface is flat."""
    simulation = layer((16, 24), OBLONG)
    fields = random_state(simulation)
    surface_hat = simulation.spectrum(fields[:, 2])
    slopes = [simulation.to_grid(simulation.derivative(surface_hat, axis)) for axis in (0, 1)]
    torch.testing.assert_close(1.5 * fields[:, 1], 2.0 * slopes[0], rtol=0, atol=1e-13)
    torch.testing.assert_close(1.5 * fields[:, 0], -2.0 * slopes[1], rtol=0, atol=1e-13)
    assert fields.square().mean().sqrt().item() == pytest.approx(0.2)
    assert not random_state(simulation.with_parameters({"coriolis": 0.0}))[:, 2].any()


# An independent form ------------------------------------------------------------------------


def test_rates_are_those_of_the_advective_form() -> None:
    """-u u_x - v u_y + f v - g eta_x + nu lap u and the like, of waves whose products are resolved, to rounding."""
    simulation = layer((24, 32), OBLONG, viscosity=0.05)
    fields = random_state(simulation)
    fields = fields + torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)[:, None, None]
    fields[:, 2] += fields[:, 0] * 0.5
    u, v, eta = fields[0].numpy()
    kx = np.fft.fftfreq(24, 1 / 24)[:, None]
    ky = 0.5 * np.fft.fftfreq(32, 1 / 32)[None, :]

    def slope(values: np.ndarray, k: np.ndarray) -> np.ndarray:
        return np.fft.ifft2(1j * k * np.fft.fft2(values)).real

    def curvature(values: np.ndarray) -> np.ndarray:
        return slope(slope(values, kx), kx) + slope(slope(values, ky), ky)

    advective = [
        -u * slope(u, kx) - v * slope(u, ky) + 1.5 * v - 2.0 * slope(eta, kx) + 0.05 * curvature(u),
        -u * slope(v, kx) - v * slope(v, ky) - 1.5 * u - 2.0 * slope(eta, ky) + 0.05 * curvature(v),
        -slope((0.8 + eta) * u, kx) - slope((0.8 + eta) * v, ky),
    ]
    drift = simulation.rates(fields)[0][0].numpy()
    np.testing.assert_allclose(drift, np.stack(advective), atol=1e-13)


# Conservation -------------------------------------------------------------------------------


def unbalanced_state(simulation: ShallowWater, amplitude: float) -> Tensor:
    """A balanced flow, and a surface that it does not balance."""
    state = random_state(simulation, amplitude)
    state[:, 2] += 0.1 + state[:, 0] / 2
    return state


def test_mass_is_kept_to_rounding_and_energy_up_to_the_integrator() -> None:
    """Of an inviscid resolved flow, the energy drifts at least as step^4, to below 1e-7."""
    drifts = []
    for steps in (10, 20):
        simulation = layer((48, 48), steps=steps)
        start = unbalanced_state(simulation, 0.05)
        end = simulation.advance(start, still())
        before, after = simulation.functionals(start), simulation.functionals(end)
        assert after["mass"].item() == pytest.approx(before["mass"].item(), abs=1e-15)
        drifts.append(abs(after["energy"] / before["energy"] - 1).item())
    assert drifts[1] < 1e-7, drifts
    assert np.log2(drifts[0] / drifts[1]) > 3.8, drifts


def test_energy_lost_to_unresolved_waves_is_in_the_budget() -> None:
    """On a grid too coarse for its flow energy is not kept, but its budget closes, at least as step^4."""
    residuals, changes = [], []
    for steps in (20, 40):
        simulation = layer((16, 16), steps=steps)
        start = unbalanced_state(simulation, 0.2)
        end, budgets = simulation.advance_with_fluxes(start, still())
        changes.append((simulation.functionals(end)["energy"] - simulation.functionals(start)["energy"]).item())
        residuals.append(abs(changes[-1] - 0.5 * budgets["energy"].source.item()))
    assert residuals[1] < 1e-3 * abs(changes[1]), (residuals, changes)
    assert np.log2(residuals[0] / residuals[1]) > 3.8, (residuals, changes)


def test_work_of_a_source_of_water_is_its_head() -> None:
    """Water poured in at rate a g(x) on a layer at rest with a raised surface gains g eta per unit of mass; exact."""
    grid = PeriodicGrid.square(16, 2 * np.pi)
    spring = gaussian_jets(grid, count=1, width=1.0, limit=1.0, acts_on="eta")
    simulation = ShallowWater(grid, spring, parameters=INVISCID, control_interval=0.1, steps_per_interval=4)
    fields = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    fields[:, 2] = 0.25
    output = {name: budget.output.item() for name, budget in simulation.budgets(fields).items()}
    assert output["mass"] == pytest.approx(1 / (2 * np.pi) ** 2, rel=1e-6)
    assert output["energy"] == pytest.approx(2.0 * 0.25 * output["mass"], rel=1e-12)


# Stability ----------------------------------------------------------------------------------


def test_steps_beyond_the_shortest_gravity_wave_are_refused_with_one_that_works() -> None:
    """The named number of steps is accepted, stays bounded on white noise, and two fewer are refused."""
    with pytest.raises(ValueError, match="shallow_water: the shortest gravity wave limits the step") as refusal:
        layer(duration=4.0, steps=2)
    steps = int(str(refusal.value).split("steps_per_interval >= ")[1].split()[0])
    with pytest.raises(ValueError, match="gravity wave"):
        layer(duration=4.0, steps=steps - 2)
    simulation = layer(duration=4.0, steps=steps)
    state = 1e-6 * torch.tensor(np.random.default_rng(0).normal(size=(1, 3, 16, 16)))
    for _ in range(25):
        state = simulation.advance(state, still())
    assert state.abs().max() < 1e-5


def test_second_order_steps_need_viscosity_and_are_then_stable() -> None:
    """The second-order scheme amplifies waves at any step; at the step it asks for, viscosity outweighs that."""
    with pytest.raises(ValueError, match="expected viscosity > 0 at order 2, got 0"):
        layer(order=2)
    with pytest.raises(ValueError, match="at order 2 limits the step") as refusal:
        layer(order=2, steps=2, duration=1.0, viscosity=0.01)
    steps = int(str(refusal.value).split("steps_per_interval >= ")[1].split()[0])
    simulation = layer(order=2, steps=steps, duration=1.0, viscosity=0.01)
    state = 1e-6 * torch.tensor(np.random.default_rng(0).normal(size=(1, 3, 16, 16)))
    for _ in range(20):
        state = simulation.advance(state, still())
    assert state.abs().max() < 1e-5


def test_a_layer_that_runs_dry_is_no_solution() -> None:
    """One dry point marks its element and no other."""
    simulation = layer()
    state = torch.zeros(2, 3, 16, 16, dtype=torch.float64)
    state[1, 2, 3, 4] = -0.81
    assert simulation.blown_up(state).tolist() == [False, True]
