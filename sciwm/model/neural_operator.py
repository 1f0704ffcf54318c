"""A Fourier neural operator that commutes with translation and is quick for the few modes that it keeps."""

import math
import warnings

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings

with warnings.catch_warnings():  # importing it warns about optional packages
    warnings.simplefilter("ignore")
    from neuralop.layers.fno_block import FNOBlocks
    from neuralop.layers.spectral_convolution import SpectralConv


class TruncatedConv(SpectralConv):  # type: ignore[misc]  # neuralop has no type hints
    """``SpectralConv`` with its transforms as matrix products over the kept modes, one along each axis.

    It gives the same values from the same weights. Fast transforms compute all modes, and their backward pass uses
    complex numbers, which takes several times as long on a CPU.
    """

    def forward(self, x: Tensor, output_shape: tuple[int, ...] | None = None) -> Tensor:
        """Apply the convolution to ``(batch, channel, *space)``, on a grid that resolves the modes.

        Raises:
            ValueError: If another output grid is asked for.
        """
        if output_shape not in (None, tuple(x.shape[2:])):
            raise ValueError(f"Expected no other grid than {tuple(x.shape[2:])}, got {output_shape}.")
        *full, half = self.n_modes  # along the last axis the modes 0 .. half - 1, along others -n/2 .. n/2 - 1
        points = x.shape[2:]
        analysis, synthesis = self._of_real(points[-1], half, x)
        x_hat = torch.view_as_complex((x @ analysis).unflatten(-1, (half, 2)))
        for axis, n in enumerate(full, start=2):
            x_hat = _along(axis, x_hat, self._of_complex(points[axis - 2], n, x).conj().T / points[axis - 2])
        x_hat = self._contract(x_hat, self.weight, separable=self.separable)
        for axis, n in enumerate(full, start=2):
            x_hat = _along(axis, x_hat, self._of_complex(points[axis - 2], n, x))
        y = torch.view_as_real(x_hat).flatten(-2) @ synthesis
        return y if self.bias is None else y + self.bias

    def _of_real(self, points: int, modes: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Matrices to real and imaginary parts in turn, ``(points, 2 modes)``, and back."""
        waves = torch.arange(modes, dtype=torch.float64, device=like.device)
        angle = torch.outer(_phases(points, like), waves)
        analysis = torch.stack([angle.cos(), -angle.sin()], dim=2) / points
        twice = torch.where((waves > 0) & (2 * waves < points), 2.0, 1.0)  # negative wavenumbers are conjugates
        synthesis = torch.stack([angle.cos() * twice, -angle.sin() * twice], dim=2)
        return analysis.flatten(1).to(like.dtype), synthesis.flatten(1).T.to(like.dtype)

    def _of_complex(self, points: int, modes: int, like: Tensor) -> Tensor:
        """The matrix from the modes ``-modes / 2 ..`` to the grid, ``(modes, points)``."""
        waves = torch.arange(-(modes // 2), modes - modes // 2, dtype=torch.float64, device=like.device)
        angle = torch.outer(waves, _phases(points, like))
        return torch.polar(torch.ones_like(angle), angle).to(like.dtype.to_complex())


def _phases(points: int, like: Tensor) -> Tensor:
    """The phase of the first wave at each point, in single precision whatever torch's default is."""
    return torch.arange(points, dtype=torch.float32, device=like.device) * (2 * math.pi / points)


def _along(axis: int, values: Tensor, matrix: Tensor) -> Tensor:
    """Multiply one axis by a matrix from the right."""
    return (values.transpose(axis, -1) @ matrix).transpose(axis, -1)


class Pointwise(nn.Module):
    """A matrix on the channels at every point; on a CPU five times as fast as a convolution of width one."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = False) -> None:
        super().__init__()
        layer = nn.Linear(inputs, outputs, bias=bias)  # only for its initial weights
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, fields: Tensor) -> Tensor:
        """``(batch, inputs, *space) -> (batch, outputs, *space)``."""
        mapped = torch.einsum("oi,bix->box", self.weight, fields.flatten(2)).unflatten(2, fields.shape[2:])
        return mapped if self.bias is None else mapped + self.bias.view(-1, *(1 for _ in fields.shape[2:]))


class Operator(nn.Module):
    """``P FNO(L u)``: a Fourier neural operator (Li et al. 2021, arXiv:2010.08895) between pointwise L and P.

    It has no positional embedding, padding or normalisation, so that it commutes with translation and gives the same
    at any resolution. P starts at zero.

    Args:
        inputs: The number of channels before L.
        outputs: The number of channels after P.
        settings: Width, layers and modes.
        dimensions: The number of space dimensions.
    """

    def __init__(self, inputs: int, outputs: int, settings: EncoderSettings, dimensions: int) -> None:
        super().__init__()
        self.lifting = Pointwise(inputs, settings.width, bias=True)
        self.blocks = FNOBlocks(
            settings.width,
            settings.width,
            n_modes=(2 * settings.modes,) * dimensions,
            n_layers=settings.layers,
            use_channel_mlp=False,
            conv_module=TruncatedConv,
        )
        self.blocks.fno_skips = nn.ModuleList(Pointwise(settings.width, settings.width) for _ in range(settings.layers))
        self.layers = settings.layers
        self.projection = Pointwise(settings.width, outputs)
        nn.init.zeros_(self.projection.weight)

    def forward(self, fields: Tensor) -> Tensor:
        """``(batch, inputs, *space) -> (batch, outputs, *space)``."""
        hidden = self.lifting(fields)
        for layer in range(self.layers):
            hidden = self.blocks(hidden, layer)
        projected: Tensor = self.projection(hidden)
        return projected
