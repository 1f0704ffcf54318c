"""Controllers: policies that begin anew with every episode, and send only finite actions within the bounds."""

import warnings
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from simulations.actuators import ActionBox


class HeldActionWarning(UserWarning):
    """A controller had no finite action for some episodes, and held the last one that it sent there."""


class Controller(ABC):
    """A policy ``(fields, interval) -> action`` for one batch of episodes at a time, which it may remember.

    New episodes begin at interval 0, at any interval that does not follow the last one, or with :meth:`reset`: from
    then on it acts like a new controller. Calls without an interval go on with the episodes of the last call.

    Every row of a batch is an episode of its own. Where its observation or the action for it is not finite, the last
    action that was sent to it is held, at first the allowed action nearest to zero; the other rows do not notice. The
    first time there is a :class:`HeldActionWarning`.

    A subclass gives :attr:`box` and :meth:`act`. If it remembers more than actions, it extends :meth:`reset`.

    Attributes:
        held: In which rows the last call held an action, ``(batch,)``; None before the first call of an episode.
    """

    held: Tensor | None = None
    _sent: Tensor | None = None
    _following: int | None = None
    _warned = False

    @property
    @abstractmethod
    def box(self) -> ActionBox:
        """The names and bounds of the actions."""

    @abstractmethod
    def act(self, observation: Tensor) -> Tensor:
        """Observations ``(batch, ...)`` to physical actions ``(batch, actuator)``, which need not be finite."""

    def reset(self) -> None:
        """Forget the episodes so far; the next call begins new ones, of any number."""
        self.held = self._sent = self._following = None

    def __call__(self, observation: Tensor, interval: int | None = None) -> Tensor:
        """The actions for a batch of episodes.

        Args:
            observation: What is known of every episode, ``(batch, ...)``: the fields, or readings of sensors.
            interval: The number of the control interval, 0 for the first; None for the next.

        Returns:
            Physical actions ``(batch, actuator)``.

        Raises:
            ValueError: If the number of episodes is another than that in the interval before.
        """
        if interval is not None:
            if interval != self._following:
                self.reset()
            self._following = interval + 1
        self.require_same_episodes(len(observation))
        return self.send(self.act(observation), self.seen(observation))

    def seen(self, observation: Tensor) -> Tensor:
        """Which rows of an observation are finite, ``(batch,)``."""
        return observation.detach().flatten(1).isfinite().all(dim=1)

    def require_same_episodes(self, rows: int) -> None:
        """Refuse a number of episodes that differs from that of the last call.

        Raises:
            ValueError: If it differs.
        """
        if self._sent is not None and rows != len(self._sent):
            raise ValueError(
                f"{type(self).__name__}: expected the {len(self._sent)} episodes of the interval before, got {rows}. "
                "Begin new episodes with reset(), or at interval 0."
            )

    def send(self, wanted: Tensor, seen: Tensor) -> Tensor:
        """The wanted actions within their bounds, and in rows without a finite one the last that was sent.

        Args:
            wanted: Physical actions ``(batch, actuator)``.
            seen: Which rows were observed, ``(batch,)``.
        """
        finite = seen & wanted.detach().isfinite().all(dim=1)
        last = self.box.clamp(torch.zeros_like(wanted)) if self._sent is None else self._sent.to(wanted)
        action = torch.where(finite[:, None], self.box.clamp(wanted), last)
        self._sent, self.held = action.detach(), ~finite
        if not self._warned and bool(self.held.any()):
            self._warned = True
            message = (
                f"{type(self).__name__}: got no finite action for {int(self.held.sum())} of {len(wanted)} episodes, "
                "and held the last one that it sent there. Look at the fields that it observed, and at `held`."
            )
            warnings.warn(message, HeldActionWarning, stacklevel=3)
        return action


def finite_rows(values: Tensor) -> Tensor:
    """The values ``(batch, ...)`` with zeros in every row that is not finite, so that it can be computed with."""
    finite = values.isfinite().flatten(1).all(dim=1)
    return values if bool(finite.all()) else torch.where(finite.view(-1, *(1,) * (values.ndim - 1)), values, 0.0)
