"""Actions under which a dynamics is evaluated: as in the data, as in no data, and wrong ones as a control."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from simulations import ActionBox
from simulations.excitation import held_levels, mixed

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


def alternative_actions(box: ActionBox, samples: int, intervals: int, *, seed: int) -> dict[str, Tensor]:
    """What the actions of the data are exchanged for where the effect of actions is measured.

    Returns:
        ``held`` and ``rough``, levels from the whole box that are held for 8 intervals on average and for one; each
        physical, ``(sample, interval, actuator)``, see :func:`draw_actions`.
    """
    return {
        name: draw_actions(box, samples, intervals, hold=hold, seed=seed)
        for name, hold in {"held": HELD, "rough": ROUGH}.items()
    }


def long_run_actions(box: ActionBox, samples: int, intervals: int, *, forced: bool, rng: np.random.Generator) -> Tensor:
    """Actions of long runs: random signals as in the training data, or none.

    Args:
        forced: whether there is any forcing, as a flow needs that decays without it.
        rng: draws the signals, one sample after the other.

    Returns:
        physical actions ``(sample, interval, actuator)``, float32; without forcing zeros, or what the box holds
        nearest to them.
    """
    if not forced:
        return box.clamp(torch.zeros(samples, intervals, len(box)))
    signals = [mixed(rng, intervals, len(box), share_unforced=0.0) for _ in range(samples)]
    return box.to_physical(torch.from_numpy(np.stack(signals).astype(np.float32)))


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
