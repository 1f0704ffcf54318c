"""Advancing a batch of simulations under a policy, with everything worth recording."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.simulation import Simulation

Policy = Callable[[Tensor, int], Tensor]
"""``policy(fields, interval) -> action``: fields ``(batch, channel, *space)``, action in physical units."""


@dataclass(frozen=True)
class Episodes:
    """What happened, one row per simulation and one column per control interval.

    Args:
        fields: ``(batch, interval + 1, channel, *space)``.
        actions: ``(batch, interval, actuator)``, held over each interval.
        functionals: name to ``(batch, interval + 1)``.
        sources: name to ``(batch, interval)``, averaged over each interval.
        outputs: name to ``(batch, interval, actuator)``, averaged over each interval.
        failure_interval: ``(batch,)``, the interval in which an element blew up, -1 where none did;
            from there on its fields are nan, and the other elements are untouched.
        failure_cause: for each of the batch the likeliest reason, "" where it did not blow up.
    """

    fields: Tensor
    actions: Tensor
    functionals: dict[str, Tensor]
    sources: dict[str, Tensor]
    outputs: dict[str, Tensor]
    failure_interval: Tensor
    failure_cause: tuple[str, ...]


@torch.no_grad()
def run_episodes(simulation: Simulation, fields: Tensor, policy: Policy, intervals: Iterable[int]) -> Episodes:
    """Advance ``fields`` ``(batch, channel, *space)`` under ``policy``, one action per control interval.

    Args:
        intervals: the interval numbers to run, a ``range`` or a progress bar over one.
    """
    states, actions, budgets = [fields], [], []
    failure = torch.full((len(fields),), -1, dtype=torch.long)
    cause = [""] * len(fields)
    for interval in intervals:
        action = simulation.actuators.clamp(policy(fields, interval))
        fields, fluxes = simulation.advance_with_fluxes(fields, action)
        failed = simulation.blown_up(fields)
        if failed.any():
            new = failed.cpu() & (failure < 0)
            if new.any():
                reason = simulation.why_blown_up(torch.nan_to_num(states[-1]))
                cause = [reason if is_new else known for is_new, known in zip(new.tolist(), cause, strict=True)]
            failure[new] = interval
            fields = torch.where(failed.view(-1, *(1,) * (fields.ndim - 1)), torch.nan, fields)
        states.append(fields)
        actions.append(action)
        budgets.append(fluxes)
    per_time = [simulation.functionals(state) for state in states]
    names = simulation.functional_names
    return Episodes(
        fields=torch.stack(states, dim=1),
        actions=torch.stack(actions, dim=1),
        functionals={n: torch.stack([f[n] for f in per_time], dim=1) for n in names},
        sources={n: torch.stack([b[n].source for b in budgets], dim=1) for n in names},
        outputs={n: torch.stack([b[n].output for b in budgets], dim=1) for n in names},
        failure_interval=failure,
        failure_cause=tuple(cause),
    )
