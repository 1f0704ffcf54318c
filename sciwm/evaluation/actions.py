"""Actions for evaluations: like those of the data, unlike them, and wrong ones as a check."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from simulations import ActionBox
from simulations.excitation import held_levels, mixed

HELD, ROUGH = 8.0, 1.0
"""Mean number of intervals for which a level is held: slow actions, and actions that change in every interval."""


def draw_actions(
    box: ActionBox, samples: int, intervals: int, *, hold: float, seed: int = 0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw actions uniformly within their bounds, each level held for a geometric time of mean ``hold`` intervals.

    Args:
        box: Names and bounds of the actions.
        samples: Number of sequences.
        intervals: Length of each sequence.
        hold: Mean number of intervals for which a level is held, 1 or more; see ``HELD`` and ``ROUGH``.
        seed: Sequences of the same seed and length are the same, however many are drawn.
        dtype: Type of the result.

    Returns:
        Physical actions ``(sample, interval, actuator)``; each sample has its own generator.
    """
    signals = [
        held_levels(np.random.default_rng([seed, row]), intervals, len(box), hold=hold) for row in range(samples)
    ]
    return box.to_physical(torch.tensor(np.stack(signals), dtype=dtype))


def alternative_actions(box: ActionBox, samples: int, intervals: int, *, seed: int) -> dict[str, Tensor]:
    """The two kinds of actions that replace those of the data where the effect of actions is measured.

    Returns:
        ``held`` and ``rough``: levels within the bounds, held for 8 intervals on average, or for one; each physical,
        ``(sample, interval, actuator)``, see :func:`draw_actions`.
    """
    return {
        name: draw_actions(box, samples, intervals, hold=hold, seed=seed)
        for name, hold in {"held": HELD, "rough": ROUGH}.items()
    }


def long_run_actions(box: ActionBox, samples: int, intervals: int, *, forced: bool, rng: np.random.Generator) -> Tensor:
    """Actions of long runs: random signals as in the training data, or none.

    Args:
        forced: Whether the runs are forced; needed for a flow that decays without forcing.
        rng: Draws the signals.

    Returns:
        Physical actions ``(sample, interval, actuator)``, float32; without forcing zeros, or the actions within
        bounds that are nearest to zero.
    """
    if not forced:
        return box.clamp(torch.zeros(samples, intervals, len(box)))
    signals = [mixed(rng, intervals, len(box), share_unforced=0.0) for _ in range(samples)]
    return box.to_physical(torch.from_numpy(np.stack(signals).astype(np.float32)))


def beyond(box: ActionBox, actions: Tensor, factor: float) -> Tensor:
    """Physical actions multiplied by ``factor`` about the middle of their bounds, which they may leave."""
    return box.to_physical(factor * box.to_normalized(actions))


def wrong_actions(box: ActionBox, *, shift: int) -> dict[str, Callable[[Tensor], Tensor]]:
    """Functions by name that replace actions ``(sample, time, actuator)`` by wrong ones; the first keeps them.

    Args:
        shift: Number of intervals by which ``shifted`` actions are late; until then the first one is held.
    """

    def zeroed(actions: Tensor) -> Tensor:
        return box.clamp(torch.zeros_like(actions))

    def shuffled(actions: Tensor) -> Tensor:
        return actions.roll(1, dims=0)

    def shifted(actions: Tensor) -> Tensor:
        late = min(shift, actions.shape[1])
        return torch.cat([actions[:, :1].expand(-1, late, -1), actions[:, : actions.shape[1] - late]], dim=1)

    return {"right": lambda actions: actions, "zeroed": zeroed, "shuffled": shuffled, "shifted": shifted}
