"""Maps between truncated Fourier series in one and two dimensions: exact symmetry, exact products."""

import math

import pytest
import torch

from sciwm.model.spaces import SpectralLinear, SpectralProduct, SpectralSpace, translate
from sciwm.model.spaces.fourier import along_axes, basis

SHIFTS = (0.7, -1.9)
EXTENTS = (2 * math.pi, 9.0)


def _random(module: torch.nn.Module) -> torch.nn.Module:
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module


def _on_grid(latent: torch.Tensor, space: SpectralSpace, points: int) -> torch.Tensor:
    coefficients = latent.unflatten(-1, (space.channels, *space.shape))
    return along_axes(coefficients, [basis(k, points) for k in space.modes])


def test_basis_is_orthonormal_under_the_spatial_mean() -> None:
    """Sums of squared coefficients are mean squares, to rounding."""
    functions = basis(5, 32).double()
    gram = functions @ functions.T / 32
    torch.testing.assert_close(gram, torch.eye(11, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize("modes", [(5,), (4, 3)])
def test_translation_moves_the_field(modes: tuple[int, ...]) -> None:
    """The latent of a field moved by whole points of a grid is the translated latent."""
    space, points = SpectralSpace(2, modes, EXTENTS[: len(modes)]), 16
    latent, moved = torch.randn(3, space.size), tuple(range(2, 2 + len(modes)))
    shifts = [2 * math.pi * s / points for s in moved]
    rolled = torch.roll(_on_grid(latent, space, points), moved, tuple(range(2, 2 + len(modes))))
    torch.testing.assert_close(_on_grid(translate(latent, space, shifts), space, points), rolled, atol=1e-5, rtol=0)


@pytest.mark.parametrize("batch", [4, 300])
@pytest.mark.parametrize("out", [5, 3, 8])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("kind", ["linear", "product"])
def test_maps_commute_with_any_translation(kind: str, dimensions: int, out: int, batch: int) -> None:
    """Moving the input by an arbitrary, sub-grid distance moves the output by as much; as parts or as a matrix."""
    start, to = (
        SpectralSpace(2, (5, 4)[:dimensions], EXTENTS[:dimensions]),
        SpectralSpace(3, (out, 6)[:dimensions], EXTENTS[:dimensions]),
    )
    module = _random(start.linear(to) if kind == "linear" else start.product(to, rank=2, deviation=1.0))
    latent, shifts = torch.randn(batch, start.size), SHIFTS[:dimensions]
    moved = module(translate(latent, start, shifts))
    error = (moved - translate(module(latent), to, shifts)).norm() / moved.norm()
    assert error < 1e-5


@pytest.mark.parametrize("modes", [(5,), (4, 3)])
def test_linear_maps_are_all_that_translation_allows(modes: tuple[int, ...]) -> None:
    """The average of a free matrix over all translations is one of them: nothing is missing."""
    space = SpectralSpace(1, modes, EXTENTS[: len(modes)])
    points = [2 * k + 1 for k in modes]
    free, average = torch.randn(space.size, space.size), torch.zeros(space.size, space.size)
    grid = torch.cartesian_prod(*(torch.arange(n) * 2 * math.pi / n for n in points)).view(-1, len(modes))
    for shifts in grid.tolist():
        turn = translate(torch.eye(space.size), space, shifts)
        average += turn @ free @ turn.T / len(grid)
    columns = []
    linear = SpectralLinear(space, space)
    for index in range(linear.weight.numel()):
        with torch.no_grad():
            linear.weight.zero_().view(-1)[index] = 1.0
            columns.append(linear(torch.eye(space.size)).flatten())
    maps = torch.stack(columns, dim=1)
    found = torch.linalg.lstsq(maps, average.flatten()[:, None], driver="gelsd").solution
    torch.testing.assert_close((maps @ found)[:, 0], average.flatten(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("modes", [(5,), (3, 4)])
def test_functionals_do_not_notice_a_translation(modes: tuple[int, ...]) -> None:
    """Means, power and cross spectra."""
    space = SpectralSpace(2, modes, EXTENTS[: len(modes)])
    functionals, latent = space.quadratics(), torch.randn(4, space.size)
    moved = functionals(translate(latent, space, SHIFTS[: len(modes)]))
    torch.testing.assert_close(moved, functionals(latent), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("modes", [(5,), (3, 2)])
def test_spectra_are_all_that_translation_leaves_alone(modes: tuple[int, ...], channels: int) -> None:
    """The mean of a free quadratic form over all translations is a combination of them, and no two are alike."""
    space = SpectralSpace(channels, modes, EXTENTS[: len(modes)])
    points = [4 * k + 1 for k in modes]
    grid = torch.cartesian_prod(*(torch.arange(n) * 2 * math.pi / n for n in points)).view(-1, len(modes))
    free, latent = torch.randn(space.size, space.size), torch.randn(2000, space.size)
    turned = [translate(latent, space, shifts) for shifts in grid.tolist()]
    mean = torch.stack([((z @ free) * z).sum(dim=1) for z in turned]).mean(dim=0).double()
    quadratics = space.quadratics()
    features = quadratics(latent).double()
    assert features.shape[1] == quadratics.count
    found = torch.linalg.lstsq(features, mean[:, None], driver="gelsd").solution
    torch.testing.assert_close((features @ found)[:, 0], mean, atol=1e-3, rtol=1e-3)
    varying = features[:, features.std(dim=0) > 0]
    assert torch.linalg.matrix_rank(varying) == varying.shape[1]


@pytest.mark.parametrize("modes", [(6,), (3, 4)])
def test_product_is_the_pointwise_product_without_aliasing(modes: tuple[int, ...]) -> None:
    """With all filters the identity, q(z) holds the Fourier coefficients of u^2, computed on a fine grid."""
    space = SpectralSpace(1, modes, EXTENTS[: len(modes)])
    product: SpectralProduct = space.product(space, rank=1, deviation=0.0)
    with torch.no_grad():
        product.factors.combination.zero_()
        product.factors.weight.zero_()[0] = 1.0
        product.back.set_identity(1.0)
    latent = torch.randn(3, space.size)
    squared = _on_grid(latent, space, 64).square()
    expected = along_axes(squared, [basis(k, 64).T / 64 for k in modes]).flatten(1)
    torch.testing.assert_close(product(latent), expected, atol=1e-4, rtol=1e-4)


def test_quarter_turn_is_a_derivative() -> None:
    """A filter with imaginary part k turns u into its derivative."""
    space = SpectralSpace(1, (4,), EXTENTS[:1])
    derivative = SpectralLinear(space, space)
    with torch.no_grad():
        derivative.weight[1, 0, 0] = -torch.arange(5.0)
    x = torch.arange(64) * 2 * math.pi / 64
    functions = basis(4, 64)
    sine_coefficients = (torch.sin(3 * x) @ functions.T / 64)[None]
    torch.testing.assert_close((derivative(sine_coefficients) @ functions)[0], 3 * torch.cos(3 * x), atol=1e-4, rtol=0)


def test_blocks_hold_what_one_wavenumber_does() -> None:
    """All channels, cosines and sines of (+-k_x, +-k_y); together every coordinate once."""
    blocks = SpectralSpace(2, (2, 3), EXTENTS).wavenumber_blocks()
    assert sorted(torch.cat(blocks).tolist()) == list(range(2 * 5 * 7))
    assert sorted({len(b) for b in blocks}) == [2, 4, 8]
    assert len(blocks) == 3 * 4
