"""Costs of predicted trajectories, which planners minimise. They work with any dynamics, and add and scale:

    cost = field_target(model, target) + 0.01 * action_energy()

Each cost is a sum over the steps of the horizon. Actions count in ``[-1, 1]``, the bounds of the actuators.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.errors import InputError, Problem


@dataclass(frozen=True)
class Imagined:
    """A trajectory of T steps that a dynamics predicts under a sequence of actions: what a cost sees.

    Args:
        states: States after the steps 1 to T, ``(batch, T, ...)``.
        readouts: The readouts that the cost needs, by name, ``(batch, T, ...)``.
        actions: Actions of the steps 0 to T - 1 in ``[-1, 1]``, ``(batch, T, actuator)``.
        previous_action: The action before the first, in ``[-1, 1]``, ``(batch, actuator)``.
    """

    states: Tensor
    readouts: dict[str, Tensor]
    actions: Tensor
    previous_action: Tensor


@dataclass(frozen=True)
class Cost:
    """A cost of predicted trajectories, to be minimised; the functions of this module make the usual ones.

    Call it with an :class:`Imagined` trajectory to get ``(batch,)``. Add costs with ``+`` and weigh them with ``*``.

    Args:
        reads: Names of the readouts that it needs: ``"fields"`` or functionals.
        evaluate: Maps a trajectory to its cost ``(batch,)``, differentiably; the entries of a batch must not mix.

    Example:
        >>> largest_action = Cost(frozenset(), lambda i: i.actions.abs().amax(dim=(1, 2)))
        >>> cost = action_energy() + 0.1 * largest_action
    """

    reads: frozenset[str]
    evaluate: Callable[[Imagined], Tensor]

    def __call__(self, imagined: Imagined) -> Tensor:
        return self.evaluate(imagined)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.reads | other.reads, _Sum(self, other))

    def __mul__(self, weight: float) -> "Cost":
        if not math.isfinite(weight):
            raise InputError([Problem("weight of a cost", "a finite number", str(weight))])
        return Cost(self.reads, _Multiple(weight, self))

    __rmul__ = __mul__


@dataclass(frozen=True)
class _Sum:
    """What a sum of two costs evaluates; unlike a function in a function it can be pickled, and so sent to a worker."""

    first: Cost
    second: Cost

    def __call__(self, imagined: Imagined) -> Tensor:
        return self.first.evaluate(imagined) + self.second.evaluate(imagined)


@dataclass(frozen=True)
class _Multiple:
    """What a cost times a weight evaluates."""

    weight: float
    cost: Cost

    def __call__(self, imagined: Imagined) -> Tensor:
        return self.weight * self.cost.evaluate(imagined)


def field_target(dynamics: Dynamics, target: Tensor, *, goal: Tensor | None = None) -> Cost:
    """Mean square distance of the fields from a target, ``sum_t < (u_t - u*)^2 >``.

    The target is encoded and decoded by the dynamics first, so that the cost is zero in the state that encodes the
    target, whatever the encoder leaves out.

    Args:
        dynamics: What trajectories are predicted with.
        target: Physical fields ``(variable, *space)``; NaN everywhere in a variable that may take any value.
        goal: The encoded target ``(1, ...)``, if it is known already.
    """
    with torch.inference_mode(False), torch.no_grad():  # or plans could not take gradients of it
        state = dynamics.encode(target.nan_to_num()[None]) if goal is None else goal.clone()
        wanted = dynamics.readout(state, ["fields"])["fields"][0].clone()
    wanted[target.flatten(1).isnan().all(dim=1)] = torch.nan
    return Cost(frozenset({"fields"}), partial(_distance_of_fields, wanted))


def _distance_of_fields(wanted: Tensor, imagined: Imagined) -> Tensor:
    return mean_square_distance(imagined.readouts["fields"], wanted).sum(dim=1)


def mean_square_distance(fields: Tensor, target: Tensor) -> Tensor:
    """``< (u - u*)^2 >`` over the variables and space, ``(batch, time)``.

    Args:
        fields: Fields ``(batch, time, variable, *space)``.
        target: Target fields ``(variable, *space)``, NaN where the fields may take any value.
    """
    wanted = ~target.isnan()
    away = (fields - target.nan_to_num()) * wanted
    return away.square().flatten(2).mean(dim=2) / wanted.float().mean()


def latent_target(dynamics: Dynamics, target: Tensor) -> Cost:
    """Mean square distance of the states from the encoded target, ``sum_t mean (z_t - z*)^2``.

    This needs no decoding, but weighs the fields as the encoder does. Prefer :func:`field_target` for distances that
    are to mean something in physical space.

    Args:
        dynamics: What trajectories are predicted with.
        target: Physical fields ``(variable, *space)``.
    """
    with torch.inference_mode(False), torch.no_grad():
        goal = dynamics.encode(target.clone()[None])
    return Cost(frozenset(), partial(_distance_of_states, goal))


def _distance_of_states(goal: Tensor, imagined: Imagined) -> Tensor:
    return (imagined.states - goal[:, None]).square().flatten(2).mean(dim=2).sum(dim=1)


def functional(name: str) -> Cost:
    """The sum over the horizon of a functional that is to become small, such as ``"energy"``: ``sum_t Q(z_t)``."""
    return Cost(frozenset({name}), partial(_total, name))


def _total(name: str, imagined: Imagined) -> Tensor:
    return imagined.readouts[name].sum(dim=1)


def action_energy() -> Cost:
    """Mean square of the actions in ``[-1, 1]``, ``sum_t mean_j a_j^2``; 0.01 is a good weight against waste."""
    return Cost(frozenset(), _energy)


def _energy(imagined: Imagined) -> Tensor:
    return imagined.actions.square().mean(dim=2).sum(dim=1)


def action_rate() -> Cost:
    """Mean square change of actions in ``[-1, 1]``, ``sum_t mean_j (a_t - a_{t-1})^2``; a_{-1} was applied last."""
    return Cost(frozenset(), _changes)


def _changes(imagined: Imagined) -> Tensor:
    before = torch.cat([imagined.previous_action[:, None], imagined.actions[:, :-1]], dim=1)
    return (imagined.actions - before).square().mean(dim=2).sum(dim=1)
