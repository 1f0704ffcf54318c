"""The linear-quadratic regulator of any differentiable dynamics, about a target at rest.

Near its target a planner solves a linear-quadratic problem, whose solution is known: a feedback gain, and a
quadratic cost-to-go that stands for everything beyond the horizon (Chen & Allgoewer 1998,
doi:10.1016/S0005-1098(98)00073-9). The dynamics, learned or true, are linearised by automatic differentiation.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.errors import InputError, Problem
from sciwm.planning.costs import Cost, Imagined
from sciwm.planning.riccati import riccati
from sciwm.planning.unreached_modes import Mode, NoSolution
from simulations.torch_modes import exact


class NoLinearLaw(ValueError):
    """The actuators cannot hold the target: some mode grows, or costs for ever, whatever they do.

    Attributes:
        modes: These modes, the fastest first; none if it is not known which.
    """

    def __init__(self, message: str, modes: tuple[Mode, ...] = ()) -> None:
        self.modes = modes
        super().__init__(message)


@dataclass(frozen=True)
class LinearLaw:
    """The feedback ``a = hold - K (s - goal)`` within bounds, and the cost-to-go ``(s - goal)^T W (s - goal)``.

    :func:`linear_law` makes one.

    Args:
        goal: The target state, flattened, ``(n,)``.
        hold: The action that keeps it at rest, in ``[-1, 1]``, ``(actuator,)``: none, or the nearest one allowed.
        gain: K, ``(actuator, n)``.
        value: W, ``(n, n)``.
    """

    goal: Tensor
    hold: Tensor
    gain: Tensor
    value: Tensor

    @exact
    def action(self, state: Tensor) -> Tensor:
        """Actions in ``[-1, 1]``, ``(batch, actuator)``, for states ``(batch, ...)``.

        Raises:
            InputError: If the states have another size than the target.
        """
        size = state[0].numel()
        if size != len(self.goal):
            remedy = "use a law of this dynamics, on this grid"
            raise InputError([Problem("state", f"{len(self.goal)} numbers, as in the law", str(size), remedy)])
        return (self.hold - (state.flatten(1) - self.goal) @ self.gain.T).clamp(-1, 1)

    def cost_to_go(self) -> Cost:
        """The cost of everything after the last step of the horizon."""
        return Cost(frozenset(), self._beyond)

    def _beyond(self, imagined: Imagined) -> Tensor:
        away = imagined.states[:, -1].flatten(1) - self.goal
        return ((away @ self.value) * away).sum(dim=1)


@exact
def linear_law(dynamics: Dynamics, cost: Cost, target: Tensor, *, goal: Tensor | None = None) -> LinearLaw:
    """The linear law that minimises ``cost`` near a target at rest.

    Linearises ``dynamics`` and expands ``cost`` to second order about the target, and solves the Riccati equation. The
    time grows with the cube of the size of the state: a second for 250 numbers, ten for 500.

    Args:
        dynamics: A world model or a simulation.
        cost: The cost to minimise.
        target: Physical fields ``(variable, *space)`` that stay as they are without action.
        goal: The encoded target ``(1, ...)``, if it is known already.

    Raises:
        NoLinearLaw: If the actuators cannot hold the target, with the modes that they do not reach; or if the cost is
            not least there.

    Example:
        >>> law = linear_law(model, field_target(model, rest) + 0.01 * action_energy(), rest)  # doctest: +SKIP
        >>> policy = LinearFeedback(model, law)  # doctest: +SKIP
    """
    with torch.inference_mode(False):  # which knows no derivatives
        return _linear_law(dynamics, cost, *_expansion_point(dynamics, target, goal))


def _linear_law(dynamics: Dynamics, cost: Cost, encoded: Tensor, hold: Tensor) -> LinearLaw:
    goal = encoded.flatten()
    a, b = _jacobians(dynamics, encoded, hold)

    def stage_cost(state: Tensor, action: Tensor) -> Tensor:
        state = state.view(1, *encoded.shape)
        readouts = dynamics.readout(state, sorted(cost.reads))
        steps = {name: value[:, None] for name, value in readouts.items()}
        return cost(Imagined(state[:, None], steps, action[None, None], hold[None])).squeeze()

    with torch.enable_grad():
        hessian = torch.autograd.functional.hessian(stage_cost, (goal.clone(), hold.clone()))
    q, r = (hessian[i][i].double().cpu().numpy() / 2 for i in (0, 1))
    try:
        precision = torch.finfo(a.dtype).eps
        value, gain = riccati(a.double().cpu().numpy(), b.double().cpu().numpy(), q, r, precision=precision)
    except NoSolution as error:
        raise NoLinearLaw(
            f"Expected a target that the actuators can hold, got a mode that {error} whatever they do. "
            "Use more or other actuators, or planning.terminal = none.",
            error.modes,
        ) from None
    except np.linalg.LinAlgError as error:
        raise NoLinearLaw(
            f"Expected a target about which a linear law can be found, got no solution ({error}). "
            "Look at actuators and control_interval, or use planning.terminal = none."
        ) from error
    except ValueError as error:
        raise NoLinearLaw(str(error)) from error
    return LinearLaw(goal, hold, goal.new_tensor(gain), goal.new_tensor(value))


@exact
def linearize(
    dynamics: Dynamics, target: Tensor, *, goal: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Linearise ``dynamics`` about a target at rest: ``s+ - goal = A (s - goal) + B (a - hold)``.

    Args:
        dynamics: A world model or a simulation.
        target: Physical fields ``(variable, *space)`` that stay as they are without action.
        goal: The encoded target ``(1, ...)``, if it is known already.

    Returns:
        The state goal ``(n,)``, the action hold ``(actuator,)``, none or the nearest one allowed, A ``(n, n)`` and B
        ``(n, actuator)``; actions count in ``[-1, 1]``.
    """
    with torch.inference_mode(False):
        state, hold = _expansion_point(dynamics, target, goal)
        return state.flatten(), hold, *_jacobians(dynamics, state, hold)


@exact
@torch.no_grad()
def drift_at(dynamics: Dynamics, target: Tensor) -> Tensor:
    """What an interval under the action hold of :func:`linearize` adds to the target state, ``(n,)``: 0 at rest."""
    state, hold = _expansion_point(dynamics, target, None)
    return (dynamics.advance(state[None], dynamics.actuators.to_physical(hold)[None]) - state).flatten()


def _expansion_point(dynamics: Dynamics, target: Tensor, goal: Tensor | None) -> tuple[Tensor, Tensor]:
    """The target state without its batch, and the allowed action that is nearest to none in ``[-1, 1]``."""
    with torch.no_grad():
        state = (dynamics.encode(target.nan_to_num()[None]) if goal is None else goal.clone())[0]
        return state, dynamics.actuators.nearest(state.new_zeros(len(dynamics.actuators)))


def _jacobians(dynamics: Dynamics, state: Tensor, hold: Tensor) -> tuple[Tensor, Tensor]:
    """A ``(n, n)`` and B ``(n, actuator)`` about a state and an action."""
    box = dynamics.actuators

    def advance(flat: Tensor, action: Tensor) -> Tensor:
        return dynamics.advance(flat.view(1, *state.shape), box.to_physical(action)[None]).flatten()

    with torch.enable_grad():
        a, b = torch.autograd.functional.jacobian(advance, (state.flatten().clone(), hold.clone()))
    return a, b
