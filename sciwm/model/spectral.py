"""Latent fields as truncated Fourier series, and the maps between them that commute with translation.

A latent of C channels and K modes is the real vector of the coefficients, per channel
``[c_0, c_1 .. c_K, s_1 .. s_K]`` in the orthonormal basis ``1, sqrt(2) cos(k x), sqrt(2) sin(k x)``
on ``[0, 2 pi)``: the sum of squares is the mean square. Everything here is a few dense matrix
products, since latent grids are far too small for transforms to pay.
"""

import math

import torch
from torch import Tensor, nn


def size(modes: int) -> int:
    """Numbers in one channel of ``modes`` modes."""
    return 2 * modes + 1


def basis(modes: int, num_points: int) -> Tensor:
    """Basis functions on equispaced points, shape ``(2 modes + 1, num_points)``."""
    x = torch.arange(num_points, dtype=torch.float64) * (2 * math.pi / num_points)
    kx = torch.arange(1, modes + 1, dtype=torch.float64)[:, None] * x
    ones = torch.ones(1, num_points, dtype=torch.float64)
    return torch.cat([ones, math.sqrt(2) * kx.cos(), math.sqrt(2) * kx.sin()]).float()


def translate(latent: Tensor, modes: int, shift: float) -> Tensor:
    """The latent of ``u(x - shift)``, with the domain scaled to ``2 pi``; ``(..., C (2 K + 1))``."""
    z = latent.unflatten(-1, (-1, size(modes)))
    mean, cos, sin = z.split([1, modes, modes], dim=-1)
    angle = shift * torch.arange(1, modes + 1, device=latent.device)
    turned = [cos * angle.cos() - sin * angle.sin(), cos * angle.sin() + sin * angle.cos()]
    return torch.cat([mean, *turned], dim=-1).flatten(-2)


def _generators(modes_in: int, modes_out: int) -> tuple[Tensor, Tensor]:
    """Per wavenumber the two matrices that commute with translation: identity and quarter turn.

    Each ``(min(K_in, K_out) + 1, 2 K_in + 1, 2 K_out + 1)``.
    """
    modes = min(modes_in, modes_out)
    scale = torch.zeros(modes + 1, size(modes_in), size(modes_out))
    turn = torch.zeros_like(scale)
    scale[0, 0, 0] = 1.0
    for k in range(1, modes + 1):
        scale[k, k, k] = scale[k, modes_in + k, modes_out + k] = 1.0
        turn[k, k, modes_out + k], turn[k, modes_in + k, k] = 1.0, -1.0
    return scale, turn


class SpectralLinear(nn.Module):
    """The general linear map between latents that commutes with translation.

    For every wavenumber a complex C_in x C_out matrix, held as its real part ``scale`` and imaginary
    part ``turn``, both ``(C_in, C_out, K + 1)``.
    """

    def __init__(self, channels_in: int, channels_out: int, modes_in: int, modes_out: int) -> None:
        super().__init__()
        self.shape = (channels_in * size(modes_in), channels_out * size(modes_out))
        modes = min(modes_in, modes_out) + 1
        self.scale = nn.Parameter(torch.zeros(channels_in, channels_out, modes))
        self.turn = nn.Parameter(torch.zeros(channels_in, channels_out, modes))
        scale, turn = _generators(modes_in, modes_out)
        self.register_buffer("scale_generators", scale, persistent=False)
        self.register_buffer("turn_generators", turn, persistent=False)
        self.scale_generators: Tensor
        self.turn_generators: Tensor

    @torch.no_grad()
    def set_identity(self, factor: float) -> "SpectralLinear":
        """Start from ``factor`` times the identity on the channels and modes both sides share."""
        channels = range(min(self.scale.shape[:2]))
        self.scale.zero_()
        self.turn.zero_()
        self.scale[channels, channels] = factor
        return self

    @torch.no_grad()
    def set_random(self, deviation: float) -> "SpectralLinear":
        """Start from independent normal numbers."""
        self.scale.normal_(0, deviation)
        self.turn.normal_(0, deviation)
        return self

    def per_channel(self, after: Tensor | None = None) -> Tensor:
        """``(C_in, n_in, C_out, n)``, followed by ``after`` ``(n_out, n)`` within each channel."""
        scale, turn = self.scale_generators, self.turn_generators
        if after is not None:
            scale, turn = scale @ after, turn @ after
        return torch.einsum("iok,kab->iaob", self.scale, scale) + torch.einsum("iok,kab->iaob", self.turn, turn)

    def matrix(self) -> Tensor:
        """The map as a dense matrix ``(C_in n_in, C_out n_out)``, to multiply from the right."""
        return self.per_channel().reshape(self.shape)

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, C_in n_in) -> (batch, C_out n_out)``."""
        return latent @ self.matrix()


class SpectralProduct(nn.Module):
    """Sum of ``rank`` products of two filtered fields: the general quadratic map that translation allows.

        q(z) = sum_r W_r [ (U_r z)(x) (V_r z)(x) ],    U_r, V_r, W_r commuting with translation

    The factors are multiplied on a padded grid of more than ``2 K_in + K_out`` points, so nothing
    aliases and the map commutes with translation exactly. Each factor has a free constant, so q has
    linear terms too. With ``K_out = 0`` it is a translation-invariant functional.
    """

    def __init__(
        self, channels_in: int, channels_out: int, modes_in: int, modes_out: int, rank: int, *, gain: float = 1.0
    ) -> None:
        super().__init__()
        points = 2 * modes_in + modes_out + 2
        self.channels_in, self.modes_in = channels_in, modes_in
        deviation = 1 / math.sqrt(channels_in * size(modes_in))
        self.factors = SpectralLinear(channels_in, 2 * rank, modes_in, modes_in).set_random(deviation)
        self.combine = SpectralLinear(rank, channels_out, modes_out, modes_out).set_random(gain / math.sqrt(rank))
        self.constants = nn.Parameter(torch.zeros(2 * rank))
        self.register_buffer("to_grid", basis(modes_in, points), persistent=False)
        self.register_buffer("from_grid", basis(modes_out, points).T / points, persistent=False)
        self.to_grid: Tensor
        self.from_grid: Tensor

    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """``(view, offset, back)``: latent to all factors on the grid, their constants, products to latent."""
        points = self.to_grid.shape[1]
        view = self.factors.per_channel(after=self.to_grid).flatten(2, 3).flatten(0, 1)
        back = torch.einsum("pa,raob->rpob", self.from_grid, self.combine.per_channel()).flatten(2, 3).flatten(0, 1)
        return view, self.constants.repeat_interleave(points), back

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, C_in n_in) -> (batch, C_out n_out)``."""
        view, offset, back = self.matrices()
        left, right = torch.addmm(offset, latent, view).chunk(2, dim=1)
        return (left * right) @ back
