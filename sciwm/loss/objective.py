"""The whole objective: prediction and physics one for a trivial model, and the weights between them."""

import torch
from torch import Tensor

from sciwm.config import LossSettings
from sciwm.data.windows import Batch
from sciwm.dynamics import rollout
from sciwm.loss.collapse import sigreg, vicreg
from sciwm.loss.physics import head_error, imagined_budget_error
from sciwm.loss.prediction import prediction_errors
from sciwm.model.world_model import WorldModel


class Objective:
    """``L = sum of weight x term``; encoder and predictor learn together, nothing is reconstructed.

    No stop-gradient and no moving-average target: the anti-collapse term alone forbids the trivial
    solution. The decoder is fitted beside, on detached latents.

    Args:
        settings: weights.
    """

    def __init__(self, settings: LossSettings) -> None:
        self.settings = settings

    def horizon(self, progress: float) -> int:
        """Length of the imagined rollouts at ``progress`` in [0, 1]: 2 at first, growing to the full one."""
        full = self.settings.horizon
        if not self.settings.rollout:
            return 1
        ramp = progress / self.settings.curriculum if self.settings.curriculum else 1.0
        return min(full, 2 + int(ramp * (full - 1)))

    def weights(self, progress: float) -> dict[str, float]:
        """Weight of each term at ``progress``; the budget is ramped in once the heads mean something."""
        s, physics = self.settings, self.settings.physics
        ramp = min(1.0, progress / physics.ramp) if physics.ramp else 1.0
        return {
            "one_step": s.one_step,
            "rollout": s.rollout,
            **self._collapse_weights(),
            "heads_encoded": physics.heads_encoded,
            "heads_rolled": physics.heads_rolled,
            "budget": physics.budget * ramp,
        }

    def terms(self, model: WorldModel, batch: Batch, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Every term that has a weight, and the encoded latents ``(batch, H + 1, size)``."""
        s, physics = self.settings, self.settings.physics
        encoded = model.encode(batch.fields.flatten(0, 1)).unflatten(0, batch.fields.shape[:2])
        terms = self._collapse_terms(encoded, generator)
        with model.assembled():
            imagined = rollout(model, encoded[:, 0], batch.actions)
            errors = prediction_errors(imagined, encoded, self.metric(model), relative_floor=s.relative_floor)
            terms["one_step"] = errors[0]
            if s.rollout and len(errors) > 1:
                terms["rollout"] = errors[1:].mean()
            if model.domain.functionals:
                along = torch.cat([encoded[:, :1], imagined], dim=1)
                if physics.heads_encoded:
                    terms["heads_encoded"] = head_error(model, encoded, batch)
                if physics.heads_rolled:
                    terms["heads_rolled"] = head_error(model, along, batch)
                if physics.budget:
                    terms["budget"] = imagined_budget_error(
                        model,
                        along[:, :-1],
                        batch.actions,
                        counterfactual_share=physics.counterfactual_share,
                        generator=generator,
                    )
        return terms, encoded

    def metric(self, model: WorldModel) -> Tensor:
        """How distances between latents are measured, ``(size,)``."""
        return model.encoder.metric(self.settings.energy_exponent)

    def decoder_error(self, model: WorldModel, batch: Batch, encoded: Tensor) -> Tensor:
        """Relative error of the decoded fields; no gradient reaches the encoder."""
        fields = model.normalize(batch.fields).flatten(0, 1)
        decoded = model.decoder(encoded.detach().flatten(0, 1))
        weight = 1 / (fields.square().mean(dim=(1, 2)) + self.settings.relative_floor)
        return (weight * (decoded - fields).square().mean(dim=(1, 2))).mean()

    def _collapse_weights(self) -> dict[str, float]:
        collapse = self.settings.collapse
        match collapse.kind:
            case "vicreg":
                return {"variance": collapse.weight, "covariance": collapse.weight * collapse.covariance}
            case "sigreg":
                return {"sigreg": collapse.weight}
            case "none":
                return {}

    def _collapse_terms(self, encoded: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The statistic over simulations, for the first and the last instant of the windows."""
        instants = (encoded[:, 0], encoded[:, -1])
        match self.settings.collapse.kind:
            case "vicreg":
                pairs = [vicreg(z, deviation=self.settings.collapse.deviation) for z in instants]
                variance, covariance = (torch.stack(p).mean() for p in zip(*pairs, strict=True))
                return {"variance": variance, "covariance": covariance}
            case "sigreg":
                shape = (encoded.shape[-1], self.settings.collapse.directions)
                directions = torch.randn(shape, generator=generator).to(encoded)
                return {"sigreg": torch.stack([sigreg(z, directions) for z in instants]).mean()}
            case "none":
                return {}
