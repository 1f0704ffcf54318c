"""Spectral latents: truncated Fourier series, and the maps between them that commute with translation.

A latent of C channels and K modes along each axis is the real vector of its coefficients: for each channel the tensor
product over axes of those of :mod:`sciwm.model.spaces.fourier`, so that the sum of squares is the mean square of the
field. Latent grids are so small that transforms are matrix products, one along each axis.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from sciwm.model.spaces.dense import LatentMap, applied
from sciwm.model.spaces.derivatives import differential_operators
from sciwm.model.spaces.fourier import (
    along_axes,
    basis,
    by_wave_vector,
    from_wave_vectors,
    joined,
    quarter_turn,
    split,
    turns,
    wave_vectors,
    wavenumbers,
)


@dataclass(frozen=True)
class SpectralSpace:
    """The space of spectral latents.

    Args:
        channels: The number of channels, C.
        modes: The largest wavenumber K along each axis.
        extents: The lengths of the axes; only their ratios matter.
    """

    channels: int
    modes: tuple[int, ...]
    extents: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of coefficients of one channel along each axis, ``2 K + 1``."""
        return tuple(2 * k + 1 for k in self.modes)

    @property
    def size(self) -> int:
        """The number of values in one latent."""
        return self.channels * math.prod(self.shape)

    def repeated(self, times: int) -> "SpectralSpace":
        """The space of several latents side by side."""
        return replace(self, channels=times * self.channels)

    def with_modes(self, more: int) -> "SpectralSpace":
        """The space with ``more`` wavenumbers along each axis."""
        return replace(self, modes=tuple(k + more for k in self.modes))

    def places_in(self, wider: "SpectralSpace") -> Tensor:
        """The indices of this space's coordinates among those of a space with more modes."""
        places = torch.arange(wider.size).view(wider.channels, *wider.shape)
        for axis, (k, wide) in enumerate(zip(self.modes, wider.modes, strict=True), start=1):
            places = places.index_select(axis, torch.nonzero(wavenumbers(wide) <= k).flatten())
        return places.flatten()

    def linear(self, to: "SpectralSpace") -> "SpectralLinear":
        """The general linear map to another space that commutes with translation."""
        return SpectralLinear(self, to)

    def product(self, to: "SpectralSpace", rank: int, *, deviation: float) -> "SpectralProduct":
        """The general quadratic map, up to ``rank``, that commutes with translation."""
        return SpectralProduct(self, to, rank, deviation=deviation)

    def by_waves(self, latents: Tensor) -> Tensor:
        """Sort latents by wave vector, ``(batch, size) -> (wave vectors, batch, channel 2^D)``."""
        return by_wave_vector(split(latents.unflatten(1, (self.channels, *self.shape)), self.modes), len(self.modes))

    def from_waves(self, values: Tensor) -> Tensor:
        """Inverse of :meth:`by_waves`."""
        return joined(from_wave_vectors(values, [k + 1 for k in self.modes]), self.modes).flatten(1)

    def quadratics(self) -> "SpectralQuadratics":
        """All linear and quadratic functionals that translation leaves unchanged."""
        return SpectralQuadratics(self)

    def varying_along(self, axes: Sequence[bool]) -> Tensor:
        """The indices of the coordinates of fields that vary along some axes only."""
        kept = torch.ones(1, dtype=torch.bool)
        for k, varies in zip(self.modes, axes, strict=True):
            kept = kept[..., None] & (wavenumbers(k) >= 0 if varies else wavenumbers(k) == 0)
        return torch.nonzero(kept.flatten().repeat(self.channels)).flatten()

    def wavenumber_blocks(self) -> list[Tensor]:
        """The indices of the coordinates of each wave vector up to signs: all channels, cosines and sines."""
        flat = wave_vectors(self.modes).flatten().repeat(self.channels)
        return [torch.nonzero(flat == value).flatten() for value in flat.unique()]


def translate(latent: Tensor, space: SpectralSpace, shifts: Sequence[float]) -> Tensor:
    """The latent ``(..., size)`` of the field ``u(x - shift)``, with every axis scaled to ``2 pi``."""
    rotations = []
    for k, shift in zip(space.modes, shifts, strict=True):
        angle = shift * wavenumbers(k).to(latent)
        rotations.append(angle.cos().diag() + angle.sin().diag() @ quarter_turn(k).to(latent))
    return along_axes(latent.unflatten(-1, (space.channels, *space.shape)), rotations).flatten(-1 - len(rotations))


