"""Fields to latent: a Fourier neural operator that ends in truncated Fourier coefficients."""

import warnings

import torch
from torch import Tensor, nn

from sciwm.config import ModelSettings
from sciwm.model.spectral import basis

with warnings.catch_warnings():  # its import warns about optional packages
    warnings.simplefilter("ignore")
    from neuralop.layers.fno_block import FNOBlocks


class Encoder(nn.Module):
    """``z_k = F_k[ S u + P FNO(L u) ] / sigma_k`` for wavenumbers ``|k| <= K``.

    S, L, P act pointwise (skip, lifting, projection); the FNO (Li et al. 2021, arXiv:2010.08895)
    has no positional embedding, padding or normalisation, so the map commutes with translation and
    gives the same latent at any resolution. P starts at zero: before training the latent holds the
    fields' own Fourier coefficients, scaled to unit variance by the fixed ``sigma_k``.

    Args:
        variables: number of fields V.
        settings: sizes.
    """

    def __init__(self, variables: int, settings: ModelSettings) -> None:
        super().__init__()
        fno = settings.encoder
        self.modes = settings.latent_modes
        self.lifting = nn.Conv1d(variables, fno.width, 1)
        self.blocks = FNOBlocks(
            fno.width, fno.width, n_modes=(2 * fno.modes,), n_layers=fno.layers, use_channel_mlp=False
        )
        self.layers = fno.layers
        self.projection = nn.Conv1d(fno.width, settings.latent_channels, 1, bias=False)
        self.skip = nn.Conv1d(variables, settings.latent_channels, 1, bias=False)
        nn.init.zeros_(self.projection.weight)
        nn.init.eye_(self.skip.weight[:, :, 0].detach())
        self.register_buffer("scale", torch.ones(settings.latent_channels, 2 * self.modes + 1))
        self.scale: Tensor
        self._bases: dict[tuple[int, torch.device], Tensor] = {}

    def forward(self, fields: Tensor) -> Tensor:
        """Normalised fields ``(batch, V, x)`` to latents ``(batch, C (2 K + 1))``."""
        hidden = self.lifting(fields)
        for layer in range(self.layers):
            hidden = self.blocks(hidden, layer)
        return (self._coefficients(self.skip(fields) + self.projection(hidden)) / self.scale).flatten(1)

    def metric(self, exponent: float) -> Tensor:
        """Weights ``m_k ~ sigma_k^(2 exponent)`` summing to one, ``(C (2 K + 1),)``.

        With exponent 1 distances between latents are those between fields; with 0 every wavenumber
        counts the same, however little energy it has.
        """
        weights = self.scale.flatten() ** (2 * exponent)
        return weights / weights.sum()

    @torch.no_grad()
    def fit_scale(self, fields: Tensor) -> None:
        """Set ``sigma_k`` to the deviation of each wavenumber in ``fields``, at least 1e-3 of the largest."""
        variance = self._coefficients(self.skip(fields)).var(dim=0)
        mean, cos, sin = variance.split([1, self.modes, self.modes], dim=-1)
        deviation = torch.cat([mean, (cos + sin) / 2], dim=-1).sqrt()
        deviation = torch.maximum(deviation, 1e-3 * deviation.amax(dim=-1, keepdim=True))
        self.scale.copy_(torch.cat([deviation, deviation[:, 1:]], dim=-1))

    def _coefficients(self, values: Tensor) -> Tensor:
        points = values.shape[-1]
        key = (points, values.device)
        if key not in self._bases:
            self._bases[key] = (basis(self.modes, points).T / points).to(values.device)
        return values @ self._bases[key]
