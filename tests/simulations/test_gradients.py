"""Reverse- and forward-mode derivatives of every equation."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from cases import CASES
from cases.case import Case
from torch import Tensor

from simulations import GOOD_VALUES, Simulation, build, checkpointing
from simulations.checkpointing import march

Draw = Callable[..., Tensor]

# Importing torch's forward-mode rules calls a function that torch itself deprecates.
forward_mode = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


def test_gradient_of_one_interval_is_exact(simulation: Simulation, draw_states: Draw, draw_actions: Draw) -> None:
    """Reverse-mode derivatives for the state and the action equal central differences, along random directions."""
    inputs = [t.requires_grad_() for t in (draw_states(simulation, 2), draw_actions(simulation, 2))]
    assert torch.autograd.gradcheck(simulation.advance, inputs, fast_mode=True)


def test_gradients_pass_through_functionals_and_fluxes(
    simulation: Simulation, draw_states: Draw, draw_actions: Draw
) -> None:
    """Every budget of an interval is differentiable as well."""

    def budgets(state: Tensor, action: Tensor) -> tuple[Tensor, ...]:
        end, fluxes = simulation.advance_with_fluxes(state, action)
        parts = [part for budget in fluxes.values() for part in (budget.source, budget.output)]
        return (*simulation.functionals(end).values(), *(part for part in parts if part.requires_grad))

    inputs = [t.requires_grad_() for t in (draw_states(simulation, 2), draw_actions(simulation, 2))]
    assert torch.autograd.gradcheck(budgets, inputs, fast_mode=True)


def test_adjoint_over_fifty_steps_agrees_with_central_differences(
    case: Case, draw_states: Draw, draw_actions: Draw
) -> None:
    """The derivative of the final mean square in a random direction of start and actions; 1e-6 is the differences'."""
    few = case.coarse().settings["steps_per_interval"]
    simulation = case.coarse().build()
    start = draw_states(simulation, 1)
    actions = torch.stack([draw_actions(simulation, 1, seed=n) for n in range(50 // few + 1)])
    generator = torch.Generator().manual_seed(0)
    directions = [torch.randn(v.shape, generator=generator, dtype=v.dtype) * v.std() for v in (start, actions)]

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
            rounding = 1e-11 * (there.abs() / 1e-5).item()
            torch.testing.assert_close(adjoint, (there - back) / 2e-5, rtol=1e-6, atol=rounding)


@forward_mode
def test_tangent_agrees_with_finite_differences(simulation: Simulation, draw_states: Draw, draw_actions: Draw) -> None:
    """Forward-mode derivative of an interval along random directions, to 1e-4 of a one-sided difference."""
    inputs = (draw_states(simulation, 2), draw_actions(simulation, 2))
    directions = tuple(t.flip(0) for t in inputs)
    end, tangent = torch.func.jvp(simulation.advance, inputs, directions)
    moved = simulation.advance(*(v + 1e-6 * d for v, d in zip(inputs, directions, strict=True)))
    torch.testing.assert_close(tangent, (moved - end) / 1e-6, rtol=0, atol=1e-4 * max(1.0, end.abs().max().item()))


@forward_mode
@pytest.mark.parametrize("first_use", ["inference_mode", "vmap", "jvp"])
def test_gradients_do_not_depend_on_how_a_simulation_was_first_used(
    case: Case, first_use: str, draw_states: Draw, draw_actions: Draw
) -> None:
    """Tables are made on first use; whatever surrounds that use must not leak into later gradients."""
    simulation = case.coarse().build()
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
    fresh = case.coarse().build()
    again = action.detach().clone().requires_grad_()
    fresh.advance(state, again).sum().backward()
    assert torch.equal(action.grad, again.grad)


def test_states_kept_on_the_way_do_not_change_the_gradient(
    case: Case, monkeypatch: pytest.MonkeyPatch, draw_states: Draw, draw_actions: Draw
) -> None:
    """Over 70 steps some states are computed anew in the backward pass: the same gradient to rounding, 1e-13."""
    simulation = case.coarse().build(steps_per_interval=70)
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)

    def gradients() -> tuple[Tensor, ...]:
        inputs = [state.clone().requires_grad_(), action.clone().requires_grad_()]
        end = simulation.advance(*inputs)
        return (end.detach(), *torch.autograd.grad(end.square().sum(), inputs))

    some = gradients()
    monkeypatch.setattr(checkpointing, "ALL_KEPT", simulation.steps_per_interval)
    for found, wanted in zip(some, gradients(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-13 * wanted.abs().max().item())


def test_memory_of_gradients_grows_like_the_root_of_the_number_of_steps() -> None:
    """100 steps are kept in 10 pieces, so each is computed twice; without gradients, or 64 steps, once."""
    calls = 0

    def step(state: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return state.sin()

    def computed(count: int) -> int:
        nonlocal calls
        calls = 0
        state = torch.ones(3, requires_grad=True)
        end = march(step, state, count)
        if end.requires_grad:
            end.sum().backward()
        return calls

    assert computed(100) == 200
    assert computed(64) == 64
    with torch.no_grad():
        assert computed(100) == 100


@forward_mode
def test_long_intervals_have_tangents_and_batches_of_actions(cases: Mapping[str, Case], draw_states: Draw) -> None:
    """Forward mode and vmap pass through 70 steps as through 2; 1e-4 is the one-sided difference's error."""
    simulation = cases["burgers"].coarse().build(steps_per_interval=70)
    state, action = draw_states(simulation, 2), torch.ones(2, 2, dtype=torch.float64)
    end, tangent = torch.func.jvp(lambda a: simulation.advance(state, a), (action,), (action,))
    moved = simulation.advance(state, action * (1 + 1e-6))
    torch.testing.assert_close(tangent, (moved - end) / 1e-6, rtol=0, atol=1e-4)
    mapped = torch.func.vmap(lambda a: simulation.advance(state, a))(action[None])
    torch.testing.assert_close(mapped[0], end, rtol=0, atol=1e-13)


# More steps than all of whose states are kept ---------------------------------------------------


def long_plant(name: str) -> Simulation:
    """An equation with more steps in an interval than states are kept for, on few points."""
    if name in CASES:
        return CASES[name].coarse().build(steps_per_interval=70)
    return build({"equation": name, **GOOD_VALUES[name].settings, "control_interval": 0.03, "steps_per_interval": 66})


@forward_mode
@pytest.mark.parametrize("name", ["burgers_dirichlet", "burgers"])
def test_function_transforms_over_many_steps_agree_with_plain_gradients(name: str) -> None:
    """By the action and by the state, one at a time and mapped, to rounding."""
    plant = long_plant(name)
    rng = np.random.default_rng(0)
    state = torch.tensor(plant.initial_state(rng, amplitude=0.5))[None]
    action = torch.tensor(rng.uniform(-0.5, 0.5, (1, len(plant.actuators))))
    weight = torch.tensor(rng.normal(size=(2, *state.shape)))

    def two(state: Tensor, action: Tensor) -> Tensor:
        return (plant.advance(state, action) * weight).flatten(1).sum(dim=1)

    def energy(state: Tensor, action: Tensor) -> Tensor:
        return plant.advance(state, action).square().sum()

    def plain(function: Callable[..., Tensor], *at: Tensor) -> tuple[Tensor, ...]:
        leaves = [x.clone().requires_grad_() for x in at]
        return torch.autograd.grad(function(*leaves), leaves)

    def close(found: Tensor, wanted: Tensor) -> None:
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12 * wanted.abs().max().item())

    func, expected = torch.func, plain(energy, state, action)
    rows = [plain(lambda s, a, k=k: two(s, a)[k], state, action) for k in range(2)]
    actions, states = torch.stack([action, action / 2]), torch.stack([state, state / 2])
    close(func.grad(lambda s: energy(s, action))(state), expected[0])
    close(func.grad(lambda a: energy(state, a))(action), expected[1])
    close(func.jacrev(lambda s: two(s, action))(state), torch.stack([row[0] for row in rows]))
    close(func.jacrev(lambda a: two(state, a))(action), torch.stack([row[1] for row in rows]))
    close(func.jacfwd(lambda a: two(state, a))(action), torch.stack([row[1] for row in rows]))
    close(func.vmap(lambda a: two(state, a))(actions), torch.stack([two(state, a) for a in actions]))
    close(func.vmap(lambda s: two(s, action))(states), torch.stack([two(s, action) for s in states]))
    each = func.vmap(func.grad(lambda a: energy(state, a)))(actions)
    close(each, torch.stack([plain(energy, state, a)[1] for a in actions]))
    leaf = action.clone().requires_grad_()  # the transform around does not see these tensors
    inside = func.vmap(lambda w: w * plant.advance(state, leaf).square().sum())(torch.ones(2, dtype=torch.float64))
    close(torch.autograd.grad(inside[0], leaf)[0], expected[1])


@forward_mode
@pytest.mark.parametrize("name", ["burgers_dirichlet", "burgers"])
def test_second_derivatives_over_many_steps_are_those_of_differences(name: str) -> None:
    """Plain, vectorised and by function transforms, against central differences of gradients, which err by 1e-7."""
    plant = long_plant(name)
    rng = np.random.default_rng(0)
    state = torch.tensor(plant.initial_state(rng, amplitude=1.0))[None]
    action = torch.tensor(rng.uniform(-0.5, 0.5, len(plant.actuators)))

    def energy(action: Tensor) -> Tensor:
        return plant.advance(state, action[None]).square().mean()

    def gradient(action: Tensor) -> Tensor:
        leaf = action.clone().requires_grad_()
        return torch.autograd.grad(energy(leaf), leaf)[0]

    steps = 1e-4 * torch.eye(len(action), dtype=torch.float64)
    wanted = torch.stack([(gradient(action + h) - gradient(action - h)) / 2e-4 for h in steps])
    hessian = torch.autograd.functional.hessian
    for found in (
        hessian(energy, action),
        hessian(energy, action, vectorize=True),
        torch.func.hessian(energy)(action),
        torch.func.jacrev(torch.func.jacrev(energy))(action),
    ):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-7 * wanted.abs().max().item())
