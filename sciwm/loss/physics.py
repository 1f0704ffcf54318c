"""Physics in the objective: functionals read from the latent, and their budgets along imagined rollouts."""

import torch
from torch import Tensor

from sciwm.config import PhysicsSettings
from sciwm.data.windows import Batch
from sciwm.model.world_model import WorldModel

SMALLEST = 1e-6
"""Norm of a latent at rest, for what is divided by it."""


def physics_terms(
    model: WorldModel,
    latents: Tensor,
    states: Tensor,
    batch: Batch,
    settings: PhysicsSettings,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The terms below that have a weight and, where they speak of functionals, functionals.

    Args:
        latents: encoded, ``(batch, H + 1, size)``.
        states: imagined from the first of them, ``(batch, H + 1, size)``.
    """
    terms = {}
    if model.domain.functionals:
        if settings.heads_encoded:
            terms["heads_encoded"] = head_error(model, model.state_of(latents), batch)
        if settings.heads_rolled:
            terms["heads_rolled"] = head_error(model, states, batch)
        if settings.budget:
            share = settings.counterfactual_share
            terms["budget"] = imagined_budget_error(
                model, states[:, :-1], batch.actions, counterfactual_share=share, generator=generator
            )
        if settings.ledger_tie and model.ledger:
            terms["ledger_tie"] = ledger_tie(model, states[:, 1:])
    if settings.shell:
        contraction = settings.shell_contraction
        terms["shell"] = shell_growth(model, latents[:, 0], contraction=contraction, generator=generator)
    return terms


def head_error(model: WorldModel, states: Tensor, batch: Batch) -> Tensor:
    """Mean square error of ``Q``, ``S`` and ``y`` read from states; one for a model that gives the mean.

    With a ledger Q is the ledger's, along a rollout the one it has kept.

    Args:
        states: ``(batch, H + 1, size)``, encoded or imagined, at the instants of ``batch``.
    """
    before, after = (model.latent(s).flatten(0, 1) for s in (states[:, :-1], states[:, 1:]))
    source, output = model.heads.fluxes(before, model.scaled(batch.actions).flatten(0, 1), after)
    errors = [
        model.functionals(states.flatten(0, 1)) - batch.functionals.flatten(0, 1),
        source - batch.sources.flatten(0, 1),
        output - batch.outputs.flatten(0, 1),
    ]
    return torch.stack([e.square().mean() for e in errors]).mean()


def ledger_tie(model: WorldModel, states: Tensor) -> Tensor:
    """Mean square difference between the ledger and what the heads read from the latent beside it.

    Args:
        states: imagined, ``(batch, H, size)``.
    """
    flat = states.flatten(0, 1)
    return (model.functionals(flat) - model.heads.value(model.latent(flat))).square().mean()


def budget_residual(model: WorldModel, before: Tensor, action: Tensor, after: Tensor) -> Tensor:
    """The forced budget of every functional over one imagined interval,

        r = [ Q(z+) - Q(z) - interval ( S(z, z+, f) + sum_j a_j y_j(z, z+, f) ) ] / std(Delta Q)

    With a ledger Q is the ledger's, and r is zero to rounding whatever the weights are.

    Args:
        before, after: states ``(batch, size)``.
        action: ``(batch, actuator)`` in physical units.

    Returns:
        ``(batch, functional)``.
    """
    deviation, typical = (
        before.new_tensor([getattr(f, name) for f in model.domain.functionals])
        for name in ("deviation", "change_deviation")
    )
    change = (model.functionals(after) - model.functionals(before)) * deviation
    return (change - model.inflow(model.latent(before), action, model.latent(after))) / typical


def imagined_budget_error(
    model: WorldModel, along: Tensor, actions: Tensor, *, counterfactual_share: float, generator: torch.Generator
) -> Tensor:
    """Mean square budget residual of one imagined interval, a share of it under actions never seen.

    One random instant of every imagined rollout is advanced once more.

    Args:
        along: states along the rollouts, ``(batch, H, size)``.
        actions: what the data did there, ``(batch, H, actuator)`` in physical units.
        counterfactual_share: fraction whose action is drawn from the whole box instead.
    """
    batch, horizon = actions.shape[:2]
    rows, instants = torch.arange(batch), torch.randint(horizon, (batch,), generator=generator)
    start, action = along[rows, instants], actions[rows, instants]
    counterfactual = torch.rand(batch, 1, generator=generator).to(action) < counterfactual_share
    action = torch.where(counterfactual, any_action(model, action, generator), action)
    return budget_residual(model, start, action, model.advance(start, action)).square().mean()


def shell_growth(model: WorldModel, latents: Tensor, *, contraction: float, generator: torch.Generator) -> Tensor:
    """How far states outside the data are from being contracted, under any action of the box:

        < max(0, ln |z+| / (contraction r))^2 >,    |z| = r, from 1.5 to 3 times the largest radius in the batch

    z has the direction of a latent of the data, and |z|^2 is the energy of its fields, which is what dissipates:
    a norm in which all waves count alike grows as energy passes to short ones. Means that forcing alone changes
    are kept out. After Li et al. 2022 (arXiv:2106.06898), who prescribe z+ there; here contracting is enough.

    Args:
        latents: encoded, ``(batch, size)``.
    """
    with torch.no_grad():
        weight = model.encoder.metric(1.0).masked_fill(model.conserved, 0.0)
        length = _norm(latents, weight)
        radius = length.max() * (1.5 + 1.5 * torch.rand(len(latents), generator=generator).to(latents))
        outside = torch.where(model.conserved, latents, latents * (radius / length)[:, None])
    action = any_action(model, latents.new_zeros(len(latents), len(model.actuators)), generator)
    after = model.latent(model.advance(model.state_of(outside), action))
    return torch.relu(torch.log(_norm(after, weight) / (contraction * radius))).square().mean()


def _norm(latents: Tensor, weight: Tensor) -> Tensor:
    """Of each latent; of one at rest hardly more than zero."""
    return (latents.square() @ weight + SMALLEST**2).sqrt()


def any_action(model: WorldModel, like: Tensor, generator: torch.Generator) -> Tensor:
    """Physical actions uniform in the whole box, of the shape of ``like`` ``(..., actuator)``."""
    return model.actuators.to_physical(2 * torch.rand(like.shape, generator=generator).to(like) - 1)
