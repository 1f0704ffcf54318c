"""Sensitivities in the objective: what another action would have changed, and what the cost's gradient is.

A planner follows the gradient of a cost through the model, so this is what has to be right. All terms
are one for a model that ignores its actions.
"""

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from sciwm.config import PhysicsSettings
from sciwm.data.sensitivity_set import Sensitivities
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.loss.ranks import mean_over_ranks
from sciwm.model.world_model import WorldModel


def encoded_answers(model: WorldModel, data: Sensitivities, settings: PhysicsSettings) -> dict[str, Tensor]:
    """What the encoder makes of data, as far as it is needed: latents ``base`` and ``twin``, and ``tangent``.

    Returns:
        each ``(batch (H + 1), size)``.
    """

    def encode(fields: Tensor) -> Tensor:
        return model.encoder(model.normalize(fields))

    fields = data.fields.flatten(0, 1)
    if settings.tangents and data.tangent is not None:
        base, tangent = derivative_along(encode, fields, data.tangent.flatten(0, 1))
        answers = {"base": base, "tangent": tangent}
    else:
        answers = {"base": encode(fields)}
    if settings.twins:
        answers["twin"] = encode(data.twin.flatten(0, 1))
    return answers


def sensitivity_terms(
    model: WorldModel,
    encoded: Mapping[str, Tensor],
    data: Sensitivities,
    settings: PhysicsSettings,
    metric: Tensor,
    *,
    target: Tensor | None,
    relative_floor: float,
) -> dict[str, Tensor]:
    """The terms below that have a weight and their data.

    Args:
        encoded: see :func:`encoded_answers`.
        metric: see ``prediction_errors``.
        target: see :func:`adjoint_error`.
    """
    by_time = {name: values.unflatten(0, data.fields.shape[:2]) for name, values in encoded.items()}
    base, terms = by_time["base"], {}
    if "twin" in by_time:
        both = torch.cat([data.actions, data.twin_actions])
        imagined = rollout(model, base[:, 0].repeat(2, 1), both).unflatten(0, (2, -1))
        terms["twins"] = twin_error(imagined, torch.stack([base, by_time["twin"]])[:, :, 1:], metric)
    if "tangent" in by_time:
        terms["tangents"] = tangent_error(model, base, by_time["tangent"], data, metric)
    if settings.adjoints and data.gradient is not None and target is not None:
        terms["adjoints"] = adjoint_error(model, base[:, 0], data, target, relative_floor=relative_floor)
    return terms


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
        return rollout(model, latents[:, 0], actions)

    return _relative(derivative_along(imagine, actions, directions)[1], tangents[:, 1:], metric)


def adjoint_error(
    model: WorldModel, start: Tensor, data: Sensitivities, target: Tensor, *, relative_floor: float
) -> Tensor:
    """Gradient of a cost with respect to the actions, through the model against through the solver,

        < w |g^ - g|^2 > / < w |g|^2 >,    g = dJ/da,    J = sum_h <|u_h - target|^2>,

    a normalised to [-1, 1]. As in ``prediction_errors`` the weight ``w = 1 / (|g|^2 + floor <|g|^2>)``
    lets a given relative error cost the same near the target, where gradients are small, as far from
    it, down to the floor. Fields are what the decoder makes of the latents, which it learns from too.

    Args:
        start: latents of the first instants, ``(batch, size)``.
        data: holds actions and gradients.
        target: physical fields ``(variable, *space)``.
        relative_floor: see above.
    """
    if data.gradient is None:
        raise ValueError("Expected data with the gradient of the cost.")
    normalized = model.actuators.to_normalized(data.actions).detach().requires_grad_()
    states = rollout(model, start, model.actuators.to_physical(normalized))
    fields = readout_trajectory(model, states, ["fields"])["fields"]
    cost = (fields - target).square().flatten(3).mean(dim=3).sum()
    (gradient,) = torch.autograd.grad(cost, normalized, create_graph=True)
    size, error = (g.square().sum(dim=(1, 2)) for g in (data.gradient, gradient - data.gradient))
    weight = 1 / (size + relative_floor * mean_over_ranks(size.mean())).clamp(min=1e-30)
    return (weight * error).mean() / mean_over_ranks((weight * size).mean()).clamp(min=1e-12)


def derivative_along(function: Callable[[Tensor], Tensor], at: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """``f(x)`` and ``d f(x + eps d) / d eps`` by forward-mode differentiation, both differentiable in reverse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch warns of its own rules when it first reads them
        both = torch.func.jvp(function, (at,), (direction,))
    return both[0], both[1]


def physical_directions(model: WorldModel, data: Sensitivities) -> Tensor:
    """Directions of the tangents in physical units, ``(batch, H, actuator)``."""
    if data.directions is None:
        raise ValueError("Expected data with the solver's tangents.")
    box = model.actuators
    return data.directions * data.directions.new_tensor((box.high - box.low) / 2)


def _relative(imagined: Tensor, true: Tensor, metric: Tensor) -> Tensor:
    """Over ``(batch, H, size)``: mean over steps of the square error relative to the mean square."""
    with torch.no_grad():
        size = mean_over_ranks((true.square() @ metric).mean(dim=0)).clamp(min=1e-12)
    return (((imagined - true).square() @ metric).mean(dim=0) / size).mean()
