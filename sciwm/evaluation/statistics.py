"""Numbers with their uncertainty."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bootstrap_interval(
    values: ArrayLike, *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over independent samples.

    Args:
        values: ``(sample,)``.

    Returns:
        lower and upper bound.
    """
    sample = np.asarray(values, dtype=float)
    rng = np.random.default_rng(seed)
    means = sample[rng.integers(0, len(sample), (draws, len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def r_squared(
    truth: ArrayLike, estimate: ArrayLike, *, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Explained share of variance over all samples, and of the variance within trajectories.

        R2 = 1 - sum (e - y)^2 / sum (y - mean)^2,    within: e and y without their means over each trajectory

    Args:
        truth, estimate: ``(trajectory, time, component)``, components pooled.

    Returns:
        value, lower and upper bound (percentile bootstrap over trajectories), of both; NaN for what does
        not vary beyond rounding, or if an estimate is not finite.
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
        lower and upper bound.
    """
    above, below = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(above), (draws, len(above)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above[drawn].mean(axis=1) / below[drawn].mean(axis=1)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