class SpectralLinear(nn.Module):
    """The general linear map between spectral latents that commutes with translation.

        out_k = sum_e W_e(k) J^e z_k,    e in {0, 1}^D

    where J^e turns the phase by a quarter along the axes with e = 1. In one dimension W holds the real and the
    imaginary part of a complex matrix per wavenumber, in two those of the matrices of ``(k_x, k_y)`` and ``(k_x,
    -k_y)``. W has the shape ``(2^D, C_in, C_out, K_1 + 1 .. K_D + 1)``. A smooth map adds a combination of
    differential operators D_l, which all wavenumbers share:

        W_e(k) + sum_l c_l D_l,e(k)

    Args:
        start: The space of the arguments.
        to: The space of the results.
        smooth: Whether differential operators are added.
    """

    def __init__(self, start: SpectralSpace, to: SpectralSpace, *, smooth: bool = False) -> None:
        super().__init__()
        self.start, self.end = start, to
        modes = [min(k, n) for k, n in zip(start.modes, to.modes, strict=True)]
        self.waves = [k + 1 for k in modes]
        self.weight = nn.Parameter(torch.zeros(2 ** len(modes), start.channels, to.channels, *self.waves))
        self.smooth = smooth
        if smooth:
            operators = differential_operators(modes, start.extents)
            self.register_buffer("operators", operators)
            self.operators: Tensor
            self.combination = nn.Parameter(torch.zeros(len(operators), start.channels, to.channels))
        self.register_buffer("turns", turns(modes), persistent=False)
        self.turns: Tensor

    @torch.no_grad()
    def set_identity(self, factor: float) -> "SpectralLinear":
        """Start from ``factor`` times the identity on the channels and modes that both spaces share."""
        channels = range(min(self.weight.shape[1:3]))
        self.weight.zero_()
        self.weight[0, channels, channels] = factor
        return self

    @torch.no_grad()
    def set_random(self, deviation: float) -> "SpectralLinear":
        """Start from normal numbers: combinations of differential operators if smooth, else multipliers."""
        if self.smooth:
            self.combination.normal_(0, deviation / math.sqrt(len(self.operators)))
        else:
            self.weight.normal_(0, deviation)
        return self

    @torch.no_grad()
    def fit(self, scale: Tensor) -> None:
        """Scale every differential operator so that it keeps the mean square of typical fields.

        Args:
            scale: The spectrum of these fields, ``(*coefficients)``.
        """
        if self.smooth:
            spectrum = scale[tuple(slice(0, n) for n in self.operators.shape[2:])]
            energy = (spectrum * self.operators).square().flatten(1).sum(dim=1) / spectrum.square().sum()
            self.operators /= energy.sqrt().view(-1, *(1 for _ in self.operators.shape[1:]))

    def multipliers(self) -> Tensor:
        """The multipliers W, ``(2^D, C_in, C_out, K_1 + 1 .. K_D + 1)``."""
        if not self.smooth:
            return self.weight
        return self.weight + torch.einsum("le...,lio->eio...", self.operators, self.combination)

    def matrices(self) -> Tensor:
        """The matrix of each wave vector that both spaces have, ``(wave vectors, C_in 2^D, C_out 2^D)``."""
        return wave_matrices(self.multipliers().flatten(3), self.turns)

    def map(self) -> LatentMap:
        """The map for the present weights, ``(batch, size) -> (batch, size of the other space)``."""
        return partial(self._mapped, wave_by_wave(self.matrices(), self.waves), [n - 1 for n in self.waves])

    def _mapped(self, mixed: LatentMap, modes: Sequence[int], latent: Tensor) -> Tensor:
        coefficients = latent.unflatten(1, (self.start.channels, *self.start.shape))
        return joined(mixed(split(coefficients, modes)), self.end.modes).flatten(1)

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, size) -> (batch, size of the other space)``."""
        return applied(self.map(), latent, self.end.size)


def wave_matrices(multipliers: Tensor, turns: Tensor) -> Tensor:
    """The matrix ``sum_e W_e(k) J^e`` of each wave vector, ``(wave vectors, C_in 2^D, C_out 2^D)``.

    Args:
        multipliers: W, ``(2^D, C_in, C_out, wave vectors)``.
        turns: J, see :func:`sciwm.model.spaces.fourier.turns`.
    """
    return torch.einsum("eiow,epqw->wipoq", multipliers, turns).flatten(1, 2).flatten(2)


def wave_by_wave(matrices: Tensor, waves: Sequence[int]) -> LatentMap:
    """The map of split coefficients ``(batch, channel, ...)`` that has one of ``matrices`` for each wave vector.

    Args:
        matrices: See :func:`wave_matrices`.
        waves: The number of wavenumbers along each axis.
    """
    return partial(_mixed, matrices, waves)


def _mixed(matrices: Tensor, waves: Sequence[int], coefficients: Tensor) -> Tensor:
    return from_wave_vectors(torch.bmm(by_wave_vector(coefficients, len(waves)), matrices), waves)


class SpectralProduct(nn.Module):
    """A sum of ``rank`` products of two filtered fields: the general quadratic map that commutes with translation.

        q(z) = sum_r W_r [ (U_r z)(x) (V_r z)(x) ],    U_r, V_r, W_r commuting with translation

    The factors are multiplied on a padded grid of more than ``2 K_in + K_out`` points along each axis, so that nothing
    aliases and the map commutes with translation exactly. Each factor has a free constant, so that q has linear terms
    too.

    Products are formed of fields, not of whitened coordinates: the factors act on ``sigma z``, so that filters
    which are differential operators are true ones. W acts on whitened products, divided by the standard deviations
    of the products of the first, random factors.

    Args:
        start: The space of the arguments.
        to: The space of the results.
        rank: The number of products. 4 to 8 are good values for one variable.
        deviation: The standard deviation of the first results, about.
    """

    def __init__(self, start: SpectralSpace, to: SpectralSpace, rank: int, *, deviation: float) -> None:
        super().__init__()
        self.points = [2 * k_in + k_out + 2 for k_in, k_out in zip(start.modes, to.modes, strict=True)]
        self.factors = SpectralLinear(start, replace(start, channels=2 * rank), smooth=True).set_random(1.0)
        self.back = replace(to, channels=rank).linear(to).set_random(deviation / math.sqrt(rank))
        self.constants = nn.Parameter(torch.zeros(2 * rank))
        for axis, points in enumerate(self.points):
            to_grid, from_grid = (split(basis(s.modes[axis], points).T, s.modes[axis : axis + 1]) for s in (start, to))
            self.register_buffer(f"to_grid_{axis}", to_grid.T.contiguous(), persistent=False)
            self.register_buffer(f"from_grid_{axis}", from_grid / points, persistent=False)
        self.register_buffer("scale", torch.ones(start.size))
        self.register_buffer("scale_of_products", torch.ones(*to.shape))
        self.scale: Tensor
        self.scale_of_products: Tensor

    @torch.no_grad()
    def fit(self, scale: Tensor, latents: Tensor | None = None) -> None:
        """Take over the scales of the latents, and measure those of products.

        Args:
            scale: The scales, ``(channels, *coefficients)``.
            latents: Samples, ``(n, size)``; without them products are not whitened.
        """
        scale = scale.reshape(-1, *self.factors.start.shape)
        self.scale.copy_((scale / scale.square().mean().sqrt()).flatten().repeat(len(self.scale) // scale.numel()))
        self.factors.fit(scale.square().mean(dim=0).sqrt())
        if latents is not None:
            view, offset = self.view(), self.offset()
            left, right = (view(latents) + offset).unflatten(1, (-1, *self.points)).chunk(2, dim=1)
            products = replace(self.back.end, channels=self.back.start.channels).from_waves(
                self.from_grid(left * right)
            )
            variance = products.view(-1, math.prod(self.back.end.shape)).square().mean(dim=0)
            for block in replace(self.back.end, channels=1).wavenumber_blocks():  # or translation would not commute
                variance[block] = variance[block].mean()
            deviation = variance.clamp(min=1e-12 * float(variance.max())).sqrt()
            self.scale_of_products.copy_(deviation.view_as(self.scale_of_products))

    def view_matrices(self) -> Tensor:
        """The matrices of all factors, ``(wave vectors, C_in 2^D, 2 rank 2^D)``."""
        return self.factors.start.by_waves(self.scale[None]).mT * self.factors.matrices()

    def back_matrices(self) -> Tensor:
        """The matrices of all products, whitening included, ``(wave vectors, rank 2^D, C_out 2^D)``."""
        whitening = replace(self.back.end, channels=1).by_waves(1 / self.scale_of_products.flatten()[None])
        return whitening.repeat(1, 1, self.back.start.channels).mT * self.back.matrices()

    def to_grid(self, factors: Tensor) -> Tensor:
        """``(wave vectors, batch, 2 rank 2^D) -> (batch, 2 rank, *padded grid)``."""
        return along_axes(from_wave_vectors(factors, self.factors.waves), self._matrices("to_grid"))

    def from_grid(self, products: Tensor) -> Tensor:
        """``(batch, rank, *padded grid) -> (wave vectors, batch, rank 2^D)``."""
        return by_wave_vector(along_axes(products, self._matrices("from_grid")), len(self.points))

    def view(self) -> LatentMap:
        """The linear map to all factors on the padded grid, without their constants, ``(batch, 2 rank points)``."""
        return partial(self._viewed, self.view_matrices())

    def _viewed(self, matrices: Tensor, latent: Tensor) -> Tensor:
        return self.to_grid(torch.bmm(self.factors.start.by_waves(latent), matrices)).flatten(1)

    def offset(self) -> Tensor:
        """The constants of all factors on the padded grid, ``(2 rank points,)``."""
        return self.constants.repeat_interleave(math.prod(self.points))

    def combine(self) -> LatentMap:
        """The linear map from products on the grid, ``(batch, rank points)``, to the other space."""
        return partial(self._combined, self.back_matrices())

    def _combined(self, matrices: Tensor, products: Tensor) -> Tensor:
        on_waves = self.from_grid(products.unflatten(1, (-1, *self.points)))
        return self.back.end.from_waves(torch.bmm(on_waves, matrices))

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, size) -> (batch, size of the other space)``."""
        offset = self.offset()
        left, right = (applied(self.view(), latent, len(offset)) + offset).chunk(2, dim=1)
        return applied(self.combine(), left * right, self.back.end.size)

    def _matrices(self, name: str) -> list[Tensor]:
        return [getattr(self, f"{name}_{axis}") for axis in range(len(self.points))]


