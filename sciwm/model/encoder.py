"""The interface of encoders, for the world model, its objective and its evaluation."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings
from sciwm.data import Axis
from sciwm.model.spaces import LatentSpace, Widening

SMALLEST_SCALE = 1e-3
"""The smallest scale of a latent relative to the largest: weaker coordinates are not amplified to unit variance."""


class Encoder(nn.Module, ABC):
    """Maps normalised fields ``(batch, variable, *space)`` to latents ``(batch, size)``.

    A new kind is a file beside ``spectral_encoder``, a value of ``model.latent``, a case in
    ``sciwm.model.construction``, and what it cannot be combined with in ``sciwm.config.experiment``; other rooms ask
    the encoder and its space.

    Attributes:
        space: The space of the latents.
        shape_space: The space of the coordinates of actuators' shapes, which may have more wavenumbers.
        of_shapes: The map from the latent's wavenumbers to those of ``shape_space``, and back.
        scale: The standard deviations by which coefficients are divided.
    """

    space: LatentSpace
    shape_space: LatentSpace
    of_shapes: Widening
    scale: Tensor

    @abstractmethod
    def fit(self, fields: Tensor, weights: Tensor | None = None) -> None:
        """Measure scales, and modes where there are any, on normalised fields.

        Args:
            fields: ``(sample, variable, *space)``.
            weights: What a point of a variable counts, ``(variable, *space)``; None where all count alike, as in an
                encoder without modes.
        """

    @abstractmethod
    def metric(self, exponent: float) -> Tensor:
        """The weights of the coordinates in distances between latents, ``(size,)``, summing to one.

        Args:
            exponent: With 1, distances between latents are those between fields; with 0 all coordinates count alike,
                however little energy they have. 0.5 is a good compromise.
        """

    @abstractmethod
    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """The coordinates of normalised shapes ``(actuator, variable, *space)`` in ``shape_space``."""

    @property
    def conserved(self) -> Tensor:
        """Where the latent holds conserved means, which the forcing alone changes: true there, ``(size,)``."""
        return torch.zeros(self.space.size, dtype=torch.bool, device=self.scale.device)

    def supply(self, shapes: Tensor) -> Tensor:
        """The rate at which scaled actions change conserved means, ``(actuator, size)``; zero elsewhere.

        Args:
            shapes: The coordinates of the actuators' shapes in ``shape_space``.
        """
        return shapes.new_zeros(len(shapes), self.space.size)

    @property
    def sees_any_grid(self) -> bool:
        """Whether fields of other resolutions than the training data's can be encoded."""
        return False

    def fewest_points(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """The fewest points along each axis: coarser fields would alias, or do not fit the model's own ``grid``."""
        return grid

    @classmethod
    @abstractmethod
    def operator_points(cls, settings: EncoderSettings, axes: Sequence[Axis]) -> int:
        """The number of points at which the operator keeps activations for the backward pass, at every instant."""

    @classmethod
    def operator_instants(cls, steps: int) -> int:
        """The number of instants in a window of ``steps`` intervals that the operator acts on: all encoded ones."""
        return 1 + steps
