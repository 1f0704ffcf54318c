"""The numbers of an evaluation, each with what it means and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

DRAWS, LEVEL = 1000, 0.95
NORMAL = 1.959964
"""Deviations of a normal distribution about its mean that hold so much."""


@dataclass(frozen=True)
class Measure:
    """One number.

    Args:
        meaning: in words, as it stands in tables.
        value: nan if there is nothing to measure.
        interval: 95 % interval, None where there is none.
        unit: beside the number, empty for plain ones.
    """

    meaning: str
    value: float
    interval: tuple[float, float] | None = None
    unit: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a part has found.

    Args:
        dataset: everything, sample by sample.
        measures: the numbers to remember, the first one above all.
        metrics: further numbers, by their key in ``metrics.json``.
    """

    dataset: xr.Dataset
    measures: Sequence[Measure]
    metrics: dict[str, Any]


def median_of(meaning: str, values: xr.DataArray, groups: ArrayLike, *, lost: float | None = None) -> Measure:
    """Median over samples, its interval by a bootstrap over the groups that they come from.

    Args:
        values: over ``sample``.
        groups: of each sample; those of one group are not independent.
        lost: what counts in place of nan, such as infinity for the error of what blew up; left out if None.
    """
    return _measure(meaning, values, groups, np.median, lost)


def mean_of(meaning: str, values: xr.DataArray, groups: ArrayLike, *, lost: float | None = None) -> Measure:
    """The same with the mean."""
    return _measure(meaning, values, groups, np.mean, lost)


def root_mean_square_of(meaning: str, values: xr.DataArray, groups: ArrayLike, *, lost: float | None = None) -> Measure:
    """The same with the root of the mean square."""
    return _measure(meaning, values, groups, lambda sample: np.sqrt(np.mean(np.square(sample))), lost)


def share_of(meaning: str, share: float, count: int) -> Measure:
    """A share with Wilson's score interval (1927, doi:10.1080/01621459.1927.10502953): no certainty from few.

    Args:
        count: of independent samples.
    """
    middle = share + NORMAL**2 / (2 * count)
    half = NORMAL * np.sqrt(share * (1 - share) / count + (NORMAL / (2 * count)) ** 2)
    low, high = ((middle + sign * half) / (1 + NORMAL**2 / count) for sign in (-1, 1))
    return Measure(meaning, share, (float(np.clip(low, 0, share)), float(np.clip(high, share, 1))))


def _measure(meaning: str, values: xr.DataArray, groups: ArrayLike, statistic: Any, lost: float | None) -> Measure:
    sample, group = np.asarray(values, dtype=float), np.asarray(groups)
    if lost is not None:
        sample = np.where(np.isnan(sample), lost, sample)
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
