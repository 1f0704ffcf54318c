"""Backstepping: the boundary feedback ``U = int k(y) u(y) dy``, which makes an unstable equation stable.

These are the classical controllers of the tasks :mod:`~simulations.tasks.transport` and
:mod:`~simulations.tasks.reaction_to_rest`. A change of variables maps the closed loop to a stable equation;
its kernel is k (Krstic & Smyshlyaev 2008, Boundary Control of PDEs, doi:10.1137/1.9780898718607, chapters 4
and 9).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.actuators import ActionBox
from simulations.controller import Controller
from simulations.equations.reaction_diffusion import ReactionDiffusion
from simulations.equations.transport_recirculation import TransportRecirculation

Array = NDArray[np.float64]


def transport_kernel(recirculation: Array, spacing: float) -> Array:
    """``k(x) = -beta(x) + int_0^x beta(x - y) k(y) dy`` by the trapezoidal rule.

    Args:
        recirculation: The values of beta at equispaced points from 0, ``(x,)``.
        spacing: The distance between the points.

    Returns:
        The values of k at the same points.
    """
    beta = spacing * recirculation
    kernel = -recirculation
    for i in range(1, len(beta)):
        integral = beta[i] * kernel[0] / 2 + beta[i - 1 : 0 : -1] @ kernel[1:i]
        kernel[i] = (integral - recirculation[i]) / (1 - beta[0] / 2)
    return kernel


def reaction_diffusion_kernel(reaction: Array, spacing: float) -> Array:
    """``k(L, y)`` where ``k_xx - k_yy = lambda(y) k``, ``k(x, 0) = 0``, ``k(x, x) = -1/2 int_0^x lambda``.

    In the characteristic coordinates ``xi = x + y``, ``eta = x - y`` the equation is
    ``4 k_{xi eta} = lambda k``. The trapezoidal rule over cells of one spacing gives k at x, for all y, from k at
    ``x - h/2`` and ``x - h``.

    Args:
        reaction: The values of lambda at equispaced points from 0 to L, **half** a spacing apart,
            ``(2 N - 1,)``.
        spacing: The spacing h of the N points.

    Returns:
        The values of k at the N points.
    """
    diagonal = -np.concatenate([[0.0], np.cumsum(reaction[1:] + reaction[:-1])]) * spacing / 8
    share = spacing**2 / 16 * reaction
    before, now = np.zeros(1), diagonal[1:2]  # indexed by eta: at x = 0 and x = h/2
    for level in range(2, len(reaction)):
        inner = np.arange(1, (level + 1) // 2)
        weight = share[level - 2 * inner]
        corners = (1 + weight) * (now[inner - 1] + np.append(now, 0.0)[inner]) - (1 - weight) * before[inner - 1]
        on_the_wall = [0.0] if level % 2 == 0 else []
        before, now = now, np.concatenate([diagonal[level : level + 1], corners / (1 - weight), on_the_wall])
    return now[::-1]


def transport_policy(simulation: TransportRecirculation) -> Controller:
    """The backstepping controller ``U = int_0^L k(L - y) u(y) dy``, clipped to the bounds of the action."""
    points, spacing = simulation.grid.coordinates["x"], simulation.grid.spacing[0]
    kernel = transport_kernel(simulation.recirculation(points), spacing)
    return feedback(simulation, trapezoidal(kernel[::-1], spacing))


def reaction_diffusion_policy(simulation: ReactionDiffusion) -> Controller:
    """The backstepping controller ``U = int_0^L k(L, y) u(y) dy``, clipped to the bounds of the action."""
    points, spacing = simulation.grid.shape[0], simulation.grid.spacing[0]
    halves = np.linspace(0.0, simulation.grid.extents[0], 2 * points - 1)
    kernel = reaction_diffusion_kernel(simulation.reaction(halves), spacing)
    return feedback(simulation, trapezoidal(kernel, spacing))


def trapezoidal(values: Array, spacing: float) -> Array:
    """The feedback gains ``(x,)`` of the integral of ``values`` times a field, by the trapezoidal rule."""
    gains = spacing * values
    gains[[0, -1]] /= 2
    return gains


def feedback(simulation: TransportRecirculation | ReactionDiffusion, gains: Array) -> Controller:
    """The linear feedback ``a = sum_i gains_i u_i``, clipped: fields ``(batch, 1, x)`` to actions ``(batch, 1)``."""
    return _WallFeedback(simulation, gains)


class _WallFeedback(Controller):
    def __init__(self, simulation: TransportRecirculation | ReactionDiffusion, gains: Array) -> None:
        self.simulation = simulation
        self.gains = gains

    @property
    def box(self) -> ActionBox:
        """The bounds of the action."""
        return self.simulation.actuators

    def act(self, observation: Tensor) -> Tensor:
        """The feedback, not clipped yet."""
        return observation[:, 0] @ torch.as_tensor(self.gains, dtype=observation.dtype)[:, None]
