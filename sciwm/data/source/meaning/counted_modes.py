"""How many modes states have: how many numbers can stand for them at most."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-12
"""The share of the largest variance below which a mode is rounding, as for the principal components of a model."""


def count_modes(variables: Iterable[NDArray[np.float64]], wanted: int) -> int:
    """How many modes states have, as far as these tell; ``wanted`` where they have as many, or are too few to tell.

    Args:
        variables: The values of each variable at the same instants, where it exists, ``(instant, point)``.
        wanted: How many modes are asked for.
    """
    products: NDArray[np.float64] | float = 0.0
    for values in variables:
        # As they are kept: what single precision rounds away is no mode, and what it adds is one.
        kept = np.nan_to_num(values).astype(np.float32).astype(np.float64)
        anomalies = kept - kept.mean(axis=0)
        size = float(np.sqrt(np.mean(anomalies**2))) if anomalies.size else 0.0
        products = products + (anomalies / size) @ (anomalies / size).T / values.shape[1] if size > 0 else products
    if not isinstance(products, np.ndarray) or len(products) <= wanted:
        return wanted
    variances = np.linalg.eigvalsh(products)
    return min(wanted, int((variances > ROUNDING * variances[-1]).sum()))
