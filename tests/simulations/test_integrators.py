from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations.integrators import ETDRK2, ETDRK4

each_scheme = pytest.mark.parametrize(("scheme", "order"), [(ETDRK2, 2), (ETDRK4, 4)])

# From stiff decay to growth, and the neighbourhood of zero where the closed forms cancel.
RATES = np.array([-1e6, -1e3, -30.0, -1.0, -1e-3, -1e-8, 0.0, 1e-8, 1e-3, 1.0])


def coefficients(integrator: ETDRK2 | ETDRK4) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(c) for c in integrator.coefficients())


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


@each_scheme
@pytest.mark.parametrize("rate", [-0.3 + 50j, 1e-9j, -1e4 + 1e4j, 2j])
def test_complex_rates_rotate_as_they_decay(scheme: Any, order: int, rate: complex) -> None:
    """Waves that travel, forced at rest: f (exp(l h) - 1) / l to 1e-11 of f h."""
    integrator = scheme(np.array([rate]), 0.1)
    end = integrator.advance(
        torch.ones(1, dtype=torch.complex128), lambda v, _: torch.ones_like(v), coefficients(integrator)
    ).item()
    z = 0.1 * rate
    mean = (np.exp(z) - 1) / z if abs(z) > 1e-3 else 1 + z / 2 + z**2 / 6
    assert end == pytest.approx(np.exp(z) + 0.1 * mean, abs=1e-12)
