"""How much of the squared error each possible cause explains."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDS = 200
NEGLIGIBLE = 1e-9


def variance_components(squares: Array, causes: Array, least: Array) -> Array:
    """The weights w >= least for which normal errors of variance ``sum_k w_k causes_k`` are most likely.

    Multiplicative updates never lower the likelihood (Fevotte, Bertin & Durrieu 2009, doi:10.1162/neco.2008.04-08-771,
    eq. 4.4 with the exponent 1/2), and weigh each run by its own size, so that the worst one does not decide alone.

    Args:
        squares: Mean squared errors ``(run, case)``; NaN does not count.
        causes: The variance that each cause would have by itself, ``(cause, run, case)``.
        least: The smallest weight of each cause, ``(cause,)``.

    Returns:
        ``(cause, case)``.
    """
    there = np.isfinite(squares)
    squares, tiny = np.where(there, squares, 0.0), np.finfo(np.float64).tiny
    causes = np.where(there, causes, 0.0)
    floor = np.maximum(least, NEGLIGIBLE)[:, None]
    weights = np.maximum(np.ones((len(causes), squares.shape[1])), floor)
    smallest = 1e-12 * max(float(squares.max(initial=0.0)), float(causes.max(initial=0.0)), 1e-200)
    for _ in range(ROUNDS):
        variance = np.einsum("kc,krc->rc", weights, causes) + smallest
        wanted = (causes * squares / variance**2).sum(axis=1)
        weights = np.maximum(weights * np.sqrt(wanted / np.maximum((causes / variance).sum(axis=1), tiny)), floor)
    return np.where(weights > floor, weights, least[:, None])
