"""The whole objective: prediction and physics, and the weights between them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sciwm.config import LossSettings
from sciwm.data.sensitivity_set import Sensitivities
from sciwm.data.windows import Batch
from sciwm.dynamics import rollout
from sciwm.loss.collapse import build_collapse
from sciwm.loss.inverse import InverseDynamics
from sciwm.loss.physics import physics_terms
from sciwm.loss.prediction import prediction_errors
from sciwm.loss.sensitivity import encoded_answers, sensitivity_terms
from sciwm.model.world_model import WorldModel


@dataclass(frozen=True)
class Terms:
    """The terms of one batch.

    Args:
        predictive: prediction, of what other actions change too, and anti-collapse, by name.
        physics: everything else, by name.
        encoded: all latents of the batch, ``(n, size)``, with the encoder's graph.
        leaf: the same numbers, what the terms were computed from.
        targets: latents of the windows with nothing hidden, ``(batch, H + 1, size)``, without a gradient.
    """

    predictive: Mapping[str, Tensor]
    physics: Mapping[str, Tensor]
    encoded: Tensor
    leaf: Tensor
    targets: Tensor

    def by_name(self) -> dict[str, Tensor]:
        """All of them."""
        return {**self.predictive, **self.physics}


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """``sum of weight x term``; terms without a weight carry their own."""
    return sum((weights.get(name, 1.0) * term for name, term in terms.items()), torch.zeros(()))


class Objective(nn.Module):
    """``L = sum of weight x term``; encoder and predictor learn together, nothing is reconstructed.

    No stop-gradient and no moving-average target, unless asked for: the anti-collapse term alone
    forbids the trivial solution. The decoder is fitted beside, on detached latents; of the terms here
    only that of the adjoints, and the reconstruction if asked for, reach it.

    Args:
        settings: weights.
        model: the model to be trained, its scales already fitted.
        target: physical fields ``(variable, *space)`` of the cost whose gradients are matched.
    """

    def __init__(self, settings: LossSettings, model: WorldModel, target: Tensor | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.collapse = build_collapse(settings.collapse, model.encoder, model.encoder.space.wavenumber_blocks())
        self.inverse = InverseDynamics(model) if settings.physics.inverse else None
        self.register_buffer("target", target, persistent=False)
        self.target: Tensor | None

    def horizon(self, progress: float) -> int:
        """Length of the imagined rollouts at ``progress`` in [0, 1]: 2 at first, growing to the full one."""
        full = self.settings.horizon
        if not self.settings.rollout:
            return 1
        ramp = progress / self.settings.curriculum if self.settings.curriculum else 1.0
        return min(full, 2 + int(ramp * (full - 1)))

    def weights(self, progress: float) -> dict[str, float]:
        """Weight of each term at ``progress``; what needs a model that means something is ramped in.

        The terms against collapse carry their weights.
        """
        s, physics = self.settings, self.settings.physics
        ramp = min(1.0, progress / physics.ramp) if physics.ramp else 1.0
        return {
            "one_step": s.one_step,
            "rollout": s.rollout,
            "heads_encoded": physics.heads_encoded,
            "heads_rolled": physics.heads_rolled,
            "budget": physics.budget * ramp,
            "ledger_tie": physics.ledger_tie * ramp,
            "twins": physics.twins * ramp,
            "tangents": physics.tangents * ramp,
            "adjoints": physics.adjoints * (progress >= physics.adjoints_from),
            "inverse": physics.inverse,
            "shell": physics.shell * ramp,
        }

    def terms(
        self, model: WorldModel, batch: Batch, sensitivities: Sensitivities | None, generator: torch.Generator
    ) -> Terms:
        """Every term that has a weight."""
        normalized, instants = model.normalize(batch.fields).flatten(0, 1), batch.fields.shape[:2]
        parts = {"windows": model.encoder(normalized)}
        if (holes := self.collapse.with_holes(normalized, generator)) is not None:
            parts["holes"] = model.encoder(holes)
        if sensitivities is not None:
            parts |= encoded_answers(model, sensitivities, self.settings.physics)
        together = torch.cat(list(parts.values()))
        leaf = together.detach().requires_grad_() if together.requires_grad else together
        answers = dict(zip(parts, leaf.split([len(part) for part in parts.values()]), strict=True))
        latents = answers.pop("windows")
        targets = self.collapse.targets(normalized, latents)

        if self.settings.encoder_learns_from == "reconstruction":
            predictive = {"reconstruction": self._reconstruction_error(model, normalized, latents)}
            latents, targets = latents.detach(), targets.detach()
            answers = {name: values.detach() for name, values in answers.items()}
        else:
            predictive = self._against_collapse(latents.unflatten(0, instants), generator)
            if "holes" in answers:
                predictive |= self.collapse.completion(answers.pop("holes"), targets)
        latents, targets = latents.unflatten(0, instants), targets.unflatten(0, instants)
        with model.assembled():
            start = model.state_of(latents[:, 0])
            states = torch.cat([start[:, None], rollout(model, start, batch.actions)], dim=1)
            predictive |= self._prediction(model, states, targets)
            physics = physics_terms(model, latents, states, batch, self.settings.physics, generator)
            if self.inverse is not None:
                physics["inverse"] = self.inverse(model, latents, batch.actions)
            if sensitivities is not None:
                predictive |= sensitivity_terms(
                    model,
                    answers,
                    sensitivities,
                    self.settings.physics,
                    self.metric(model),
                    target=self.target,
                    relative_floor=self.settings.relative_floor,
                )
        return Terms(predictive, physics, together, leaf, targets.detach())

    def metric(self, model: WorldModel) -> Tensor:
        """How distances between latents are measured, ``(size,)``."""
        return model.encoder.metric(self.settings.energy_exponent)

    def decoder_error(self, model: WorldModel, batch: Batch, terms: Terms) -> Tensor:
        """Relative error of the decoded fields of first and last instants; no gradient reaches the encoder."""
        ends = [0, -1]  # those between are hardly others
        fields = model.normalize(batch.fields[:, ends]).flatten(0, 1)
        return self._reconstruction_error(model, fields, terms.targets[:, ends].flatten(0, 1))

    def _reconstruction_error(self, model: WorldModel, fields: Tensor, latents: Tensor) -> Tensor:
        weight = 1 / (fields.square().flatten(1).mean(dim=1) + self.settings.relative_floor)
        return (weight * (model.decoder(latents) - fields).square().flatten(1).mean(dim=1)).mean()

    def _against_collapse(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted penalties over simulations, for the first and the last instant of the windows; if any can learn."""
        if not latents.requires_grad:
            return {}
        first, last = (self.collapse.penalties(latents[:, instant], generator) for instant in (0, -1))
        return {name: (first[name] + last[name]) / 2 for name in first}

    def _prediction(self, model: WorldModel, states: Tensor, targets: Tensor) -> dict[str, Tensor]:
        s = self.settings
        imagined = model.latent(states[:, 1:])
        errors = prediction_errors(imagined, targets, self.metric(model), relative_floor=s.relative_floor)
        terms = {"one_step": errors[0]}
        if s.rollout and len(errors) > 1:
            terms["rollout"] = errors[1:].mean()
        return terms
