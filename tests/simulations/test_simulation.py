from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import CATALOGUE, ActionBox, Actuators, PeriodicGrid, Simulation, run_episodes

Draw = Callable[..., Tensor]

# Importing torch's forward-mode rules calls a function that torch itself deprecates.
forward_mode = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


class Waves:
    """``u(x, t)``: two travelling waves of the grid's longest wavelengths, with all their derivatives."""

    def __init__(self, grid: PeriodicGrid, *, speed: float) -> None:
        longest = 2 * np.pi / grid.domain_extent
        self.x = grid.coordinates
        self.parts = [(0.7, longest, 1.3 * speed, 0.2), (0.4, 2 * longest, -0.9 * speed, 1.0)]

    def derivative(self, t: float, *, in_x: int = 0, in_t: int = 0) -> np.ndarray:
        """``d^(m+n) u / dx^m dt^n``."""
        turn = (in_x + in_t) * np.pi / 2
        return sum(a * k**in_x * w**in_t * np.cos(k * self.x + w * t + p + turn) for a, k, w, p in self.parts)

    def forcing(self, case: Any, t: float) -> np.ndarray:
        """The ``f`` under which these waves solve the equation of ``case``."""
        return self.derivative(t, in_t=1) - case.tendency([self.derivative(t, in_x=m) for m in range(5)])


def as_state(field: np.ndarray) -> Tensor:
    return torch.tensor(field)[None, None]


def with_single_shape(case: Any, shape: np.ndarray) -> Simulation:
    """The simulation of ``case`` with one actuator of the given profile."""
    actuators = Actuators(ActionBox(("shape",), np.array([-1.0]), np.array([1.0])), shape[None])
    settings = case.settings
    return CATALOGUE[settings["equation"]](
        case.build().grid,
        actuators,
        control_interval=settings["control_interval"],
        steps_per_interval=settings["steps_per_interval"],
        **settings["parameters"],
    )


# Exact solutions ----------------------------------------------------------------------------


