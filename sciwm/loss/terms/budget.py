"""Budgets along imagined rollouts: functionals change by their sources and by the work of the actuators."""

import torch
from torch import Tensor

from sciwm.loss.terms.counterfactual import any_action
from sciwm.loss.terms.term import FunctionalTerm, TermInputs
from sciwm.model import WorldModel


def budget_residual(model: WorldModel, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
    """Residual of the forced budget of every functional over one imagined interval,

        r = [ Q(z+) - Q(z) - interval ( S(z, z+, f) + sum_j a_j y_j(z, z+, f) ) ] / std(Delta Q)

    with source S and outputs y. With a ledger Q is the ledger's, and r is zero to rounding for any weights.

    Args:
        model: The model.
        before, after: States ``(batch, size)``.
        action: Physical actions ``(batch, actuator)``.

    Returns:
        ``(batch, functional)``.
    """
    deviation, typical = (model.functional_scale(name).to(before) for name in ("deviation", "change_deviation"))
    change = (model.functionals(after) - model.functionals(before)) * deviation
    return (change - model.inflow(model.latent(before), action, model.latent(after))) / typical


def imagined_budget_error(
    model: WorldModel, along: Tensor, actions: Tensor, *, counterfactual_share: float, generator: torch.Generator
) -> Tensor:
    """Mean square budget residual of one imagined interval, partly under actions that the data do not hold.

    The interval starts at one random instant of every imagined rollout.

    Args:
        model: The model in training.
        along: States along the rollouts, ``(batch, H, size)``.
        actions: Physical actions of the data, ``(batch, H, actuator)``.
        counterfactual_share: The fraction of intervals whose action is drawn from the whole box instead.
        generator: What draws instants and actions.
    """
    batch, horizon = actions.shape[:2]
    rows, instants = torch.arange(batch), torch.randint(horizon, (batch,), generator=generator)
    start, action = along[rows, instants], actions[rows, instants]
    counterfactual = torch.rand(batch, 1, generator=generator).to(action) < counterfactual_share
    action = torch.where(counterfactual, any_action(model, action, generator), action)
    return budget_residual(model, start, action, model.advance(start, action)).square().mean()


class Budget(FunctionalTerm):
    """:func:`imagined_budget_error`: budgets hold under the actions of the data and under any others."""

    name = "budget"
    ramps = True

    def forward(self, inputs: TermInputs) -> Tensor:
        """The error of one interval from a random instant of every imagined rollout."""
        return imagined_budget_error(
            inputs.model,
            inputs.states[:, :-1],
            inputs.batch.actions,
            counterfactual_share=self.settings.physics.counterfactual_share,
            generator=inputs.generator,
        )
