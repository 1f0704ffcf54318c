"""What every sequence of actions must keep to: bounds, held values, and the largest change between intervals."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Limits:
    """Limits of actions in ``[-1, 1]``; by default those of the box alone.

    Bounds may lie outside of ``[-1, 1]``, where a model extrapolates. Where both are equal, an action is held.

    Args:
        low, high: The bounds, numbers or tensors that broadcast to ``(batch, horizon, actuator)``.
        max_change: The largest change of each action between intervals, ``(actuator,)``, infinite where there is none.
            Bounds must not vary in time where it is finite.
        previous: The actions before the first ones, ``(batch, actuator)``, which these may differ from by
            ``max_change``; None where the first ones are free.
    """

    low: Tensor | float = -1.0
    high: Tensor | float = 1.0
    max_change: Tensor | None = None
    previous: Tensor | None = None

    def clipped(self, actions: Tensor) -> Tensor:
        """The nearest actions ``(..., batch, horizon, actuator)`` within the bounds."""
        if isinstance(self.low, Tensor) or isinstance(self.high, Tensor):
            low, high = (torch.as_tensor(bound).to(actions) for bound in (self.low, self.high))
            return torch.minimum(torch.maximum(actions, low), high)
        return actions.clamp(self.low, self.high)

    def followed(self, actions: Tensor) -> Tensor:
        """What becomes of actions within the bounds if each follows the one before as far as it may change.

        Differentiable: an action that is held back passes its gradient on to the one before.
        """
        if self.max_change is None:
            return actions
        change = self.max_change.to(actions)
        taken: list[Tensor] = []
        before = None if self.previous is None else self.previous.to(actions)
        for action in actions.unbind(dim=-2):
            if before is not None:
                action = torch.minimum(torch.maximum(action, before - change), before + change)
            taken.append(action)
            before = action
        return torch.stack(taken, dim=-2)

    def allowed(self, actions: Tensor) -> Tensor:
        """Actions within all limits."""
        return self.followed(self.clipped(actions))
