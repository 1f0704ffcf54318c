"""The encoder of periodic domains: truncated Fourier coefficients, corrected by a Fourier neural operator."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings
from sciwm.data import Axis
from sciwm.errors import InputError, Problem
from sciwm.model.encoder import SMALLEST_SCALE, Encoder
from sciwm.model.fourier_grids import FourierGrids
from sciwm.model.neural_operator import Operator, Pointwise
from sciwm.model.spaces import SpectralSpace, Widening
from sciwm.model.spaces.dense import applied
from sciwm.model.spaces.fourier import by_wave_vector, joined, split, turns
from sciwm.model.spaces.spectral import wave_by_wave, wave_matrices


class SpectralEncoder(Encoder):
    """``z_k = F_k[ S u + P FNO(L u) ] / sigma_k`` for wavenumbers ``|k| <= K`` along each periodic axis.

    S acts pointwise. The operator acts on a grid of its own with twice the points that its modes need, so that its
    activations do not alias and the latent does not depend on the resolution of the fields. Before training P is zero:
    the latent holds the Fourier coefficients of the fields, divided by their fixed standard deviations ``sigma_k``.
    Without layers of the operator it always does.

    Args:
        variables: The number of fields V.
        settings: The sizes of the operator.
        space: The space of the latents.
        means: True where a latent holds the mean of a variable unchanged, ``(channel, *coefficients)``.
        slaved_modes: The number of wavenumbers by which the coordinates of actuators' shapes exceed the latent's.

    Raises:
        InputError: If the numbers of channels and variables differ, and there is no operator.
    """

    space: SpectralSpace
    shape_space: SpectralSpace

    def __init__(
        self, variables: int, settings: EncoderSettings, space: SpectralSpace, means: Tensor, slaved_modes: int
    ) -> None:
        super().__init__()
        self.register_buffer("means", means, persistent=False)
        self.means: Tensor
        self.copied = [c % variables for c in range(space.channels)]
        of_variables = replace(space, channels=variables)
        self.space, self.shape_space = space, of_variables.with_modes(slaved_modes)
        self.of_shapes = Widening(of_variables, self.shape_space)
        self.register_buffer("scale", torch.ones(space.channels, *space.shape))
        self.scale: Tensor
        self.grids = FourierGrids()
        self.fixed = settings.layers == 0
        if self.fixed:
            if space.channels != variables:
                expected = f"{variables}, as many as variables, without layers of the encoder"
                raise InputError([Problem("model.latent_channels", expected, str(space.channels))])
            return
        self.operator = Operator(variables, space.channels, settings, len(space.modes))
        self.operator_modes = settings.modes
        self.corrected = [min(k, settings.modes) for k in space.modes]
        grid = [4 * settings.modes for _ in space.modes]
        impulses = torch.zeros(variables + 1, variables, *grid)  # one for each variable, and zero fields
        impulses.view(variables + 1, variables, -1)[range(variables), range(variables), 0] = float(math.prod(grid))
        self.register_buffer("impulses", self.grids.resampled(impulses, settings.modes, grid), persistent=False)
        self.impulses: Tensor
        self.register_buffer("turns", turns(self.corrected), persistent=False)
        self.turns: Tensor
        self.skip = Pointwise(variables, space.channels)
        nn.init.eye_(self.skip.weight.detach())
        if space.channels > variables:  # channels beyond the variables start as random features
            nn.init.normal_(self.operator.projection.weight.detach()[variables:], 0, settings.width**-0.5)

    def forward(self, fields: Tensor) -> Tensor:
        """Map normalised fields ``(batch, V, *space)`` to latents ``(batch, size)``."""
        if self.fixed:
            return (self._coefficients(fields) / self.scale).flatten(1)
        kept = self._coefficients(fields)
        if self.operator.layers == 1:
            correction = self._linear_correction(kept)
        else:
            seen = self.grids.resampled(fields, self.operator_modes, self.impulses.shape[2:])
            correction = self._coefficients(self.operator(seen))
        coefficients = torch.where(self.means, kept[:, self.copied], self.skip(kept) + correction)
        return (coefficients / self.scale).flatten(1)

    @property
    def conserved(self) -> Tensor:
        """Where the latent holds conserved means: true there, ``(size,)``."""
        return self.means.flatten()

    def supply(self, shapes: Tensor) -> Tensor:
        """The means of the shapes. Channels beyond the variables copy none and get nothing."""
        forcing = self.of_shapes.narrowed(shapes)[:, : self.space.size]
        forcing = nn.functional.pad(forcing, (0, self.space.size - forcing.shape[1]))
        return torch.where(self.conserved, forcing, torch.zeros(()))

    @property
    def sees_any_grid(self) -> bool:
        """Always true: fields are truncated to the latent's wavenumbers first."""
        return True

    def fewest_points(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """The fewest points along each axis that resolve the latent's wavenumbers, ``2 K + 2``."""
        return tuple(2 * k + 2 for k in self.space.modes)

    @classmethod
    def operator_points(cls, settings: EncoderSettings, axes: Sequence[Axis]) -> int:
        """The points of the operator's own grid; 0 for a single layer, which is applied by its transfer function."""
        return (4 * settings.modes) ** len(axes) if settings.layers > 1 else 0

    def _linear_correction(self, kept: Tensor) -> Tensor:
        """The correction by a single layer, from Fourier coefficients alone.

        A single layer is linear and commutes with translation, so that its impulse response gives its transfer
        function.
        """
        impulse, responses = (
            split(self.grids.coefficients(values, self.corrected), self.corrected)
            for values in (self.impulses[:1, :1], self.operator(self.impulses))
        )
        constant, waves = responses[-1:], [k + 1 for k in self.corrected]
        response = by_wave_vector(responses[:-1] - constant, len(waves)).unflatten(2, (self.space.channels, -1))
        multipliers = response.permute(3, 1, 2, 0) / by_wave_vector(impulse, len(waves))[:, 0, 0]
        linear = wave_by_wave(wave_matrices(multipliers, self.turns), waves)

        def corrected(flat: Tensor) -> Tensor:
            coefficients = flat.unflatten(1, kept.shape[1:])
            return joined(linear(split(coefficients, self.corrected)), self.space.modes).flatten(1)

        correction = applied(corrected, kept.flatten(1), self.space.size).unflatten(1, self.scale.shape)
        return correction + joined(constant, self.space.modes)

    def metric(self, exponent: float) -> Tensor:
        """Weights ``m_k ~ sigma_k^(2 exponent)``, summing to one."""
        weights = self.scale.flatten() ** (2 * exponent)
        return weights / weights.sum()

    @torch.no_grad()
    def fit(self, fields: Tensor, weights: Tensor | None = None) -> None:
        """Set ``sigma_k`` to the standard deviation of each wave vector in ``fields``, at least 1e-3 of the largest.

        Variables that do not vary have those of the others.
        """
        variance = self._coefficients(fields).var(dim=0).flatten(1)
        for block in replace(self.space, channels=1).wavenumber_blocks():
            variance[:, block] = variance[:, block].mean(dim=1, keepdim=True)
        deviation = variance.sqrt()
        varies = deviation.amax(dim=1) > 0
        deviation[~varies] = deviation[varies].mean(dim=0)
        deviation = torch.maximum(deviation, SMALLEST_SCALE * deviation.amax(dim=1, keepdim=True))
        self.scale.copy_(deviation[self.copied].view_as(self.scale))

    @torch.no_grad()
    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """The coordinates of normalised shapes ``(actuator, V, *space)`` in ``shape_space``, scaled as the latent."""
        channels = [min(v, self.space.channels - 1) for v in range(shapes.shape[1])]
        scale = self.of_shapes.widened(self.scale[channels].view(1, -1), fill=float(self.scale.min()))
        return self.grids.coefficients(shapes, self.shape_space.modes).flatten(1) / scale

    def _coefficients(self, values: Tensor) -> Tensor:
        """Map ``(batch, channel, *space)`` to ``(batch, channel, *coefficients)``."""
        return self.grids.coefficients(values, self.space.modes)
