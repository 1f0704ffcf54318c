"""Confidence intervals by bootstrap, and explained variance."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bootstrap_interval(
    values: ArrayLike, *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over independent samples.

    Args:
        values: Values ``(sample,)``; infinite ones may make a bound infinite.
        draws: Number of bootstrap samples; 2000 is enough for a 95 % interval.
        level: Probability that the interval holds.
        seed: Seed of the draws.

    Returns:
        Lower and upper bound.
    """
    sample = np.asarray(values, dtype=float)
    rng = np.random.default_rng(seed)
    means = sample[rng.integers(0, len(sample), (draws, len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], method="nearest")  # some may be infinite
    return float(low), float(high)


def r_squared(
    truth: ArrayLike, estimate: ArrayLike, *, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Explained share of the variance over all samples, and of the variance within trajectories.

        R2 = 1 - sum (e - y)^2 / sum (y - mean)^2,    within: e and y without their means over each trajectory

    Args:
        truth, estimate: Both ``(trajectory, time, component)``, components pooled.

    Returns:
        Value, lower and upper bound (percentile bootstrap over trajectories) of both; NaN if the truth does not vary
        beyond rounding errors, or if an estimate is not finite.
    """
    y, e = np.asarray(truth, dtype=float), np.asarray(estimate, dtype=float)
    if not np.isfinite(e).all():
        return (np.nan,) * 3, (np.nan,) * 3
    rounding = (1e-6 * np.abs(y).max(initial=0.0)) ** 2
    y, e = y - y.mean(axis=(0, 1)), e - y.mean(axis=(0, 1))
    inner_y, inner_e = y - y.mean(axis=1, keepdims=True), e - e.mean(axis=1, keepdims=True)
    counts = np.random.default_rng(seed).multinomial(len(y), np.full(len(y), 1 / len(y)), size=draws)
    weights = np.concatenate([np.ones((1, len(y))), counts])

    def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return weights @ values.sum(axis=1)

    means = summed(y) / (len(y) * y.shape[1])
    total = summed((y**2).sum(axis=2, keepdims=True))[:, 0] - len(y) * y.shape[1] * (means**2).sum(axis=1)
    errors = summed(((e - y) ** 2).sum(axis=2, keepdims=True))[:, 0]
    inner = summed((inner_y**2).sum(axis=2, keepdims=True))[:, 0]
    inner_errors = summed(((inner_e - inner_y) ** 2).sum(axis=2, keepdims=True))[:, 0]

    def shares(error: NDArray[np.float64], variation: NDArray[np.float64]) -> tuple[float, float, float]:
        varies = variation > rounding * y.size
        values = 1 - error / np.where(varies, variation, np.nan)
        if not np.isfinite(values[0]):
            return np.nan, np.nan, np.nan
        low, high = np.nanquantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
        return float(values[0]), float(low), float(high)

    return shares(errors, total), shares(inner_errors, inner)


def bootstrap_ratio_interval(
    numerators: ArrayLike, denominators: ArrayLike, *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the ratio of two means over the same independent samples.

    Args:
        numerators, denominators: ``(sample,)`` each, paired.

    Returns:
        Lower and upper bound.
    """
    above, below = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(above), (draws, len(above)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above[drawn].mean(axis=1) / below[drawn].mean(axis=1)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="nearest")  # some may be infinite
    return float(low), float(high)


def paired_bootstrap(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    compare: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """``compare(mean of first, mean of second)`` with its percentile bootstrap interval.

    Groups, such as the seeds of an experiment, are drawn again, and so are samples within each group. Both sides get
    the same draws, so that variation that they have in common cancels.

    Args:
        first, second: For each group the values of its samples, ``(sample,)``, paired.
        compare: Maps both means, arrays of equal shape, to what is compared, such as their ratio.

    Returns:
        Value, lower and upper bound; NaN where a mean is, or cannot be compared.
    """
    sizes = np.array([len(np.atleast_1d(group)) for group in first])
    rng, count, longest = np.random.default_rng(seed), len(sizes), int(sizes.max())
    groups = np.concatenate([np.arange(count)[None], rng.integers(0, count, (draws, count))])
    rows = (rng.random((draws + 1, count, longest)) * sizes[groups][..., None]).astype(int)
    rows[0] = np.arange(longest)  # as they are
    counted = np.arange(longest) < sizes[groups][..., None]

    def means(values: Sequence[ArrayLike]) -> NDArray[np.float64]:
        padded = np.zeros((count, longest))
        for row, group in zip(padded, values, strict=True):
            row[: np.size(group)] = group
        drawn = np.where(counted, padded[groups[..., None], rows], 0.0)
        return np.asarray(drawn.sum(axis=(1, 2)) / counted.sum(axis=(1, 2)))

    with np.errstate(divide="ignore", invalid="ignore"):
        found = compare(means(first), means(second))
    low, high = np.quantile(found[1:], [(1 - level) / 2, (1 + level) / 2])
    return float(found[0]), float(low), float(high)
