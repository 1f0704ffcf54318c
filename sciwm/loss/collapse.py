"""What keeps an encoder trained without reconstruction from mapping everything to one point.

Both statistics expect decorrelated samples: one instant per simulation, never neighbouring frames.
"""

import torch
from torch import Tensor


def sigreg(latents: Tensor, directions: Tensor) -> Tensor:
    """Sketched isotropic Gaussian regularisation (Balestriero & LeCun 2025, arXiv:2511.08544).

    Epps-Pulley distance between each one-dimensional projection and the standard normal,

        T = int exp(-t^2/2) [ (mean cos t x - exp(-t^2/2))^2 + (mean sin t x)^2 ] dt,

    averaged over directions, by the trapezoidal rule with 19 knots on [0, 4.5], doubled by symmetry.
    It is written without a factor of the batch size: 0 for a standard normal, 0.41 for a point,
    about 1.06/N for N true samples.

    Args:
        latents: ``(N, size)``.
        directions: ``(size, M)``; columns are normalised here.
    """
    directions = directions / directions.norm(dim=0, keepdim=True)
    knots = torch.linspace(0, 4.5, 19, device=latents.device, dtype=latents.dtype)
    window = torch.exp(-knots.square() / 2)
    weights = torch.full_like(knots, 2 * 0.25)
    weights[0] = weights[-1] = 0.25
    phase = (latents @ directions)[..., None] * knots
    distance = (phase.cos().mean(dim=0) - window).square() + phase.sin().mean(dim=0).square()
    return (distance * (window * weights)).sum(dim=-1).mean()


def vicreg(latents: Tensor, *, deviation: float = 1.0) -> tuple[Tensor, Tensor]:
    """Variance hinge and off-diagonal covariance (Bardes et al. 2022, arXiv:2105.04906, eqs. 1, 3).

        v = mean_i max(0, gamma - std(z_i)),    c = 1/d sum_{i != j} Cov(z)_ij^2

    Args:
        latents: ``(N, size)``.
        deviation: gamma, the deviation below which a coordinate is pushed apart.

    Returns:
        ``v`` and ``c``.
    """
    centred = latents - latents.mean(dim=0)
    covariance = centred.T @ centred / (len(latents) - 1)
    variance = covariance.diagonal()
    hinge = torch.relu(deviation - (variance + 1e-4).sqrt()).mean()
    off_diagonal = (covariance.square().sum() - variance.square().sum()) / latents.shape[1]
    return hinge, off_diagonal
