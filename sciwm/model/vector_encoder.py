"""The encoder of bounded domains: principal components of the fields, corrected by a Fourier neural operator."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sciwm.config import EncoderSettings
from sciwm.data import Axis
from sciwm.errors import InputError, Problem
from sciwm.model.encoder import SMALLEST_SCALE, Encoder
from sciwm.model.neural_operator import Operator
from sciwm.model.principal_modes import principal_modes
from sciwm.model.spaces import VectorSpace, Widening


class VectorEncoder(Encoder):
    """``z_i = <phi_i, u + P FNO(L u)> / sigma_i`` on a bounded domain.

    The ``phi_i`` are the leading principal components of the training fields (proper orthogonal decomposition, Sirovich
    1987, doi:10.1090/qam/910462), the ``sigma_i`` their standard deviations. Before training P is zero, so that the
    latent is the best linear one; without layers it stays that. The operator acts on the fields mirrored at the ends of
    every bounded axis, which makes them periodic and continuous. The product < , > may weigh points and variables.

    Args:
        variables: The number of fields V.
        settings: The sizes of the operator.
        space: The space of the latents. 14 numbers suit viscous Burgers flow between walls; see ``model.latent_size``.
        grid: The number of points along each axis.
        bounded: Whether each axis lies between walls.
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
        self.of_shapes = Widening(space, space)
        self.mirrored = [2 + axis for axis, is_bounded in enumerate(bounded) if is_bounded]
        self.operator = Operator(variables, variables, settings, len(grid)) if settings.layers else None
        self.register_buffer("mode", torch.zeros(space.size, variables, *grid))
        self.register_buffer("mean", torch.zeros(variables, *grid))
        self.register_buffer("scale", torch.ones(space.size))
        self.mode: Tensor
        self.mean: Tensor
        self.scale: Tensor

    def forward(self, fields: Tensor) -> Tensor:
        """Map normalised fields ``(batch, V, *space)`` to latents ``(batch, size)``."""
        if self.operator is None:
            return self._coefficients(fields - self.mean) / self.scale
        wide = fields
        for axis in self.mirrored:
            wide = torch.cat([wide, wide.flip(axis)], dim=axis)
        correction = self.operator(wide)[(..., *(slice(n) for n in fields.shape[2:]))]
        return self._coefficients(fields - self.mean + correction) / self.scale

    def metric(self, exponent: float) -> Tensor:
        """Weights ``m_i ~ sigma_i^(2 exponent)``, summing to one."""
        weights = self.scale ** (2 * exponent)
        return weights / weights.sum()

    @torch.no_grad()
    def fit(self, fields: Tensor, weights: Tensor | None = None) -> None:
        """Take modes and scales from normalised fields ``(sample, V, *space)``, and what points count in products.

        Raises:
            InputError: If the latent has more numbers than the fields have modes.
        """
        self.mean.copy_(fields.mean(dim=0))
        modes, deviation = principal_modes(fields, self.space.size, weights)
        if len(modes) < self.space.size:
            expected = f"at most {len(modes)}, as many as {len(fields)} fields of {fields[0].numel()} values have modes"
            raise InputError([Problem("model.latent_size", expected, str(self.space.size), "lower it")])
        self.mode.copy_(modes if weights is None else modes * weights)
        self.scale.copy_(torch.maximum(deviation, SMALLEST_SCALE * deviation[0]))

    @torch.no_grad()
    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """The coordinates of normalised shapes ``(actuator, V, *space)`` in the latent, ``(actuator, size)``."""
        return self._coefficients(shapes) / self.scale

    @classmethod
    def operator_points(cls, settings: EncoderSettings, axes: Sequence[Axis]) -> int:
        """The points of the data's grid, mirrored at walls."""
        return math.prod(axis.num_points * (1 if axis.periodic else 2) for axis in axes)

    def _coefficients(self, values: Tensor) -> Tensor:
        return values.flatten(1) @ self.mode.flatten(1).T
