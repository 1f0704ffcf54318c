"""Inverse dynamics: which forcing takes one latent to the next."""

from torch import Tensor, nn

from sciwm.model.readouts import QuadraticHead
from sciwm.model.world_model import WorldModel


class InverseDynamics(nn.Module):
    """Reads the forcing from two consecutive latents, for data without a solver to ask about other actions.

        e = < |f^(z, z+) - f(a)|^2 > / < |f(a)|^2 >

    Where the actuators' shapes are known f is the forcing field in the coordinates of the latent, which
    translation moves with the state; else it is the scaled actions themselves.
    """

    def __init__(self, model: WorldModel) -> None:
        super().__init__()
        space = model.encoder.space
        shapes = model.shapes
        target = space.invariants(len(model.actuators)) if shapes is None else model.encoder.shape_space
        self.register_buffer("shapes", shapes, persistent=False)
        self.shapes: Tensor | None
        self.head = QuadraticHead(space.repeated(2), target, model.settings.head_rank)

    def forward(self, model: WorldModel, latents: Tensor, actions: Tensor) -> Tensor:
        """The error e.

        Args:
            latents: ``(batch, H + 1, size)``, encoded.
            actions: physical, ``(batch, H, actuator)``.
        """
        forcing = model.scaled(actions).flatten(0, 1)
        if self.shapes is not None:
            forcing = forcing @ self.shapes
        read = self.head(latents[:, :-1].flatten(0, 1), latents[:, 1:].flatten(0, 1))
        return (read - forcing).square().mean() / forcing.square().mean().clamp(min=1e-12)
