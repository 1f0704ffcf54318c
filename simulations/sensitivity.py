"""How a trajectory answers to its actions: twins, tangents and adjoint gradients.

    u_t = advance(u_{t-1}, a_t),    t = 1..H,    a_t = to_physical(s_t),    s_t in [-1, 1]

- twin: ``u'`` from the same start under other actions, a difference of any size;
- tangent: ``du_t / d eps`` under ``s + eps d``, the answer to an infinitesimal change along ``d``;
- gradient: of ``J = sum_t <|u_t - target|^2>`` by every ``s_t``, with <.> the mean over space, summed
  over variables; by costates, ``l_t = A_{t+1}^T l_{t+1} + dJ/du_t`` with ``A`` the derivative of
  ``advance`` by the state, and ``dJ/da_t = B_t^T l_t`` with ``B`` that by the action.

The last two are one: ``<gradient, d> = sum_t 2 <(u_t - target) du_t>``.

Tangents are central differences of fourth order between solutions in float64. They need four solutions,
which cost a half (2D) to a seventh (1D) of forward-mode differentiation, and differ from it by 1e-8 of
the tangent or less for every equation over 16 intervals; where chaos has amplified the difference, by
more: Kuramoto-Sivashinsky 1e-10 after 16 time units, 1e-6 after 32.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.base import Simulation

DIFFERENCE_STEP = 1.5e-4
"""Of normalised actions: rounding grows below it, truncation above."""

STENCIL = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))
"""``(offset, weight)`` of the fourth-order central difference."""


@dataclass(frozen=True)
class Sensitivity:
    """A batch of trajectories with all that tells how they answer to their actions.

    Args:
        fields, twin, tangent: ``(batch, H + 1, variable, *space)``; the first instant is the start.
        gradient: ``(batch, H, actuator)``, by normalised actions.
        failed: ``(batch,)``, what blew up; nothing of these elements is of use.
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
    """Everything at once, for a batch of starts and action sequences.

    Args:
        start: ``(batch, variable, *space)``, float64.
        actions, twin_actions: ``(batch, H, actuator)`` in physical units.
        directions: ``(batch, H, actuator)``, of normalised actions.
        target: broadcastable to ``(batch, variable, *space)``.

    Raises:
        ValueError: if a shape or precision does not fit.
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
    """``start`` ``(batch, variable, *space)`` and what follows under physical ``actions``: ``H + 1`` instants."""
    states = [start]
    for action in actions.unbind(dim=1):
        states.append(simulation.advance(states[-1], action))
    return torch.stack(states, dim=1)


@torch.no_grad()
def tangent(
    simulation: Simulation, start: Tensor, actions: Tensor, directions: Tensor, *, step: float = DIFFERENCE_STEP
) -> Tensor:
    """``du_t / d eps`` under actions whose normalised values move by ``eps directions``.

    Args:
        start: ``(batch, variable, *space)``, float64.
        actions: ``(batch, H, actuator)`` in physical units.
        directions: ``(batch, H, actuator)``, of normalised actions, of order one.
        step: ``eps`` between neighbours in the difference.

    Returns:
        ``(batch, H + 1, variable, *space)``, zero at the start.

    Raises:
        ValueError: if the start is not float64: differences of anything less are rounding.
    """
    if start.dtype != torch.float64:
        raise ValueError(f"tangent: expected a start of float64, got {start.dtype}. Use start.double().")
    moved = step * half_range(simulation, actions) * directions
    parts = [weight * trajectory(simulation, start, actions + offset * moved) for offset, weight in STENCIL]
    slope = torch.stack(parts).sum(dim=0) / step
    slope[:, 0] = 0  # the weights sum to zero only up to rounding
    return slope


def gradient(simulation: Simulation, fields: Tensor, actions: Tensor, target: Tensor) -> Tensor:
    """``dJ / ds_t`` by costates, one interval recorded at a time.

    Args:
        fields: the trajectory under ``actions``, ``(batch, H + 1, variable, *space)``.
        actions: ``(batch, H, actuator)`` in physical units.
        target: broadcastable to ``(batch, variable, *space)``.

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
    """``J`` of trajectories ``(batch, H + 1, variable, *space)``, ``(batch,)``; the start does not count."""
    squared = (fields[:, 1:] - target.expand_as(fields[:, 0])[:, None]).square()
    return squared.flatten(3).mean(dim=3).sum(dim=(1, 2))


def half_range(simulation: Simulation, like: Tensor) -> Tensor:
    """Physical action per normalised action, ``(actuator,)``."""
    return like.new_tensor(simulation.actuators.high - simulation.actuators.low) / 2
