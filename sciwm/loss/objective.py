"""The whole objective: prediction and physics one for a trivial model, and the weights between them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sciwm.config import LossSettings
from sciwm.data.sensitivity import Sensitivities
from sciwm.data.windows import Batch
from sciwm.dynamics import rollout
from sciwm.loss.collapse import build_collapse
from sciwm.loss.inverse import InverseDynamics
from sciwm.loss.physics import head_error, imagined_budget_error, ledger_tie, shell_growth
from sciwm.loss.prediction import prediction_errors
from sciwm.loss.sensitivity import adjoint_error, tangent_error, twin_error
from sciwm.model.world_model import WorldModel


@dataclass(frozen=True)
class Terms:
    """The terms of one batch.

    Args:
        predictive: prediction and anti-collapse, by name.
        physics: everything else, by name.
        encoded: all latents of the batch, ``(n, size)``, with the encoder's graph.
        leaf: the same numbers, what the terms were computed from.
    """

    predictive: Mapping[str, Tensor]
    physics: Mapping[str, Tensor]
    encoded: Tensor
    leaf: Tensor

    def by_name(self) -> dict[str, Tensor]:
        """All of them."""
        return {**self.predictive, **self.physics}


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """``sum of weight x term``; terms without a weight carry their own."""
    return sum((weights.get(name, 1.0) * term for name, term in terms.items()), torch.zeros(()))


class Objective(nn.Module):
    """``L = sum of weight x term``; encoder and predictor learn together, nothing is reconstructed.

    No stop-gradient and no moving-average target, unless asked for: the anti-collapse term alone
    forbids the trivial solution. The decoder is fitted beside, on detached latents.

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
            "adjoints": physics.adjoints * ramp,
            "inverse": physics.inverse,
            "shell": physics.shell * ramp,
        }

    def terms(
        self, model: WorldModel, batch: Batch, sensitivities: Sensitivities | None, generator: torch.Generator
    ) -> Terms:
        """Every term that has a weight."""
        normalized = model.normalize(batch.fields).flatten(0, 1)
        encoded = model.encoder(self.collapse.hide(normalized, generator))
        parts, tangents = [encoded], None
        if sensitivities is not None:
            pair = torch.stack([sensitivities.fields, sensitivities.twin]).flatten(0, 2)
            parts.append(model.encoder(model.normalize(pair)))
            if self.settings.physics.tangents and sensitivities.tangent is not None:
                parts.append(_encoded_tangents(model, sensitivities))
        together = torch.cat(parts)
        leaf = together.detach().requires_grad_() if together.requires_grad else together
        latents, *rest = leaf.split([len(part) for part in parts])
        targets = self.collapse.targets(normalized, latents).unflatten(0, batch.fields.shape[:2])
        latents = latents.unflatten(0, batch.fields.shape[:2])

        predictive = self._against_collapse(latents, generator)
        if self.settings.encoder_learns_from == "reconstruction":
            predictive = {"reconstruction": self._reconstruction_error(model, normalized, latents.flatten(0, 1))}
            latents, targets, rest = latents.detach(), targets.detach(), [part.detach() for part in rest]
        with model.assembled():
            states = torch.cat([s := model.state_of(latents[:, 0])[:, None], rollout(model, s[:, 0], batch.actions)], 1)
            predictive |= self._prediction(model, states, targets)
            physics = self._physics(model, states, latents, batch, generator)
            if sensitivities is not None:
                pair = rest[0].unflatten(0, (2, *sensitivities.fields.shape[:2]))
                tangents = rest[1].unflatten(0, sensitivities.fields.shape[:2]) if len(rest) > 1 else None
                physics |= self._sensitivities(model, pair, tangents, sensitivities)
        return Terms(predictive, physics, together, leaf)

    def metric(self, model: WorldModel) -> Tensor:
        """How distances between latents are measured, ``(size,)``."""
        return model.encoder.metric(self.settings.energy_exponent)

    def decoder_error(self, model: WorldModel, batch: Batch, terms: Terms) -> Tensor:
        """Relative error of the decoded fields; no gradient reaches the encoder."""
        fields = model.normalize(batch.fields).flatten(0, 1)
        return self._reconstruction_error(model, fields, terms.encoded[: len(fields)].detach())

    def _reconstruction_error(self, model: WorldModel, fields: Tensor, latents: Tensor) -> Tensor:
        weight = 1 / (fields.square().flatten(1).mean(dim=1) + self.settings.relative_floor)
        return (weight * (model.decoder(latents) - fields).square().flatten(1).mean(dim=1)).mean()

    def _against_collapse(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted penalties over simulations, for the first and the last instant of the windows."""
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

    def _physics(
        self, model: WorldModel, states: Tensor, latents: Tensor, batch: Batch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        physics, terms = self.settings.physics, {}
        if model.domain.functionals:
            if physics.heads_encoded:
                terms["heads_encoded"] = head_error(model, model.state_of(latents), batch)
            if physics.heads_rolled:
                terms["heads_rolled"] = head_error(model, states, batch)
            if physics.budget and not model.ledger:
                terms["budget"] = imagined_budget_error(
                    model,
                    states[:, :-1],
                    batch.actions,
                    counterfactual_share=physics.counterfactual_share,
                    generator=generator,
                )
            if physics.ledger_tie and model.ledger:
                terms["ledger_tie"] = ledger_tie(model, states[:, 1:])
        if physics.shell:
            terms["shell"] = shell_growth(
                model, latents[:, 0], contraction=physics.shell_contraction, generator=generator
            )
        if self.inverse is not None:
            terms["inverse"] = self.inverse(model, latents, batch.actions)
        return terms

    def _sensitivities(
        self, model: WorldModel, pair: Tensor, tangents: Tensor | None, data: Sensitivities
    ) -> dict[str, Tensor]:
        """``pair`` are the latents of base and twin, ``(2, batch, H + 1, size)``."""
        physics, metric, terms = self.settings.physics, self.metric(model), {}
        start = pair[0, :, 0]
        if physics.twins:
            both = torch.cat([data.actions, data.twin_actions])
            imagined = model.latent(rollout(model, model.state_of(torch.cat([start, start])), both))
            terms["twins"] = twin_error(imagined.unflatten(0, (2, -1)), pair[:, :, 1:], metric)
        if tangents is not None:
            terms["tangents"] = tangent_error(model, pair[0], tangents, data, metric)
        if physics.adjoints and data.gradient is not None and self.target is not None:
            terms["adjoints"] = adjoint_error(model, start, data, self.target)
        return terms


def _encoded_tangents(model: WorldModel, data: Sensitivities) -> Tensor:
    """What the encoder makes of the solver's tangents, ``(batch (H + 1), size)``."""
    if data.tangent is None:
        raise ValueError("Expected data with the solver's tangents.")
    fields, tangents = data.fields.flatten(0, 1), data.tangent.flatten(0, 1)
    return model.latent(torch.func.jvp(model.encode, (fields,), (tangents,))[1])
