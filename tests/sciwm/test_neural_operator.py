"""The convolution over kept modes against the one through whole transforms."""

import pytest
import torch

from sciwm.model.neural_operator import SpectralConv, TruncatedConv


@pytest.mark.parametrize(
    ("modes", "grid"), [((8,), (32,)), ((16,), (16,)), ((8, 8), (16, 24)), ((8, 6), (8, 6)), ((4, 4, 4), (8, 10, 12))]
)
def test_it_is_the_library_s_convolution(modes: tuple[int, ...], grid: tuple[int, ...]) -> None:
    """Values and gradients with the same weights, on grids with and without modes to spare."""
    torch.manual_seed(0)
    library, ours = (kind(3, 5, modes) for kind in (SpectralConv, TruncatedConv))
    ours.load_state_dict(library.state_dict())
    x = torch.randn(4, 3, *grid, requires_grad=True)
    results = []
    for convolution in (library, ours):
        y = convolution(x)
        results.append([y, *torch.autograd.grad(y.sin().sum(), [x, *convolution.parameters()])])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_another_grid_is_refused() -> None:
    """It would alias in silence."""
    with pytest.raises(ValueError, match=r"no other grid than \(16,\), got \(32,\)"):
        TruncatedConv(2, 2, (8,))(torch.randn(1, 2, 16), output_shape=(32,))
