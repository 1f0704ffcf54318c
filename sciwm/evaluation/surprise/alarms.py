"""Alarms: how often a detector raises one, and from which size of a violation on."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from sciwm.evaluation.surprise.detection import auroc, auroc_interval, drawn_weights, paired_p_value
from sciwm.evaluation.surprise.violations import Violation

Array = NDArray[np.float64]

MEANINGS = {
    "size": "size of the violation",
    "score": "score of violated trajectories",
    "untouched": "score of the same trajectories untouched",
    "auroc": "probability that a violated trajectory scores above an untouched one",
    "auroc_low": "lower end of its 95 % interval",
    "auroc_high": "upper end of its 95 % interval",
    "p_value": "paired one-sided Wilcoxon test that violated scores are higher",
    "alarms": "share of violated trajectories above the threshold",
    "false_alarms": "share of untouched trajectories above the threshold",
    "threshold": "score above which an alarm is raised",
    "smallest_detectable": "smallest size that is detected, infinite if none is",
    "smallest_detectable_low": "lower end of its 95 % interval",
    "smallest_detectable_high": "upper end of its 95 % interval",
    "validation_samples": "errors that the covariance comes from",
    "validation_shrinkage": "weight of the identity among their correlations",
    "components": "components of an error",
    "control": "whether it can happen, so that nothing should be noticed",
    "default_size": "size that is reported",
}


def measured(
    violation: Violation,
    by_size: Sequence[dict[str, Array]],
    untouched: dict[str, Array],
    thresholds: dict[str, float],
    power: float,
    groups: ArrayLike,
) -> xr.Dataset:
    """All measures of one violation, over ``detector``, ``size`` and ``trajectory``, with intervals over groups."""
    parts = []
    for name, calm in untouched.items():
        scores = np.stack([by_name[name] for by_name in by_size])
        raised = scores > thresholds[name]
        intervals = np.array([auroc_interval(s, calm, groups) for s in scores])
        low, high = smallest_detectable_interval(violation.sizes, raised, groups, power=power)
        per_size = {
            "auroc": [auroc(s, calm) for s in scores],
            "auroc_low": intervals[:, 0],
            "auroc_high": intervals[:, 1],
            "p_value": [paired_p_value(s, calm) for s in scores],
            "alarms": raised.mean(axis=1),
        }
        single = {
            "threshold": thresholds[name],
            "false_alarms": (calm > thresholds[name]).mean(),
            "smallest_detectable": smallest_detectable(violation.sizes, raised.mean(axis=1), power=power),
            "smallest_detectable_low": low,
            "smallest_detectable_high": high,
        }
        of_trajectories = {"score": (("size", "trajectory"), scores), "untouched": ("trajectory", calm)}
        parts.append(xr.Dataset(of_trajectories | {n: ("size", v) for n, v in per_size.items()} | single))
    together = xr.concat(parts, xr.DataArray(list(untouched), dims="detector", name="detector"))
    together["control"], together["default_size"] = violation.control, violation.default
    return together.assign_coords(size=list(violation.sizes), trajectory=np.arange(len(calm)))


def smallest_detectable(sizes: ArrayLike, rates: ArrayLike, *, power: float) -> float:
    """The size from which on the rate of alarms is at least ``power``, log-linear between sizes; infinite if never.

    Args:
        sizes: Positive sizes, ascending.
        rates: Share of trajectories that raise an alarm at each size.
        power: Rate of alarms that counts as detected, such as 0.9.
    """
    size, rate = np.log(np.asarray(sizes, dtype=float)), np.asarray(rates, dtype=float)
    below = np.flatnonzero(rate < power)
    first = below[-1] + 1 if below.size else 0
    if first == size.size:
        return np.inf
    if first == 0:
        return float(np.asarray(sizes, dtype=float)[0])
    share = (power - rate[first - 1]) / (rate[first] - rate[first - 1])
    return float(np.exp(size[first - 1] + share * (size[first] - size[first - 1])))


def smallest_detectable_interval(
    sizes: ArrayLike,
    raised: NDArray[np.bool_],
    groups: ArrayLike,
    *,
    power: float,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of :func:`smallest_detectable`.

    Args:
        raised: Whether a trajectory raises an alarm at a size, ``(size, trajectory)``.
        groups: Group of each trajectory; those of one group are not independent, and are drawn together.
    """
    values = [smallest_detectable(sizes, raised @ w, power=power) for w in drawn_weights(groups, draws, seed)]
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(values, ends, method="nearest")
    return float(low), float(high)
