"""Latent to what people want: functionals, fluxes of their budgets, actions, and fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sciwm.model.conservation import places_of_means
from sciwm.model.encoder import SMALLEST_SCALE
from sciwm.model.linear_readout import LinearReadout
from sciwm.model.principal_modes import principal_modes
from sciwm.model.spaces import LatentSpace, SpectralSpace, VectorSpace
from sciwm.model.spaces.dense import Assembled, in_parts
from sciwm.model.spaces.fourier import along_axes, basis


@dataclass(frozen=True)
class Labels:
    """What the data tell of transitions, normalised.

    Args:
        functionals: before, ``(sample, functional)``.
        sources: over the interval, ``(sample, functional)``.
        outputs: over the interval, ``(sample, functional, actuator)``.
    """

    functionals: Tensor
    sources: Tensor
    outputs: Tensor


class BudgetHeads(nn.Module):
    """What a functional Q is and what feeds it over one interval: ``Q``, ``S`` and ``y_j``.

        Q(z+) - Q(z) = interval ( S(z, z+, f) + sum_j a_j y_j(z, z+, f) ),    f = sum_j a_j G_j

    S and y are averages over the interval, hence read from both its ends and from the forcing f between
    them. The work of the actuators is bilinear and known, so only y is read, linearly; Q and S are
    linear in the quadratic functionals that the space allows, in a spectral space all those that no
    translation changes. Heads are fitted, not learned: anew as the latents change.

    Args:
        functionals: number of functionals.
        actuators: number of actions.
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
        """Least squares over transitions.

        Args:
            before, after: latents ``(sample, size)``.
            action: scaled, ``(sample, actuator)``.
            forcing: what actions add to a latent, in any unit, ``(actuator, size)``.
            labels: what is to be read.
        """
        self.forcing.copy_(forcing)
        self.values.fit(before, labels.functionals)
        together = self._together(before, action, after)
        self.sources.fit(together, labels.sources)
        self.outputs.fit(together, labels.outputs.flatten(1))

    def value(self, latent: Tensor) -> Tensor:
        """Normalised ``Q`` ``(batch, functional)``."""
        read: Tensor = self.values(latent)
        return read

    def fluxes(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised ``S`` ``(batch, functional)`` and ``y`` ``(batch, functional, actuator)``; actions are scaled."""
        together = self._together(before, action, after)
        return self.sources(together), self.outputs(together).unflatten(1, self.shape)

    def _together(self, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
        return torch.cat([before, after, action @ self.forcing], dim=1)


class SpectralDecoder(nn.Module):
    """Latent to fields, linear plus quadratic; trained on detached latents, so it never shapes them.

    Args:
        variables: number of fields V.
        rank: of the quadratic part; with 0 there is none, and the linear one stays as it is fitted.
        grid: points along each axis.
        means: variables whose means are those that the latent holds.
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
    def fit(self, scale: Tensor, fields: Tensor) -> None:
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
        """``(batch, size)`` to normalised fields ``(batch, variable, *space)``."""
        coefficients = (self._frozen or self._coefficients)(latent)
        start, to_grid = self.linear.start, [getattr(self, f"to_grid_{axis}") for axis in range(len(self.fine.modes))]
        means = latent.unflatten(1, (start.channels, -1))[:, self.of_means, 0].view(-1, *self.scale_of_means.shape)
        coefficients = coefficients.unflatten(1, (self.fine.channels, *self.fine.shape))
        return along_axes(torch.where(self.means, means * self.scale_of_means, coefficients), to_grid)

    def freeze(self) -> None:
        """Assemble the maps once, for weights that rest."""
        linear = Assembled(self.linear.map(), self.linear.start.size, self.fine.size, self.scale_of_means)
        nothing, quadratic = self.scale_of_means.new_zeros(self.fine.size), self.quadratic
        if quadratic is None:
            self._frozen = lambda latent: linear(latent, plus=nothing)
            return
        offset = quadratic.offset()
        view = Assembled(quadratic.view(), self.linear.start.size, len(offset), offset)
        back = Assembled(quadratic.combine(), len(offset) // 2, self.fine.size, offset)

        def frozen(latent: Tensor) -> Tensor:
            left, right = view(latent, plus=offset).chunk(2, dim=1)
            return back(left * right, plus=linear(latent, plus=nothing))

        self._frozen = in_parts(frozen, len(offset))

    def _coefficients(self, latent: Tensor) -> Tensor:
        coefficients: Tensor = self.linear(latent)
        return coefficients if self.quadratic is None else coefficients + self.quadratic(latent)


class VectorDecoder(nn.Module):
    """Latent to fields, linear plus quadratic in twice as many principal modes as the latent has numbers."""

    def __init__(self, variables: int, space: VectorSpace, rank: int, grid: tuple[int, ...]) -> None:
        super().__init__()
        fine = VectorSpace(2 * space.size)
        self.linear = space.linear(fine).set_identity(1.0)
        self.quadratic = space.product(fine, rank, deviation=1e-2)
        self.register_buffer("mode", torch.zeros(fine.size, variables, *grid))
        self.register_buffer("mean", torch.zeros(variables, *grid))
        self.register_buffer("scale", torch.ones(fine.size))
        self.mode: Tensor
        self.mean: Tensor
        self.scale: Tensor

    @torch.no_grad()
    def fit(self, scale: Tensor, fields: Tensor) -> None:
        """Start as the inverse of an encoder that only projects on the leading modes of ``fields``."""
        self.quadratic.fit(scale)
        modes, deviation = principal_modes(fields, len(self.scale))
        self.mean.copy_(fields.mean(dim=0))
        self.mode[: len(modes)] = modes
        self.scale[: len(deviation)] = torch.maximum(deviation, SMALLEST_SCALE * deviation[0])

    def freeze(self) -> None:
        """Nothing is assembled: its maps are matrices."""

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, size)`` to normalised fields ``(batch, variable, *space)``."""
        coefficients = (self.linear(latent) + self.quadratic(latent)) * self.scale
        return (coefficients @ self.mode.flatten(1)).unflatten(1, self.mode.shape[1:]) + self.mean
