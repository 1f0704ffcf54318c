"""The objective: a weighted sum of terms."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sciwm.config import LossSettings
from sciwm.data import Batch, Sensitivities
from sciwm.dynamics import rollout
from sciwm.loss.collapse import build_collapse
from sciwm.loss.terms import TERMS, Term, TermInputs
from sciwm.loss.terms.sensitivities import encode_sensitivities
from sciwm.model import WorldModel


@dataclass(frozen=True)
class Computed:
    """All terms of one batch, without their weights.

    Args:
        predictive: Prediction, sensitivities and anti-collapse, by name.
        physics: All other terms, by name.
        encoded: All latents of the batch, ``(n, size)``, with the encoder's graph.
        leaf: The same numbers as a leaf, from which the terms were computed.
        targets: Latents of the whole fields of the windows, ``(batch, H + 1, size)``, without a gradient.
    """

    predictive: Mapping[str, Tensor]
    physics: Mapping[str, Tensor]
    encoded: Tensor
    leaf: Tensor
    targets: Tensor

    def by_name(self) -> dict[str, Tensor]:
        """All terms by name."""
        return {**self.predictive, **self.physics}


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The sum of ``weight x term``; terms without an entry in ``weights`` are weighted already."""
    return sum((weights.get(name, 1.0) * term for name, term in terms.items()), torch.zeros(()))


class Objective(nn.Module):
    """The objective ``L = sum of weight x term``, which trains encoder and predictor together.

    There is no stop-gradient, no moving average and no reconstruction unless the settings ask for them: the
    anti-collapse term alone rules out the trivial solution. The decoder is trained beside, on detached latents; among
    the terms only adjoints, and the reconstruction if asked for, reach it.

    Args:
        settings: The weights.
        model: The model in training, its scales already fitted.
        target: Physical fields ``(variable, *space)`` of the cost whose gradients are matched, if there are any.
    """

    def __init__(self, settings: LossSettings, model: WorldModel, target: Tensor | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.collapse = build_collapse(settings.collapse, model.encoder, model.encoder.space.wavenumber_blocks())
        chosen = [term for term in TERMS if term.is_asked(settings) and term.applies(model)]
        self.members = nn.ModuleDict({term.name: term(settings, model, target) for term in chosen})

    def asked(self) -> list[Term]:
        """The terms of this objective, in the order of their computation."""
        return [term for term in self.members.values() if isinstance(term, Term)]

    def needs(self, progress: float) -> frozenset[str]:
        """The sensitivities that terms are matched to by ``progress``: some of ``twin``, ``tangent``, ``gradient``."""
        return frozenset().union(*(term.needs for term in self.asked() if term.begins(progress)))

    def horizon(self, progress: float) -> int:
        """The length of the imagined rollouts at ``progress`` in [0, 1]: 2 at first, growing to the full horizon."""
        full, short = self.settings.horizon, self.settings.short_rollouts
        if not self.settings.rollout:
            return 1
        growth = self.settings.curriculum * (1 - short)
        ramp = max(0.0, (progress - short) / growth) if growth else float(progress >= short)
        return min(full, 2 + int(ramp * (full - 1)))

    def weights(self, progress: float) -> dict[str, float]:
        """The weight of each term at ``progress``; penalties against collapse are weighted already."""
        return {term.name: term.weight(progress) for term in self.asked()}

    def terms(
        self,
        model: WorldModel,
        batch: Batch,
        sensitivities: Sensitivities | None,
        generator: torch.Generator,
        progress: float = 1.0,
    ) -> Computed:
        """Compute every term of one batch that has begun.

        Args:
            model: The model in training.
            batch: Windows of H control intervals.
            sensitivities: Samples for the terms that are matched to the solver; None where there are none.
            generator: What draws everything random in terms.
            progress: The fraction of the training that is done, in [0, 1].
        """
        normalized, instants = model.normalize(batch.fields).flatten(0, 1), batch.fields.shape[:2]
        together, leaf, encoded = self._encode(model, normalized, sensitivities, generator, progress)
        latents = encoded.pop("windows")
        targets = self.collapse.targets(normalized, latents)
        if self.settings.encoder_learns_from == "reconstruction":
            predictive = {"reconstruction": self._reconstruction_error(model, normalized, latents)}
            latents, targets = latents.detach(), targets.detach()
            encoded = {name: values.detach() for name, values in encoded.items()}
        else:
            predictive = self._against_collapse(latents.unflatten(0, instants), generator)
            if "holes" in encoded:
                predictive |= self.collapse.completion(encoded.pop("holes"), targets)
        latents, targets = latents.unflatten(0, instants), targets.unflatten(0, instants)
        if sensitivities is not None:
            encoded = {name: v.unflatten(0, sensitivities.fields.shape[:2]) for name, v in encoded.items()}
        groups: dict[str, dict[str, Tensor]] = {"predictive": predictive, "physics": {}}
        with model.assembled():
            start = model.state_of(latents[:, 0], batch.parameters)
            states = torch.cat([start[:, None], rollout(model, start, batch.actions)], dim=1)
            inputs = TermInputs(
                model=model,
                batch=batch,
                latents=latents,
                targets=targets,
                states=states,
                sensitivities=sensitivities,
                encoded=encoded,
                metric=self.metric(model),
                relative_floor=self.settings.relative_floor,
                generator=generator,
            )
            for term in self.asked():
                value = term(inputs) if term.begins(progress) else None
                if value is not None:
                    groups[term.group][term.name] = value
        return Computed(groups["predictive"], groups["physics"], together, leaf, targets.detach())

    def _encode(
        self,
        model: WorldModel,
        normalized: Tensor,
        sensitivities: Sensitivities | None,
        generator: torch.Generator,
        progress: float,
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Everything that terms want encoded: together, as a leaf, and the parts of the leaf by name.

        All terms are computed from the leaf, so that the encoder is differentiated once, with their whole gradient.
        """
        parts = {"windows": model.encoder(normalized)}
        if (holes := self.collapse.with_holes(normalized, generator)) is not None:
            parts["holes"] = model.encoder(holes)
        if sensitivities is not None:
            parts |= encode_sensitivities(model, sensitivities, self.needs(progress))
        together = torch.cat(list(parts.values()))
        leaf = together.detach().requires_grad_() if together.requires_grad else together
        pieces = leaf.split([len(part) for part in parts.values()])
        return together, leaf, dict(zip(parts, pieces, strict=True))

    def metric(self, model: WorldModel) -> Tensor:
        """The weights of the coordinates in distances between latents, ``(size,)``."""
        return model.encoder.metric(self.settings.energy_exponent)

    def decoder_error(self, model: WorldModel, batch: Batch, terms: Computed) -> Tensor:
        """The relative error of decoded fields at the first and last instants; no gradient reaches the encoder."""
        ends = [0, -1]  # instants between them differ little from these
        fields = model.normalize(batch.fields[:, ends]).flatten(0, 1)
        return self._reconstruction_error(model, fields, terms.targets[:, ends].flatten(0, 1))

    def _reconstruction_error(self, model: WorldModel, fields: Tensor, latents: Tensor) -> Tensor:
        weight = 1 / (fields.square().flatten(1).mean(dim=1) + self.settings.relative_floor)
        return (weight * (model.decoder(latents) - fields).square().flatten(1).mean(dim=1)).mean()

    def _against_collapse(self, latents: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted penalties over simulations, the mean of first and last instant; none without a gradient."""
        if not latents.requires_grad:
            return {}
        first, last = (self.collapse.penalties(latents[:, instant], generator) for instant in (0, -1))
        return {name: (first[name] + last[name]) / 2 for name in first}
