"""Contraction outside the data: states far from the attractor return to it, under any action."""

import torch
from torch import Tensor

from sciwm.loss.terms.counterfactual import any_action
from sciwm.loss.terms.term import Term, TermInputs
from sciwm.model import WorldModel

SMALLEST = 1e-6
"""The norm of a latent at rest, as a divisor."""


def shell_growth(model: WorldModel, latents: Tensor, *, contraction: float, generator: torch.Generator) -> Tensor:
    """Mean square growth of states outside the data over one interval, under any action of the box:

        < max(0, ln |z+| / (contraction r))^2 >,    |z| = r, from 1.5 to 3 times the largest radius in the batch

    z has the direction of a latent of the data, and |z|^2 is the energy of its fields, which dissipates; a norm that
    weighs all wavenumbers alike would grow as energy moves to short waves. Conserved means are left out. After Li et
    al. 2022 (arXiv:2106.06898), who prescribe z+ itself; here any contraction is enough.

    Args:
        model: The model in training.
        latents: Encoded latents, ``(batch, size)``.
        contraction: The factor by which one interval should reduce the norm.
        generator: What draws radii and actions.
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
    """The norm of each latent, never quite zero."""
    return (latents.square() @ weight + SMALLEST**2).sqrt()


class Shell(Term):
    """:func:`shell_growth` from the first latents of the batch."""

    name = "shell"
    ramps = True

    def forward(self, inputs: TermInputs) -> Tensor:
        """The growth on the shell."""
        return shell_growth(
            inputs.model,
            inputs.latents[:, 0],
            contraction=self.settings.physics.shell_contraction,
            generator=inputs.generator,
        )
