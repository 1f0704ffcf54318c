"""Split-conformal quantiles where errors come in runs: those of one run are not independent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FOLDS = 8
"""The most groups of runs that are left out in turn."""
FEWEST_RUNS = 2
"""With fewer runs nothing says how far the next one may differ from them."""
LEVELS = np.linspace(0, 1, 17) ** 2
"""How far a level may be raised towards 1, fine where little is missing."""


def conformal_limits(scores: Array, shares: Sequence[float]) -> tuple[Array, Array]:
    """The limits under which given shares of the scores of a new run are expected to lie.

    A quantile of pooled scores covers too little of a new run, the more so the fewer runs there are and the less these
    resemble each other. The level is therefore raised until groups of runs that are left out in turn are covered on
    average by the quantile of the others. (Within runs the pooled quantile is that of split conformal prediction, Vovk,
    Gammerman & Shafer 2005; leaving out groups in turn is the jackknife+ of Barber et al. 2021, doi:10.1214/20-AOS1965,
    with its average coverage in place of its worst case, which six runs could not satisfy.)

    Args:
        scores: Scores ``(run, sample)``; a run with NaN does not count.
        shares: The shares of scores to cover, between 0 and 1.

    Returns:
        The limits ``(share,)``, and what they cover on average of runs that were left out, ``(share,)``: NaN for fewer
        than ``FEWEST_RUNS`` runs, where the limit is the plain quantile. Without any run both are NaN.
    """
    kept = scores[np.isfinite(scores).all(axis=1)]
    if not len(kept):
        return np.full(len(shares), np.nan), np.full(len(shares), np.nan)
    order = np.argsort(kept, axis=None, kind="stable")
    values, samples = kept.ravel()[order], kept.shape[1]
    if len(kept) < FEWEST_RUNS:
        return _quantiles(values, np.array(shares)), np.full(len(shares), np.nan)
    folds = min(FOLDS, len(kept))
    group = (order // samples) % folds
    levels = np.array([share + (1 - share) * LEVELS for share in shares])
    covered = np.zeros(levels.shape)
    for fold in range(folds):
        left_out = group == fold
        limits = _quantiles(values[~left_out], levels)
        covered += np.searchsorted(values[left_out], limits, side="right") / left_out.sum() / folds
    wanted = np.array(shares)[:, None]
    place = np.where((covered >= wanted).any(axis=1), (covered >= wanted).argmax(axis=1), len(LEVELS) - 1)
    each = np.arange(len(shares))
    return _quantiles(values, levels[each, place]), covered[each, place]


def _quantiles(ascending: Array, levels: Array) -> Array:
    """The quantiles of sorted values: the smallest of them that no fewer than this share are at most."""
    places = np.ceil(levels * len(ascending) - 1e-9).astype(int) - 1
    return ascending[places.clip(0, len(ascending) - 1)]
