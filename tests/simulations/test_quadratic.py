"""The packed steps are the plain ones: same numbers, same derivatives, whichever way they are computed."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import pocketfft
from simulations.pseudospectral import SpectralSimulation
from simulations.quadratic import QuadraticSimulation

Draw = Callable[..., Tensor]
QUADRATIC = ["burgers", "kuramoto_sivashinsky", "korteweg_de_vries", "navier_stokes"]


def plain(simulation: SpectralSimulation, state: Tensor, action: Tensor) -> Tensor:
    """The interval step by step, every wave treated alike."""
    return simulation.to_grid(SpectralSimulation.integrate(simulation, simulation.spectrum(state), action))


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("name", QUADRATIC)
def test_packed_steps_are_the_plain_ones(
    name: str, order: int, cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw
) -> None:
    """From white noise, so that the waves beyond the 2/3 rule matter, and for batches on both sides of a threshold."""
    simulation = cases[name].coarse().build(order=order)
    assert isinstance(simulation, QuadraticSimulation)
    for batch in (3, pocketfft.LARGEST_BATCH + 1):
        action = draw_actions(simulation, batch)
        noise = torch.randn(draw_states(simulation, batch).shape, dtype=torch.float64)
        state = 0.1 * (noise - noise.mean(dim=(-1), keepdim=True))
        with torch.no_grad():
            expected = plain(simulation, state, action)
            torch.testing.assert_close(simulation.advance(state, action), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("batch", [2, pocketfft.LARGEST_BATCH + 1])
@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("name", QUADRATIC)
def test_derivatives_are_the_plain_ones(
    name: str, order: int, batch: int, cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw
) -> None:
    """The adjoint by hand against torch's record of the plain steps."""
    simulation = cases[name].coarse().build(order=order)
    state = draw_states(simulation, batch).requires_grad_()
    action = draw_actions(simulation, batch).requires_grad_()
    weights = torch.randn_like(state)
    packed = torch.autograd.grad((weights * simulation.advance(state, action)).sum(), [state, action])
    expected = torch.autograd.grad((weights * plain(simulation, state, action)).sum(), [state, action])
    for ours, theirs in zip(packed, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch", [2, pocketfft.LARGEST_BATCH + 1])
@pytest.mark.parametrize("name", ["burgers", "navier_stokes"])
def test_a_march_can_be_pulled_back_twice(
    name: str, batch: int, cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw
) -> None:
    """The adjoint works in place, but neither on the gradient that it is given nor on its record of the march."""
    simulation = cases[name].coarse().build()
    assert isinstance(simulation, QuadraticSimulation)
    state = draw_states(simulation, batch)
    packed = simulation.pack(simulation.spectrum(state)).requires_grad_()
    action = draw_actions(simulation, batch)
    forcing_hat = simulation.pack(simulation.forcing_spectrum(simulation.spectrum(state), action))
    forcing = [gain * forcing_hat for gain in simulation._tables_for(packed)["packed_gains"]]
    end = simulation._march_packed(packed, forcing)
    gradient = torch.randn_like(end)
    given = gradient.clone()
    first, second = (torch.autograd.grad(end, [packed], gradient, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(gradient, given)
    assert torch.equal(first, second)


def test_derivatives_can_be_differentiated_again(
    cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw
) -> None:
    """A second derivative by recording the first equals central differences of the first."""
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2).requires_grad_()
    direction = torch.randn_like(action)

    def slope(action: Tensor, *, again: bool) -> Tensor:
        energy = simulation.advance(state, action).square().sum()
        return torch.autograd.grad(energy, [action], create_graph=again)[0]

    (curvature,) = torch.autograd.grad((slope(action, again=True) * direction).sum(), [action])
    step = 1e-5 * direction
    nudged = (slope(action + step, again=False) - slope(action - step, again=False)) / 2e-5
    torch.testing.assert_close(curvature, nudged, rtol=1e-6, atol=1e-8)


def test_many_gradients_at_once_are_the_single_ones(
    cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw
) -> None:
    """Over more steps than are recorded at once, by function transforms and by batched gradients."""
    simulation = cases["navier_stokes"].coarse().build(control_interval=0.8, steps_per_interval=80)
    state, action = draw_states(simulation, 1), draw_actions(simulation, 1)
    probes = torch.randn(3, *state.shape, dtype=torch.float64)
    recorded = action.clone().requires_grad_()
    end = simulation.advance(state, recorded)
    single = [torch.autograd.grad(end, [recorded], probe, retain_graph=True)[0] for probe in probes]
    _, pull = torch.func.vjp(lambda a: simulation.advance(state, a), action)
    for probe, expected in zip(probes, single, strict=True):
        torch.testing.assert_close(pull(probe)[0], expected, rtol=1e-9, atol=1e-12)
    short = cases["navier_stokes"].coarse().build()
    end = short.advance(state, recorded)
    (together,) = torch.autograd.grad(end, [recorded], probes, retain_graph=True, is_grads_batched=True)
    for probe, gradient in zip(probes, together, strict=True):
        expected = torch.autograd.grad(end, [recorded], probe, retain_graph=True)[0]
        torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-12)


# Importing torch's forward-mode rules calls a function that torch itself deprecates.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_tangent_is_not_lost_where_no_gradient_is_recorded(
    cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw
) -> None:
    """Forward-mode derivatives go on under no_grad; the loop on plain arrays must not swallow them."""
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
    with torch.no_grad(), torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(action, torch.ones_like(action))
        end = torch.autograd.forward_ad.unpack_dual(simulation.advance(state, dual))
        assert end.tangent is not None
        nudged = (simulation.advance(state, action + 1e-6) - simulation.advance(state, action - 1e-6)) / 2e-6
        torch.testing.assert_close(end.tangent, nudged, rtol=1e-5, atol=1e-8)


def test_parameters_by_element_are_packed_too(cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw) -> None:
    for name, parameter in (("burgers", "viscosity"), ("navier_stokes", "drag")):
        values = np.array([0.05, 0.1, 0.2])
        simulation = cases[name].coarse().build()
        several = simulation.with_parameters({parameter: values})
        state, action = draw_states(simulation, 3), draw_actions(simulation, 3)
        with torch.no_grad():
            together = several.advance(state, action)
            for i, value in enumerate(values):
                one = simulation.with_parameters({parameter: value}).advance(state[i : i + 1], action[i : i + 1])
                torch.testing.assert_close(together[i : i + 1], one, rtol=1e-11, atol=1e-13)


def test_small_batches_do_without_scipys_private_transform(
    cases: Mapping[str, Any], draw_states: Draw, draw_actions: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    state, action = draw_states(simulation, 2), draw_actions(simulation, 2)
    with torch.no_grad():
        fast = simulation.advance(state, action)
        monkeypatch.setattr(pocketfft, "AVAILABLE", False)
        torch.testing.assert_close(simulation.advance(state, action), fast, rtol=1e-11, atol=1e-13)
