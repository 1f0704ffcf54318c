"""Linear steps: their substeps, and the choice of the best one for data that can and cannot be forecast."""

import numpy as np
import pytest
import torch
from scipy.linalg import block_diag
from torch import Tensor

from sciwm.model.linear_step import FORGOTTEN, LinearStep
from sciwm.training.linear_start import Piece, choose_linear_step, forecast_error


def turning_step(size: int = 6, inputs: int = 2) -> LinearStep:
    """A stable step that is not normal, with pairs of complex eigenvalues."""
    rng = np.random.default_rng(0)
    blocks = [0.95 * np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]) for t in (0.3, 1.2, 2.6)]
    basis = rng.normal(size=(size, size))
    matrix = np.linalg.solve(basis, block_diag(*blocks) @ basis)
    return LinearStep(matrix, rng.normal(size=(inputs, size)), rng.normal(size=size))


@pytest.mark.parametrize("substeps", [1, 2, 5])
def test_substeps_make_up_the_step(substeps: int) -> None:
    """Matrix, forcing and constant, for eigenvalues that turn by more than a right angle too."""
    step = turning_step()
    part = step.over(substeps)
    z, u = np.random.default_rng(1).normal(size=(3, 6)), np.ones((3, 2))
    after = z
    for _ in range(substeps):
        after = after @ part.decay + u @ part.forcing + part.constant
    np.testing.assert_allclose(after, z @ step.matrix + u @ step.forcing + step.constant, atol=1e-9)
    assert part.replaced == 0


def test_the_correction_is_that_of_the_exponential_scheme() -> None:
    """phi_2 / phi_1 of the logarithm: a half where nothing decays, less or more where something does or grows."""
    rates = np.array([0.0, -0.5, -3.0, 0.4])
    part = LinearStep(np.diag(np.exp(rates)), np.zeros((1, 4)), np.zeros(4)).over(1)
    first = np.expm1(rates[1:]) / rates[1:]
    second = (np.expm1(rates[1:]) - rates[1:]) / rates[1:] ** 2
    np.testing.assert_allclose(np.diag(part.correction), [0.5, *(second / first)], rtol=1e-6)


def test_what_has_no_real_root_is_forgotten() -> None:
    """A single negative eigenvalue; the others are kept."""
    step = LinearStep(np.array([[0.9, 0.2], [0.0, -0.3]]), np.zeros((1, 2)), np.zeros(2))
    part = step.over(2)
    assert part.replaced == 1
    found = np.sort(np.linalg.eigvals(part.decay @ part.decay).real)
    np.testing.assert_allclose(found, [FORGOTTEN, 0.9], atol=1e-9)


def test_growing_modes_can_be_held() -> None:
    """Those outside the unit circle move onto it, turning as before; the others stay."""
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    matrix = np.zeros((3, 3))
    matrix[:2, :2], matrix[2, 2] = 1.2 * turn, 0.7
    held = LinearStep(matrix, np.zeros((1, 3)), np.zeros(3)).bounded()
    np.testing.assert_allclose(held.matrix[:2, :2], turn, atol=1e-9)
    assert held.matrix[2, 2] == pytest.approx(0.7)
    assert held.radius == pytest.approx(1.0)


def pieces_of(latents: Tensor) -> list[Piece]:
    """Pieces under an input that does nothing."""
    return [Piece(one, torch.zeros(len(one) - 1, 1, dtype=torch.float64)) for one in latents]


ALIKE = torch.full((4,), 0.25, dtype=torch.float64)


def test_a_linear_law_is_found() -> None:
    """With its forcing and constant, from few pieces."""
    step = turning_step()
    rng = np.random.default_rng(2)
    pieces = []
    for _ in range(5):
        inputs, z = rng.normal(size=(30, 2)), [rng.normal(size=6)]
        for u in inputs:
            z.append(z[-1] @ step.matrix + u @ step.forcing + step.constant)
        pieces.append(Piece(torch.from_numpy(np.stack(z)), torch.from_numpy(inputs)))
    chosen = choose_linear_step(pieces, torch.ones(6, dtype=torch.float64), 1e-12)
    for name in ("matrix", "forcing", "constant"):
        np.testing.assert_allclose(getattr(chosen.step, name), getattr(step, name), atol=1e-6)


@pytest.mark.parametrize("kept", [0.0, 1.0])
def test_where_nothing_can_be_learned_nothing_is_made_up(kept: float) -> None:
    """Forecasts of noise are about as good as climatology, those of a random walk about as good as persistence."""
    rng = np.random.default_rng(3)
    noise = torch.from_numpy(rng.normal(size=(6, 40, 4)))
    latents = torch.cumsum(noise, dim=1) / 6 if kept else noise
    chosen = choose_linear_step(pieces_of(latents[:4]), ALIKE, 1e-8)
    simple = LinearStep(kept * np.eye(4), np.zeros((1, 4)), np.zeros(4))
    windows = Piece(latents[4:, :21], torch.zeros(2, 20, 1, dtype=torch.float64))
    assert forecast_error(chosen.step, windows, ALIKE, 0.0) < forecast_error(simple, windows, ALIKE, 0.0) + 0.05


def test_shrinking_ends_at_persistence_and_climatology() -> None:
    """Matrix, forcing and constant."""
    step = turning_step()
    half, copied, mean = step.shrunk(0.5, 1.0), step.shrunk(1.0, 1.0), step.shrunk(1.0, 0.0)
    np.testing.assert_allclose(half.matrix, (step.matrix + np.eye(6)) / 2)
    np.testing.assert_allclose(half.constant, step.constant / 2)
    np.testing.assert_array_equal(copied.matrix, np.eye(6))
    assert not mean.matrix.any() and not mean.forcing.any() and not copied.constant.any()


def test_a_single_record_is_enough() -> None:
    """Its last part is forecast: a slow oscillation is continued."""
    angle = 0.3 * torch.arange(60, dtype=torch.float64)
    latents = torch.stack([angle.cos(), angle.sin(), (2 * angle).cos(), (2 * angle).sin()], dim=1)
    chosen = choose_linear_step(pieces_of(latents[None]), ALIKE, 1e-10)
    windows = Piece(latents[None, 30:], torch.zeros(1, 29, 1, dtype=torch.float64))
    assert forecast_error(chosen.step, windows, ALIKE, 0.0) < -8
