"""The linear-quadratic regulator of anything differentiable, about a state to be held.

Near its goal a planner solves a linear-quadratic problem, whose answer is known: a feedback gain, and
a quadratic cost-to-go that stands for everything beyond the horizon (Chen & Allgoewer 1998,
doi:10.1016/S0005-1098(98)00073-9). Learned or true, the dynamics are linearised by automatic
differentiation.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.costs import Cost, Imagined


class NoLinearLaw(ValueError):
    """Some growing mode escapes the actuators."""


@dataclass(frozen=True)
class LinearLaw:
    """``a = hold - K (s - goal)``, clamped to the box, and the cost-to-go ``(s - goal)^T W (s - goal)``.

    Args:
        goal: the state to be held, flattened, ``(n,)``.
        hold: the action that holds it, in ``[-1, 1]``, ``(actuator,)``.
        gain: K, ``(actuator, n)``.
        value: W, ``(n, n)``.
    """

    goal: Tensor
    hold: Tensor
    gain: Tensor
    value: Tensor

    def action(self, state: Tensor) -> Tensor:
        """Action in ``[-1, 1]`` for states ``(batch, ...)``."""
        return (self.hold - (state.flatten(1) - self.goal) @ self.gain.T).clamp(-1, 1)

    def cost_to_go(self) -> Cost:
        """The cost of what follows the last step of the horizon."""

        def evaluate(imagined: Imagined) -> Tensor:
            away = imagined.states[:, -1].flatten(1) - self.goal
            return ((away @ self.value) * away).sum(dim=1)

        return Cost(frozenset(), evaluate)


def linear_law(dynamics: Dynamics, cost: Cost, target: Tensor, *, goal: Tensor | None = None) -> LinearLaw:
    """Linearise ``dynamics`` and expand ``cost`` about a target at rest, and solve for the best law.

    Args:
        target: physical fields ``(variable, *space)``, to be held with zero physical action.
        goal: their state ``(1, ...)``, if it has been encoded.

    Raises:
        NoLinearLaw: if no law within reach holds the target.
    """
    encoded = dynamics.encode(target[None]) if goal is None else goal
    held, hold, a, b = linearize(dynamics, target, goal=encoded)

    def stage_cost(state: Tensor, action: Tensor) -> Tensor:
        state = state.view(encoded.shape)
        readouts = dynamics.readout(state, sorted(cost.reads))
        steps = {name: value[:, None] for name, value in readouts.items()}
        return cost(Imagined(state[:, None], steps, action[None, None], hold[None])).squeeze()

    with torch.enable_grad():
        hessian = torch.autograd.functional.hessian(stage_cost, (held.clone(), hold.clone()))
    q, r = (hessian[i][i].double().cpu().numpy() / 2 for i in (0, 1))
    value, gain = _riccati(a.double().cpu().numpy(), b.double().cpu().numpy(), q, r)
    return LinearLaw(held, hold, held.new_tensor(gain), held.new_tensor(value))


def linearize(
    dynamics: Dynamics, target: Tensor, *, goal: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``dynamics`` about a target at rest: goal state, action that holds it, A and B.

    Args:
        target: physical fields ``(variable, *space)``, held with zero physical action.
        goal: their state ``(1, ...)``, if it has been encoded.

    Returns:
        goal ``(n,)``, hold ``(actuator,)``, A ``(n, n)`` and B ``(n, actuator)``, actions in ``[-1, 1]``.
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

    Unlike the algebraic solvers it does not ask uncontrollable modes to be absent, only to decay.
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
