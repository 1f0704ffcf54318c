"""Limits of stability on the solver's step, and the message that tells a better step."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StepLimit:
    """The largest stable solver step that one process allows.

    Args:
        step: The limit, in units of time.
        process: The process that sets it, as ``"diffusion"``.
    """

    step: float
    process: str


def tightest(limits: Iterable[StepLimit]) -> StepLimit | None:
    """The limit that allows the shortest step; None if there are no limits."""
    return min(limits, key=lambda limit: limit.step, default=None)


def too_long(limit: StepLimit, step: float, control_interval: float) -> str:
    """Say which process limits the step, and how many steps an interval needs.

    Args:
        limit: The limit that ``step`` exceeds.
        step: The solver step.
        control_interval: The time over which an action is held.
    """
    problem = f"{limit.process} limits the step to {limit.step:.3g}, got {step:.3g}. "
    if not control_interval < limit.step * 1e9:
        return problem + "No number of steps is enough: check the parameters, the grid and the state."
    steps = int(np.ceil(control_interval / limit.step))
    steps += steps % 2
    return problem + f"Use steps_per_interval >= {steps} at control_interval = {control_interval:g}."
