"""Anti-collapse statistics against their closed forms."""

import math

import pytest
import torch

from sciwm.loss.collapse import sigreg, vicreg

DIRECTIONS = torch.randn(32, 256, generator=torch.Generator().manual_seed(0))


def _normal(count: int, dimensions: int = 32) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(1))


def sigreg_of_gaussian(deviation: float) -> float:
    """The statistic in the limit of many normal samples of the given deviation, in closed form."""
    s = deviation**2
    return math.sqrt(2 * math.pi) * (1 / math.sqrt(2 * s + 1) - 2 / math.sqrt(s + 2) + 1 / math.sqrt(3))


@pytest.mark.parametrize("deviation", [0.1, 0.5, 0.8, 1.0, 1.5, 3.0])
def test_sigreg_of_scaled_gaussians_is_the_closed_form(deviation: float) -> None:
    """T(s) = sqrt(2 pi) [(2 s^2 + 1)^(-1/2) - 2 (s^2 + 2)^(-1/2) + 3^(-1/2)], up to sampling and quadrature."""
    measured = sigreg(deviation * _normal(20_000), DIRECTIONS)
    assert float(measured) == pytest.approx(sigreg_of_gaussian(deviation), abs=2e-3)


def test_sigreg_of_a_point() -> None:
    """T(0) = 0.40892: what a collapsed encoder scores."""
    assert float(sigreg(torch.zeros(16, 32), DIRECTIONS)) == pytest.approx(0.40892, abs=1e-3)


@pytest.mark.parametrize("count", [64, 128, 512])
def test_sigreg_floor_falls_as_one_over_the_samples(count: int) -> None:
    """True Gaussian samples score 1.06/N: no factor of the batch size is hidden in the statistic."""
    floor = torch.stack(
        [sigreg(torch.randn(count, 32, generator=torch.Generator().manual_seed(s)), DIRECTIONS) for s in range(40)]
    ).mean()
    assert float(floor) * count == pytest.approx(1.06, rel=0.1)


def test_sigreg_gradient_vanishes_at_collapse_as_stated() -> None:
    """dT/ds = -3.24 s near s = 0: the pull vanishes where a latent has collapsed."""
    samples, s = _normal(20_000), torch.tensor(0.02, requires_grad=True)
    (slope,) = torch.autograd.grad(sigreg(s * samples, DIRECTIONS), [s])
    assert float(slope) == pytest.approx(-3.24 * 0.02, rel=0.03)


def test_sigreg_does_not_depend_on_the_length_of_directions() -> None:
    """Directions are normalised."""
    latents = _normal(256)
    assert torch.allclose(sigreg(latents, DIRECTIONS), sigreg(latents, 7 * DIRECTIONS), atol=1e-6)


def test_vicreg_is_zero_for_white_latents_and_one_for_a_point() -> None:
    """Hinge: about max(0, gamma - s); covariance: the squared off-diagonal entries over d."""
    white = _normal(50_000)
    hinge, covariance = vicreg(white)
    assert float(hinge) < 5e-3
    assert float(covariance) < 5e-3
    assert float(vicreg(torch.zeros(8, 32))[0]) == pytest.approx(1 - 1e-2, abs=1e-6)
    assert float(vicreg(0.3 * white)[0]) == pytest.approx(0.7, abs=5e-3)
    assert float(vicreg(0.3 * white, deviation=0.5)[0]) == pytest.approx(0.2, abs=5e-3)


def test_vicreg_covariance_of_copied_coordinates() -> None:
    """d identical unit coordinates: all d (d - 1) off-diagonal entries are one, so c = d - 1."""
    copied = _normal(50_000, 1).expand(-1, 6)
    assert float(vicreg(copied)[1]) == pytest.approx(5.0, rel=0.03)
