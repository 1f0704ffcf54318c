"""Physics in the objective: functionals read from the latent, and their budgets along imagined rollouts."""

import torch
from torch import Tensor

from sciwm.data.windows import Batch
from sciwm.model.world_model import WorldModel


def head_error(model: WorldModel, latents: Tensor, batch: Batch) -> Tensor:
    """Mean square error of ``Q``, ``S`` and ``y`` read from latents; one for a head that gives the mean.

    Args:
        latents: ``(batch, H + 1, size)``, encoded or imagined, at the instants of ``batch``.
    """
    value = model.heads.value(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
    source, output = model.heads.fluxes(latents[:, :-1].flatten(0, 1), latents[:, 1:].flatten(0, 1))
    errors = [
        value - batch.functionals,
        source.unflatten(0, latents[:, 1:].shape[:2]) - batch.sources,
        output.unflatten(0, latents[:, 1:].shape[:2]) - batch.outputs,
    ]
    return torch.stack([e.square().mean() for e in errors]).mean()


def budget_residual(model: WorldModel, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
    """The forced budget of every functional over one imagined interval,

        r = [ Q(z+) - Q(z) - interval ( S(z, z+) + sum_j a_j y_j(z, z+) ) ] / std(Delta Q)

    Args:
        before, after: latents ``(batch, size)``.
        action: ``(batch, actuator)`` in physical units.

    Returns:
        ``(batch, functional)``.
    """
    functionals = model.domain.functionals

    def scale(name: str) -> Tensor:
        return before.new_tensor([getattr(f, name) for f in functionals])

    change = (model.heads.value(after) - model.heads.value(before)) * scale("deviation")
    source, output = model.heads.fluxes(before, after)
    source = source * scale("source_deviation") + scale("source_mean")
    work = torch.einsum("bj,bfj->bf", action, output) * scale("output_deviation")
    return (change - model.control_interval * (source + work)) / scale("change_deviation")


def imagined_budget_error(
    model: WorldModel, along: Tensor, actions: Tensor, *, counterfactual_share: float, generator: torch.Generator
) -> Tensor:
    """Mean square budget residual of one imagined interval, a share of it under actions never seen.

    One random instant of every imagined rollout is advanced once more.

    Args:
        along: latents along the rollouts, ``(batch, H, size)``.
        actions: what the data did there, ``(batch, H, actuator)`` in physical units.
        counterfactual_share: fraction whose action is drawn from the whole box instead.
    """
    batch, horizon = actions.shape[:2]
    rows, instants = torch.arange(batch), torch.randint(horizon, (batch,), generator=generator)
    start, action = along[rows, instants], actions[rows, instants]
    drawn = model.actuators.to_physical(2 * torch.rand(action.shape, generator=generator).to(action) - 1)
    counterfactual = torch.rand(batch, 1, generator=generator).to(action) < counterfactual_share
    action = torch.where(counterfactual, drawn, action)
    return budget_residual(model, start, action, model.advance(start, action)).square().mean()
