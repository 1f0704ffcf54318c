"""Episodes: a batch of simulations advanced under a policy, with fields, actions and budgets recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.plant import Plant
from simulations.tensor_checks import require_tensor
from simulations.wrappers import ActuatorDynamics

Policy = Callable[[Tensor, int], Tensor]
"""``policy(fields, interval)`` maps fields ``(batch, channel, *space)`` to physical actions ``(batch, actuator)``.

Interval 0 begins new episodes: a policy that remembers forgets then (see :class:`~simulations.controller.Controller`).
"""


@dataclass(frozen=True)
class Episodes:
    """The record of a batch of episodes, one row for each simulation.

    Args:
        fields: The fields at every instant, ``(batch, interval + 1, channel, *space)``.
        actions: The clamped actions in physical units, ``(batch, interval, actuator)``, each held over its
            interval. With lagging actuators these are the commands.
        acting: What the actuators did in each interval, of the same shape. It equals ``actions`` unless
            actuators lag.
        functionals: The value of each functional at every instant, by name, ``(batch, interval + 1)``.
        sources: The source in the budget of each functional, averaged over each interval, by name,
            ``(batch, interval)``.
        outputs: The output of each actuator per unit of ``acting`` in the budget of each functional,
            averaged over each interval, by name, ``(batch, interval, actuator)``.
        failure_interval: The interval in which an element blew up, -1 where it did not, ``(batch,)``. From
            that interval on the fields of the element are nan; other elements are not affected.
        failure_cause: The likeliest cause of each blow-up, "" where there was none.
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
    """Advance fields under a policy, one action for each control interval, and record what happens.

    Actions are clamped to their bounds. Elements that blow up are recorded and set to nan; the others go
    on. A start that is nan or beyond ``blow_up_magnitude`` fails in its first interval.

    Args:
        simulation: The simulation, bare or wrapped. A wrapped one refuses starts that are not finite.
        fields: The starts, ``(batch, channel, *space)``.
        policy: Maps the fields and the number of the interval to actions in physical units.
        intervals: The numbers of the intervals, as a ``range`` or a progress bar over one.

    Raises:
        ValueError: If there are no intervals, if fields or actions do not fit the simulation, or if the policy gives
            an action that is not finite for fields that are.

    Example:
        >>> import torch
        >>> from simulations import GOOD_VALUES, build, run_episodes
        >>> burgers = build({"equation": "burgers"} | GOOD_VALUES["burgers"].settings)
        >>> episodes = run_episodes(burgers, torch.ones(2, 1, 128), lambda fields, t: torch.zeros(2, 4), range(3))
        >>> episodes.fields.shape
        torch.Size([2, 4, 1, 128])
    """
    if not isinstance(intervals, Iterable):
        raise ValueError(f"run_episodes: expected the numbers of the intervals, got {intervals!r}. Use range(...).")
    wrapper = simulation if isinstance(simulation, ActuatorDynamics) else None
    state = fields if wrapper is None else wrapper.encode(fields)
    states, seen, actions, acting, budgets = [state], [fields], [], [], []
    failure = torch.full((len(fields),), -1, dtype=torch.long)
    cause = [""] * len(fields)
    for interval in intervals:
        action = policy(seen[-1], interval)
        _require_actions(simulation, seen[-1], action, interval)
        action = simulation.actuators.clamp(action)
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
        raise ValueError(f"run_episodes: expected at least one interval, got {intervals!r}. Use range(1) or longer.")
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


def _require_actions(simulation: Plant, fields: Tensor, action: Tensor, interval: int) -> None:
    """Refuse actions that are no batch of finite numbers; where the fields are not finite, nothing can be asked."""
    require_tensor("run_episodes", "actions of the policy", action, (len(fields), len(simulation.actuators)), None)
    wrong = ~action.isfinite().all(dim=1) & fields.flatten(1).isfinite().all(dim=1)
    if wrong.any():
        rows = ", ".join(map(str, wrong.nonzero().flatten().tolist()))
        raise ValueError(
            f"run_episodes: expected finite actions of the policy, got nan or infinity in interval {interval} for "
            f"finite fields, in element {rows} of the batch. Look at the policy, not at the solver's step."
        )


def _only(rows: Tensor, state: Tensor, otherwise: float) -> Tensor:
    """The state where ``rows`` ``(batch,)`` is true, the value ``otherwise`` in the other elements."""
    return torch.where(rows.view(-1, *(1,) * (state.ndim - 1)), state, otherwise)
