from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations import Simulation
from simulations.integrators import ETDRK2, ETDRK4, Tendency

each_scheme = pytest.mark.parametrize(("scheme", "order"), [(ETDRK2, 2), (ETDRK4, 4)])

# From stiff decay to growth, and the neighbourhood of zero where the closed forms cancel.
RATES = np.array([-1e6, -1e3, -30.0, -1.0, -1e-3, -1e-8, 0.0, 1e-8, 1e-3, 1.0])


def coefficients(integrator: ETDRK2 | ETDRK4) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(c) for c in integrator.coefficients())


def solve(scheme: Any, linear: np.ndarray, v: Tensor, tendency: Tendency, *, duration: float, steps: int) -> Tensor:
    integrator = scheme(linear, duration / steps)
    c = coefficients(integrator)
    for n in range(steps):
        v = integrator.advance(v, tendency, c, n * integrator.step)
    return v


@each_scheme
@pytest.mark.parametrize("forced", [False, True])
def test_order_of_convergence(
    scheme: Any, order: int, forced: bool, case: Any, draw_states: Callable[..., Tensor]
) -> None:
    """The error falls as step^order with and without a held forcing; stiff modes approach it slowly, hence 0.2."""
    simulation: Simulation = case.coarse().build()
    v = simulation.spectrum(draw_states(simulation, 1))
    action = torch.tensor([[1.0, -0.7]], dtype=torch.float64) * forced
    forcing_hat = simulation.spectrum(action @ torch.tensor(simulation.forcing_shapes))[:, None]

    def end(scheme: Any, steps: int) -> Tensor:
        tendency = lambda v, _: simulation.tendency(v, forcing_hat)  # noqa: E731
        return solve(scheme, simulation.linear_symbol(), v, tendency, duration=0.4, steps=steps)

    reference = end(ETDRK4, 640)
    coarse, fine = (torch.linalg.vector_norm(end(scheme, steps) - reference).item() for steps in (40, 80))
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.2), (simulation.equation, coarse, fine)


@each_scheme
def test_polynomial_forcing_of_a_linear_equation_is_integrated_exactly(scheme: Any, order: int) -> None:
    """v' = l v + t^p is solved in one step up to p = order / 2.

    Stages see the forcing at their own times, or this fails. Gauss-Legendre quadrature of
    int exp(l (h - s)) (t + s)^p ds is exact to rounding for these rates, and so is 1e-12.
    """
    start, step = 0.3, 0.1
    moderate = RATES[np.abs(RATES) <= 30]
    nodes, weights = np.polynomial.legendre.leggauss(40)
    times, weights = step * (nodes + 1) / 2, step * weights / 2
    integrator = scheme(moderate, step)
    v = torch.linspace(-1, 1, len(moderate), dtype=torch.float64)
    for power in range(order // 2 + 1):
        end = integrator.advance(
            v, lambda _, t, p=power: torch.tensor(t**p, dtype=torch.float64), coefficients(integrator), start
        )
        fed = (np.exp(moderate[:, None] * (step - times)) * (start + times) ** power) @ weights
        np.testing.assert_allclose(end, np.exp(moderate * step) * v.numpy() + fed, rtol=1e-12, atol=1e-14)


@each_scheme
def test_a_held_forcing_is_exact_however_stiff(scheme: Any, order: int) -> None:
    """v' = l v + f from rest ends at f (exp(l h) - 1) / l; 1e-12 is the cancellation the contour mean must avoid."""
    integrator = scheme(RATES, 0.1)
    end = integrator.advance(
        torch.zeros(len(RATES), dtype=torch.float64), lambda v, _: torch.ones_like(v), coefficients(integrator)
    )
    with np.errstate(invalid="ignore"):
        exact = np.where(RATES == 0, 0.1, np.expm1(RATES * 0.1) / RATES)
    np.testing.assert_allclose(end, exact, rtol=1e-12)


def test_without_a_linear_term_the_schemes_are_the_classical_ones() -> None:
    """For l = 0 ETDRK2 is Heun's method and ETDRK4 the classical Runge-Kutta method; 1e-14 is rounding."""
    h, t, v = 0.3, 0.2, torch.tensor([0.7], dtype=torch.float64)
    f = lambda v, t: torch.sin(3 * v) + t  # noqa: E731
    k_1 = f(v, t)
    k_2 = f(v + h / 2 * k_1, t + h / 2)
    k_3 = f(v + h / 2 * k_2, t + h / 2)
    k_4 = f(v + h * k_3, t + h)
    heun = v + h / 2 * (k_1 + f(v + h * k_1, t + h))
    classical = v + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
    for scheme, expected in ((ETDRK2, heun), (ETDRK4, classical)):
        integrator = scheme(np.zeros(1), h)
        torch.testing.assert_close(integrator.advance(v, f, coefficients(integrator), t), expected, rtol=0, atol=1e-14)


@each_scheme
def test_steady_states_are_kept(scheme: Any, order: int) -> None:
    """If l v + N(v) = 0 every stage returns v, so a step of any length does; 1e-13 is rounding times l h."""
    v = torch.tensor([2.0], dtype=torch.float64)
    integrator = scheme(np.array([-4.0]), 5.0)
    end = integrator.advance(v, lambda v, _: v**3, coefficients(integrator))
    torch.testing.assert_close(end, v, rtol=1e-13, atol=0)
