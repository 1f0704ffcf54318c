"""Maps between truncated Fourier series: exact symmetry, exact products."""

import math

import pytest
import torch

from sciwm.model.spectral import SpectralLinear, SpectralProduct, basis, size, translate


def _random(module: torch.nn.Module) -> torch.nn.Module:
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module


def test_basis_is_orthonormal_under_the_spatial_mean() -> None:
    """Sums of squared coefficients are mean squares, to rounding."""
    functions = basis(5, 32).double()
    gram = functions @ functions.T / 32
    torch.testing.assert_close(gram, torch.eye(size(5), dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "module",
    [
        _random(SpectralLinear(2, 3, 5, 5)),
        _random(SpectralLinear(2, 3, 5, 8)),
        _random(SpectralProduct(2, 3, 5, 5, rank=4)),
        _random(SpectralProduct(2, 3, 5, 9, rank=4)),
    ],
)
def test_maps_commute_with_any_translation(module: torch.nn.Module) -> None:
    """Moving the input by an arbitrary, sub-grid distance moves the output by as much."""
    latent, shift = torch.randn(4, 2 * size(5)), 0.7
    modes_out = (module(latent).shape[1] // 3 - 1) // 2
    moved = module(translate(latent, 5, shift))
    error = (moved - translate(module(latent), modes_out, shift)).norm() / moved.norm()
    assert error < 1e-5


def test_functionals_do_not_notice_a_translation() -> None:
    """A product read at wavenumber zero is a spatial mean, which no translation changes."""
    functional = _random(SpectralProduct(1, 3, 5, 0, rank=4))
    latent = torch.randn(4, size(5))
    torch.testing.assert_close(functional(translate(latent, 5, 1.3)), functional(latent), atol=1e-4, rtol=1e-4)


def test_product_is_the_pointwise_product_without_aliasing() -> None:
    """With all filters the identity, q(z) holds the Fourier coefficients of u^2, computed on a fine grid."""
    modes = 6
    product = SpectralProduct(1, 1, modes, modes, rank=1)
    product.factors.set_identity(0.0)
    with torch.no_grad():
        product.factors.scale[0, :, :] = 1.0
        product.combine.set_identity(1.0)
    latent = torch.randn(3, size(modes))
    fine = basis(modes, 256)
    squared = (latent @ fine).square()
    torch.testing.assert_close(product(latent), squared @ fine.T / 256, atol=1e-4, rtol=1e-4)


def test_quarter_turn_is_a_derivative() -> None:
    """A filter with imaginary part k turns u into its derivative."""
    derivative = SpectralLinear(1, 1, 4, 4)
    with torch.no_grad():
        derivative.turn[0, 0] = -torch.arange(5.0)
    x = torch.arange(64) * 2 * math.pi / 64
    functions = basis(4, 64)
    sine_coefficients = (torch.sin(3 * x) @ functions.T / 64)[None]
    torch.testing.assert_close((derivative(sine_coefficients) @ functions)[0], 3 * torch.cos(3 * x), atol=1e-4, rtol=0)
