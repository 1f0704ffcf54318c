"""Heads: functionals, sources and outputs of their budgets, read from latents."""

import torch
from torch import Tensor

from sciwm.data import Batch
from sciwm.loss.terms.term import FunctionalTerm, TermInputs
from sciwm.model import WorldModel


def head_error(model: WorldModel, states: Tensor, batch: Batch) -> Tensor:
    """Mean square error of functionals Q, sources S and outputs y read from states; one for heads that give the mean.

    With a ledger Q is the ledger's; along a rollout the budgets have advanced it.

    Args:
        model: The model in training.
        states: Encoded or imagined states at the instants of ``batch``, ``(batch, H + 1, size)``.
        batch: The true values.
    """
    before, after = (model.latent(s).flatten(0, 1) for s in (states[:, :-1], states[:, 1:]))
    source, output = model.heads.fluxes(before, model.scaled(batch.actions).flatten(0, 1), after)
    errors = [
        model.functionals(states.flatten(0, 1)) - batch.functionals.flatten(0, 1),
        source - batch.sources.flatten(0, 1),
        output - batch.outputs.flatten(0, 1),
    ]
    return torch.stack([e.square().mean() for e in errors]).mean()


class HeadsEncoded(FunctionalTerm):
    """:func:`head_error` of encoded latents: they hold what the functionals depend on."""

    name = "heads_encoded"

    def forward(self, inputs: TermInputs) -> Tensor:
        """The error at the instants of the batch."""
        return head_error(inputs.model, inputs.model.state_of(inputs.latents), inputs.batch)


class HeadsRolled(FunctionalTerm):
    """:func:`head_error` of imagined latents: functionals remain right along rollouts."""

    name = "heads_rolled"

    def forward(self, inputs: TermInputs) -> Tensor:
        """The error along the imagined states."""
        return head_error(inputs.model, inputs.states, inputs.batch)
