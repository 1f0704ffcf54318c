"""Every equation in space and time: closed forms, orders of convergence, symmetries."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import sympy
import torch
from cases.case import Case, t, x, y
from torch import Tensor

from simulations.integrators import ETDRK2, ETDRK4, Scheme
from simulations.pseudospectral import SpectralSimulation

Draw = Callable[..., Tensor]
Values = Callable[..., list[np.ndarray | float]]

INTERVALS = 2  # over which manufactured solutions are followed


class Manufactured:
    """Two waves per field, that travel by about a radian over some control intervals.

    ``fields``, ``rate`` and ``tendency`` are u, u_t and what the unforced equation would do with u: the forcing
    ``rate - tendency`` makes u a solution.
    """

    def __init__(self, case: Case) -> None:
        self.simulation = case.resolved().build()
        extents = self.simulation.grid.extents
        self.duration = INTERVALS * self.simulation.control_interval
        k_x, k_y = 2 * sympy.pi / extents[0], (2 * sympy.pi / extents[1] if len(extents) == 2 else 0)
        fields = case.fields(
            [
                0.7 * sympy.cos(k_x * x + k_y * y + 1.3 * t / self.duration + 0.2 + channel)
                + 0.4 * sympy.cos(2 * k_x * x - k_y * y - 0.9 * t / self.duration + 1 + channel)
                for channel in range(len(self.simulation.variables))
            ]
        )
        self._fields = self._on_grid(fields)
        self._rate = self._on_grid([sympy.diff(field, t) for field in fields])
        self._tendency = self._on_grid(case.tendency(fields))

    def _on_grid(self, expressions: list[sympy.Expr]) -> Callable[[float], Tensor]:
        function: Values = sympy.lambdify((x, y, t), [sympy.sympify(e) for e in expressions], cse=True)
        mesh = (*self.simulation.grid.mesh, 0.0)[:2]

        def values(time: float) -> Tensor:
            shape = self.simulation.grid.shape
            return torch.tensor(np.stack([np.broadcast_to(v, shape) for v in function(*mesh, time)]))[None].double()

        return values

    def fields(self, time: float) -> Tensor:
        """u at a time, ``(1, channel, *space)``."""
        return self._fields(time)

    def tendency(self, time: float) -> Tensor:
        """What the unforced equation does with u."""
        return self._tendency(time)

    def forcing(self, time: float) -> Tensor:
        """What makes u a solution."""
        return self._rate(time) - self._tendency(time)


@pytest.fixture(scope="module")
def manufactured(case: Case) -> Manufactured:
    """Derived from the symbols of a case once for all its tests."""
    return Manufactured(case)


# Exact solutions ----------------------------------------------------------------------------


def test_infinitesimal_waves_grow_at_their_linear_rate(case: Case, unforced: Draw) -> None:
    """A wave of one field is multiplied by exp(rate t): the nonlinear term is 1e-20 of it, so 1e-12 is rounding.

    About a state that is not zero a wave of 1e-6 keeps ten digits, hence 1e-8 there. Waves that decay below 1e-2
    are compared to 1e-2 of these tolerances of what they were: rounding is all that is left of them.
    """
    if case.growth_rate is None:
        pytest.skip("waves of different fields are coupled")
    simulation = case.coarse().build(steps_per_interval=64 if any(case.rest) else 2)
    height, tolerance = (1e-6, 1e-8) if any(case.rest) else (1e-10, 1e-12)
    grid, channels = simulation.grid, len(simulation.variables)
    below_nyquist = np.all(
        [np.broadcast_to(np.abs(m), grid.laplacian.shape) < n / 2 for m, n in zip(grid.modes, grid.shape, strict=True)],
        axis=0,
    )
    along_last = np.broadcast_to(grid.modes[-1], grid.laplacian.shape) > 0
    modes = np.argwhere(below_nyquist & along_last)
    waves_hat = np.zeros((len(modes), *grid.laplacian.shape), dtype=complex)
    waves_hat[(np.arange(len(modes)), *modes.T)] = height / 2 * np.prod(grid.shape) * np.exp(1j * np.arange(len(modes)))
    waves = torch.fft.irfftn(torch.tensor(waves_hat), s=grid.shape, dim=tuple(range(-len(grid.shape), 0)))
    rest = (
        torch.tensor(case.rest, dtype=torch.float64).reshape(-1, *(1 for _ in grid.shape)).expand(channels, *grid.shape)
    )
    k = [np.broadcast_to(k, grid.laplacian.shape)[tuple(modes.T)] for k in grid.wavenumbers]
    k_x, k_y = (*k, np.zeros(len(modes)))[:2]
    for channel in range(channels):
        state = rest.repeat(len(modes), 1, *(1 for _ in grid.shape))
        state[:, channel] += waves
        ends = simulation.advance(state, unforced(simulation, len(modes)))
        start_hat, end_hat = (simulation.spectrum(s)[:, channel].numpy() for s in (state, ends))
        index = (np.arange(len(modes)), *modes.T)
        rate = np.array([case.growth_rate(*pair)[channel] for pair in zip(k_x, k_y, strict=True)])
        exact = np.exp(rate * simulation.control_interval)
        np.testing.assert_allclose(end_hat[index] / start_hat[index], exact, atol=1e-2 * tolerance, rtol=tolerance)
        assert np.abs(exact - 1).max() > 1e-3, "every wave stays as it is: nothing was tested"


def test_rates_on_the_grid_are_those_of_the_equation(manufactured: Manufactured) -> None:
    """Spatial operators of a smooth field equal the symbolic ones; 1e-9 of the largest is rounding times k^4."""
    for time in (0.0, manufactured.duration):
        exact = manufactured.tendency(time)
        drift, _ = manufactured.simulation.rates(manufactured.fields(time))
        assert (drift - exact).abs().max() < 1e-9 * exact.abs().max()


@pytest.mark.parametrize(("scheme", "order"), [(ETDRK2, 2), (ETDRK4, 4)])
def test_waves_forced_in_space_and_time_follow_the_manufactured_solution(
    manufactured: Manufactured, scheme: type[ETDRK2] | type[ETDRK4], order: int
) -> None:
    """Forced by f(x, t) = u_t - (unforced tendency), the solution is u, at the order of the scheme.

    The forcing is evaluated at the times of the stages. 0.25 covers the next order at these steps.
    """
    simulation, duration = manufactured.simulation, manufactured.duration

    def tendency(v: Tensor, time: float) -> Tensor:
        forcing_hat = simulation.spectrum(manufactured.forcing(time))
        return simulation.tendency(v, forcing_hat + simulation.table("steady_forcing", v))

    def error(steps: int) -> float:
        integrator: Scheme = scheme(simulation.linear_symbol(), duration / steps)
        c = tuple(torch.tensor(a) for a in integrator.coefficients())
        v = simulation.spectrum(manufactured.fields(0.0))
        for n in range(steps):
            v = integrator.advance(v, tendency, c, n * integrator.step)
        return (simulation.to_grid(v) - manufactured.fields(duration)).abs().max().item()

    first = INTERVALS * simulation.steps_per_interval
    errors = [error(steps) for steps in (2 * first, 4 * first)]
    assert errors[-1] < 10.0 ** (-1.25 * order) * manufactured.fields(0.0).abs().max(), errors
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25), errors


def test_a_manufactured_steady_state_is_held_by_its_actuators(case: Case, manufactured: Manufactured) -> None:
    """Fields whose residual is the actuators' shapes stay under these actions, to rounding, and drift without them.

    Steady states are fixed points of every stage, so the time step does not matter; half the action of twice
    the shape is the same forcing.
    """
    start, residual = manufactured.fields(0.0), -manufactured.tendency(0.0)
    names = [v.name for v in manufactured.simulation.variables]
    simulation = case.resolved().acted_on(2 * residual[0].numpy(), names)
    held = drifting = start
    for _ in range(2):
        held = simulation.advance(held, torch.full((1, len(names)), 0.5, dtype=torch.float64))
        drifting = simulation.advance(drifting, torch.zeros(1, len(names), dtype=torch.float64))
    assert (held - start).abs().max() < 1e-10 * start.abs().max()
    assert (drifting - start).abs().max() > 1e-4 * start.abs().max()


# Convergence --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("forced", [False, True])
def test_advance_is_of_its_order(case: Case, order: int, forced: bool, draw_states: Draw, draw_actions: Draw) -> None:
    """The error of one interval falls as (1 / steps)^order, with and without a held action.

    Actions are on every variable and on every parameter that may be modulated. Stiff modes approach the order
    slowly: it has to be reached, to 0.35, before 16 times the steps or rounding. Where equations are linear the
    schemes are exact, and rounding is all there is.
    """
    few = case.coarse().settings["steps_per_interval"]
    shapes, names = case.coarse().shapes()

    def end(steps: int, order: int) -> Tensor:
        simulation = case.coarse().changed(steps_per_interval=steps, order=order).acted_on(shapes, names)
        return simulation.advance(draw_states(simulation, 1), forced * draw_actions(simulation, 1))

    exact = end(64 * few, 4)
    errors, orders = [], []
    for steps in (few, 2 * few, 4 * few, 8 * few, 16 * few):
        try:
            errors.append((end(steps, order) - exact).abs().max().item())
        except ValueError:  # a step that is unstable whatever the state
            continue
        if errors[-1] < 1e-12 * exact.abs().max():
            break
        orders = [np.log2(ahead / behind) for ahead, behind in pairwise(errors)]
        if orders and orders[-1] == pytest.approx(order, abs=0.35):
            return
    assert errors[0] < 1e-11 * exact.abs().max(), (orders, errors)


def test_resolved_flows_do_not_depend_on_the_resolution(case: Case, draw_states: Draw, unforced: Draw) -> None:
    """Good values resolve a smooth start: doubling the points changes an interval by less than 0.2 %."""
    doubled = [2 * n for n in case.build().grid.shape]
    steps = 4 * case.settings["steps_per_interval"]
    coarse, fine = case.build(steps_per_interval=steps), case.build(num_points=doubled, steps_per_interval=steps)
    start, end = (draw_states(s, 1) for s in (coarse, fine))
    start, end = coarse.advance(start, unforced(coarse, 1)), fine.advance(end, unforced(fine, 1))
    same = (..., *(slice(None, None, 2) for _ in coarse.grid.shape))
    torch.testing.assert_close(end[same], start, rtol=0, atol=2e-3 * case.amplitude)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_that_of_the_state(
    simulation: SpectralSimulation, dtype: torch.dtype, draw_states: Draw, draw_actions: Draw
) -> None:
    """States, fluxes and functionals keep the precision that enters."""
    state, action = draw_states(simulation, 2, dtype=dtype), draw_actions(simulation, 2, dtype=dtype)
    end, budgets = simulation.advance_with_fluxes(state, action)
    assert end.dtype == simulation.advance(state, action).dtype == dtype
    assert {q.dtype for q in simulation.functionals(end).values()} == {dtype}
    assert {part.dtype for b in budgets.values() for part in (b.source, b.output)} == {dtype}


def test_single_precision_agrees_with_double(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """One interval in float32 is float64 to 2e-5: some tens of roundings of 6e-8 on values of order one."""
    simulation = case.build()
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
    single, double = simulation.advance(state.float(), action.float()), simulation.advance(state, action)
    torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-5 * max(1.0, double.abs().max().item()))


def test_the_nonlinear_term_of_a_rough_state_is_free_of_aliasing(case: Case) -> None:
    """On white noise it is what twice the points give for the dealiased modes alone; 1e-12 is rounding."""
    coarse = case.coarse().build()
    fine = case.coarse().build(
        num_points=[2 * n for n in coarse.grid.shape], steps_per_interval=64 * coarse.steps_per_interval
    )
    kept = np.nonzero(coarse.grid.dealiasing_mask(coarse.dealiasing))
    modes = [np.broadcast_to(m, coarse.grid.laplacian.shape)[kept] for m in coarse.grid.modes]  # negative ones too
    noise = np.random.default_rng(0).normal(size=(1, len(coarse.variables), *coarse.grid.shape))
    noise_hat = coarse.spectrum(torch.tensor(noise))
    enlarged = 2 ** len(coarse.grid.shape)
    padded = torch.zeros(1, len(coarse.variables), *fine.grid.laplacian.shape, dtype=torch.complex128)
    padded[(..., *modes)] = enlarged * noise_hat[(..., *kept)]
    exact = fine.nonlinear_term(padded)[(..., *modes)] / enlarged
    difference = coarse.nonlinear_term(noise_hat)[(..., *kept)] - exact
    assert difference.abs().max() <= 1e-12 * exact.abs().max()


# Symmetries ---------------------------------------------------------------------------------


def test_translation_commutes_with_advance(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """Shifting fields and actuators by grid points shifts the result; 1e-12 is rounding.

    Along dimensions over which a steady forcing varies there is no such symmetry.
    """
    coarse = case.coarse()
    shapes, names = coarse.shapes()
    simulation = coarse.acted_on(shapes, names)
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
    end = simulation.advance(state, action)
    steady = simulation.steady_forcing()
    tested = 0
    for axis in range(-len(simulation.grid.shape), 0):
        if steady is not None and not np.allclose(np.roll(steady, 3, axis), steady):
            continue
        shifted = coarse.acted_on(np.roll(shapes, 3, axis), names).advance(state.roll(3, axis), action)
        torch.testing.assert_close(shifted, end.roll(3, axis), rtol=0, atol=1e-12 * max(1.0, end.abs().max().item()))
        unshifted = simulation.advance(state.roll(3, axis), action)
        assert (unshifted - shifted).abs().max() > 1e-6 * end.abs().max()
        tested += 1
    assert tested, "no dimension without a steady forcing"


def test_reflection_commutes_with_advance(case: Case, draw_states: Draw, draw_actions: Draw) -> None:
    """x -> -x with u -> parity u maps solutions to solutions, shapes to mirrored shapes; 1e-12 is rounding."""
    if case.parity is None:
        pytest.skip("no symmetry under reflection")
    coarse = case.coarse()
    shapes, names = coarse.shapes()
    simulation = coarse.acted_on(shapes, names)
    along_x = -len(simulation.grid.shape)
    sign = dict(zip([v.name for v in simulation.variables], case.parity, strict=True))
    signs = np.reshape([sign.get(name, 1) for name in names], (-1, *(1 for _ in simulation.grid.shape)))
    mirrored = signs * np.roll(np.flip(shapes, axis=along_x), 1, axis=along_x)
    parity = torch.tensor(case.parity, dtype=torch.float64).reshape(-1, *(1 for _ in simulation.grid.shape))

    def reflect(fields: Tensor) -> Tensor:
        return parity * fields.flip(along_x).roll(1, along_x)

    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
    reflected = coarse.acted_on(mirrored, names).advance(reflect(state), action)
    exact = reflect(simulation.advance(state, action))
    torch.testing.assert_close(reflected, exact, rtol=0, atol=1e-12 * max(1.0, exact.abs().max().item()))


def test_galilean_shift_commutes_with_advance(case: Case, draw_states: Draw, unforced: Draw) -> None:
    """In a frame moving by three points per interval the flow is the same, up to the error of the integrator.

    Exponential integrators are not Galilean invariant at finite step: the defect falls as step^4.
    """
    if not case.galilean:
        pytest.skip("no Galilean invariance")
    resolved = case.resolved()

    def defect(steps: int) -> float:
        simulation = resolved.build(steps_per_interval=steps)
        state, zero = draw_states(simulation, 2), unforced(simulation, 2)
        stream = torch.zeros_like(state)
        stream[:, 0] = 3 * simulation.grid.spacing[0] / simulation.control_interval
        still = simulation.advance(state, zero).roll(3, -len(simulation.grid.shape))
        return (simulation.advance(state + stream, zero) - stream - still).abs().max().item()

    coarse, fine = defect(16), defect(32)
    assert fine < 1e-4 * case.amplitude, (coarse, fine)
    assert np.log2(coarse / fine) == pytest.approx(4, abs=0.3), (coarse, fine)
