"""Fields to latent: a Fourier neural operator that corrects the fields before they are projected."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings
from sciwm.errors import InputError, Problem
from sciwm.model.neural_operator import Operator, Pointwise
from sciwm.model.spaces.dense import applied
from sciwm.model.spaces.fourier import along_axes, basis, by_wave_vector, joined, split, turns
from sciwm.model.spaces.spectral import SpectralSpace, wave_by_wave, wave_matrices
from sciwm.model.spaces.vector import VectorSpace
from sciwm.model.spaces.widened import SlavedModes

SMALLEST_SCALE = 1e-3
MOST_SNAPSHOTS = 1024
"""A decomposition of more would take longer than a training."""


class FourierGrids(nn.Module):
    """Fourier interpolation of fields to fixed grids, as one matrix along each axis."""

    def __init__(self) -> None:
        super().__init__()
        self._matrices: dict[tuple[int, int, int, torch.device], Tensor] = {}

    def coefficients(self, fields: Tensor, modes: Sequence[int]) -> Tensor:
        """``(..., *space)`` to the coefficients of the first ``modes`` wavenumbers, ``(..., *coefficients)``."""
        axes = zip(fields.shape[-len(modes) :], modes, strict=True)
        return along_axes(fields, [self._matrix(n, k, 0, fields.device) for n, k in axes])

    def resampled(self, fields: Tensor, modes: int, points: Sequence[int]) -> Tensor:
        """The first ``modes`` wavenumbers of fields on grids of so many ``points``."""
        axes = zip(fields.shape[-len(points) :], points, strict=True)
        return along_axes(fields, [self._matrix(n, min(modes, (n - 1) // 2), m, fields.device) for n, m in axes])

    def _matrix(self, start: int, modes: int, end: int, device: torch.device) -> Tensor:
        """From ``start`` points to ``modes`` wavenumbers, and from these to ``end`` points if that is not 0."""
        key = (start, modes, end, device)
        if key not in self._matrices:
            matrix = basis(modes, start).T / start
            self._matrices[key] = (matrix @ basis(modes, end) if end else matrix).to(device)
        return self._matrices[key]


class SpectralEncoder(nn.Module):
    """``z_k = F_k[ S u + P FNO(L u) ] / sigma_k`` for wavenumbers ``|k| <= K`` along each periodic axis.

    S acts pointwise, the operator on a grid of its own with twice the points that its modes need:
    that keeps its activations from aliasing, and makes the latent the same at any resolution. Before
    training the latent holds the fields' own Fourier coefficients, scaled to unit variance by the
    fixed ``sigma_k``; without layers of the operator it always does.

    Args:
        variables: number of fields V.
        settings: sizes of the operator.
        space: where the latents live.
        means: true where a latent holds the mean of a variable as it is, ``(channel, *coefficients)``.
        slaved_modes: so many wavenumbers more have the coordinates of actuators' shapes.

    Raises:
        InputError: if there are other channels than variables, and no operator to make them.
    """

    def __init__(
        self, variables: int, settings: EncoderSettings, space: SpectralSpace, means: Tensor, slaved_modes: int
    ) -> None:
        super().__init__()
        self.register_buffer("means", means, persistent=False)
        self.means: Tensor
        self.copied = [c % variables for c in range(space.channels)]
        of_variables = replace(space, channels=variables)
        self.space, self.shape_space = space, of_variables.with_modes(slaved_modes)
        self.of_shapes = SlavedModes(of_variables, self.shape_space)
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
        impulses = torch.zeros(variables + 1, variables, *grid)  # one for each variable, and nothing
        impulses.view(variables + 1, variables, -1)[range(variables), range(variables), 0] = float(math.prod(grid))
        self.register_buffer("impulses", self.grids.resampled(impulses, settings.modes, grid), persistent=False)
        self.impulses: Tensor
        self.register_buffer("turns", turns(self.corrected), persistent=False)
        self.turns: Tensor
        self.skip = Pointwise(variables, space.channels)
        nn.init.eye_(self.skip.weight.detach())
        if space.channels > variables:  # channels that copy no field begin as features of their own
            nn.init.normal_(self.operator.projection.weight.detach()[variables:], 0, settings.width**-0.5)

    def forward(self, fields: Tensor) -> Tensor:
        """Normalised fields ``(batch, V, *space)`` to latents ``(batch, size)``."""
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

    def _linear_correction(self, kept: Tensor) -> Tensor:
        """The same from coefficients alone: what one layer makes of every wave is told by its answer to an impulse."""
        asked, answers = (
            split(self.grids.coefficients(values, self.corrected), self.corrected)
            for values in (self.impulses[:1, :1], self.operator(self.impulses))
        )
        constant, waves = answers[-1:], [k + 1 for k in self.corrected]
        response = by_wave_vector(answers[:-1] - constant, len(waves)).unflatten(2, (self.space.channels, -1))
        multipliers = response.permute(3, 1, 2, 0) / by_wave_vector(asked, len(waves))[:, 0, 0]
        linear = wave_by_wave(wave_matrices(multipliers, self.turns), waves)

        def corrected(flat: Tensor) -> Tensor:
            coefficients = flat.unflatten(1, kept.shape[1:])
            return joined(linear(split(coefficients, self.corrected)), self.space.modes).flatten(1)

        correction = applied(corrected, kept.flatten(1), self.space.size).unflatten(1, self.scale.shape)
        return correction + joined(constant, self.space.modes)

    def metric(self, exponent: float) -> Tensor:
        """Weights ``m_k ~ sigma_k^(2 exponent)`` summing to one, ``(size,)``.

        With exponent 1 distances between latents are those between fields; with 0 every wavenumber
        counts the same, however little energy it has.
        """
        weights = self.scale.flatten() ** (2 * exponent)
        return weights / weights.sum()

    @torch.no_grad()
    def fit(self, fields: Tensor) -> None:
        """Set ``sigma_k`` to the deviation of each wave vector in ``fields``, at least 1e-3 of the largest."""
        variance = self._coefficients(fields).var(dim=0).flatten(1)
        for block in replace(self.space, channels=1).wavenumber_blocks():
            variance[:, block] = variance[:, block].mean(dim=1, keepdim=True)
        deviation = variance.sqrt()
        deviation = torch.maximum(deviation, SMALLEST_SCALE * deviation.amax(dim=1, keepdim=True))
        self.scale.copy_(deviation[self.copied].view_as(self.scale))

    @torch.no_grad()
    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """Normalised shapes of actuators ``(actuator, V, *space)`` in the units of the latent, by variable."""
        channels = [min(v, self.space.channels - 1) for v in range(shapes.shape[1])]
        scale = self.of_shapes.added(self.scale[channels].view(1, -1), fill=float(self.scale.min()))
        return self.grids.coefficients(shapes, self.shape_space.modes).flatten(1) / scale

    def _coefficients(self, values: Tensor) -> Tensor:
        """``(batch, channel, *space)`` to ``(batch, channel, *coefficients)``."""
        return self.grids.coefficients(values, self.space.modes)


class VectorEncoder(nn.Module):
    """``z_i = <phi_i, u + P FNO(L u)> / sigma_i`` on a bounded domain.

    The ``phi_i`` are the leading modes of the proper orthogonal decomposition of the training fields
    (Sirovich 1987, doi:10.1090/qam/910462), ``sigma_i`` their deviations: before training the latent
    is the best linear one. The operator sees the fields mirrored at the ends of every bounded axis,
    which makes them periodic and continuous.

    Args:
        variables: number of fields V.
        settings: sizes of the operator.
        space: where the latents live.
        grid: points along each axis.
        bounded: which axes are.
    """

    def __init__(
        self,
        variables: int,
        settings: EncoderSettings,
        space: VectorSpace,
        grid: Sequence[int],
        bounded: Sequence[bool],
    ) -> None:
        super().__init__()
        self.space, self.shape_space = space, space
        self.of_shapes = SlavedModes(space, space)
        self.mirrored = [2 + axis for axis, is_bounded in enumerate(bounded) if is_bounded]
        self.operator = Operator(variables, variables, settings, len(grid))
        self.register_buffer("mode", torch.zeros(space.size, variables, *grid))
        self.register_buffer("mean", torch.zeros(variables, *grid))
        self.register_buffer("scale", torch.ones(space.size))
        self.mode: Tensor
        self.mean: Tensor
        self.scale: Tensor

    def forward(self, fields: Tensor) -> Tensor:
        """Normalised fields ``(batch, V, *space)`` to latents ``(batch, size)``."""
        wide = fields
        for axis in self.mirrored:
            wide = torch.cat([wide, wide.flip(axis)], dim=axis)
        correction = self.operator(wide)[(..., *(slice(n) for n in fields.shape[2:]))]
        return self._coefficients(fields - self.mean + correction) / self.scale

    def metric(self, exponent: float) -> Tensor:
        """Weights ``m_i ~ sigma_i^(2 exponent)`` summing to one, ``(size,)``."""
        weights = self.scale ** (2 * exponent)
        return weights / weights.sum()

    @torch.no_grad()
    def fit(self, fields: Tensor) -> None:
        """Take modes and scales from ``fields`` ``(sample, V, *space)``.

        Raises:
            InputError: if the latent has more numbers than the fields have modes.
        """
        self.mean.copy_(fields.mean(dim=0))
        modes, deviation = principal_modes(fields, self.space.size)
        if len(modes) < self.space.size:
            expected = f"at most {len(modes)}, as many as {len(fields)} fields of {fields[0].numel()} values have modes"
            raise InputError([Problem("model.latent_size", expected, str(self.space.size), "lower it")])
        self.mode.copy_(modes)
        self.scale.copy_(torch.maximum(deviation, SMALLEST_SCALE * deviation[0]))

    @torch.no_grad()
    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """Normalised shapes of actuators ``(actuator, V, *space)`` in the units of the latent."""
        return self._coefficients(shapes) / self.scale

    def _coefficients(self, values: Tensor) -> Tensor:
        return values.flatten(1) @ self.mode.flatten(1).T


def principal_modes(fields: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Orthonormal modes ``(count, V, *space)`` that hold the most variance, and the deviation of each.

    Of many fields, at most ``MOST_SNAPSHOTS`` or four for each mode, spread evenly over all, are taken; there may
    be fewer modes than asked for.
    """
    stride = -(-len(fields) // max(MOST_SNAPSHOTS, 4 * count))
    flat = (fields - fields.mean(dim=0))[::stride].flatten(1).double()
    count = min(count, *flat.shape)
    _, singular, rows = torch.linalg.svd(flat, full_matrices=False)
    modes = rows[:count].unflatten(1, fields.shape[1:]).to(fields)
    return modes, (singular[:count] / max(len(flat) - 1, 1) ** 0.5).to(fields)
