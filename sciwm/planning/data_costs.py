"""Costs for models of measured data: targets in parts of the fields, effort, and leaving the training data."""

import torch
from torch import Tensor

from sciwm.model import LatentStatistics
from sciwm.planning.costs import Cost, Imagined
from simulations import ActionBox


def region_target(target: Tensor, sizes: Tensor) -> Cost:
    """Mean square distance from a target wherever it is a number, each variable in units of its size, over the horizon.

    Args:
        target: Physical fields ``(variable, *space)``, NaN where the fields may take any value.
        sizes: What a distance of each variable is measured by, ``(variable,)``, such as its deviation.
    """
    return Cost(frozenset({"fields"}), _Distance(target, sizes))


def effort(box: ActionBox) -> Cost:
    """Mean square of the physical actions in units of the largest of each, ``sum_t mean_j (a_j / max |a_j|)^2``.

    Where ``action_energy`` draws actions to the middle of their bounds, this draws them to nothing.

    Args:
        box: The bounds.
    """
    largest = torch.maximum(torch.from_numpy(box.low).abs(), torch.from_numpy(box.high).abs())
    return Cost(frozenset(), _Effort(box, largest.float()))


def leaving_data(statistics: LatentStatistics, size: int) -> Cost:
    """The square of how far states lie beyond the training data, ``sum_t max(0, d_t - 1)^2``; nothing inside.

    Args:
        statistics: Measure the departure d, see :meth:`~sciwm.model.LatentStatistics.departure`.
        size: The number of values of a state that are its latent.
    """
    return Cost(frozenset(), _Leaving(statistics, size))


class _Distance:
    """A class, as closures cannot be pickled; see :func:`region_target`."""

    def __init__(self, target: Tensor, sizes: Tensor) -> None:
        self.wanted = ~target.isnan()
        sizes = sizes.view(-1, *(1 for _ in target.shape[1:]))
        self.target, self.weights = target.nan_to_num(), self.wanted / sizes

    def __call__(self, imagined: Imagined) -> Tensor:
        fields = imagined.readouts["fields"]
        away = (fields - self.target.to(fields)) * self.weights.to(fields)
        return away.square().flatten(2).sum(dim=2).sum(dim=1) / int(self.wanted.sum())


class _Effort:
    def __init__(self, box: ActionBox, largest: Tensor) -> None:
        self.box, self.largest = box, largest

    def __call__(self, imagined: Imagined) -> Tensor:
        actions = self.box.to_physical(imagined.actions)
        return (actions / self.largest.to(actions)).square().mean(dim=2).sum(dim=1)


class _Leaving:
    def __init__(self, statistics: LatentStatistics, size: int) -> None:
        self.statistics, self.size = statistics, size

    def __call__(self, imagined: Imagined) -> Tensor:
        beyond = (self.statistics.departure(imagined.states[..., : self.size]) - 1).clamp(min=0)
        return beyond.square().sum(dim=1)
