"""Contraction outside the data: states far from the attractor return to it, whatever the action."""

import torch
from torch import Tensor

from sciwm.config import LossSettings
from sciwm.loss.terms.counterfactual import any_action
from sciwm.loss.terms.term import Term, TermInputs, ramped
from sciwm.model import WorldModel

SMALLEST = 1e-6
"""Norm of a latent at rest, for what is divided by it."""


def shell_growth(model: WorldModel, latents: Tensor, *, contraction: float, generator: torch.Generator) -> Tensor:
    """How far states outside the data are from being contracted, under any action of the box:

        < max(0, ln |z+| / (contraction r))^2 >,    |z| = r, from 1.5 to 3 times the largest radius in the batch

    z has the direction of a latent of the data, and |z|^2 is the energy of its fields, which is what dissipates:
    a norm in which all waves count alike grows as energy passes to short ones. Means that forcing alone changes
    are kept out. After Li et al. 2022 (arXiv:2106.06898), who prescribe z+ there; here contracting is enough.

    Args:
        latents: encoded, ``(batch, size)``.
    """
    with torch.no_grad():
        weight = model.encoder.metric(1.0).masked_fill(model.conserved, 0.0)
        length = _norm(latents, weight)
        radius = length.max() * (1.5 + 1.5 * torch.rand(len(latents), generator=generator).to(latents))
        outside = torch.where(model.conserved, latents, latents * (radius / length)[:, None])
    action = any_action(model, latents.new_zeros(len(latents), len(model.actuators)), generator)
    after = model.latent(model.advance(model.state_of(outside), action))
    return torch.relu(torch.log(_norm(after, weight) / (contraction * radius))).square().mean()


def _norm(latents: Tensor, weight: Tensor) -> Tensor:
    """Of each latent; of one at rest hardly more than zero."""
    return (latents.square() @ weight + SMALLEST**2).sqrt()


class Shell(Term):
    """:func:`shell_growth` about the first latents of the batch."""

    name = "shell"

    @classmethod
    def is_asked(cls, settings: LossSettings) -> bool:
        """With a weight."""
        return bool(settings.physics.shell)

    def weight(self, progress: float) -> float:
        """Ramped in."""
        return self.settings.physics.shell * ramped(self.settings, progress)

    def forward(self, inputs: TermInputs) -> Tensor:
        """How far the model is from contracting on the shell."""
        return shell_growth(
            inputs.model,
            inputs.latents[:, 0],
            contraction=self.settings.physics.shell_contraction,
            generator=inputs.generator,
        )
