"""The base of all terms of the objective, and the inputs that they are computed from."""

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
        model: The model in training, its predictor assembled.
        batch: Windows of H control intervals.
        latents: Encoded latents of all instants, ``(batch, H + 1, size)``, with the encoder's graph where the encoder
            learns from prediction.
        targets: Latents that imagined ones are compared with, ``(batch, H + 1, size)``.
        states: Imagined states from the first latents under the actions of the batch, ``(batch, H + 1, state size)``.
        sensitivities: Samples of the solver's sensitivities; None where no term needs them.
        encoded: Latents of these, ``(sample, H' + 1, size)``: ``base``, and where a term needs them ``twin`` and
            ``tangent``.
        metric: The weights of the coordinates in distances between latents, ``(size,)``, summing to one.
        relative_floor: The mean square below which errors no longer count relative to the state, see
            :func:`prediction_errors`.
        generator: What draws everything random in terms.
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
        """The error of every imagined step, ``(H,)``; see :func:`prediction_errors`."""
        imagined = self.model.latent(self.states[:, 1:])
        return prediction_errors(imagined, self.targets, self.metric, relative_floor=self.relative_floor)


class Term(nn.Module, ABC):
    """One term of the objective: a scalar, about one for a trivial model, and its weight over the training.

    A new term is a file in this folder, an entry in ``TERMS`` and, under its name, a weight in
    ``sciwm.config.loss``.

    Args:
        settings: The weights of the objective.
        model: The model in training, its scales already fitted.
        target: Physical fields ``(variable, *space)`` of the cost that the solver's gradients belong to, if known.
    """

    name: ClassVar[str]
    """Its name in metrics and figures, and the key of its weight in ``loss.physics`` or ``loss``."""

    group: ClassVar[Literal["predictive", "physics"]] = "physics"
    """Its group. ``gradient_cap`` bounds the gradient of all physical terms relative to that of the predictive ones."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """The sensitivities that it is matched to: some of ``twin``, ``tangent``, ``gradient``."""

    ramps: ClassVar[bool] = False
    """Whether its weight grows from zero over ``loss.physics.ramp``: it needs a model that forecasts already."""

    def __init__(self, settings: LossSettings, model: WorldModel, target: Tensor | None) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def full_weight(cls, settings: LossSettings) -> float:
        """The weight that the settings give it."""
        section = settings.physics if cls.name in type(settings.physics).model_fields else settings
        return float(getattr(section, cls.name))

    @classmethod
    def is_asked(cls, settings: LossSettings) -> bool:
        """Whether it is part of the objective: it has a weight."""
        return bool(cls.full_weight(settings))

    @classmethod
    def applies(cls, model: WorldModel) -> bool:
        """Whether the model has the parts that it needs."""
        return True

    def weight(self, progress: float) -> float:
        """Its weight at ``progress``, the fraction of the training that is done, in [0, 1]."""
        if not self.begins(progress):
            return 0.0
        ramp = self.settings.physics.ramp if self.ramps else 0.0
        return self.full_weight(self.settings) * (min(1.0, progress / ramp) if ramp else 1.0)

    def begins(self, progress: float) -> bool:
        """Whether it is computed at ``progress``. Its sensitivities are not drawn before."""
        return True

    @abstractmethod
    def forward(self, inputs: TermInputs) -> Tensor | None:
        """The term of one batch; None where the batch does not hold what it needs."""


class FunctionalTerm(Term):
    """A term that reads functionals; it applies only where the data hold some."""

    @classmethod
    def applies(cls, model: WorldModel) -> bool:
        """Whether there are functionals."""
        return bool(model.domain.functionals)
