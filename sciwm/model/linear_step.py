"""A linear step of a latent over one control interval, and the equal substeps that make it up."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

FORGOTTEN = 1e-6
"""The eigenvalue in place of those that no real substep has: what had it is forgotten within an interval."""


@dataclass(frozen=True)
class LinearStep:
    """``z+ = z A + u B + b``, of rows: latents z and inputs u, which are scaled actions and parameters.

    Args:
        matrix: A, ``(size, size)``.
        forcing: B, ``(inputs, size)``.
        constant: b, ``(size,)``.
    """

    matrix: Matrix
    forcing: Matrix
    constant: Matrix

    @property
    def radius(self) -> float:
        """The largest magnitude of an eigenvalue of A: above 1 rollouts grow without bound."""
        return float(np.abs(np.linalg.eigvals(self.matrix)).max())

    def bounded(self) -> "LinearStep":
        """The same step with eigenvalues of A outside the unit circle moved onto it."""
        values, vectors = np.linalg.eig(self.matrix)
        values = values / np.maximum(np.abs(values), 1.0)
        matrix = scipy.linalg.solve(vectors.T, (vectors * values).T).T.real
        return LinearStep(np.asarray(matrix), self.forcing, self.constant)

    def shrunk(self, share: float, kept: float) -> "LinearStep":
        """The mean of this step and one that multiplies latents by ``kept``, which has this share of it.

        Args:
            share: From 0, this step, to 1, the other one.
            kept: 1 for persistence, 0 for the mean of the data.
        """
        rest = kept * np.eye(len(self.matrix))
        own = 1 - share
        return LinearStep(own * self.matrix + share * rest, own * self.forcing, own * self.constant)

    def over(self, substeps: int) -> "Substep":
        """The substep ``z+ = z E + u F + f`` of which ``substeps`` make up this step, ``E = A^(1/substeps)``.

        E is the principal root (Higham & Lin 2011, doi:10.1137/10081232X). A real root does not exist where A has a
        single eigenvalue on the negative axis, and has no logarithm at zero: such an eigenvalue is replaced by
        ``FORGOTTEN``, and is counted.
        """
        matrix, replaced = _with_real_root(self.matrix)
        size, identity = len(matrix), np.eye(len(matrix))
        root = np.asarray(scipy.linalg.fractional_matrix_power(matrix, 1 / substeps)).real
        power, total = identity, identity
        for _ in range(substeps - 1):
            power = power @ root
            total = total + power
        spread = scipy.linalg.solve(total.T, np.vstack([self.forcing, self.constant]).T).T
        # phi_1 and phi_2 of the logarithm, as blocks of one exponential (Al-Mohy & Higham 2011, doi:10.1137/100788860)
        blocks = np.zeros((3 * size, 3 * size))
        blocks[:size, :size] = np.asarray(scipy.linalg.logm(root)).real
        blocks[:size, size : 2 * size] = blocks[size : 2 * size, 2 * size :] = identity
        phi = scipy.linalg.expm(blocks)[:size]
        second = scipy.linalg.solve(phi[:, size : 2 * size].T, phi[:, 2 * size :].T).T
        return Substep(root, np.asarray(second), spread[:-1], spread[-1], replaced)


@dataclass(frozen=True)
class Substep:
    """One of the equal parts of a :class:`LinearStep`.

    Args:
        decay: E, ``(size, size)``.
        correction: R = phi_2 / phi_1 of the logarithm of E, by which ETD2RK weighs the change of a tendency in its
            second stage (Cox & Matthews 2002, eq. 22, doi:10.1006/jcph.2002.6995).
        forcing: F, ``(inputs, size)``.
        constant: f, ``(size,)``.
        replaced: The number of eigenvalues that were replaced.
    """

    decay: Matrix
    correction: Matrix
    forcing: Matrix
    constant: Matrix
    replaced: int


def _with_real_root(matrix: Matrix) -> tuple[Matrix, int]:
    """The matrix with its real eigenvalues above ``FORGOTTEN``, and how many were below."""
    triangle, basis = scipy.linalg.schur(matrix, output="real")
    place, replaced = 0, 0
    while place < len(triangle):
        if place + 1 < len(triangle) and triangle[place + 1, place] != 0:  # a pair of complex ones
            place += 2
            continue
        if triangle[place, place] < FORGOTTEN:
            triangle[place, place] = FORGOTTEN
            replaced += 1
        place += 1
    return (np.asarray(basis @ triangle @ basis.T), replaced) if replaced else (matrix, 0)
