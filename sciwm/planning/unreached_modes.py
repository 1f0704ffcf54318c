"""Modes of a linear system that its actuators do not reach, and that do not decay by themselves."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

UNREACHED = 1e-9
"""An actuator that moves a mode by a smaller share of its effect does so by rounding."""

SAME = 1e-6
"""A relative difference of eigenvalues by which rounding tears equal ones apart."""

CLEARLY = 1e4
"""How many times more than by rounding a mode is moved, and far from others, that needs no closer look."""


@dataclass(frozen=True)
class Mode:
    """A mode that the actuators do not reach.

    Args:
        eigenvalue: Its factor in one interval.
        neutral: Whether it neither grows nor decays, up to rounding.
        components: The numbers of the largest components of the state in it, the largest first.
        read_by: Likewise in the left eigenvector, which reads its amplitude from a state.
    """

    eigenvalue: complex
    neutral: bool
    components: tuple[int, ...]
    read_by: tuple[int, ...]

    def transposed(self) -> "Mode":
        """The mode of the transposed transition, as in the equation of a filter."""
        return replace(self, components=self.read_by, read_by=self.components)

    def __str__(self) -> str:
        size = f"{abs(self.eigenvalue):.8g} per interval"
        how = f"never decays, growing by {size}" if self.neutral else f"grows by {size}"
        turns = abs(self.eigenvalue.imag) > SAME * abs(self.eigenvalue)
        value = f"{self.eigenvalue:.6g}" if turns else f"{self.eigenvalue.real:.8g}"
        where = ", ".join(map(str, self.components))
        return f"{how} (eigenvalue {value}, largest in components {where} of the state)"


class NoSolution(ValueError):
    """The cost is infinite, whatever the actuators do.

    Args:
        modes: The modes that they do not reach, the fastest first; none if it is not known which.
    """

    def __init__(self, modes: tuple[Mode, ...]) -> None:
        self.modes = modes
        super().__init__(told(modes))


def told(modes: tuple[Mode, ...]) -> str:
    """Modes in words, at most three of them."""
    more = [f"{len(modes) - 3} more"] if len(modes) > 3 else []
    return "; ".join([str(mode) for mode in modes[:3]] + more) or "costs without end"


def unreached_modes(
    a: Matrix, b: Matrix, precision: float, *, neutral: bool, cost: Matrix | None = None
) -> tuple[Mode, ...]:
    """The modes that do not decay and that no actuator reaches.

    States are counted in units that make the entries of ``a`` alike, so that their own units are of no account.

    Args:
        a, b: The transition ``(n, n)`` and the effect of the actuators ``(n, actuator)``.
        precision: Their relative precision.
        neutral: Whether to name the modes that neither grow nor decay too, or those that grow alone.
        cost: The cost of states ``(n, n)``; with it, neutral modes that cost nothing are left out.
    """
    balanced, (unit, _) = scipy.linalg.matrix_balance(a, permute=False, separate=True)
    a = np.asarray(balanced, dtype=np.float64)
    b, cost = b / unit[:, None], None if cost is None else unit[:, None] * cost * unit
    rounding = rounding_of(a, precision)
    eigenvalues, vectors = np.linalg.eig(a)
    least = 1 + (-rounding if neutral else rounding)
    modes = []
    for eigenvalue, left in weakly_reached(a, b / size_of(b), precision, least):
        stays = bool(abs(eigenvalue) <= 1 + rounding)
        if stays and cost is not None and not _costs(a, cost, eigenvalue, left, precision):
            continue
        near = np.abs(eigenvalues - eigenvalue) <= _same(a, eigenvalue, precision)
        overlap = np.where(near, np.abs(left[:, -1].conj() @ vectors), -1)
        largest = _largest(unit * vectors[:, int(overlap.argmax())]), _largest(left[:, -1] / unit)
        modes.append(Mode(eigenvalue, stays, *largest))
    return tuple(sorted(modes, key=lambda mode: -abs(mode.eigenvalue)))


def _costs(a: Matrix, cost: Matrix, eigenvalue: complex, left: NDArray[np.complex128], precision: float) -> bool:
    """Whether a neutral mode that is not reached costs for ever, whatever else the actuators move.

    It does unless each amplitude that ``left`` ``(n, mode)`` reads is that of some state that never costs anything,
    left alone. Such states are sought among those of this eigenvalue, as Kalman's test of observability does.
    """
    same = _same(a, eigenvalue, precision)
    block, basis, count = scipy.linalg.schur(
        a, output="real", sort=lambda x, y: abs(complex(x, abs(y)) - eigenvalue) <= same
    )
    seen, single = basis[:, :count], np.diag(cost)
    rounding = 20 * precision * np.linalg.norm((seen.T * single) @ seen, 2)
    rounding += 20 * np.finfo(np.float64).eps * single.max()
    apart = (block[:count, :count] - eigenvalue.real * np.eye(count)) / _size_about(a, eigenvalue)
    at_once = seen.T @ cost @ seen
    total, later = at_once, apart
    for _ in range(count - 1):
        total = total + later.T @ at_once @ later
        later = later @ apart
    values, vectors = np.linalg.eigh(total)
    free = seen @ vectors[:, values <= count * rounding]
    if free.shape[1] < left.shape[1]:
        return True
    least = np.linalg.svd(left.conj().T @ free, compute_uv=False)[-1]
    return bool(least <= SAME * np.linalg.norm(left.conj().T @ seen, 2))


def _largest(vector: NDArray[np.complex128]) -> tuple[int, ...]:
    """The numbers of at most three components above a tenth of the largest."""
    size = np.abs(vector)
    return tuple(int(i) for i in np.argsort(-size, kind="stable")[:3] if size[i] > 0.1 * size.max())


def weakly_reached(
    a: Matrix, b: Matrix, precision: float, least: float = 0.0
) -> list[tuple[complex, NDArray[np.complex128]]]:
    """Which eigenvalues have left eigenvectors that ``b`` of norm one does not move (Hautus' test), and which ones.

    Those of a magnitude up to ``least`` are left out, and one of each complex pair. ``a`` counts by its distance from
    the eigenvalue, which is as short as the interval, so that the unit of time is of no account.

    Returns:
        Eigenvalues, each with left eigenvectors ``(n, mode)``, the one that is moved least at the end.
    """
    found: list[tuple[complex, NDArray[np.complex128]]] = []
    by_lapack = scipy.linalg.eig(a, left=True, right=False)
    eigenvalues, vectors = by_lapack[0], by_lapack[1]
    moved = np.linalg.norm(vectors.conj().T @ b, axis=1)
    for i in np.argsort(np.abs(eigenvalues), kind="stable"):
        eigenvalue = complex(eigenvalues[i])
        if eigenvalue.imag < 0 or abs(eigenvalue) <= least:
            continue
        unit = _size_about(a, eigenvalue)
        allowed = max(UNREACHED, 20 * precision / unit)
        nearest = np.delete(np.abs(eigenvalues - eigenvalue), i).min(initial=unit)
        if moved[i] * nearest > CLEARLY * allowed * unit:
            continue
        same = _same(a, eigenvalue, precision)
        if any(abs(eigenvalue - known) <= same for known, _ in found):
            continue
        left, size, _ = np.linalg.svd(np.hstack([(a - eigenvalue * np.eye(len(a))) / unit, b]), full_matrices=False)
        if (size <= allowed).any():
            found.append((eigenvalue, left[:, size <= allowed]))
    return found


def _size_about(a: Matrix, eigenvalue: complex) -> float:
    """How far a transition is from the multiple of one that an eigenvalue is; 1 where it is that."""
    return float(np.linalg.norm(a - eigenvalue * np.eye(len(a)))) or 1.0


def _same(a: Matrix, eigenvalue: complex, precision: float) -> float:
    """The difference below which an eigenvalue is taken for this one."""
    return max(SAME * _size_about(a, eigenvalue), rounding_of(a, precision))


def size_of(b: Matrix) -> float:
    """The norm of a matrix, 1 for zero."""
    return float(np.linalg.norm(b, 2)) or 1.0


def rounding_of(a: Matrix, precision: float) -> float:
    """How far rounding moves an eigenvalue: of the entries, and of the exponential they may come from."""
    return (4 * precision + (100 + len(a)) * np.finfo(np.float64).eps) * max(1.0, float(np.linalg.norm(a, 2)))
