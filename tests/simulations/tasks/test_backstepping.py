import numpy as np
import pytest
from scipy.special import i1, j1

from simulations.tasks.backstepping import reaction_diffusion_kernel, transport_kernel


@pytest.mark.parametrize("strength", [-2.0, 3.0])
def test_the_transport_kernel_of_constant_recirculation_is_exponential(strength: float) -> None:
    """k(x) = -b exp(b x) solves k = -b + b int_0^x k, at second order."""

    def error(points: int) -> float:
        x = np.linspace(0, 1, points)
        kernel = transport_kernel(np.full(points, strength), x[1])
        return float(np.abs(kernel + strength * np.exp(strength * x)).max() / np.exp(max(strength, 0)))

    assert error(101) < 1e-3
    assert error(51) / error(101) == pytest.approx(4, abs=0.1)


def test_the_transport_kernel_solves_its_integral_equation_for_recirculation_that_varies() -> None:
    """b(x) = x: k'' = -b'' + k makes k = -sinh(x), with k(0) = 0 and k'(0) = -1."""
    x = np.linspace(0, 1, 201)
    np.testing.assert_allclose(transport_kernel(x, x[1]), -np.sinh(x), atol=1e-5)


@pytest.mark.parametrize("rate", [20.0, -20.0])
def test_the_reaction_diffusion_kernel_of_a_constant_rate_is_a_bessel_function(rate: float) -> None:
    """k(1, y) = -lambda y I1(s) / s with s = sqrt(lambda (1 - y^2)); J1 where lambda is negative; second order."""
    bessel = i1 if rate > 0 else j1

    def error(points: int) -> float:
        y = np.linspace(0, 1, points)
        s = np.sqrt(abs(rate) * (1 - y[:-1] ** 2))
        exact = np.append(-rate * y[:-1] * bessel(s) / s, -rate / 2)
        kernel = reaction_diffusion_kernel(np.full(2 * points - 1, rate), y[1])
        return float(np.abs(kernel - exact).max())

    assert error(101) < 5e-3
    assert error(51) / error(101) == pytest.approx(4, abs=0.2)


def test_the_reaction_diffusion_kernel_ends_on_its_diagonal_for_rates_that_vary() -> None:
    """k(x, x) = -1/2 int_0^x lambda and k(x, 0) = 0 at x = 1, for lambda = 30 x^2."""
    halves = np.linspace(0, 1, 161)
    kernel = reaction_diffusion_kernel(30 * halves**2, halves[2])
    assert kernel[0] == 0.0
    assert kernel[-1] == pytest.approx(-5, rel=1e-4)
    assert len(kernel) == 81
