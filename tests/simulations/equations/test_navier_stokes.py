import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import PeriodicGrid, gaussian_jets
from simulations.equations import NavierStokes, NavierStokesScalar
from simulations.initial import random_field

DECAYING = {"drag": 0.0, "forcing_amplitude": 0.0}
OBLONG = (2 * np.pi, 4 * np.pi)


def flow(
    num_points: tuple[int, int] = (32, 32),
    extents: tuple[float, float] = (2 * np.pi, 2 * np.pi),
    *,
    duration: float = 0.5,
    steps: int = 20,
    cls: type[NavierStokes] = NavierStokes,
    **parameters: float | list[float],
) -> NavierStokes:
    grid = PeriodicGrid(num_points, extents)
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0, zero_mean=True)
    return cls(grid, jets, parameters=parameters, control_interval=duration, steps_per_interval=steps)


def advance_unforced(simulation: NavierStokes, fields: np.ndarray) -> np.ndarray:
    return simulation.advance(torch.tensor(fields)[None], torch.zeros(1, 1, dtype=torch.float64))[0].numpy()


def random_state(simulation: NavierStokes, seed: int = 0, amplitude: float = 2.0) -> Tensor:
    return torch.tensor(simulation.initial_state(np.random.default_rng(seed), amplitude=amplitude))[None]


class Reference:
    """``w_t = -u w_x - v w_y + nu lap w - mu w - A k cos(k y)`` by five plain transforms and Runge-Kutta steps."""

    def __init__(self, simulation: NavierStokes) -> None:
        (nx, ny), (lx, ly) = simulation.grid.shape, simulation.grid.extents
        self.kx = 2 * np.pi / lx * np.fft.fftfreq(nx, 1 / nx)[:, None]
        self.ky = 2 * np.pi / ly * np.fft.fftfreq(ny, 1 / ny)[None, :]
        self.square = self.kx**2 + self.ky**2
        self.resolved = (np.abs(self.kx * lx) < 2 * np.pi * nx / 3) & (np.abs(self.ky * ly) < 2 * np.pi * ny / 3)
        nu, mu, amplitude, waves = (float(v) for v in list(simulation.values.values())[:4])
        self.linear = -nu * self.square - mu
        k = 2 * np.pi * waves / ly
        y = np.arange(ny) * ly / ny
        self.forcing_hat = np.fft.fft2(np.tile(-amplitude * k * np.cos(k * y), (nx, 1)))

    def nonlinear_term(self, w_hat: np.ndarray) -> np.ndarray:
        """The transform of -u.grad w."""
        w_hat = self.resolved * w_hat
        stream_hat = -w_hat / np.where(self.square > 0, self.square, np.inf)
        u, v, w_x, w_y = (
            np.fft.ifft2(1j * k * a).real
            for k, a in ((-self.ky, stream_hat), (self.kx, stream_hat), (self.kx, w_hat), (self.ky, w_hat))
        )
        return self.resolved * np.fft.fft2(-u * w_x - v * w_y)

    def advance(self, w: np.ndarray, duration: float, steps: int) -> np.ndarray:
        """Classical Runge-Kutta from w(0) to w(duration)."""

        def rate(v: np.ndarray) -> np.ndarray:
            return self.linear * v + self.nonlinear_term(v) + self.forcing_hat

        v, h = np.fft.fft2(w), duration / steps
        for _ in range(steps):
            k1 = rate(v)
            k2 = rate(v + h / 2 * k1)
            k3 = rate(v + h / 2 * k2)
            v = v + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(v + h * k3))
        return np.fft.ifft2(v).real


# Closed forms -------------------------------------------------------------------------------


def test_taylor_green_vortices_decay_at_the_viscous_rate() -> None:
    """w = 2 sin x sin y exp(-2 nu t) solves the equation; 1e-12 is rounding of an exact exponential."""
    simulation = flow(viscosity=0.05, duration=2.0, **DECAYING)
    x, y = simulation.grid.mesh
    start = 2 * np.sin(x) * np.sin(y)
    end = advance_unforced(simulation, start[None])[0]
    np.testing.assert_allclose(end, start * np.exp(-2 * 0.05 * 2.0), atol=1e-12)


