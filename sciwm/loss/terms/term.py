"""What a term of the objective is, and what it is computed from."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from sciwm.config import LossSettings
from sciwm.data import Batch, Sensitivities
from sciwm.loss.terms.prediction_error import prediction_errors
from sciwm.model import WorldModel


@dataclass(frozen=True)
class TermInputs:
    """One batch, encoded and imagined.

    Args:
        model: the model in training, its predictor assembled.
        batch: windows of H intervals.
        latents: of all instants, ``(batch, H + 1, size)``, with the encoder's graph where it learns from prediction.
        targets: what imagined latents are compared with, ``(batch, H + 1, size)``.
        states: imagined from the first latents under the actions of the batch, ``(batch, H + 1, state size)``.
        sensitivities: samples of the solver's sensitivities, if any term needs some.
        encoded: latents of these, ``(sample, H' + 1, size)``: ``base``, and where asked for ``twin`` and ``tangent``.
        metric: weights of the coordinates in distances between latents, ``(size,)``, summing to one.
        relative_floor: size below which errors no longer count relative to the state, see :func:`prediction_errors`.
        generator: of everything that terms draw.
    """

    model: WorldModel
    batch: Batch
    latents: Tensor
    targets: Tensor
    states: Tensor
    sensitivities: Sensitivities | None
    encoded: Mapping[str, Tensor]
    metric: Tensor
    relative_floor: float
    generator: torch.Generator

    @cached_property
    def prediction_errors(self) -> Tensor:
        """Error of every imagined step, ``(H,)``; see :func:`prediction_errors`."""
        imagined = self.model.latent(self.states[:, 1:])
        return prediction_errors(imagined, self.targets, self.metric, relative_floor=self.relative_floor)


class Term(nn.Module, ABC):
    """One term: a scalar that is about one for a trivial model, and its weight over the training.

    A new term is a file in this folder, an entry in ``TERMS`` and a weight in ``sciwm.config.loss``.

    Args:
        settings: weights of the objective.
        model: the model to be trained, its scales already fitted.
        target: physical fields ``(variable, *space)`` of the cost that the solver's gradients belong to, if known.
    """

    name: ClassVar[str]
    """In metrics and figures."""

    group: ClassVar[Literal["predictive", "physics"]] = "physics"
    """The gradient of all physics together is bounded by that of everything predictive (``gradient_cap``)."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """Sensitivities that it is matched to: some of ``twin``, ``tangent``, ``gradient``."""

    def __init__(self, settings: LossSettings, model: WorldModel, target: Tensor | None) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    @abstractmethod
    def is_asked(cls, settings: LossSettings) -> bool:
        """Whether the settings give it a weight."""

    @classmethod
    def applies(cls, model: WorldModel) -> bool:
        """Whether the model has what it speaks of."""
        return True

    @abstractmethod
    def weight(self, progress: float) -> float:
        """Its weight when ``progress``, in [0, 1], of the training is over."""

    def begins(self, progress: float) -> bool:
        """Whether it is computed by then; its data are not drawn before."""
        return True

    @abstractmethod
    def forward(self, inputs: TermInputs) -> Tensor | None:
        """The term of one batch; None where the batch does not hold what it needs."""


class FunctionalTerm(Term):
    """A term that speaks of functionals, and falls away where the data hold none."""

    @classmethod
    def applies(cls, model: WorldModel) -> bool:
        """Only where there are functionals."""
        return bool(model.domain.functionals)


def ramped(settings: LossSettings, progress: float) -> float:
    """From 0 to 1 over the first part of the training, for terms that need a model that means something."""
    ramp = settings.physics.ramp
    return min(1.0, progress / ramp) if ramp else 1.0
