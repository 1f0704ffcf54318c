"""What actions add to a latent, and a steady forcing beside them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciwm.model.spaces import LatentSpace


class Forcing(nn.Module):
    """A linear map of scaled actions (in units of the largest) to what they add to a latent.

        G a = W sum_j a_j g_j        where the shapes g_j of the actuators are known: if W commutes with
                                     translation, shifting state and shapes together shifts the result
        G a = sum_j a_j G_j          where they are not, with free G_j

    Args:
        space: The space of the latents.
        actuators: The number of actuators.
        shape_space: The space of the coordinates of the shapes; None where these are not known.
        size: The factor of the identity from which W starts, or the standard deviation of the first G_j.
    """

    def __init__(self, space: LatentSpace, actuators: int, shape_space: LatentSpace | None, *, size: float) -> None:
        super().__init__()
        if shape_space is None:
            self.linear = None
            self.free = nn.Parameter(size * torch.randn(actuators, space.size))
        else:
            self.linear = shape_space.linear(space).set_identity(size)

    def matrix(self, shapes: Tensor | None) -> Tensor:
        """The matrix that scaled actions multiply, ``(actuator, size)``.

        Args:
            shapes: The coordinates of the actuators' shapes, ``(actuator, size)``, where they are known.
        """
        forcing: Tensor = self.free if self.linear is None else self.linear(shapes)
        return forcing

    @torch.no_grad()
    def set_free(self, forcing: Tensor) -> None:
        """Start from the given G_j ``(actuator, size)``, where shapes are not known."""
        self.free.copy_(forcing)


class SteadyForcing(nn.Module):
    """A learned constant g, restricted to fields that vary along some axes only.

    Args:
        space: The space of the latents.
        varies: Whether g varies along each axis; if along none, it is zero.
    """

    def __init__(self, space: LatentSpace, varies: Sequence[bool]) -> None:
        super().__init__()
        places = space.varying_along(varies) if any(varies) else torch.zeros(0, dtype=torch.long)
        self.values = nn.Parameter(torch.zeros(len(places)))
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor
        self.size = space.size

    def forward(self) -> Tensor:
        """The steady forcing g, ``(size,)``."""
        return self.values.new_zeros(self.size).index_copy(0, self.places, self.values)