@pytest.mark.parametrize("order", [2, 4])
def test_taylor_green_vortices_are_carried_by_a_uniform_stream(order: int) -> None:
    """w(x - U t, y - V t) decays as at rest, packed or plain; so does every other flow: 1e-12 is rounding."""
    simulation = flow(viscosity=0.05, duration=2.0, stream_x=0.7, stream_y=-0.3, **DECAYING)
    simulation = type(simulation)(
        simulation.grid,
        gaussian_jets(simulation.grid, count=2, width=1.0, limit=1.0),
        parameters=simulation.values,
        control_interval=simulation.control_interval,
        steps_per_interval=simulation.steps_per_interval,
        order=order,
    )
    x, y = simulation.grid.mesh
    start = 2 * np.sin(x) * np.sin(y)
    end = 2 * np.sin(x - 0.7 * 2.0) * np.sin(y + 0.3 * 2.0) * np.exp(-2 * 0.05 * 2.0)
    state = torch.tensor(start)[None, None]
    nothing = torch.zeros(1, 4, dtype=torch.float64)
    for after in (simulation.advance(state, nothing), simulation.advance_with_fluxes(state, nothing)[0]):
        np.testing.assert_allclose(after[0, 0].numpy(), end, atol=1e-12)


@pytest.mark.parametrize("waves", [1, 3])
def test_the_laminar_kolmogorov_flow_is_steady(waves: int) -> None:
    """u = A sin(k y) / (nu k^2 + mu) stays to rounding in a domain of any height; half that flow does not."""
    simulation = flow((16, 32), OBLONG, viscosity=0.1, drag=0.2, forcing_amplitude=1.5, forcing_wavenumber=waves)
    k = 2 * np.pi * waves / OBLONG[1]
    y = simulation.grid.mesh[1] + 0 * simulation.grid.mesh[0]
    speed = 1.5 / (0.1 * k**2 + 0.2)
    laminar = -speed * k * np.cos(k * y)[None]
    velocity = simulation.velocity(torch.tensor(laminar)[None])[0].numpy()
    np.testing.assert_allclose(velocity, np.stack([speed * np.sin(k * y), 0 * y]), atol=1e-13)
    np.testing.assert_allclose(advance_unforced(simulation, laminar), laminar, atol=1e-12)
    assert np.abs(advance_unforced(simulation, laminar / 2) - laminar / 2).max() > 1e-2


def test_a_scalar_in_a_steady_shear_follows_its_closed_form() -> None:
    """In u = S sin(k y), held by its force, c = cos(p (x - u t)) if nothing diffuses; 1e-9 covers the steps."""
    simulation = flow(
        (16, 48), cls=NavierStokesScalar, viscosity=0.1, drag=0.0, forcing_amplitude=0.15, forcing_wavenumber=1,
        diffusivity=0.0, steps=100,
    )  # fmt: skip
    x, y = simulation.grid.mesh
    shear, vorticity = 1.5 * np.sin(y), -1.5 * np.cos(y) + 0 * x
    start = np.stack([vorticity, np.cos(2 * x) + 0 * y])
    end = advance_unforced(simulation, start)
    np.testing.assert_allclose(end[0], vorticity, atol=1e-12)
    np.testing.assert_allclose(end[1], np.cos(2 * (x - 0.5 * shear)), atol=1e-9)


def test_a_scalar_that_starts_as_the_vorticity_stays_the_vorticity() -> None:
    """Without drag and forces and with equal diffusivities both obey one equation; 1e-13 is rounding."""
    simulation = flow((24, 16), OBLONG, cls=NavierStokesScalar, viscosity=0.02, diffusivity=0.02, **DECAYING)
    vorticity = random_field(simulation.grid, np.random.default_rng(0), cutoff=4, amplitude=2.0)
    end = advance_unforced(simulation, np.stack([vorticity, vorticity]))
    np.testing.assert_allclose(end[1], end[0], atol=1e-13)
    assert np.abs(end[0] - vorticity).max() > 0.1