def test_infinitesimal_waves_grow_at_their_linear_rate(case: Any, unforced: Draw) -> None:
    """Each wave is multiplied by exp(rate t): the nonlinear term is 1e-20 of a wave of 1e-10, so 1e-12 is rounding.

    Waves that decay below 1e-2 are compared to 1e-14 of what they were: rounding is all that is left of them.
    """
    simulation = case.build()
    grid = simulation.grid
    modes = np.arange(1, grid.num_points // 2)
    k = 2 * np.pi * modes / grid.domain_extent
    state = torch.tensor(1e-10 * np.cos(k[:, None] * grid.coordinates + modes[:, None]))[:, None]
    end = simulation.advance(state, unforced(simulation, len(modes)))
    ratio = torch.fft.rfft(end)[:, 0].numpy()[modes - 1, modes] / torch.fft.rfft(state)[:, 0].numpy()[modes - 1, modes]
    exact = np.exp(case.growth_rate(k) * simulation.control_interval)
    np.testing.assert_allclose(ratio, exact, atol=1e-14, rtol=1e-12)
    assert (exact < 0.9).any(), "no wave decays noticeably: nothing was tested"


def test_waves_forced_in_space_and_time_follow_the_manufactured_solution(case: Any) -> None:
    """Forced by f(x, t) = u_t - (unforced tendency), the solution is u, at fourth order and to 1e-7 at the end.

    The forcing is evaluated at the times of the stages. 0.2 covers the next order at these steps.
    """
    simulation = case.build()
    waves = Waves(simulation.grid, speed=2.0)

    def tendency(v: Tensor, t: float) -> Tensor:
        return simulation.tendency(v, simulation.spectrum(as_state(waves.forcing(case, t))))

    def error(steps: int) -> float:
        integrator = type(simulation.integrator)(simulation.linear_symbol(), 1.0 / steps)
        c = tuple(torch.tensor(a) for a in integrator.coefficients())
        v = simulation.spectrum(as_state(waves.derivative(0.0)))
        for n in range(steps):
            v = integrator.advance(v, tendency, c, n * integrator.step)
        end = torch.fft.irfft(v, n=simulation.grid.num_points)
        return (end - as_state(waves.derivative(1.0))).abs().max().item()

    errors = [error(steps) for steps in (16, 32, 64)]
    assert errors[-1] < 1e-7, errors
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(4, abs=0.2), errors


def test_a_manufactured_steady_state_is_held_by_its_actuator(case: Any) -> None:
    """A flow whose residual is an actuator's shape stays under that action, to rounding, and drifts without it.

    Steady states are fixed points of every stage, so the time step does not matter; half the action of twice
    the shape is the same forcing.
    """
    waves = Waves(case.build().grid, speed=0.0)
    start = as_state(waves.derivative(0.0))
    simulation = with_single_shape(case, 2 * waves.forcing(case, 0.0))
    held = drifting = start
    for _ in range(4):
        held = simulation.advance(held, torch.tensor([[0.5]], dtype=torch.float64))
        drifting = simulation.advance(drifting, torch.tensor([[0.0]], dtype=torch.float64))
    assert (held - start).abs().max() < 1e-12
    assert (drifting - start).abs().max() > 1e-3


# Convergence and precision ------------------------------------------------------------------


def test_advance_under_forcing_is_of_fourth_order(case: Any, draw_states: Draw, draw_actions: Draw) -> None:
    """The error of one interval falls as (1 / steps)^4; stiff modes approach the order from below, hence 0.2."""
    reference = case.build(steps_per_interval=512)
    state, action = draw_states(reference, 4), draw_actions(reference, 4)
    exact = reference.advance(state, action)
    coarse, fine = (
        torch.linalg.vector_norm(case.build(steps_per_interval=steps).advance(state, action) - exact).item()
        for steps in (32, 64)
    )
    assert np.log2(coarse / fine) == pytest.approx(4, abs=0.2), (coarse, fine)


def test_resolved_flows_do_not_depend_on_the_resolution(case: Any, draw_states: Draw, unforced: Draw) -> None:
    """Good values resolve a smooth start: doubling the points changes an interval by less than 1e-5."""
    coarse, fine = case.build(), case.build(num_points=2 * case.settings["num_points"])
    ends = [s.advance(draw_states(s, 2), unforced(s, 2)) for s in (coarse, fine)]
    torch.testing.assert_close(ends[1][..., ::2], ends[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_that_of_the_state(
    simulation: Simulation, dtype: torch.dtype, draw_states: Draw, draw_actions: Draw
) -> None:
    """States, fluxes and functionals keep the precision that enters."""
    state, action = draw_states(simulation, 2, dtype=dtype), draw_actions(simulation, 2, dtype=dtype)
    end, budgets = simulation.advance_with_fluxes(state, action)
    assert end.dtype == simulation.advance(state, action).dtype == dtype
    assert {q.dtype for q in simulation.functionals(end).values()} == {dtype}
    assert {part.dtype for b in budgets.values() for part in (b.source, b.output)} == {dtype}


def test_single_precision_agrees_with_double(simulation: Simulation, draw_states: Draw, draw_actions: Draw) -> None:
    """One interval in float32 is float64 to 2e-5: some tens of roundings of 6e-8 on values of order one."""
    state, action = draw_states(simulation, 8), draw_actions(simulation, 8)
    single = simulation.advance(state.float(), action.float())
    torch.testing.assert_close(single.double(), simulation.advance(state, action), rtol=0, atol=2e-5)


def test_the_nonlinear_term_of_a_rough_state_is_free_of_aliasing(case: Any) -> None:
    """On white noise it is what twice the points give for the dealiased modes alone; 1e-12 is rounding."""
    coarse, fine = case.build(), case.build(num_points=2 * case.settings["num_points"])
    noise = torch.tensor(np.random.default_rng(0).normal(size=(1, len(coarse.variables), coarse.grid.num_points)))
    noise_hat, kept = coarse.spectrum(noise), torch.tensor(coarse.grid.dealiasing_mask)
    padded = torch.nn.functional.pad(2 * kept * noise_hat, (0, coarse.grid.num_points // 2))
    exact = kept * fine.nonlinear_term(padded)[..., : len(kept)] / 2
    difference = coarse.nonlinear_term(noise_hat) - exact
    assert difference.abs().max() < 1e-12 * exact.abs().max()


# Symmetries ---------------------------------------------------------------------------------


def test_translation_commutes_with_advance(simulation: Simulation, draw_states: Draw, draw_actions: Draw) -> None:
    """Shifting the flow by the distance of two jets permutes the jets and shifts the result; 1e-12 is rounding."""
    state, action = draw_states(simulation, 4), draw_actions(simulation, 4)
    points = simulation.grid.num_points // len(simulation.actuators)
    shifted = simulation.advance(state.roll(points, -1), action.roll(1, -1))
    torch.testing.assert_close(shifted, simulation.advance(state, action).roll(points, -1), rtol=0, atol=1e-12)
    assert (simulation.advance(state.roll(points, -1), action) - shifted).abs().max() > 1e-3


def test_reflection_commutes_with_advance(case: Any, draw_states: Draw, draw_actions: Draw) -> None:
    """x -> -x with u -> parity u maps solutions to solutions, jets to mirrored jets; 1e-12 is rounding."""

    def reflect(values: Tensor) -> Tensor:
        return case.parity * values.flip(-1).roll(1, -1)

    simulation = case.build()
    state, action = draw_states(simulation, 4), draw_actions(simulation, 4)
    reflected = simulation.advance(reflect(state), reflect(action))
    torch.testing.assert_close(reflected, reflect(simulation.advance(state, action)), rtol=0, atol=1e-12)


def test_galilean_shift_commutes_with_advance(case: Any, draw_states: Draw, unforced: Draw) -> None:
    """In a frame moving by three points per interval the flow is the same, up to the error of the integrator.

    Exponential integrators are not Galilean invariant at finite step: the defect falls as step^4 and is below
    1e-6 at 32 steps per interval.
    """
    if not case.galilean:
        pytest.skip("no Galilean invariance")

    def defect(steps: int) -> float:
        simulation = case.build(steps_per_interval=steps)
        state, zero = draw_states(simulation, 4), unforced(simulation, 4)
        speed = 3 * simulation.grid.spacing / simulation.control_interval
        boosted = simulation.advance(state + speed, zero)
        return (boosted - speed - simulation.advance(state, zero).roll(3, -1)).abs().max().item()

    coarse, fine = defect(16), defect(32)
    assert fine < 1e-6, (coarse, fine)
    assert np.log2(coarse / fine) == pytest.approx(4, abs=0.3), (coarse, fine)


# Budgets ------------------------------------------------------------------------------------


def test_budgets_close_with_step_averaged_fluxes(case: Any, draw_states: Draw, draw_actions: Draw) -> None:
    """Change of a functional = interval (source + sum_j a_j y_j): residual below 1e-3 of the change's deviation.

    The same sum with fluxes from the ends of the interval alone is at least ten times worse, or the averaging
    over steps would be for nothing; functionals fed by the actions only have nothing to average.
    """
    simulation = case.build()
    actions = [draw_actions(simulation, 8, seed=n) for n in range(60)]
    episodes = run_episodes(simulation, draw_states(simulation, 8), lambda _, n: actions[n], range(60))
    ends = [simulation.budgets(episodes.fields[:, n]) for n in range(61)]
    for name in simulation.functional_names:
        change = episodes.functionals[name].diff(dim=1)

        def residual(sources: Tensor, outputs: Tensor, change: Tensor = change) -> float:
            fed = sources + (episodes.actions * outputs).sum(-1)
            return (change - simulation.control_interval * fed).square().mean().sqrt().item()

        averaged = residual(episodes.sources[name], episodes.outputs[name])
        assert averaged < 1e-3 * change.std(), name
        if episodes.sources[name].any():
            sources = torch.stack([(ends[n][name].source + ends[n + 1][name].source) / 2 for n in range(60)], dim=1)
            outputs = torch.stack([(ends[n][name].output + ends[n + 1][name].output) / 2 for n in range(60)], dim=1)
            assert residual(sources, outputs) > 10 * averaged, name


def test_instantaneous_budgets_are_the_rates_of_the_functionals(
    case: Any, draw_states: Draw, draw_actions: Draw
) -> None:
    """(Q(t + h) - Q(t)) / h is the instantaneous budget to first order in h: within 1e-2 of it at h = 1e-4."""
    simulation = case.build(control_interval=1e-4)
    state, action = draw_states(simulation, 8), draw_actions(simulation, 8)
    end = simulation.functionals(simulation.advance(state, action))
    for name, start in simulation.functionals(state).items():
        budget = simulation.budgets(state)[name]
        rate = budget.source + (action * budget.output).sum(-1)
        torch.testing.assert_close((end[name] - start) / 1e-4, rate, rtol=0, atol=1e-2 * rate.abs().max().item())


def test_fluxes_do_not_change_the_step(simulation: Simulation, draw_states: Draw, draw_actions: Draw) -> None:
    """advance_with_fluxes ends at the same bits as advance, and fluxes of a state at rest are exactly zero."""
    state, action = draw_states(simulation, 3), draw_actions(simulation, 3)
    assert torch.equal(simulation.advance_with_fluxes(state, action)[0], simulation.advance(state, action))
    rest, budgets = simulation.advance_with_fluxes(0 * state, 0 * action)
    assert not rest.any()
    assert not any(b.source.any() for b in budgets.values())


def test_readout_gives_what_is_named(simulation: Simulation, draw_states: Draw) -> None:
    """Fields come back as they are and functionals as ``functionals`` computes them; exact."""
    state = simulation.encode(draw_states(simulation, 2))
    name = simulation.functional_names[-1]
    readout = simulation.readout(state, ["fields", name])
    assert list(readout) == ["fields", name]
    assert readout["fields"] is state
    assert torch.equal(readout[name], simulation.functionals(state)[name])
    with pytest.raises(KeyError, match="vorticity"):
        simulation.readout(state, ["vorticity"])


# Gradients ----------------------------------------------------------------------------------


def test_gradient_of_one_interval_is_exact(case: Any, draw_states: Draw, draw_actions: Draw) -> None:
    """Reverse-mode derivatives for the state and the action equal central differences, entry by entry."""
    simulation = case.build(num_points=16, steps_per_interval=2, jets={"count": 2, "width": 2.0, "limit": 1.0})
    inputs = [t.requires_grad_() for t in (draw_states(simulation, 2), draw_actions(simulation, 2))]
    assert torch.autograd.gradcheck(simulation.advance, inputs)


def test_adjoint_over_fifty_steps_agrees_with_central_differences(
    case: Any, draw_states: Draw, draw_actions: Draw
) -> None:
    """The derivative of the final energy in a random direction of start and actions; 1e-7 is the differences' error."""
    simulation = case.coarse().build()
    start = draw_states(simulation, 1)
    actions = torch.stack([draw_actions(simulation, 1, seed=n) for n in range(25)])
    generator = torch.Generator().manual_seed(0)
    directions = [torch.randn(v.shape, generator=generator, dtype=v.dtype) for v in (start, actions)]

    def energy(state: Tensor, actions: Tensor) -> Tensor:
        for action in actions:
            state = simulation.advance(state, action)
        return state.square().mean()

    inputs = [start.requires_grad_(), actions.requires_grad_()]
    gradients = torch.autograd.grad(energy(*inputs), inputs)
    with torch.no_grad():
        for which in (0, 1):
            h = 1e-5 * torch.eye(2, dtype=torch.float64)[which]
            there, back = (
                energy(*(v + s * step * d for v, step, d in zip(inputs, h, directions, strict=True))) for s in (1, -1)
            )
            adjoint = (gradients[which] * directions[which]).sum()
            torch.testing.assert_close(adjoint, (there - back) / 2e-5, rtol=1e-7, atol=1e-10)


@forward_mode
def test_tangent_agrees_with_finite_differences(simulation: Simulation, draw_states: Draw, draw_actions: Draw) -> None:
    """Forward-mode derivative of an interval along random directions, to 1e-4 of a one-sided difference."""
    inputs = (draw_states(simulation, 2), draw_actions(simulation, 2))
    directions = tuple(t.flip(0) for t in inputs)
    _, tangent = torch.func.jvp(simulation.advance, inputs, directions)
    moved = simulation.advance(*(v + 1e-6 * d for v, d in zip(inputs, directions, strict=True)))
    torch.testing.assert_close(tangent, (moved - simulation.advance(*inputs)) / 1e-6, rtol=0, atol=1e-4)


@forward_mode
@pytest.mark.parametrize("first_use", ["inference_mode", "vmap", "jvp"])
def test_gradients_do_not_depend_on_how_a_simulation_was_first_used(
    case: Any, first_use: str, draw_states: Draw, draw_actions: Draw
) -> None:
    """Tables are made on first use; whatever surrounds that use must not leak into later gradients."""
    simulation = case.build()
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2).requires_grad_()
    match first_use:
        case "inference_mode":
            with torch.inference_mode():
                simulation.advance(state, action)
        case "vmap":
            torch.func.vmap(lambda a: simulation.advance(state, a))(action.detach()[None])
        case "jvp":
            torch.func.jvp(lambda a: simulation.advance(state, a), (action.detach(),), (action.detach(),))
    simulation.advance(state, action).sum().backward()
    fresh = case.build()
    again = action.detach().clone().requires_grad_()
    fresh.advance(state, again).sum().backward()
    assert torch.equal(action.grad, again.grad)


# Blow-up and bad input ----------------------------------------------------------------------


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 2e6, -2e6])
def test_states_that_are_no_solution_are_recognised(simulation: Simulation, draw_states: Draw, value: float) -> None:
    """One absurd value marks its element and no other."""
    state = draw_states(simulation, 3)
    state[1, -1, -1] = value
    assert simulation.blown_up(state).tolist() == [False, True, False]


@pytest.mark.parametrize("steps", [3, 1, 0, -2])
def test_odd_steps_per_interval_are_refused(case: Any, steps: int) -> None:
    """Simpson's rule needs pairs of steps; the message names the equation and the value."""
    with pytest.raises(ValueError, match=rf"{case.settings['equation']}: .*even steps_per_interval.*got {steps}"):
        case.build(steps_per_interval=steps)


@pytest.mark.parametrize("interval", [0.0, -0.1, np.nan])
def test_intervals_that_are_no_duration_are_refused(case: Any, interval: float) -> None:
    """Time goes forwards."""
    with pytest.raises(ValueError, match=f"control_interval > 0, got {interval}"):
        case.build(control_interval=interval)


def test_wrong_shapes_are_refused_with_the_expected_ones(simulation: Simulation, draw_states: Draw) -> None:
    """Messages name the equation, the argument, the expected and the given shape."""
    state = draw_states(simulation, 2)
    actuators, points = len(simulation.actuators), simulation.grid.num_points
    action = torch.zeros(2, actuators, dtype=torch.float64)
    start = rf"{simulation.equation}: expected "
    with pytest.raises(ValueError, match=start + rf"state of shape \('batch', 1, {points}\), got \(2, {points}\)"):
        simulation.advance(state[:, 0], action)
    with pytest.raises(ValueError, match=start + rf"state .* got \(2, 1, {points - 1}\)"):
        simulation.advance(state[..., 1:], action)
    with pytest.raises(ValueError, match=start + rf"action of shape \(2, {actuators}\), got \(1, {actuators}\)"):
        simulation.advance(state, action[:1])
    with pytest.raises(ValueError, match=start + rf"action .* got \(2, {actuators}, 1\)"):
        simulation.advance_with_fluxes(state, action[..., None])
    with pytest.raises(ValueError, match=start + rf"fields .* got \(2, 2, {points}\)"):
        simulation.encode(state.expand(2, 2, points))
