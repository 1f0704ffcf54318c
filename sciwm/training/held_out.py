"""Measurements on the validation set after every epoch."""

import numpy as np
import torch
from torch import Tensor

from sciwm.config import Config
from sciwm.data import Sensitivities, Windows
from sciwm.dynamics import encode_trajectory, rollout
from sciwm.loss import Objective
from sciwm.loss.terms import prediction_errors
from sciwm.model import WorldModel
from sciwm.training.held_out_forecasts import HeldOutForecasts, typical

SAMPLES = 256


class HeldOut:
    """Measures a model on the same windows of the validation set every time.

    Args:
        config: Horizon, seed and weights.
        objective: The objective whose terms' gradients are compared.
        windows: Windows of the validation set.
        forecasts: Forecasts whose errors count in place of those of the windows.
    """

    def __init__(
        self, config: Config, objective: Objective, windows: Windows, forecasts: HeldOutForecasts | None = None
    ) -> None:
        self.config = config
        self.objective = objective
        self.forecasts = forecasts
        count = SAMPLES if forecasts is None else forecasts.windows_of(config.loss.horizon)
        self.batch = windows.draw(np.random.default_rng([config.seed, 2**31]), count, config.loss.horizon)

    def measure(self, model: WorldModel, progress: float, sensitivities: Sensitivities | None) -> dict[str, float]:
        """Error over all steps relative to persistence (1 - error is the skill), participation ratio, gradient norms.

        Args:
            model: The model in training.
            progress: The fraction of the training that is done.
            sensitivities: Samples for the gradients of the terms that are matched to the solver; those of the last
                update.
        """
        batch = self.batch
        with torch.no_grad(), model.assembled():
            encoded = encode_trajectory(model, batch.fields)
            start = model.with_parameters(encoded[:, 0], batch.parameters)
            imagined = model.latent(rollout(model, start, batch.actions))
            encoded = model.latent(encoded)
            errors = prediction_errors(
                imagined, encoded, self.objective.metric(model), relative_floor=self.config.loss.relative_floor
            )
        metrics = {
            "held_out.error": float(errors.mean()),
            "held_out.skill_first": 1 - float(errors[0]),
            "held_out.skill_last": 1 - float(errors[-1]),
            "held_out.participation_ratio": participation_ratio(encoded),
        }
        if self.forecasts is not None:
            metrics |= self._of_forecasts(model, self.forecasts)
        return metrics | self._gradient_norms(model, progress, sensitivities)

    def _of_forecasts(self, model: WorldModel, forecasts: HeldOutForecasts) -> dict[str, float]:
        """The typical error over all lead times and the skill at both ends, relative to persistence."""
        errors, copied = forecasts.errors(model), forecasts.persistence
        return {
            "held_out.error": typical(errors) / typical(copied),
            "held_out.skill_first": 1 - (errors[0] / max(copied[0], 1e-12)) ** 2,
            "held_out.skill_last": 1 - (errors[-1] / max(copied[-1], 1e-12)) ** 2,
        }

    def _gradient_norms(
        self, model: WorldModel, progress: float, sensitivities: Sensitivities | None
    ) -> dict[str, float]:
        """The gradient norm of each weighted term at the latents, before physical terms are bounded."""
        batch = self.batch.first(self.config.training.batch_size)  # as in training, which has the memory for these
        terms = self.objective.terms(model, batch, sensitivities, torch.Generator().manual_seed(0), progress)
        weights, norms = self.objective.weights(progress), dict[str, float]()
        for name, term in terms.by_name().items():
            norms[f"gradient_norm.{name}"] = 0.0
            if term.requires_grad and terms.leaf.requires_grad:
                (gradient,) = torch.autograd.grad(term, terms.leaf, retain_graph=True, allow_unused=True)
                if gradient is not None:
                    norms[f"gradient_norm.{name}"] = weights.get(name, 1.0) * float(gradient.norm())
        return norms


def participation_ratio(latents: Tensor) -> float:
    """Effective number of dimensions of the latents: ``(sum of variances)^2 / sum of squares`` over principal axes.

    The mean of each trajectory is removed first, so that constants of a trajectory do not count.

    Args:
        latents: ``(batch, time, size)``.
    """
    centred = (latents - latents.mean(dim=1, keepdim=True)).flatten(0, 1)
    covariance = centred.T @ centred
    return float(covariance.trace().square() / covariance.square().sum())
