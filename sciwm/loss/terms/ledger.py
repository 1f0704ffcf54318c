"""The tie of the ledger: functionals carried beside the latent agree with those read from it."""

from torch import Tensor

from sciwm.loss.terms.term import FunctionalTerm, TermInputs
from sciwm.model import WorldModel


def ledger_tie(model: WorldModel, states: Tensor) -> Tensor:
    """Mean square difference between the ledger and the functionals that heads read from the latent, both normalised.

    Args:
        model: The model in training.
        states: Imagined states, ``(batch, H, size)``.
    """
    flat = states.flatten(0, 1)
    return (model.functionals(flat) - model.heads.value(model.latent(flat))).square().mean()


class LedgerTie(FunctionalTerm):
    """:func:`ledger_tie` along imagined rollouts, for models with a ledger."""

    name = "ledger_tie"
    ramps = True

    @classmethod
    def applies(cls, model: WorldModel) -> bool:
        """Whether the model has a ledger."""
        return model.ledger

    def forward(self, inputs: TermInputs) -> Tensor:
        """The mean over all imagined states."""
        return ledger_tie(inputs.model, inputs.states[:, 1:])
