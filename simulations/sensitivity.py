"""Sensitivities of a trajectory to its actions: twins, tangents and adjoint gradients.

    u_t = advance(u_{t-1}, a_t),    t = 1..H,    a_t = to_physical(s_t),    s_t in [-1, 1]

- The twin is the trajectory from the same start under other actions; its difference may have any size.
- The tangent is ``du_t / d eps`` under the actions ``s + eps d``, for a direction ``d``.
- The gradient is ``dJ / ds_t`` of the cost ``J = sum_t <|u_t - target|^2>``, where <.> is the mean over
  space, summed over variables. It is found from costates ``l_t = A_{t+1}^T l_{t+1} + dJ/du_t`` as
  ``dJ/da_t = B_t^T l_t``, where A and B are the derivatives of ``advance`` by the state and by the action.

Gradient and tangent agree: ``<gradient, d> = sum_t 2 <(u_t - target) du_t>``.

Tangents are central differences of fourth order between four solutions in float64. These cost a half (2D)
to a seventh (1D) of forward-mode differentiation. Over 16 intervals the two differ by at most 1e-8 of the
tangent for every equation. Chaos amplifies the difference: for Kuramoto-Sivashinsky it is 1e-10 after 16
time units and 1e-6 after 32.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.base import Simulation

DIFFERENCE_STEP = 1.5e-4
"""The step of the difference, in normalised actions: below it rounding grows, above it truncation."""

STENCIL = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))
"""``(offset, weight)`` of the fourth-order central difference."""


@dataclass(frozen=True)
class Sensitivity:
    """A batch of trajectories with their twins, tangents and gradients.

    Args:
        fields: The trajectories, ``(batch, H + 1, variable, *space)``; the first instant is the start.
        twin: The twins, of the same shape.
        tangent: The tangents by normalised actions, of the same shape; zero at the start.
        gradient: The gradient of the cost by normalised actions, ``(batch, H, actuator)``.
        failed: Whether an element blew up, ``(batch,)``; do not use any values of such elements.
    """

    fields: Tensor
    twin: Tensor
    tangent: Tensor
    gradient: Tensor
    failed: Tensor


def sensitivity(
    simulation: Simulation,
    start: Tensor,
    actions: Tensor,
    *,
    twin_actions: Tensor,
    directions: Tensor,
    target: Tensor,
) -> Sensitivity:
    """Compute trajectories, twins, tangents and gradients for a batch of starts and action sequences.

    Args:
        simulation: The simulation.
        start: The starts, ``(batch, variable, *space)``, in float64.
        actions: Actions in physical units, ``(batch, H, actuator)``.
        twin_actions: The actions of the twins, likewise.
        directions: The directions of the tangents in normalised actions, ``(batch, H, actuator)``.
        target: The target in the cost, broadcastable to ``(batch, variable, *space)``.

    Raises:
        ValueError: If a shape or precision does not fit.
    """
    fields = trajectory(simulation, start, actions)
    twin = trajectory(simulation, start, twin_actions)
    slope = tangent(simulation, start, actions, directions)
    by_actions = gradient(simulation, fields, actions, target)
    states = torch.cat([fields, twin], dim=1)
    blown_up = [simulation.blown_up(state) for state in states.unbind(dim=1)]
    lost = [~torch.isfinite(values).flatten(1).all(dim=1) for values in (slope, by_actions)]
    return Sensitivity(fields, twin, slope, by_actions, torch.stack([*blown_up, *lost]).any(dim=0))


@torch.no_grad()
def trajectory(simulation: Simulation, start: Tensor, actions: Tensor) -> Tensor:
    """The trajectory from ``start`` under ``actions``.

    Args:
        simulation: The simulation.
        start: ``(batch, variable, *space)``.
        actions: Actions in physical units, ``(batch, H, actuator)``.

    Returns:
        ``H + 1`` instants, the start first: ``(batch, H + 1, variable, *space)``.
    """
    states = [start]
    for action in actions.unbind(dim=1):
        states.append(simulation.advance(states[-1], action))
    return torch.stack(states, dim=1)


@torch.no_grad()
def tangent(
    simulation: Simulation, start: Tensor, actions: Tensor, directions: Tensor, *, step: float = DIFFERENCE_STEP
) -> Tensor:
    """The tangent ``du_t / d eps`` under actions whose normalised values change by ``eps directions``.

    Args:
        simulation: The simulation.
        start: ``(batch, variable, *space)``, in float64.
        actions: Actions in physical units, ``(batch, H, actuator)``.
        directions: Directions in normalised actions, of order one, ``(batch, H, actuator)``.
        step: The step ``eps`` of the central difference; the default suits directions of order one.

    Returns:
        ``(batch, H + 1, variable, *space)``, zero at the start.

    Raises:
        ValueError: If the start is not float64, as differences in float32 are mostly rounding.
    """
    if start.dtype != torch.float64:
        raise ValueError(f"tangent: expected a start of float64, got {start.dtype}. Use start.double().")
    moved = step * half_range(simulation, actions) * directions
    parts = [weight * trajectory(simulation, start, actions + offset * moved) for offset, weight in STENCIL]
    slope = torch.stack(parts).sum(dim=0) / step
    slope[:, 0] = 0  # the weights sum to zero only up to rounding
    return slope


def gradient(simulation: Simulation, fields: Tensor, actions: Tensor, target: Tensor) -> Tensor:
    """The gradient ``dJ / ds_t`` by costates; the graph of one interval is in memory at a time.

    Args:
        simulation: The simulation.
        fields: The trajectory under ``actions``, ``(batch, H + 1, variable, *space)``.
        actions: Actions in physical units, ``(batch, H, actuator)``.
        target: The target in the cost, broadcastable to ``(batch, variable, *space)``.

    Returns:
        ``(batch, H, actuator)``.
    """
    points = fields[0, 0, 0].numel()
    costate = torch.zeros_like(fields[:, 0])
    found = []
    for t in range(actions.shape[1], 0, -1):
        costate = costate + 2 * (fields[:, t].detach() - target) / points
        before, action = fields[:, t - 1].detach().requires_grad_(), actions[:, t - 1].detach().requires_grad_()
        with torch.enable_grad():
            after = simulation.advance(before, action)
        costate, by_action = torch.autograd.grad(after, (before, action), costate)
        found.append(by_action)
    return half_range(simulation, actions) * torch.stack(found[::-1], dim=1)


def cost(fields: Tensor, target: Tensor) -> Tensor:
    """The cost ``J`` of trajectories ``(batch, H + 1, variable, *space)``, without the start: ``(batch,)``."""
    squared = (fields[:, 1:] - target.expand_as(fields[:, 0])[:, None]).square()
    return squared.flatten(3).mean(dim=3).sum(dim=(1, 2))


def half_range(simulation: Simulation, like: Tensor) -> Tensor:
    """Half of the range of each action, the factor from normalised to physical changes, ``(actuator,)``."""
    return like.new_tensor(simulation.actuators.high - simulation.actuators.low) / 2
