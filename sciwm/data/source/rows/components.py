"""Forcings that vary in space, replaced by the coordinates of their leading principal components."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciwm.data.source.rows.cutting import Piece
from sciwm.data.source.rows.material import Record
from sciwm.data.source.rows.sampling import sampled

MOST_COMPONENTS = 8
ENOUGH = 0.999
"""The share of the variance with which fewer components are enough."""


@dataclass(frozen=True)
class Components:
    """The leading principal components of a forcing.

    Args:
        shapes: Their shapes, each with a mean square of one over the points where the forcing exists, and zero at
            others, ``(component, *rest)``.
        share: The share of the variance that they hold.
        over: Where they are not zero by decree, ``(*rest)``.
    """

    shapes: NDArray[np.float64]
    share: float
    over: NDArray[np.bool_]

    def coordinates(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The coordinates of values ``(time, *rest)``, in their units, ``(time, component)``."""
        inside = values[:, self.over]
        return np.asarray(inside @ self.shapes[:, self.over].T / max(1, inside.shape[1]))


def leading_components(
    records: Sequence[Record], rows: Sequence[Piece], name: str, static: NDArray[np.bool_] | None
) -> Components:
    """The components of a forcing over the training runs, about its mean (Sirovich 1987, doi:10.1090/qam/910462).

    As many as hold 99.9 % of the variance, at most eight.

    Args:
        records: All records.
        rows: The rows for training.
        name: The forcing.
        static: Where its values are missing at all instants.
    """
    values = sampled(records, rows, name, last=False)
    over = np.ones(values.shape[1:], dtype=bool) if static is None else ~static
    inside = values[:, over]
    anomalies = inside - inside.mean(axis=0)
    squares, vectors = np.linalg.eigh(anomalies @ anomalies.T)
    squares, vectors = np.maximum(squares[::-1], 0.0), vectors[:, ::-1]
    held = np.cumsum(squares) / max(float(squares.sum()), float(np.finfo(float).tiny))
    count = min(MOST_COMPONENTS, int(np.searchsorted(held, ENOUGH)) + 1, int((squares > 1e-12 * squares[0]).sum()) or 1)
    shapes = vectors[:, :count].T @ anomalies
    size = np.sqrt(np.mean(shapes**2, axis=1, keepdims=True))
    shapes = shapes / np.where(size > 0, size, 1.0)
    largest = np.take_along_axis(shapes, np.abs(shapes).argmax(axis=1)[:, None], axis=1)
    whole = np.zeros((count, *values.shape[1:]))
    whole[:, over] = shapes * np.where(largest < 0, -1.0, 1.0)  # the sign is free: the largest value is positive
    return Components(whole, float(held[count - 1]), over)
