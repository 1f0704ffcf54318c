"""The numbers of an evaluation, each with its meaning and a 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

DRAWS, LEVEL = 1000, 0.95
NORMAL = 1.959964
"""Half width of the interval that holds 95 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Measure:
    """One number of an evaluation.

    Args:
        meaning: What it measures, in words, as shown in tables.
        value: The number; NaN if there was nothing to measure.
        interval: 95 % interval; None if there is none.
        unit: Shown beside the number; empty if it has none.
    """

    meaning: str
    value: float
    interval: tuple[float, float] | None = None
    unit: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of a part.

    Args:
        dataset: All values, sample by sample.
        measures: The numbers that sum it up, the most important one first.
        metrics: Further numbers, by their key in ``metrics.json``.
    """

    dataset: xr.Dataset
    measures: Sequence[Measure]
    metrics: dict[str, Any]


def median_of(meaning: str, values: xr.DataArray, groups: ArrayLike, *, nan_as: float | None = None) -> Measure:
    """Median over samples, with a bootstrap interval over the groups that they come from.

    Args:
        meaning: See :class:`Measure`.
        values: Values over ``sample``.
        groups: Group of each sample, ``(sample,)``; samples of one group, such as a simulation, are not independent.
        nan_as: Number that replaces NaN, such as infinity for the error of a forecast that is not finite; with None,
            samples that are NaN do not count.
    """
    return _measure(meaning, values, groups, np.median, nan_as)


def mean_of(meaning: str, values: xr.DataArray, groups: ArrayLike, *, nan_as: float | None = None) -> Measure:
    """Mean over samples; arguments as of :func:`median_of`."""
    return _measure(meaning, values, groups, np.mean, nan_as)


def root_mean_square_of(
    meaning: str, values: xr.DataArray, groups: ArrayLike, *, nan_as: float | None = None
) -> Measure:
    """Root mean square over samples; arguments as of :func:`median_of`."""
    return _measure(meaning, values, groups, lambda sample: np.sqrt(np.mean(np.square(sample))), nan_as)


def share_of(meaning: str, share: float, count: int) -> Measure:
    """A share of samples with Wilson's score interval (1927, doi:10.1080/01621459.1927.10502953).

    Unlike a bootstrap it stays wide for few samples, also if the share is 0 or 1.

    Args:
        meaning: See :class:`Measure`.
        share: The share, from 0 to 1.
        count: Number of independent samples.
    """
    middle = share + NORMAL**2 / (2 * count)
    half = NORMAL * np.sqrt(share * (1 - share) / count + (NORMAL / (2 * count)) ** 2)
    low, high = ((middle + sign * half) / (1 + NORMAL**2 / count) for sign in (-1, 1))
    return Measure(meaning, share, (float(np.clip(low, 0, share)), float(np.clip(high, share, 1))))


def _measure(meaning: str, values: xr.DataArray, groups: ArrayLike, statistic: Any, nan_as: float | None) -> Measure:
    sample, group = np.asarray(values, dtype=float), np.asarray(groups)
    if nan_as is not None:
        sample = np.where(np.isnan(sample), nan_as, sample)
    sample, group = sample[~np.isnan(sample)], group[~np.isnan(sample)]
    if not sample.size:
        return Measure(meaning, np.nan)
    members = [sample[group == g] for g in np.unique(group)]
    value = float(statistic(sample))
    if len(members) < 2:
        return Measure(meaning, value)
    drawn = np.random.default_rng(0).integers(0, len(members), (DRAWS, len(members)))
    found = [statistic(np.concatenate([members[i] for i in row])) for row in drawn]
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return Measure(meaning, value, (float(low), float(high)))
