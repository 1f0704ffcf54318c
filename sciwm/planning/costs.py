"""What a plan is judged by: costs of imagined futures, never methods of a model.

Costs add and scale: ``field_target(model, goal) + 0.01 * action_energy()``. Each is a sum over the
steps of the horizon.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sciwm.dynamics import Dynamics


@dataclass(frozen=True)
class Imagined:
    """An imagined future.

    Args:
        states: the steps 1 to T, ``(batch, T, ...)``.
        readouts: what the cost asked for, by name, ``(batch, T, ...)``.
        actions: the steps 0 to T - 1 in ``[-1, 1]``, ``(batch, T, actuator)``.
        previous_action: the action before the first, in ``[-1, 1]``, ``(batch, actuator)``.
    """

    states: Tensor
    readouts: dict[str, Tensor]
    actions: Tensor
    previous_action: Tensor


@dataclass(frozen=True)
class Cost:
    """``cost(imagined) -> (batch,)``.

    Args:
        reads: the readouts it needs.
        evaluate: the cost itself.
    """

    reads: frozenset[str]
    evaluate: Callable[[Imagined], Tensor]

    def __call__(self, imagined: Imagined) -> Tensor:
        return self.evaluate(imagined)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.reads | other.reads, lambda i: self.evaluate(i) + other.evaluate(i))

    def __mul__(self, weight: float) -> "Cost":
        return Cost(self.reads, lambda i: weight * self.evaluate(i))

    __rmul__ = __mul__


def field_target(dynamics: Dynamics, target: Tensor, *, goal: Tensor | None = None) -> Cost:
    """Mean square distance of the fields from a target, ``sum_t < (u_t - u*)^2 >``.

    The target passes through the model's own encoding and reading, so that the cost is zero where
    the model believes to be at the target.

    Args:
        target: physical fields ``(variable, *space)``, NaN all over in a variable that may be anything.
        goal: their state ``(1, ...)``, if it has been encoded.
    """
    with torch.no_grad():
        state = dynamics.encode(target.nan_to_num()[None]) if goal is None else goal
        wanted = dynamics.readout(state, ["fields"])["fields"][0].clone()
    wanted[target.flatten(1).isnan().all(dim=1)] = torch.nan
    return Cost(frozenset({"fields"}), lambda i: mean_square_distance(i.readouts["fields"], wanted).sum(dim=1))


def mean_square_distance(fields: Tensor, target: Tensor) -> Tensor:
    """``< (u - u*)^2 >`` over the variables and space, ``(batch, time)``.

    Args:
        fields: ``(batch, time, variable, *space)``.
        target: ``(variable, *space)``, NaN where the fields may be anything.
    """
    wanted = ~target.isnan()
    away = (fields - target.nan_to_num()) * wanted
    return away.square().flatten(2).mean(dim=2) / wanted.float().mean()


def latent_target(dynamics: Dynamics, target: Tensor) -> Cost:
    """Mean square distance of the states from an encoded target, ``sum_t mean (z_t - z*)^2``.

    Args:
        target: physical fields ``(variable, *space)``.
    """
    with torch.no_grad():
        goal = dynamics.encode(target[None])
    return Cost(frozenset(), lambda i: (i.states - goal[:, None]).square().flatten(2).mean(dim=2).sum(dim=1))


def functional(name: str) -> Cost:
    """The sum over time of a functional, to be made small: ``sum_t Q(z_t)``."""
    return Cost(frozenset({name}), lambda i: i.readouts[name].sum(dim=1))


def action_energy() -> Cost:
    """``sum_t mean_j a_j^2`` with actions in ``[-1, 1]``."""
    return Cost(frozenset(), lambda i: i.actions.square().mean(dim=2).sum(dim=1))


def action_rate() -> Cost:
    """``sum_t mean_j (a_t - a_{t-1})^2`` with actions in ``[-1, 1]``, from the last applied one on."""

    def evaluate(i: Imagined) -> Tensor:
        before = torch.cat([i.previous_action[:, None], i.actions[:, :-1]], dim=1)
        return (i.actions - before).square().mean(dim=2).sum(dim=1)

    return Cost(frozenset(), evaluate)
