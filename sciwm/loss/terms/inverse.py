"""Inverse dynamics: which forcing takes one latent to the next."""

import torch
from torch import Tensor

from sciwm.config import LossSettings
from sciwm.loss.ranks import mean_over_ranks
from sciwm.loss.terms.term import Term, TermInputs
from sciwm.model import WorldModel
from sciwm.model.spaces import LatentSpace, VectorSpace


class InverseDynamics(Term):
    """Reads the forcing from two consecutive latents, for data without a solver to ask about other actions.

        e = < |f^(z, z+) - f(a)|^2 > / < |f(a)|^2 >

    Where the actuators' shapes are known f is the forcing field in the coordinates of the latent, which
    translation moves with the state; else it is the scaled actions themselves, read by a head without
    symmetry, as nobody says where they act.
    """

    name = "inverse"

    def __init__(self, settings: LossSettings, model: WorldModel, target: Tensor | None) -> None:
        super().__init__(settings, model, target)
        start: LatentSpace = model.encoder.space.repeated(2)
        to: LatentSpace = model.encoder.of_shapes.space
        if model.shapes is None:
            start, to = VectorSpace(start.size), VectorSpace(len(model.actuators))
        self.linear = start.linear(to)
        self.quadratic = start.product(to, model.settings.predictor.rank, deviation=0.1)
        self.quadratic.fit(model.encoder.scale)

    @classmethod
    def is_asked(cls, settings: LossSettings) -> bool:
        """With a weight."""
        return bool(settings.physics.inverse)

    def weight(self, progress: float) -> float:
        """Constant."""
        return self.settings.physics.inverse

    def forward(self, inputs: TermInputs) -> Tensor:
        """The error e over all intervals of the batch."""
        return self.error(inputs.model, inputs.latents, inputs.batch.actions)

    def error(self, model: WorldModel, latents: Tensor, actions: Tensor) -> Tensor:
        """The error e.

        Args:
            latents: ``(batch, H + 1, size)``, encoded.
            actions: physical, ``(batch, H, actuator)``.
        """
        forcing = model.scaled(actions).flatten(0, 1)
        if model.shapes is not None:
            forcing = forcing @ model.encoder.of_shapes.narrowed(model.shapes)
        both = torch.cat([latents[:, :-1], latents[:, 1:]], dim=2).flatten(0, 1)
        read = self.linear(both) + self.quadratic(both)
        return (read - forcing).square().mean() / mean_over_ranks(forcing.square().mean()).clamp(min=1e-12)
