"""Inverse dynamics: the forcing is read from two consecutive latents."""

import torch
from torch import Tensor

from sciwm.config import LossSettings
from sciwm.loss.ranks import mean_over_ranks
from sciwm.loss.terms.term import Term, TermInputs
from sciwm.model import WorldModel
from sciwm.model.spaces import LatentSpace, VectorSpace


class InverseDynamics(Term):
    """Reads the forcing from two consecutive latents, for data without a solver to compute sensitivities with.

        e = < |f^(z, z+) - f(a)|^2 > / < |f(a)|^2 >

    Where the shapes of the actuators are known, f is the forcing field in the coordinates of the latent, and the
    reading commutes with translation. Elsewhere f is the scaled actions, read by a map without symmetry, as their
    places are not known.
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

    def forward(self, inputs: TermInputs) -> Tensor:
        """The error e over all intervals of the batch."""
        return self.error(inputs.model, inputs.latents, inputs.batch.actions)

    def error(self, model: WorldModel, latents: Tensor, actions: Tensor) -> Tensor:
        """The error e.

        Args:
            model: The model in training.
            latents: Encoded latents, ``(batch, H + 1, size)``.
            actions: Physical actions, ``(batch, H, actuator)``.
        """
        forcing = model.scaled(actions).flatten(0, 1)
        if model.shapes is not None:
            forcing = forcing @ model.encoder.of_shapes.narrowed(model.shapes)
        both = torch.cat([latents[:, :-1], latents[:, 1:]], dim=2).flatten(0, 1)
        read = self.linear(both) + self.quadratic(both)
        return (read - forcing).square().mean() / mean_over_ranks(forcing.square().mean()).clamp(min=1e-12)