# An independent solver ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(32, 32), (24, 40)])
def test_the_nonlinear_term_is_that_of_five_transforms(shape: tuple[int, int]) -> None:
    """On white noise in an oblong domain, to 1e-13 of its largest value."""
    simulation = flow(shape, OBLONG)
    w = np.random.default_rng(0).normal(size=shape)
    exact = Reference(simulation).nonlinear_term(np.fft.fft2(w))[:, : shape[1] // 2 + 1]
    ours = simulation.nonlinear_term(simulation.spectrum(torch.tensor(w)[None, None]))[0, 0].numpy()
    np.testing.assert_allclose(ours, exact, atol=1e-13 * np.abs(exact).max())


def test_forced_turbulence_agrees_with_an_independent_solver() -> None:
    """A random start over half a time unit, to 1e-9: with wrong signs fields differ by order one."""
    simulation = flow((32, 24), OBLONG, viscosity=0.01, drag=0.1, forcing_wavenumber=2, steps=160)
    start = random_state(simulation)[0].numpy()
    exact = Reference(simulation).advance(start[0], 0.5, 320)
    np.testing.assert_allclose(advance_unforced(simulation, start)[0], exact, atol=1e-9)
    assert np.abs(exact - start[0]).max() > 0.5


# Conservation and budgets -------------------------------------------------------------------


def test_inviscid_flow_keeps_energy_and_enstrophy_up_to_the_integrator() -> None:
    """What is lost falls at least as step^4, to below 1e-6; <w> stays to rounding."""
    drifts = []
    for steps in (10, 20):
        simulation = flow(viscosity=0.0, duration=1.0, steps=steps, **DECAYING)
        start = random_state(simulation) + 0.3
        end = simulation.advance(start, torch.zeros(1, 1, dtype=torch.float64))
        before, after = simulation.functionals(start), simulation.functionals(end)
        drifts.append([abs(after[name] / before[name] - 1).item() for name in ("energy", "enstrophy")])
        assert end.mean().item() == pytest.approx(0.3, abs=1e-14)
    rates = np.log2(np.divide(*drifts))
    assert max(drifts[1]) < 1e-6, drifts
    assert (rates > 3.8).all(), (drifts, rates)


def test_budgets_are_the_known_ones() -> None:
    """dE/dt and dZ/dt of the solver are those of the equation in terms of velocity and its gradients, to rounding."""
    simulation = flow((32, 24), OBLONG, viscosity=0.03, drag=0.2, forcing_amplitude=0.7, forcing_wavenumber=2)
    fields = random_state(simulation)
    velocity, w = simulation.velocity(fields)[0].numpy(), fields[0, 0].numpy()
    y = simulation.grid.mesh[1]
    energy, enstrophy = (velocity**2).sum(axis=0).mean() / 2, (w**2).mean() / 2
    slopes = simulation.gradient_squared(fields).mean().item()
    force, curl = 0.7 * np.sin(y), -0.7 * np.cos(y)  # two waves over a height of 4 pi
    functionals, budgets = simulation.functionals(fields), simulation.budgets(fields)
    assert functionals["energy"].item() == pytest.approx(energy, rel=1e-13)
    fed = -2 * 0.03 * enstrophy - 2 * 0.2 * energy + (velocity[0] * force).mean()
    assert budgets["energy"].source.item() == pytest.approx(fed, rel=1e-12)
    fed = -0.03 * slopes - 2 * 0.2 * enstrophy + (w * curl).mean()
    assert budgets["enstrophy"].source.item() == pytest.approx(fed, rel=1e-12)
    assert simulation.dissipation(fields).item() == pytest.approx(2 * 0.03 * enstrophy, rel=1e-12)


def test_stirring_keeps_a_scalar_s_mean_and_diffusion_alone_takes_its_variance() -> None:
    """d<c^2>/dt / 2 = -kappa <|grad c|^2> whatever the flow, to rounding."""
    simulation = flow(cls=NavierStokesScalar, diffusivity=0.05)
    fields = random_state(simulation)
    budgets = simulation.budgets(fields)
    diffused = -0.05 * simulation.gradient_squared(fields)[0, 1].mean().item()
    assert budgets["scalar_variance"].source.item() == pytest.approx(diffused, rel=1e-12)
    assert budgets["scalar_mean"].source.item() == pytest.approx(0, abs=1e-14)
    assert not budgets["scalar_variance"].output.any()  # the jets act on the vorticity


# Parameters ---------------------------------------------------------------------------------


def test_every_element_of_a_batch_has_its_own_parameters() -> None:
    """Body forces and diffusivities that differ between elements give what each simulation gives alone, to rounding."""
    together = flow(
        cls=NavierStokesScalar, forcing_amplitude=[0.5, 2.0], forcing_wavenumber=[1, 3], diffusivity=[0.0, 0.1]
    )
    start = random_state(together).expand(2, -1, -1, -1)
    end, budgets = together.advance_with_fluxes(start, torch.zeros(2, 1, dtype=torch.float64))
    for n, (amplitude, waves, kappa) in enumerate([(0.5, 1, 0.0), (2.0, 3, 0.1)]):
        parameters = {"forcing_amplitude": amplitude, "forcing_wavenumber": waves, "diffusivity": kappa}
        alone = together.with_parameters(parameters)
        single, its_budgets = alone.advance_with_fluxes(start[:1], torch.zeros(1, 1, dtype=torch.float64))
        torch.testing.assert_close(end[n], single[0], rtol=0, atol=1e-14)
        for name, budget in its_budgets.items():
            torch.testing.assert_close(budgets[name].source[n], budget.source[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("waves", [2.5, 11, 40])
def test_body_forces_that_the_grid_cannot_carry_are_refused(waves: float) -> None:
    """The force has to be periodic, and to stand among the modes that advection sees."""
    with pytest.raises(ValueError, match=rf"forcing_wavenumber to be an integer below 10.6667 .*got {waves}"):
        flow(forcing_wavenumber=waves)


def test_fast_flow_is_named_as_the_cause_of_a_blow_up() -> None:
    """A flow a hundred times too fast for the step ends in nan or absurd values, and advection is blamed."""
    simulation = flow(viscosity=0.001, steps=4, **DECAYING)
    state = random_state(simulation, amplitude=300.0)
    assert "advection" in simulation.why_blown_up(state)
    for _ in range(4):
        state = simulation.advance(state, torch.zeros(1, 1, dtype=torch.float64))
    assert simulation.blown_up(state).all()


def test_kolmogorov_flow_is_as_chaotic_as_its_experiments_say() -> None:
    """Leading exponent 0.39 per time unit: twins of four starts over 20 time units, brought back every interval."""
    grid = PeriodicGrid((64, 64), (2 * np.pi, 2 * np.pi))
    parameters = {"viscosity": 0.01, "drag": 0.1, "forcing_amplitude": 1.0, "forcing_wavenumber": 4.0}
    jets = gaussian_jets(grid, count=1, width=1.0, limit=1.0, zero_mean=True)
    simulation = NavierStokes(grid, jets, parameters=parameters, control_interval=0.25, steps_per_interval=12)
    rng, starts, distance = np.random.default_rng(0), 4, 1e-5
    fields = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=2.0) for _ in range(starts)]))
    offset, growth = torch.tensor(rng.normal(size=fields.shape)), []
    for interval in range(200):
        offset *= distance / offset.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        ends = simulation.advance(torch.cat([fields, fields + offset]), torch.zeros(2 * starts, 1, dtype=torch.float64))
        fields, offset = ends[:starts], ends[starts:] - ends[:starts]
        if interval >= 120:
            growth.append((offset.square().mean(dim=(1, 2, 3)).sqrt() / distance).log().mean().item() / 0.25)
    assert 0.3 < np.mean(growth) < 0.48, np.mean(growth)
