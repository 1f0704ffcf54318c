"""Inverse dynamics: which forcing takes one latent to the next."""

from torch import Tensor, nn

from sciwm.model.readouts import QuadraticHead
from sciwm.model.vector import VectorSpace
from sciwm.model.world_model import WorldModel


class InverseDynamics(nn.Module):
    """Reads the forcing from two consecutive latents, for data without a solver to ask about other actions.

        e = < |f^(z, z+) - f(a)|^2 > / < |f(a)|^2 >

    Where the actuators' shapes are known f is the forcing field in the coordinates of the latent, which
    translation moves with the state; else it is the scaled actions themselves, read by a head without
    symmetry, as nobody says where they act.
    """

    def __init__(self, model: WorldModel) -> None:
        super().__init__()
        rank = model.settings.head_rank
        if model.shapes is None:
            numbers = VectorSpace(len(model.actuators))
            self.head = QuadraticHead(VectorSpace(2 * model.latent_size), numbers, rank)
        else:
            self.head = QuadraticHead(model.encoder.space.repeated(2), model.encoder.shape_space, rank)
        self.head.quadratic.fit(model.encoder.scale)

    def forward(self, model: WorldModel, latents: Tensor, actions: Tensor) -> Tensor:
        """The error e.

        Args:
            latents: ``(batch, H + 1, size)``, encoded.
            actions: physical, ``(batch, H, actuator)``.
        """
        forcing = model.scaled(actions).flatten(0, 1)
        if model.shapes is not None:
            forcing = forcing @ model.shapes
        read = self.head(latents[:, :-1].flatten(0, 1), latents[:, 1:].flatten(0, 1))
        return (read - forcing).square().mean() / forcing.square().mean().clamp(min=1e-12)
