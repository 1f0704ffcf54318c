"""Sensitivities in the objective: what another action would have changed, and what the cost's gradient is.

A planner follows the gradient of a cost through the model, so this is what has to be right. All terms
are one for a model that ignores its actions.
"""

import torch
from torch import Tensor

from sciwm.data.sensitivity import Sensitivities
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.model.world_model import WorldModel


def twin_error(imagined: Tensor, encoded: Tensor, metric: Tensor) -> Tensor:
    """Counterfactual twins: error of the *difference* that other actions make, at every step alike,

        mean_h < |(z^'_h - z^_h) - (z'_h - z_h)|^2 > / < |z'_h - z_h|^2 >

    Args:
        imagined: latents of base and twin, ``(2, batch, H, size)``.
        encoded: the true ones.
        metric: see ``prediction_errors``.
    """
    return _relative(imagined[1] - imagined[0], encoded[1] - encoded[0], metric)


def tangent_error(model: WorldModel, latents: Tensor, tangents: Tensor, data: Sensitivities, metric: Tensor) -> Tensor:
    """The same for an infinitesimal change of the actions: rollout tangent against the solver's, encoded,

        dz^_h / d eps  against  dE(u_h) [du_h / d eps],    actions a + eps d

    Args:
        latents: of the true fields, ``(batch, H + 1, size)``.
        tangents: of these latents, ``(batch, H + 1, size)``; zero at the start.
        data: holds actions and directions.
    """
    actions, directions = data.actions, physical_directions(model, data)

    def imagine(actions: Tensor) -> Tensor:
        return model.latent(rollout(model, model.state_of(latents[:, 0]), actions))

    imagined = torch.func.jvp(imagine, (actions,), (directions,))[1]
    return _relative(imagined, tangents[:, 1:], metric)


def adjoint_error(model: WorldModel, start: Tensor, data: Sensitivities, target: Tensor) -> Tensor:
    """Gradient of a cost with respect to the actions, through the model against through the solver,

        < |g^ - g|^2 / |g|^2 >,    g = dJ/da,    J = sum_h <|u_h - target|^2>

    Args:
        start: latents of the first instants, ``(batch, size)``.
        data: holds actions and gradients, these by normalised actions.
        target: physical fields ``(variable, *space)``.
    """
    if data.gradient is None:
        raise ValueError("Expected data with the gradient of the cost.")
    normalized = model.actuators.to_normalized(data.actions).requires_grad_()
    states = rollout(model, model.state_of(start), model.actuators.to_physical(normalized))
    fields = readout_trajectory(model, states, ["fields"])["fields"]
    cost = (fields - target).square().flatten(3).mean(dim=3).sum()
    (gradient,) = torch.autograd.grad(cost, normalized, create_graph=True)
    error = (gradient - data.gradient).square().sum(dim=(1, 2))
    return (error / data.gradient.square().sum(dim=(1, 2)).clamp(min=1e-12)).mean()


def physical_directions(model: WorldModel, data: Sensitivities) -> Tensor:
    """Directions of the tangents in physical units, ``(batch, H, actuator)``."""
    if data.directions is None:
        raise ValueError("Expected data with the solver's tangents.")
    box = model.actuators
    return data.directions * data.directions.new_tensor((box.high - box.low) / 2)


def _relative(imagined: Tensor, true: Tensor, metric: Tensor) -> Tensor:
    """Over ``(batch, H, size)``: mean over steps of the square error relative to the mean square."""
    with torch.no_grad():
        size = (true.square() @ metric).mean(dim=0).clamp(min=1e-12)
    return (((imagined - true).square() @ metric).mean(dim=0) / size).mean()
