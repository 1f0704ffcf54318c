"""Latent and action to the next latent: a learned exponential integrator of a learned tendency."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sciwm.config import ModelSettings
from sciwm.model.spectral import SpectralLinear, SpectralProduct, size

Step = Callable[[Tensor, Tensor], Tensor]
"""``step(z, a)``: one control interval, latents ``(batch, size)``, actions ``(batch, actuator)`` in [-1, 1]."""


class Predictor(nn.Module):
    """``z' = l z + N(z, a)``, over one interval in S equal substeps of a two-stage exponential scheme:

        y  = E z + N(z, a)
        z <- y + R (N(y, a) - N(z, a))

    as ETD2RK (Cox & Matthews 2002, eq. 22), but with every coefficient learned: E, R and the factors
    of N are per-wavenumber matrices that commute with translation. The tendency is quadratic, as
    transport is in every conservation law, and affine in the action:

        N(z, a) = sum_r W_r [ (U_r (z + H a)) (V_r z) ] + G a            action_path = affine
        N(z, a) = sum_r W_r [ (U_r z) (V_r z) ] + G a                    action_path = additive
        N(z, a) = sum_r W_r [ (U_r (z + H a)) (V_r (z + H a)) ] + G a    action_path = general

    Args:
        settings: sizes.
        actuators: number of actions.
    """

    def __init__(self, settings: ModelSettings, actuators: int) -> None:
        super().__init__()
        channels, modes = settings.latent_channels, settings.latent_modes
        self.substeps = settings.predictor.substeps
        self.action_path = settings.predictor.action_path
        self.tendency = SpectralProduct(channels, channels, modes, modes, settings.predictor.rank, gain=0.1)
        self.decay = SpectralLinear(channels, channels, modes, modes).set_identity(1.0)
        self.correction = SpectralLinear(channels, channels, modes, modes).set_identity(0.5)
        latent = channels * size(modes)
        self.forcing = nn.Parameter(torch.randn(actuators, latent) * 0.01)  # G
        self.modulation = nn.Parameter(torch.zeros(actuators, latent))  # H
        self.modulation.requires_grad_(self.action_path != "additive")

    def stepper(self) -> Step:
        """Assemble the matrices once, for a whole rollout."""
        view, offset, back = self.tendency.matrices()
        decay, correction = self.decay.matrix(), self.correction.matrix()
        acted = self.modulation @ view  # what H a adds to the factors
        if self.action_path == "affine":
            acted = torch.cat([acted.chunk(2, dim=1)[0], torch.zeros_like(acted.chunk(2, dim=1)[1])], dim=1)

        def step(z: Tensor, action: Tensor) -> Tensor:
            forcing = action @ self.forcing
            factor_offset = offset if self.action_path == "additive" else torch.addmm(offset, action, acted)

            def tendency(z: Tensor) -> Tensor:
                left, right = torch.addmm(factor_offset, z, view).chunk(2, dim=1)
                return torch.addmm(forcing, left * right, back)

            for _ in range(self.substeps):
                n_z = tendency(z)
                y = torch.addmm(n_z, z, decay)
                z = torch.addmm(y, tendency(y) - n_z, correction)
            return z

        return step
