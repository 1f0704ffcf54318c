"""Many steps with gradients in little memory: some states are kept, the others are computed again.

Gradient checkpointing (Griewank & Walther 2000, doi:10.1145/347837.347846) at equal distances: with the
square root of the number of steps between kept states, memory grows like that root, and every step is
computed twice.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simulations.inplace import has_tangent
from simulations.torch_modes import transformed

ALL_KEPT = 64
"""Up to this number of steps all states are kept, and no step is computed twice."""


def march(step: Callable[[Tensor], Tensor], state: Tensor, count: int, *held: Tensor) -> Tensor:
    """Take ``count`` steps; where gradients are recorded, keep only the states between :func:`segments`.

    Args:
        step: One solver step.
        state: The state or spectrum at the beginning.
        count: The number of steps.
        held: What ``step`` depends on beside the state, such as the action.
    """

    def several(state: Tensor, steps: int) -> Tensor:
        for _ in range(steps):
            state = step(state)
        return state

    pieces = segments(count)
    if len(pieces) == 1 or not can_recompute(state, *held):
        return several(state, count)
    for steps in pieces:
        state = checkpoint(several, state, steps, use_reentrant=False, preserve_rng_state=False)
    return state


def segments(count: int) -> list[int]:
    """The numbers of steps between kept states: one segment of up to 64 steps, else segments of the root's length."""
    stride = int(np.ceil(np.sqrt(count))) if count > ALL_KEPT else count
    return [min(stride, count - start) for start in range(0, count, stride)]


def can_recompute(*inputs: Tensor) -> bool:
    """Whether a backward pass could compute the inner values of a function of these tensors again.

    It could not within function transforms such as ``torch.func.grad`` and ``vmap``, nor in forward mode: there all
    values are kept.
    """
    return torch.is_grad_enabled() and not transformed() and not any(has_tangent(x) for x in inputs)
