"""A world model without a latent: its state is the normalised fields, advanced by a Fourier neural operator (FNO).

This field-space surrogate is the baseline that a latent must beat.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings
from sciwm.data import Axis
from sciwm.model.encoder import Encoder
from sciwm.model.neural_operator import Operator
from sciwm.model.spaces import VectorSpace, Widening


class FieldEncoder(Encoder):
    """The identity: states are the normalised fields, flattened."""

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
        """Equal weights, as every point counts the same."""
        return self.scale / self.scale.numel()

    def fit(self, fields: Tensor, weights: Tensor | None = None) -> None:
        """Do nothing, as there is nothing to measure."""

    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """The normalised shapes of the actuators, flattened."""
        return shapes.flatten(1)

    @classmethod
    def operator_points(cls, settings: EncoderSettings, axes: Sequence[Axis]) -> int:
        """The points of the data's grid, on which the operator advances the fields, mirrored at walls."""
        return math.prod(axis.num_points * (1 if axis.periodic else 2) for axis in axes)

    @classmethod
    def operator_instants(cls, steps: int) -> int:
        """The number of instants that are advanced, ``steps``."""
        return steps


class FieldDecoder(nn.Module):
    """The identity: fields are the states, unflattened."""

    def __init__(self, variables: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.shape = (variables, *grid)

    def fit(self, scale: Tensor, fields: Tensor, weights: Tensor | None = None) -> None:
        """Do nothing, as there is nothing to measure."""

    def freeze(self) -> None:
        """Do nothing, as there are no maps to assemble."""

    def forward(self, state: Tensor) -> Tensor:
        """Map states ``(batch, size)`` to normalised fields ``(batch, V, *space)``."""
        return state.unflatten(1, self.shape)


class FieldPredictor(nn.Module):
    """``u+ = u + P FNO(L [u, f + g])``, where the forcing field f and a steady forcing g enter as further channels.

    The operator acts on fields that are mirrored at the ends of every bounded axis, as in a vector encoder.

    Args:
        variables: The number of fields V.
        settings: The sizes of the operator.
        grid: The number of points along each axis.
        unknown_shapes: The number of actions whose shapes are learned; 0 where the data hold them.
        steady_forcing: Whether g varies along each axis; g is learned, and zero where it varies along none.
        bounded: Whether each axis lies between walls.
    """

    def __init__(
        self,
        variables: int,
        settings: EncoderSettings,
        grid: Sequence[int],
        *,
        unknown_shapes: int,
        steady_forcing: Sequence[bool],
        bounded: Sequence[bool],
    ) -> None:
        super().__init__()
        self.shape = (variables, *grid)
        self.mirrored = [2 + axis for axis, is_bounded in enumerate(bounded) if is_bounded]
        self.operator = Operator(2 * variables, variables, settings, len(grid))
        size = variables * math.prod(grid)
        self.forcing = nn.Parameter(torch.randn(unknown_shapes, size) * 0.1)
        varying = [n if varies else 1 for n, varies in zip(grid, steady_forcing, strict=True)]
        self.steady = nn.Parameter(torch.zeros(variables, *varying), requires_grad=any(steady_forcing))

    def fit(self, scale: Tensor, latents: Tensor) -> None:
        """Do nothing, as the operator has no scales."""

    @torch.no_grad()
    def set_forcing(self, forcing: Tensor) -> None:
        """Start unknown shapes from what actions add to the fields over one interval, ``(actuator, size)``.

        Their root mean square is scaled to one.
        """
        self.forcing.copy_(forcing / forcing.square().mean().sqrt().clamp(min=1e-12))

    def quick_part(self) -> list[nn.Parameter]:
        """None, as it does not start from a linear step."""
        return []

    def actuation(self, shapes: Tensor | None) -> Tensor:
        """The fields that scaled actions multiply, ``(actuator, size)``."""
        return self.forcing if shapes is None else shapes

    def stepper(self, shapes: Tensor | None) -> Callable[[Tensor, Tensor], Tensor]:
        """The step over one control interval.

        Args:
            shapes: The flattened shapes of the actuators, ``(actuator, size)``, if known.
        """
        return partial(self._step, self.actuation(shapes), self.steady.expand(self.shape).flatten())

    def _step(self, forcing: Tensor, steady: Tensor, state: Tensor, action: Tensor) -> Tensor:
        held = torch.addmm(steady, action, forcing).unflatten(1, self.shape)
        wide = torch.cat([state.unflatten(1, self.shape), held], dim=1)
        for axis in self.mirrored:
            wide = torch.cat([wide, wide.flip(axis)], dim=axis)
        change = self.operator(wide)[(..., *(slice(n) for n in self.shape[1:]))]
        return state + change.flatten(1)
