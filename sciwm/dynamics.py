"""The one interface of everything that can be advanced, and the one rollout."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simulations import ActionBox, Simulation
from simulations.wrappers import ActuatorDynamics

NUMBERS_AT_ONCE = 2**19
"""Bounds the memory of encoding: an operator keeps some tens of values for each of these."""


class Dynamics(Protocol):
    """Three verbs, served by the simulation, the world model and every baseline alike."""

    actuators: ActionBox
    control_interval: float

    def encode(self, fields: Tensor) -> Tensor:
        """Fields ``(batch, variable, *space)`` in physical units to a state ``(batch, ...)``."""
        ...

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        """One control interval under the held physical action ``(batch, actuator)``."""
        ...

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Functionals by name, each ``(batch,)``; under ``"fields"`` the fields."""
        ...


def rollout(dynamics: Dynamics, state: Tensor, actions: Tensor, *, save_memory: bool = False) -> Tensor:
    """The states that follow ``state`` under ``actions``, differentiable in both.

    Args:
        state: ``(batch, ...)``.
        actions: ``(batch, time, actuator)`` in physical units.
        save_memory: keep nothing but the states for the backward pass, which then computes every
            interval once more: for long adjoints through a solver.

    Returns:
        ``(batch, time, ...)``; the first one is one interval after ``state``.
    """
    states = []
    for action in actions.unbind(dim=1):
        if save_memory and torch.is_grad_enabled():
            state = checkpoint(dynamics.advance, state, action, use_reentrant=False)
        else:
            state = dynamics.advance(state, action)
        states.append(state)
    return torch.stack(states, dim=1)


def encode_trajectory(dynamics: Dynamics, fields: Tensor) -> Tensor:
    """:meth:`Dynamics.encode` over ``(batch, time, variable, *space)``, a bounded number of fields at once.

    Returns:
        ``(batch, time, ...)``.
    """
    at_once = max(1, NUMBERS_AT_ONCE // fields[0, 0].numel())
    parts = [dynamics.encode(part) for part in fields.flatten(0, 1).split(at_once)]
    return torch.cat(parts).unflatten(0, fields.shape[:2])


def readout_trajectory(dynamics: Dynamics, states: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
    """:meth:`Dynamics.readout` over ``(batch, time, ...)``."""
    by_time = states.transpose(0, 1)
    flat = repeated(dynamics, len(by_time)).readout(by_time.flatten(0, 1), names)
    return {name: value.unflatten(0, by_time.shape[:2]).transpose(0, 1) for name, value in flat.items()}


def repeated(dynamics: Dynamics, times: int) -> Dynamics:
    """The dynamics of a batch that is repeated so many times, one round of elements after the other.

    Only a simulation whose parameters differ between elements has to know, bare or wrapped.
    """
    return dynamics.repeated(times) if isinstance(dynamics, Simulation | ActuatorDynamics) else dynamics
