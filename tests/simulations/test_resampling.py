"""Fourier interpolation: exact on waves that both grids hold, and nothing else kept."""

import numpy as np
import pytest
import torch
from torch import Tensor

from simulations.resampling import resample


def _waves(nx: int, ny: int) -> Tensor:
    x = torch.arange(nx, dtype=torch.float64)[:, None] * 2 * np.pi / nx
    y = torch.arange(ny, dtype=torch.float64) * 2 * np.pi / ny
    return torch.stack([1 + torch.sin(3 * x + 2 * y), torch.cos(x) * torch.cos(3 * y + 0.3)])[None]


@pytest.mark.parametrize("shape", [(8, 8), (10, 12), (9, 24), (64, 7)])
def test_interpolation_is_exact_on_waves_below_both_nyquist_wavenumbers(shape: tuple[int, int]) -> None:
    torch.testing.assert_close(resample(_waves(12, 10), shape), _waves(*shape), rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(16,), (14,), (15,), (8,)])
def test_refining_and_coarsening_again_gives_back_any_samples(shape: tuple[int]) -> None:
    """White noise, which holds the Nyquist wave too."""
    noise = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(resample(resample(noise, shape), (8,)), noise, rtol=0, atol=1e-13)


def test_a_refined_function_goes_through_the_samples() -> None:
    noise = torch.randn(8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(resample(noise, (16, 18))[::2, ::3], noise, rtol=0, atol=1e-13)


def test_waves_that_the_coarser_grid_cannot_hold_are_left_out_rather_than_aliased() -> None:
    x = torch.arange(32, dtype=torch.float64) * 2 * np.pi / 32
    coarse = resample(torch.sin(2 * x) + torch.sin(7 * x), (8,))
    torch.testing.assert_close(coarse, torch.sin(2 * x[::4]), rtol=0, atol=1e-13)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one number of points"):
        resample(torch.zeros(8), (8, 8))
    with pytest.raises(ValueError, match="at least 1"):
        resample(torch.zeros(8), (0,))
