"""Actions that are not in the data, and the wrong actions that a score must notice."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from simulations import ActionBox
from simulations.excitation import held_levels

HELD, ROUGH = 8.0, 1.0
"""Mean intervals for which a level is held: slow enough to be answered, and a new one every interval."""


def draw_actions(
    box: ActionBox, samples: int, intervals: int, *, hold: float, seed: int = 0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Uniform levels from the whole box, each held for a geometric time of mean ``hold`` intervals.

    Returns:
        physical actions ``(sample, interval, actuator)``; each sample has its own generator.
    """
    signals = [
        held_levels(np.random.default_rng([seed, row]), intervals, len(box), hold=hold) for row in range(samples)
    ]
    return box.to_physical(torch.tensor(np.stack(signals), dtype=dtype))


def beyond(box: ActionBox, actions: Tensor, factor: float) -> Tensor:
    """Physical actions scaled about the middle of the box, by ``factor`` beyond it."""
    return box.to_physical(factor * box.to_normalized(actions))


def wrong_actions(box: ActionBox, *, shift: int) -> dict[str, Callable[[Tensor], Tensor]]:
    """What ``(sample, time, actuator)`` actions are exchanged for, by name, the right ones first.

    Args:
        shift: intervals by which ``shifted`` actions come late; until then the first one is held.
    """

    def zeroed(actions: Tensor) -> Tensor:
        return box.clamp(torch.zeros_like(actions))

    def shuffled(actions: Tensor) -> Tensor:
        return actions.roll(1, dims=0)

    def shifted(actions: Tensor) -> Tensor:
        late = min(shift, actions.shape[1])
        return torch.cat([actions[:, :1].expand(-1, late, -1), actions[:, : actions.shape[1] - late]], dim=1)

    return {"right": lambda actions: actions, "zeroed": zeroed, "shuffled": shuffled, "shifted": shifted}
