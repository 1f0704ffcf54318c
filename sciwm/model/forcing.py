"""What actions, and a steady forcing beside them, add to a latent."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sciwm.model.spaces import LatentSpace


class Forcing(nn.Module):
    """A linear map of actions, known up to a map of the latent's space or free.

        G a = W sum_j a_j g_j        where the shapes g_j of the actuators are known: if W commutes with
                                     translation, shifting state and shapes together shifts the result
        G a = sum_j a_j G_j          where they are not

    Args:
        space: of the latents.
        actuators: how many.
        shape_space: of the coordinates of the shapes, or None where these are not known.
        size: factor of the identity, or deviation of the G_j, to start from.
    """

    def __init__(self, space: LatentSpace, actuators: int, shape_space: LatentSpace | None, *, size: float) -> None:
        super().__init__()
        if shape_space is None:
            self.linear = None
            self.free = nn.Parameter(size * torch.randn(actuators, space.size))
        else:
            self.linear = shape_space.linear(space).set_identity(size)

    def matrix(self, shapes: Tensor | None) -> Tensor:
        """``(actuator, size)``, to multiply scaled actions by.

        Args:
            shapes: coordinates of the actuators' shapes, ``(actuator, size)``, where they are known.
        """
        forcing: Tensor = self.free if self.linear is None else self.linear(shapes)
        return forcing

    @torch.no_grad()
    def set_free(self, forcing: Tensor) -> None:
        """Start from these G_j ``(actuator, size)``, where shapes are not known."""
        self.free.copy_(forcing)


class SteadyForcing(nn.Module):
    """A learned constant ``g`` on the coordinates of fields that vary along some axes only.

    Args:
        space: of the latents.
        varies: along each axis; along none there is no forcing.
    """

    def __init__(self, space: LatentSpace, varies: Sequence[bool]) -> None:
        super().__init__()
        places = space.varying_along(varies) if any(varies) else torch.zeros(0, dtype=torch.long)
        self.values = nn.Parameter(torch.zeros(len(places)))
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor
        self.size = space.size

    def forward(self) -> Tensor:
        """``g``, of shape ``(size,)``."""
        return self.values.new_zeros(self.size).index_copy(0, self.places, self.values)
