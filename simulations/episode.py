"""Advancing a batch of simulations under a policy, with everything worth recording."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.wrappers import ActuatorDynamics, Plant

Policy = Callable[[Tensor, int], Tensor]
"""``policy(fields, interval) -> action``: fields ``(batch, channel, *space)``, action in physical units."""


@dataclass(frozen=True)
class Episodes:
    """What happened, one row per simulation and one column per control interval.

    Args:
        fields: ``(batch, interval + 1, channel, *space)``.
        actions: ``(batch, interval, actuator)``, held over each interval; commands, if actuators lag.
        acting: what the flow felt, of the same shape; the actions themselves, unless actuators lag.
        functionals: name to ``(batch, interval + 1)``.
        sources: name to ``(batch, interval)``, averaged over each interval.
        outputs: name to ``(batch, interval, actuator)``, averaged over each interval, per unit of ``acting``.
        failure_interval: ``(batch,)``, the interval in which an element blew up, -1 where none did;
            from there on its fields are nan, and the other elements are untouched.
        failure_cause: for each of the batch the likeliest reason, "" where it did not blow up.
    """

    fields: Tensor
    actions: Tensor
    acting: Tensor
    functionals: dict[str, Tensor]
    sources: dict[str, Tensor]
    outputs: dict[str, Tensor]
    failure_interval: Tensor
    failure_cause: tuple[str, ...]


@torch.no_grad()
def run_episodes(simulation: Plant, fields: Tensor, policy: Policy, intervals: Iterable[int]) -> Episodes:
    """Advance ``fields`` ``(batch, channel, *space)`` under ``policy``, one action per control interval.

    Actions are clamped to their bounds. What blows up is recorded and set to nan; starts that are no
    solution, nan or absurdly large, fail in their first interval.

    Args:
        simulation: bare or wrapped; a wrapped one must start from finite fields.
        intervals: the interval numbers to run, a ``range`` or a progress bar over one.

    Raises:
        ValueError: if there are no intervals, or fields or actions do not fit.
    """
    if not isinstance(intervals, Iterable):
        raise ValueError(f"run_episodes: expected the numbers of the intervals, got {intervals!r}. Use a range.")
    wrapper = simulation if isinstance(simulation, ActuatorDynamics) else None
    state = fields if wrapper is None else wrapper.encode(fields)
    states, seen, actions, acting, budgets = [state], [fields], [], [], []
    failure = torch.full((len(fields),), -1, dtype=torch.long)
    cause = [""] * len(fields)
    for interval in intervals:
        action = simulation.actuators.clamp(policy(seen[-1], interval))
        state, fluxes = simulation.advance_with_fluxes(state, action)
        acting.append(action if wrapper is None else wrapper.applied(state))
        failed = simulation.blown_up(state)
        if failed.any():
            new = failed.cpu() & (failure < 0)
            if new.any():
                reason = simulation.why_blown_up(_only(new.to(failed.device), states[-1], 0.0))
                cause = [reason if is_new else known for is_new, known in zip(new.tolist(), cause, strict=True)]
            failure[new] = interval
            state = _only(~failed, state, torch.nan)
        states.append(state)
        seen.append(state if wrapper is None else wrapper.readout(state, ["fields"])["fields"])
        actions.append(action)
        budgets.append(fluxes)
    if not actions:
        raise ValueError(f"run_episodes: expected at least one interval, got {intervals!r}.")
    per_time = [simulation.functionals(state) for state in states]
    names = simulation.functional_names
    return Episodes(
        fields=torch.stack(seen, dim=1),
        actions=torch.stack(actions, dim=1),
        acting=torch.stack(acting, dim=1),
        functionals={n: torch.stack([f[n] for f in per_time], dim=1) for n in names},
        sources={n: torch.stack([b[n].source for b in budgets], dim=1) for n in names},
        outputs={n: torch.stack([b[n].output for b in budgets], dim=1) for n in names},
        failure_interval=failure,
        failure_cause=tuple(cause),
    )


def _only(rows: Tensor, state: Tensor, otherwise: float) -> Tensor:
    """The elements ``rows`` ``(batch,)`` of a state; another value in the others."""
    return torch.where(rows.view(-1, *(1,) * (state.ndim - 1)), state, otherwise)
