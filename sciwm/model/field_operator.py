"""A world model without a latent: its state is the normalised fields, advanced by a Fourier neural operator.

The field-space surrogate that everybody builds first, and what a latent has to be better than.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings
from sciwm.data import Axis
from sciwm.model.encoder import Encoder
from sciwm.model.neural_operator import Operator
from sciwm.model.spaces import VectorSpace, Widening


class FieldEncoder(Encoder):
    """The identity, flattened."""

    def __init__(self, variables: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.space = self.shape_space = VectorSpace(variables * math.prod(grid))
        self.of_shapes = Widening(self.space, self.space)
        self.register_buffer("scale", torch.ones(self.space.size))
        self.scale: Tensor

    def forward(self, fields: Tensor) -> Tensor:
        """Normalised fields ``(batch, V, *space)`` to states ``(batch, size)``."""
        return fields.flatten(1)

    def metric(self, exponent: float) -> Tensor:
        """Every point counts the same."""
        return self.scale / self.scale.numel()

    def fit(self, fields: Tensor) -> None:
        """Nothing is measured."""

    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """Normalised shapes of actuators, flattened."""
        return shapes.flatten(1)

    @classmethod
    def operator_points(cls, settings: EncoderSettings, axes: Sequence[Axis]) -> int:
        """The grid of the data, on which the operator advances the fields."""
        return math.prod(axis.num_points for axis in axes)

    @classmethod
    def operator_instants(cls, steps: int) -> int:
        """Those that are advanced."""
        return steps


class FieldDecoder(nn.Module):
    """The identity, unflattened."""

    def __init__(self, variables: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.shape = (variables, *grid)

    def fit(self, scale: Tensor, fields: Tensor) -> None:
        """Nothing is measured."""

    def freeze(self) -> None:
        """Nothing is assembled."""

    def forward(self, state: Tensor) -> Tensor:
        """``(batch, size)`` to normalised fields ``(batch, V, *space)``."""
        return state.unflatten(1, self.shape)


class FieldPredictor(nn.Module):
    """``u+ = u + P FNO(L [u, f + g])`` with forcing field f, and steady one g if asked for, as further channels.

    Args:
        variables: number of fields V.
        settings: sizes of the operator.
        grid: points along each axis.
        unknown_shapes: number of actions whose shapes are learned, zero where they are known.
        steady_forcing: whether there is a ``g``, learned, that varies along each axis; along none there is none.
    """

    def __init__(
        self,
        variables: int,
        settings: EncoderSettings,
        grid: Sequence[int],
        *,
        unknown_shapes: int,
        steady_forcing: Sequence[bool],
    ) -> None:
        super().__init__()
        self.shape = (variables, *grid)
        self.operator = Operator(2 * variables, variables, settings, len(grid))
        size = variables * math.prod(grid)
        self.forcing = nn.Parameter(torch.randn(unknown_shapes, size) * 0.1)
        varying = [n if varies else 1 for n, varies in zip(grid, steady_forcing, strict=True)]
        self.steady = nn.Parameter(torch.zeros(variables, *varying), requires_grad=any(steady_forcing))

    def fit(self, scale: Tensor, latents: Tensor) -> None:
        """Nothing here depends on scales."""

    @torch.no_grad()
    def set_forcing(self, forcing: Tensor) -> None:
        """Start from shapes like what actions add to the fields over one interval, ``(actuator, size)``."""
        self.forcing.copy_(forcing / forcing.square().mean().sqrt().clamp(min=1e-12))

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """Fields that scaled actions stand for, ``(actuator, size)``."""
        return self.forcing if shapes is None else shapes

    def stepper(self, shapes: Tensor | None) -> Callable[[Tensor, Tensor], Tensor]:
        """One control interval; ``shapes`` are those of the actuators, flattened, if known."""
        forcing = self.actuation(shapes)
        steady = self.steady.expand(self.shape).flatten()

        def step(state: Tensor, action: Tensor) -> Tensor:
            held = torch.addmm(steady, action, forcing).unflatten(1, self.shape)
            change = self.operator(torch.cat([state.unflatten(1, self.shape), held], dim=1))
            return state + change.flatten(1)

        return step
