"""Readouts: functionals, sources and outputs of their budgets, and fields, from latents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sciwm.model.conservation import places_of_means
from sciwm.model.encoder import SMALLEST_SCALE
from sciwm.model.linear_readout import LinearReadout
from sciwm.model.principal_modes import principal_modes
from sciwm.model.spaces import LatentSpace, SpectralSpace, VectorSpace
from sciwm.model.spaces.dense import Assembled, LatentMap, in_parts
from sciwm.model.spaces.fourier import along_axes, basis


@dataclass(frozen=True)
class Labels:
    """The true functionals, sources and outputs of transitions, normalised.

    Args:
        functionals: Functionals at the beginning, ``(sample, functional)``.
        sources: Sources averaged over the interval, ``(sample, functional)``.
        outputs: Outputs averaged over the interval, ``(sample, functional, actuator)``.
    """

    functionals: Tensor
    sources: Tensor
    outputs: Tensor


class BudgetHeads(nn.Module):
    """Heads that read every functional Q, and the source S and outputs y_j of its budget over one interval:

        Q(z+) - Q(z) = interval ( S(z, z+, f) + sum_j a_j y_j(z, z+, f) ),    f = sum_j a_j G_j

    S and y are averages over the interval, so they are read from the latents at both its ends and from the forcing f
    between them. The work of the actuators is bilinear in a and y; y is linear in what it is read from. Q and S are
    linear in the quadratic functionals of the space, in a spectral space in all those that translation leaves
    unchanged. Heads are fitted in closed form, anew as the latents change, not trained.

    Args:
        space: The space of the latents.
        functionals: The number of functionals.
        actuators: The number of actuators.
    """

    def __init__(self, space: LatentSpace, functionals: int, actuators: int) -> None:
        super().__init__()
        self.shape = (functionals, actuators)
        all_three = space.repeated(3)
        local, between = space.quadratics(), all_three.quadratics()
        self.values = LinearReadout(local, local.count, functionals)
        self.sources = LinearReadout(between, between.count, functionals)
        self.outputs = LinearReadout(nn.Identity(), all_three.size, functionals * actuators)
        self.register_buffer("forcing", torch.zeros(actuators, space.size))
        self.forcing: Tensor

    @torch.no_grad()
    def fit(self, before: Tensor, action: Tensor, after: Tensor, forcing: Tensor, labels: Labels) -> None:
        """Fit all heads by least squares over transitions.

        Args:
            before, after: Latents, ``(sample, size)``.
            action: Scaled actions, ``(sample, actuator)``.
            forcing: What scaled actions add to a latent, in any unit, ``(actuator, size)``.
            labels: The values to read.
        """
        self.forcing.copy_(forcing)
        self.values.fit(before, labels.functionals)
        together = self._together(before, action, after)
        self.sources.fit(together, labels.sources)
        self.outputs.fit(together, labels.outputs.flatten(1))

    def value(self, latent: Tensor) -> Tensor:
        """Normalised functionals ``(batch, functional)`` of latents."""
        read: Tensor = self.values(latent)
        return read

    def fluxes(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised sources and outputs of the budgets over one interval.

        Args:
            before, after: Latents at both ends, ``(batch, size)``.
            action: Scaled actions, ``(batch, actuator)``.

        Returns:
            Sources ``(batch, functional)`` and outputs ``(batch, functional, actuator)``.
        """
        together = self._together(before, action, after)
        return self.sources(together), self.outputs(together).unflatten(1, self.shape)

    def _together(self, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
        return torch.cat([before, after, action @ self.forcing], dim=1)


class SpectralDecoder(nn.Module):
    """Decodes a spectral latent to fields, linearly plus products; it is trained on detached latents.

    Args:
        variables: The number of fields V.
        space: The space of the latents.
        rank: The number of products. 4 to 8 are good values; with 0 the decoder is linear and is not trained.
        grid: The number of points along each axis.
        means: The places of the variables whose means the latent holds.
    """

    def __init__(
        self, variables: int, space: SpectralSpace, rank: int, grid: tuple[int, ...], means: Sequence[int]
    ) -> None:
        super().__init__()
        modes = tuple(min(2 * k, n // 2 - 1) for k, n in zip(space.modes, grid, strict=True))
        self.of_means = [min(v, space.channels - 1) for v in range(variables)]
        self.fine = SpectralSpace(variables, modes, space.extents)
        self.linear = space.linear(self.fine).set_identity(1.0)
        self.quadratic = space.product(self.fine, rank, deviation=1e-2) if rank else None
        self.linear.requires_grad_(rank > 0)
        self.register_buffer("means", places_of_means(self.fine, means), persistent=False)
        self.register_buffer("scale_of_means", torch.ones(variables, *(1 for _ in modes)))
        self.means: Tensor
        self.scale_of_means: Tensor
        self._frozen: Callable[[Tensor], Tensor] | None = None
        for axis, (k, n) in enumerate(zip(modes, grid, strict=True)):
            self.register_buffer(f"to_grid_{axis}", basis(k, n), persistent=False)

    @torch.no_grad()
    def fit(self, scale: Tensor, fields: Tensor, weights: Tensor | None = None) -> None:
        """Start as the inverse of an encoder that only divides by ``scale`` ``(channel, *coefficients)``."""
        if self.quadratic is not None:
            self.quadratic.fit(scale)
        for channel in range(min(self.linear.weight.shape[1:3])):
            by_wave_vector = scale[channel]
            for axis, k in enumerate(self.linear.start.modes):
                by_wave_vector = by_wave_vector.narrow(axis, 0, k + 1)
            self.linear.weight[0, channel, channel] = by_wave_vector
            self.scale_of_means[channel] = by_wave_vector.flatten()[0]

    def forward(self, latent: Tensor) -> Tensor:
        """Map latents ``(batch, size)`` to normalised fields ``(batch, variable, *space)``."""
        coefficients = (self._frozen or self._coefficients)(latent)
        start, to_grid = self.linear.start, [getattr(self, f"to_grid_{axis}") for axis in range(len(self.fine.modes))]
        means = latent.unflatten(1, (start.channels, -1))[:, self.of_means, 0].view(-1, *self.scale_of_means.shape)
        coefficients = coefficients.unflatten(1, (self.fine.channels, *self.fine.shape))
        return along_axes(torch.where(self.means, means * self.scale_of_means, coefficients), to_grid)

    def freeze(self) -> None:
        """Assemble the maps once, for weights that no longer change."""
        linear = Assembled(self.linear.map(), self.linear.start.size, self.fine.size, self.scale_of_means)
        nothing, quadratic = self.scale_of_means.new_zeros(self.fine.size), self.quadratic
        if quadratic is None:
            self._frozen = partial(linear, plus=nothing)
            return
        offset = quadratic.offset()
        view = partial(Assembled(quadratic.view(), self.linear.start.size, len(offset), offset), plus=offset)
        back = Assembled(quadratic.combine(), len(offset) // 2, self.fine.size, offset)
        self._frozen = in_parts(partial(_linear_and_products, partial(linear, plus=nothing), view, back), len(offset))

    def _coefficients(self, latent: Tensor) -> Tensor:
        coefficients: Tensor = self.linear(latent)
        return coefficients if self.quadratic is None else coefficients + self.quadratic(latent)


def _linear_and_products(linear: LatentMap, factors: LatentMap, back: Assembled, latent: Tensor) -> Tensor:
    left, right = factors(latent).chunk(2, dim=1)
    return back(left * right, plus=linear(latent))


class VectorDecoder(nn.Module):
    """Decodes a vector latent to fields: linear plus products in twice as many principal components as it has numbers.

    Without products it is the transpose of an encoder without layers, and is not trained.

    Args:
        variables: The number of fields V.
        space: The space of the latents.
        rank: The number of products, eight for each. 4 to 8 are good values; 0 leaves them out.
        grid: The number of points along each axis.
    """

    def __init__(self, variables: int, space: VectorSpace, rank: int, grid: tuple[int, ...]) -> None:
        super().__init__()
        fine = VectorSpace(2 * space.size) if rank else space
        self.linear = space.linear(fine).set_identity(1.0).requires_grad_(rank > 0)
        self.quadratic = space.product(fine, rank, deviation=1e-2) if rank else None
        self.register_buffer("mode", torch.zeros(fine.size, variables, *grid))
        self.register_buffer("mean", torch.zeros(variables, *grid))
        self.register_buffer("scale", torch.ones(fine.size))
        self.mode: Tensor
        self.mean: Tensor
        self.scale: Tensor

    @torch.no_grad()
    def fit(self, scale: Tensor, fields: Tensor, weights: Tensor | None = None) -> None:
        """Start as the inverse of an encoder that only projects on the leading components of ``fields``."""
        if self.quadratic is not None:
            self.quadratic.fit(scale)
        modes, deviation = principal_modes(fields, len(self.scale), weights)
        self.mean.copy_(fields.mean(dim=0))
        self.mode[: len(modes)] = modes
        self.scale[: len(deviation)] = torch.maximum(deviation, SMALLEST_SCALE * deviation[0])

    @property
    def seen(self) -> Tensor:
        """What one unit of each coordinate adds to normalised fields at first, ``(size, variable, *space)``."""
        size = self.linear.weight.shape[0]
        return self.mode[:size] * self.scale[:size].view(-1, *(1 for _ in self.mean.shape))

    def freeze(self) -> None:
        """Do nothing, as the maps are matrices already."""

    def forward(self, latent: Tensor) -> Tensor:
        """Map latents ``(batch, size)`` to normalised fields ``(batch, variable, *space)``."""
        own = self.linear(latent)
        coefficients = (own if self.quadratic is None else own + self.quadratic(latent)) * self.scale
        return (coefficients @ self.mode.flatten(1)).unflatten(1, self.mode.shape[1:]) + self.mean