class SpectralQuadratics(nn.Module):
    """Means, power spectra and cross spectra: all linear and quadratic functionals that translation leaves unchanged.

    The means are ``m_a``, one for each channel. The spectra are, for each pair of channels and each wave vector,

        s_ab,e(k) = sum over the coefficients of (+-k_1 .. +-k_D) of z_a J^e z_b,

    with J as in :class:`SpectralLinear`. An odd number of quarter turns is antisymmetric, so that it gives no
    spectrum of a channel with itself.
    """

    def __init__(self, space: SpectralSpace) -> None:
        super().__init__()
        self.space = space
        waves = wave_vectors(space.modes).flatten()
        self.register_buffer("on_waves", nn.functional.one_hot(waves).float(), persistent=False)
        self.on_waves: Tensor
        self.exponents = list(itertools.product((False, True), repeat=len(space.modes)))
        for axis, k in enumerate(space.modes):
            self.register_buffer(f"turn_{axis}", quarter_turn(k), persistent=False)
            self.register_buffer(f"keep_{axis}", torch.eye(2 * k + 1), persistent=False)
        channels = range(space.channels)
        self.pairs = [[(a, b) for a in channels for b in channels[a + sum(e) % 2 :]] for e in self.exponents]
        self.count = space.channels + sum(map(len, self.pairs)) * self.on_waves.shape[1]

    def forward(self, latent: Tensor) -> Tensor:
        """The functionals ``(batch, count)`` of latents ``(batch, size)``."""
        z = latent.unflatten(1, (self.space.channels, *self.space.shape))
        flat, products = z.flatten(2), []
        for e, pairs in zip(self.exponents, self.pairs, strict=True):
            turn = [getattr(self, f"{'turn' if turned else 'keep'}_{axis}") for axis, turned in enumerate(e)]
            turned = along_axes(z, turn).flatten(2) if any(e) else flat
            products += [flat[:, a] * turned[:, b] for a, b in pairs]
        spectra = torch.stack(products, dim=1) @ self.on_waves
        return torch.cat([flat[:, :, 0], spectra.flatten(1)], dim=1)
