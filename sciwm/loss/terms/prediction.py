"""Prediction: imagined latents against encoded ones, one step ahead and along rollouts."""

from torch import Tensor

from sciwm.config import LossSettings
from sciwm.loss.terms.term import Term, TermInputs


class OneStep(Term):
    """Error of the first imagined step, ``e_1``; see :func:`~sciwm.loss.terms.prediction_error.prediction_errors`."""

    name = "one_step"
    group = "predictive"

    @classmethod
    def is_asked(cls, settings: LossSettings) -> bool:
        """Always true, so that the error is recorded also at a weight of zero."""
        return True

    def forward(self, inputs: TermInputs) -> Tensor:
        """The error ``e_1``."""
        return inputs.prediction_errors[0]


class Rollout(Term):
    """Mean error of all further steps, ``e_2`` to ``e_H``, whose number grows with the curriculum."""

    name = "rollout"
    group = "predictive"

    def forward(self, inputs: TermInputs) -> Tensor | None:
        """The mean error; None for rollouts of a single step."""
        errors = inputs.prediction_errors
        return errors[1:].mean() if len(errors) > 1 else None
