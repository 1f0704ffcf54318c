"""Linear readouts: the ridge that data ask for, and quadratic functionals of vectors."""

import pytest
import torch

from sciwm.model import LinearReadout
from sciwm.model.least_squares import RIDGES, least_squares
from sciwm.model.spaces import VectorSpace


def test_exact_data_are_met_and_noisy_ones_are_not_learned_by_heart() -> None:
    """Each value gets its own ridge: next to none without noise; with noise one that predicts better than none."""
    generator = torch.Generator().manual_seed(0)
    x, unseen = (torch.randn(60, 50, generator=generator) for _ in range(2))
    w = torch.randn(50, 1, generator=generator)
    noise = 20 * torch.randn(60, 1, generator=generator)
    found = least_squares(x, torch.cat([x @ w, x @ w + noise], dim=1))
    torch.testing.assert_close(found[:, :1], w.double(), atol=1e-5, rtol=0)
    plain = torch.linalg.lstsq(x.double(), (x @ w + noise).double()).solution
    error, plain_error = ((unseen.double() @ (v - w.double())).norm() for v in (found[:, 1:], plain))
    assert error < 0.9 * plain_error


@pytest.mark.parametrize("samples", [5, 40])
def test_the_ridge_is_the_least_that_cross_validation_finds(samples: int) -> None:
    """By the definition, over all ridges, also with fewer samples than features."""
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(samples, 10, generator=generator).double(), torch.randn(samples, 1, generator=generator).double()
    errors = {}
    for ridge in RIDGES:
        hat = x @ torch.linalg.solve(x.T @ x + ridge * samples * torch.eye(10), x.T)
        errors[ridge] = float((y - hat @ y).square().mean() / max(1 - float(hat.trace()) / samples, 1e-6) ** 2)
    best = min(errors, key=lambda ridge: errors[ridge])
    expected = torch.linalg.solve(x.T @ x + best * samples * torch.eye(10), x.T @ y)
    torch.testing.assert_close(least_squares(x, y), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("length", "copies"), [(6, 1), (6, 2), (80, 1)])
def test_energies_of_vectors_are_read_exactly(length: int, copies: int) -> None:
    """Sums of squares of all coordinates, and any quadratic form of the leading ones of every copy."""
    space, generator = VectorSpace(length).repeated(copies), torch.Generator().manual_seed(2)
    leading = [c * length + i for c in range(copies) for i in range(min(length, 6))]
    form = torch.randn(len(leading), len(leading), generator=generator)
    weight = torch.rand(space.size, generator=generator)

    def truth(z: torch.Tensor) -> torch.Tensor:
        kept = z[:, leading]
        return torch.stack([z.square() @ weight, ((kept @ form) * kept).sum(dim=1)], dim=1)

    features = space.quadratics()
    readout = LinearReadout(features, features.count, 2)
    known, unseen = (torch.randn(n, space.size, generator=generator) for n in (2000, 20))
    readout.fit(known, truth(known))
    torch.testing.assert_close(readout(unseen), truth(unseen), rtol=1e-3, atol=1e-3)


def test_what_never_varies_is_read_as_nothing() -> None:
    """A constant feature has no weight, wherever it goes later."""
    latents = torch.randn(50, 3, generator=torch.Generator().manual_seed(3))
    latents[:, 1] = 4.0
    readout = LinearReadout(torch.nn.Identity(), 3, 1)
    readout.fit(latents, latents[:, :1] + 2.0)
    other = torch.tensor([[0.5, 100.0, 0.0]])
    torch.testing.assert_close(readout(other), torch.tensor([[2.5]]), atol=1e-4, rtol=0)
