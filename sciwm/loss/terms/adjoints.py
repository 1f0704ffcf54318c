"""Adjoints: the gradient of a cost with respect to all actions is matched to the solver's."""

import math

import torch
from torch import Tensor

from sciwm.config import LossSettings
from sciwm.data import Sensitivities
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.loss.ranks import mean_over_ranks
from sciwm.loss.terms.term import Term, TermInputs
from sciwm.model import WorldModel


def adjoint_error(
    model: WorldModel, start: Tensor, data: Sensitivities, target: Tensor, *, relative_floor: float
) -> Tensor:
    """Relative error of the gradient of a cost with respect to the actions, through the model,

        < w |g^ - g|^2 > / < w |g|^2 >,    g = dJ/da,    J = sum_h <|u_h - target|^2>,

    where g^ is the gradient through the model, g that through the solver, and actions are normalised to [-1, 1].
    The weight ``w = 1 / (|g|^2 + floor <|g|^2>)`` makes a given relative error cost the same near the target, where
    gradients are small, as far from it. Fields are decoded from the latents, so that the decoder learns from this
    term too.

    Args:
        model: The model in training.
        start: Latents of the first instants, ``(batch, size)``.
        data: Actions and gradients.
        target: Physical fields ``(variable, *space)``.
        relative_floor: The floor in w.
    """
    if data.gradient is None:
        raise ValueError("Expected sensitivities with the gradient of the cost, got none; store action_gradient.")
    unit = 2.0 ** round(math.log2(float(model.variable_deviation.max())))  # or squares would not fit into numbers
    true = data.gradient / unit / unit
    normalized = model.actuators.to_normalized(data.actions).detach().requires_grad_()
    states = rollout(model, start, model.actuators.to_physical(normalized))
    fields = readout_trajectory(model, states, ["fields"])["fields"]
    cost = ((fields - target) / unit).square().flatten(3).mean(dim=3).sum()
    (gradient,) = torch.autograd.grad(cost, normalized, create_graph=True)
    size, error = (g.square().sum(dim=(1, 2)) for g in (true, gradient - true))
    weight = 1 / (size + relative_floor * mean_over_ranks(size.mean())).clamp(min=1e-30)
    return (weight * error).mean() / mean_over_ranks((weight * size).mean()).clamp(min=1e-12)


class Adjoints(Term):
    """:func:`adjoint_error` of simulations with the gradient of a cost; for the last part of the training."""

    name = "adjoints"
    group = "predictive"
    needs = frozenset({"gradient"})

    def __init__(self, settings: LossSettings, model: WorldModel, target: Tensor | None) -> None:
        super().__init__(settings, model, target)
        self.register_buffer("target", target, persistent=False)
        self.target: Tensor | None

    def begins(self, progress: float) -> bool:
        """Whether ``adjoints_from`` of the training is over."""
        return progress >= self.settings.physics.adjoints_from

    def forward(self, inputs: TermInputs) -> Tensor | None:
        """The error of the gradients through the model; None without gradients or target."""
        data = inputs.sensitivities
        if data is None or data.gradient is None or self.target is None:
            return None
        start, floor = inputs.encoded["base"][:, 0], inputs.relative_floor
        return adjoint_error(inputs.model, start, data, self.target, relative_floor=floor)
