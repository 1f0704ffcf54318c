"""Latent to what people want: functionals, fluxes of their budgets, and fields."""

import torch
from torch import Tensor, nn

from sciwm.config import ModelSettings
from sciwm.model.spectral import SpectralLinear, SpectralProduct, basis, size


class FunctionalHead(nn.Module):
    """Spatial means of local densities of one or several latents: linear plus quadratic, translation invariant.

    Args:
        latents: how many latents are read together (2 for a quantity averaged between two instants).
        outputs: number of functionals.
    """

    def __init__(self, settings: ModelSettings, latents: int, outputs: int) -> None:
        super().__init__()
        channels = latents * settings.latent_channels
        self.mean = SpectralLinear(channels, outputs, settings.latent_modes, 0)
        self.density = SpectralProduct(channels, outputs, settings.latent_modes, 0, settings.head_rank, gain=0.1)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, *latents: Tensor) -> Tensor:
        """Latents ``(batch, size)`` to normalised functionals ``(batch, outputs)``."""
        together = torch.cat(latents, dim=1)
        return self.mean(together) + self.density(together) + self.bias


class BudgetHeads(nn.Module):
    """What a functional Q is and what feeds it over one interval: ``Q``, ``S`` and ``y_j``.

        Q(z+) - Q(z) = interval ( S(z, z+) + sum_j a_j y_j(z, z+) )

    S and y are averages over the interval, hence read from both its ends. The work of the actuators
    is bilinear and known, so only y is learned, linearly.

    Args:
        functionals: number of functionals.
        actuators: number of actions.
    """

    def __init__(self, settings: ModelSettings, functionals: int, actuators: int) -> None:
        super().__init__()
        latent = settings.latent_channels * size(settings.latent_modes)
        self.shape = (functionals, actuators)
        self.value = FunctionalHead(settings, latents=1, outputs=functionals)
        self.source = FunctionalHead(settings, latents=2, outputs=functionals)
        self.output = nn.Parameter(torch.zeros(2 * latent, functionals * actuators))
        self.output_bias = nn.Parameter(torch.zeros(functionals * actuators))

    def fluxes(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised ``S`` ``(batch, functional)`` and ``y`` ``(batch, functional, actuator)``."""
        output = torch.addmm(self.output_bias, torch.cat([before, after], dim=1), self.output)
        return self.source(before, after), output.unflatten(1, self.shape)


class Decoder(nn.Module):
    """Latent to fields, linear plus quadratic; trained on detached latents, so it never shapes them."""

    def __init__(self, variables: int, settings: ModelSettings, num_points: int) -> None:
        super().__init__()
        channels, modes = settings.latent_channels, settings.latent_modes
        modes_out = min(2 * modes, num_points // 2 - 1)
        self.num_points = num_points
        self.shape = (variables, size(modes_out))
        self.linear = SpectralLinear(channels, variables, modes, modes_out).set_identity(1.0)
        self.quadratic = SpectralProduct(channels, variables, modes, modes_out, settings.decoder_rank, gain=1e-2)
        self.register_buffer("to_grid", basis(modes_out, num_points), persistent=False)
        self.to_grid: Tensor

    @torch.no_grad()
    def fit_scale(self, scale: Tensor) -> None:
        """Start as the inverse of an encoder that only divides by ``scale`` ``(channel, 2 K + 1)``."""
        modes = self.linear.scale.shape[-1]
        channels = range(min(self.linear.scale.shape[:2]))
        self.linear.scale[channels, channels] = scale[: len(channels), :modes]

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, size)`` to normalised fields ``(batch, variable, x)``."""
        coefficients = self.linear(latent) + self.quadratic(latent)
        return coefficients.unflatten(1, self.shape) @ self.to_grid
