"""From actions to what they add to a latent."""

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
        gain: factor of the identity, or deviation of the G_j, to start from.
    """

    def __init__(self, space: LatentSpace, actuators: int, shape_space: LatentSpace | None, *, gain: float) -> None:
        super().__init__()
        if shape_space is None:
            self.linear = None
            self.free = nn.Parameter(gain * torch.randn(actuators, space.size))
        else:
            self.linear = shape_space.linear(space).set_identity(gain)

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
