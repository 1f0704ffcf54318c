"""What the world model, its objective and its evaluation ask of an encoder."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciwm.config import EncoderSettings
from sciwm.data import Axis
from sciwm.model.spaces import LatentSpace, Widening

SMALLEST_SCALE = 1e-3
"""Of the largest scale of a latent: weaker coordinates are not blown up to unit variance."""


class Encoder(nn.Module, ABC):
    """Normalised fields ``(batch, variable, *space)`` to latents ``(batch, size)``.

    A new kind is a file beside ``spectral_encoder``, a value of ``model.latent`` and a case in
    ``sciwm.model.construction``; nothing else asks which kind of latent it has.

    Attributes:
        space: where the latents live.
        shape_space: where the coordinates of actuators' shapes live.
        of_shapes: takes coordinates of shapes that the latent has to those of ``shape_space``, and back.
        scale: deviations by which coefficients are divided.
    """

    space: LatentSpace
    shape_space: LatentSpace
    of_shapes: Widening
    scale: Tensor

    @abstractmethod
    def fit(self, fields: Tensor) -> None:
        """Measure scales, and modes where there are any, on normalised fields ``(sample, variable, *space)``."""

    @abstractmethod
    def metric(self, exponent: float) -> Tensor:
        """Weights of the coordinates in distances between latents, ``(size,)``, summing to one.

        With exponent 1 distances between latents are those between fields; with 0 every coordinate counts
        the same, however little energy it has.
        """

    @abstractmethod
    def coordinates_of_shapes(self, shapes: Tensor) -> Tensor:
        """Normalised shapes of actuators ``(actuator, variable, *space)`` in ``shape_space``."""

    @property
    def conserved(self) -> Tensor:
        """Where the latent holds means that the forcing alone changes: true there, ``(size,)``."""
        return torch.zeros(self.space.size, dtype=torch.bool, device=self.scale.device)

    @property
    def sees_any_grid(self) -> bool:
        """Whether fields of other resolutions than the model's own are encoded alike."""
        return False

    def fewest_points(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """Along each axis: coarser fields would alias, or do not fit the model's own ``grid``."""
        return grid

    @classmethod
    @abstractmethod
    def operator_points(cls, settings: EncoderSettings, axes: Sequence[Axis]) -> int:
        """Points at which the operator keeps activations for the backward pass, for every instant."""

    @classmethod
    def operator_instants(cls, steps: int) -> int:
        """Instants of a window of ``steps`` intervals that the operator sees: all that are encoded."""
        return 1 + steps
