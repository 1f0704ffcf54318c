"""Scores of prediction errors by their covariance, and how well scores tell violated from untouched trajectories."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Whitening:
    """The score ``s = e' Sigma^-1 e / d`` of an error e of d components, with Sigma from samples of errors.

    Its mean over these samples is 1, but for the shrinkage.

    Args:
        scales: Root mean square of each component, ``(component,)``.
        inverse: Inverse of the shrunk correlations, ``(component, component)``.
        shrinkage: Weight of the identity among the correlations.
        samples: Number of errors that Sigma comes from.
    """

    scales: Array
    inverse: Array
    shrinkage: float
    samples: int

    @classmethod
    def of(cls, errors: Array, *, smallest: ArrayLike = 0.0) -> "Whitening":
        """Estimate Sigma: second moments about zero, with correlations shrunk towards the identity.

        The weight of the identity is that of Ledoit & Wolf (2004, doi:10.1016/S0047-259X(03)00096-4,
        lemma 3.2 ff.), for components in units of their root mean square; so Sigma has an inverse even
        with fewer samples than components. Moments are about zero, so that a bias counts as an error.

        Args:
            errors: Errors ``(sample, component)``.
            smallest: Scale below which an error is a rounding error, a number or one for each component.
        """
        count, size = errors.shape
        scales = np.maximum(np.sqrt((errors**2).mean(axis=0)), smallest)
        scales = np.where(scales > 0, scales, 1.0)
        x = errors / scales
        correlations = x.T @ x / count
        mean = np.trace(correlations) / size
        distance = ((correlations - mean * np.eye(size)) ** 2).sum()
        noise = ((x**2).sum(axis=1) ** 2).sum() / count**2 - (correlations**2).sum() / count
        weight = float(np.clip(noise / distance, 0.0, 1.0)) if distance > 1e-20 * size else 1.0
        shrunk = (1 - weight) * correlations + weight * max(mean, 1e-12) * np.eye(size)
        return cls(scales, np.linalg.pinv(shrunk, hermitian=True), weight, count)

    def score(self, errors: Array) -> Array:
        """``(..., component)`` to ``(...)``, infinite where an error is not finite."""
        finite = np.asarray(np.isfinite(errors).all(axis=-1))
        x = np.where(finite[..., None], errors, 0.0) / self.scales
        return np.where(finite, np.einsum("...i,ij,...j->...", x, self.inverse, x) / x.shape[-1], np.inf)


def cross_scores(errors: Array, *, smallest: ArrayLike = 0.0, folds: int = 5) -> Array:
    """Cross-validated scores: every trajectory by a Sigma of the others, as a new trajectory would be scored.

    Args:
        errors: Errors ``(trajectory, prediction, component)``.
        smallest: See :meth:`Whitening.of`.
        folds: Number of parts that the trajectories are split into.

    Returns:
        ``(trajectory, prediction)``.
    """
    scores = np.empty(errors.shape[:2])
    for fold in np.array_split(np.arange(len(errors)), min(folds, len(errors))):
        others = np.delete(errors, fold, axis=0)
        scores[fold] = Whitening.of(others.reshape(-1, errors.shape[2]), smallest=smallest).score(errors[fold])
    return scores


def auroc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Probability that a positive scores above a negative, ties counted half (Mann & Whitney 1947).

    Args:
        positive, negative: Scores, ``(sample,)`` each.
    """
    return float(_precedence(positive, negative).mean())


def auroc_interval(
    positive: ArrayLike,
    negative: ArrayLike,
    groups: ArrayLike,
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of :func:`auroc` for pairs: the same sample, violated and untouched.

    Args:
        groups: Group of each sample; those of one group are not independent, and are drawn together.
    """
    above = _precedence(positive, negative)
    if np.ptp(above) == 0:  # every pair is told apart, so that no draw differs
        return float(above[0, 0]), float(above[0, 0])
    weights = drawn_weights(groups, draws, seed)
    values = ((weights @ above) * weights).sum(axis=1)
    low, high = np.quantile(values.clip(0, 1), [(1 - level) / 2, (1 + level) / 2])  # 1 beyond rounding is 1
    return float(low), float(high)


def drawn_weights(groups: ArrayLike, draws: int, seed: int) -> Array:
    """Weights of the samples in each draw of a bootstrap over groups, ``(draw, sample)``; they sum to 1."""
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    count = int(member.max()) + 1
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)[:, member]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def paired_p_value(violated: ArrayLike, untouched: ArrayLike) -> float:
    """One-sided Wilcoxon signed-rank test that violated scores are higher; 1 if no pair differs."""
    from scipy.stats import wilcoxon  # slow to import, and seldom needed

    differences = _finite(violated) - _finite(untouched)
    return float(wilcoxon(differences, alternative="greater").pvalue) if np.any(differences) else 1.0


def _precedence(positive: ArrayLike, negative: ArrayLike) -> Array:
    p, n = np.asarray(positive, dtype=float)[:, None], np.asarray(negative, dtype=float)[None]
    return (p > n) + 0.5 * (p == n)


def _finite(scores: ArrayLike) -> Array:
    return np.nan_to_num(np.asarray(scores, dtype=float), posinf=np.finfo(np.float64).max / 4)
