"""The linear-quadratic regulator of any differentiable dynamics, about a target at rest.

Near its target a planner solves a linear-quadratic problem, whose solution is known: a feedback gain, and a
quadratic cost-to-go that stands for everything beyond the horizon (Chen & Allgoewer 1998,
doi:10.1016/S0005-1098(98)00073-9). The dynamics, learned or true, are linearised by automatic differentiation.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.costs import Cost, Imagined


class NoLinearLaw(ValueError):
    """The actuators cannot hold the target: some mode grows whatever they do."""


@dataclass(frozen=True)
class LinearLaw:
    """The feedback ``a = hold - K (s - goal)`` within bounds, and the cost-to-go ``(s - goal)^T W (s - goal)``.

    :func:`linear_law` makes one.

    Args:
        goal: The target state, flattened, ``(n,)``.
        hold: The action that keeps it at rest, in ``[-1, 1]``, ``(actuator,)``.
        gain: K, ``(actuator, n)``.
        value: W, ``(n, n)``.
    """

    goal: Tensor
    hold: Tensor
    gain: Tensor
    value: Tensor

    def action(self, state: Tensor) -> Tensor:
        """Actions in ``[-1, 1]``, ``(batch, actuator)``, for states ``(batch, ...)``."""
        return (self.hold - (state.flatten(1) - self.goal) @ self.gain.T).clamp(-1, 1)

    def cost_to_go(self) -> Cost:
        """The cost of everything after the last step of the horizon."""

        def evaluate(imagined: Imagined) -> Tensor:
            away = imagined.states[:, -1].flatten(1) - self.goal
            return ((away @ self.value) * away).sum(dim=1)

        return Cost(frozenset(), evaluate)


def linear_law(dynamics: Dynamics, cost: Cost, target: Tensor, *, goal: Tensor | None = None) -> LinearLaw:
    """The linear law that minimises ``cost`` near a target at rest.

    Linearises ``dynamics`` and expands ``cost`` to second order about the target, and solves the Riccati equation. The
    time grows with the cube of the size of the state: a second for 250 numbers, a minute for 500.

    Args:
        dynamics: A world model or a simulation.
        cost: The cost to minimise.
        target: Physical fields ``(variable, *space)`` that stay as they are without action.
        goal: The encoded target ``(1, ...)``, if it is known already.

    Raises:
        NoLinearLaw: If the actuators cannot hold the target.

    Example:
        >>> law = linear_law(model, field_target(model, rest) + 0.01 * action_energy(), rest)  # doctest: +SKIP
        >>> policy = LinearFeedback(model, law)  # doctest: +SKIP
    """
    encoded = dynamics.encode(target[None]) if goal is None else goal
    goal, hold, a, b = linearize(dynamics, target, goal=encoded)

    def stage_cost(state: Tensor, action: Tensor) -> Tensor:
        state = state.view(encoded.shape)
        readouts = dynamics.readout(state, sorted(cost.reads))
        steps = {name: value[:, None] for name, value in readouts.items()}
        return cost(Imagined(state[:, None], steps, action[None, None], hold[None])).squeeze()

    with torch.enable_grad():
        hessian = torch.autograd.functional.hessian(stage_cost, (goal.clone(), hold.clone()))
    q, r = (hessian[i][i].double().cpu().numpy() / 2 for i in (0, 1))
    value, gain = _riccati(a.double().cpu().numpy(), b.double().cpu().numpy(), q, r)
    return LinearLaw(goal, hold, goal.new_tensor(gain), goal.new_tensor(value))


def linearize(
    dynamics: Dynamics, target: Tensor, *, goal: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Linearise ``dynamics`` about a target at rest: ``s+ - goal = A (s - goal) + B (a - hold)``.

    Args:
        dynamics: A world model or a simulation.
        target: Physical fields ``(variable, *space)`` that stay as they are without action.
        goal: The encoded target ``(1, ...)``, if it is known already.

    Returns:
        The state goal ``(n,)``, the action hold ``(actuator,)``, A ``(n, n)`` and B ``(n, actuator)``; actions count in
        ``[-1, 1]``.
    """
    state = (dynamics.encode(target[None]) if goal is None else goal)[0].detach()
    box = dynamics.actuators
    hold = box.to_normalized(torch.zeros(len(box), dtype=state.dtype, device=state.device))

    def advance(flat: Tensor, action: Tensor) -> Tensor:
        return dynamics.advance(flat.view(1, *state.shape), box.to_physical(action)[None]).flatten()

    with torch.enable_grad():
        a, b = torch.autograd.functional.jacobian(advance, (state.flatten().clone(), hold.clone()))
    return state.flatten(), hold, a, b


Matrix = NDArray[np.float64]


def _riccati(a: Matrix, b: Matrix, q: Matrix, r: Matrix, *, iterations: int = 2000) -> tuple[Matrix, Matrix]:
    """Value iteration of the discrete Riccati equation, with the cost counted after the step:

        W <- A^T (Q + W) A - A^T (Q + W) B K,    K = (R + B^T (Q + W) B)^-1 B^T (Q + W) A

    Unlike algebraic solvers it allows uncontrollable modes, if these decay.
    """
    r = r + 1e-9 * np.trace(r + b.T @ q @ b) / len(r) * np.eye(len(r))
    value = np.zeros_like(a)
    for _ in range(iterations):
        after = q + value
        gain = np.linalg.solve(r + b.T @ after @ b, b.T @ after @ a)
        new = a.T @ after @ (a - b @ gain)
        new = (new + new.T) / 2
        if np.abs(new - value).max() < 1e-10 * np.abs(new).max():
            return new, np.asarray(gain, dtype=np.float64)
        value = new
    growth = np.abs(np.linalg.eigvals(a - b @ gain)).max()
    if growth >= 1 or not np.isfinite(value).all():
        raise NoLinearLaw(
            f"Expected a target that the actuators can hold, got a mode that grows by {growth:.4f} per interval "
            "whatever they do. Use more or other actuators, or planning.terminal = none."
        )
    return value, np.asarray(gain, dtype=np.float64)
