"""Twins: the difference that other actions make from the same state is matched to the true one."""

import torch
from torch import Tensor

from sciwm.dynamics import rollout
from sciwm.loss.terms.sensitivities import relative_error
from sciwm.loss.terms.term import Term, TermInputs


def twin_error(imagined: Tensor, encoded: Tensor, metric: Tensor) -> Tensor:
    """Relative error of the *difference* between twins, averaged over steps:

        mean_h < |(z^'_h - z^_h) - (z'_h - z_h)|^2 > / < |z'_h - z_h|^2 >

    Args:
        imagined: Imagined latents of both twins, ``(2, batch, H, size)``.
        encoded: The true ones, of the same shape.
        metric: See :func:`~sciwm.loss.terms.prediction_error.prediction_errors`.
    """
    return relative_error(imagined[1] - imagined[0], encoded[1] - encoded[0], metric)


class Twins(Term):
    """:func:`twin_error` of pairs of simulations from one state under different actions."""

    name = "twins"
    group = "predictive"
    needs = frozenset({"twin"})
    ramps = True

    def forward(self, inputs: TermInputs) -> Tensor | None:
        """The error of the imagined differences; None without samples."""
        data, encoded = inputs.sensitivities, inputs.encoded
        if data is None:
            return None
        both = torch.cat([data.actions, data.twin_actions])
        imagined = rollout(inputs.model, encoded["base"][:, 0].repeat(2, 1), both).unflatten(0, (2, -1))
        return twin_error(imagined, torch.stack([encoded["base"], encoded["twin"]])[:, :, 1:], inputs.metric)
