"""The interface of everything that can be advanced, and the rollout that serves all of it."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simulations import ActionBox, Simulation
from simulations.checkpointing import can_recompute
from simulations.wrappers import ActuatorDynamics

NUMBERS_AT_ONCE = 2**19
"""The number of field values encoded at once; the operator keeps some tens of values for each of them."""


class Dynamics(Protocol):
    """The three verbs that simulation, world model and baselines share; planners and evaluation know nothing else.

    Attributes:
        actuators: Names and bounds of the actions.
        control_interval: The time by which one call of ``advance`` moves on.
    """

    actuators: ActionBox
    control_interval: float

    def encode(self, fields: Tensor) -> Tensor:
        """Map physical fields ``(batch, variable, *space)`` to states ``(batch, ...)``."""
        ...

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """Advance states by one control interval under a held physical action ``(batch, actuator)``."""
        ...

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Functionals by name, each ``(batch,)``; as ``"fields"`` the physical fields ``(batch, variable, *space)``."""
        ...


def rollout(dynamics: Dynamics, state: Tensor, actions: Tensor, *, save_memory: bool = False) -> Tensor:
    """The states that follow ``state`` under ``actions``, differentiable with respect to both.

    Args:
        dynamics: What advances them.
        state: The first states, ``(batch, ...)``.
        actions: Physical actions, ``(batch, time, actuator)``.
        save_memory: Whether the backward pass computes every interval anew instead of storing it. Set it for long
            adjoints through a solver.

    Returns:
        ``(batch, time, ...)``, without ``state``: the first entry is one interval later.
    """
    states = []
    for action in actions.unbind(dim=1):
        if save_memory and can_recompute(state, action):
            state = checkpoint(dynamics.advance, state, action, use_reentrant=False)
        else:
            state = dynamics.advance(state, action)
        states.append(state)
    return torch.stack(states, dim=1)


def encode_trajectory(dynamics: Dynamics, fields: Tensor) -> Tensor:
    """Encode fields ``(batch, time, variable, *space)``, a bounded number of them at once.

    Returns:
        ``(batch, time, ...)``.
    """
    at_once = max(1, NUMBERS_AT_ONCE // fields[0, 0].numel())
    parts = [dynamics.encode(part) for part in fields.flatten(0, 1).split(at_once)]
    return torch.cat(parts).unflatten(0, fields.shape[:2])


def readout_trajectory(dynamics: Dynamics, states: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
    """Read states ``(batch, time, ...)`` as :meth:`Dynamics.readout` does; values are ``(batch, time, ...)``."""
    by_time = states.transpose(0, 1)
    flat = repeated(dynamics, len(by_time)).readout(by_time.flatten(0, 1), names)
    return {name: value.unflatten(0, by_time.shape[:2]).transpose(0, 1) for name, value in flat.items()}


def repeated(dynamics: Dynamics, times: int) -> Dynamics:
    """The dynamics of a batch that is repeated ``times`` times, whole batch after whole batch.

    Only simulations with different parameters in each element differ from the dynamics of the batch itself.
    """
    return dynamics.repeated(times) if isinstance(dynamics, Simulation | ActuatorDynamics) else dynamics
