"""Modes of a linear system that its actuators do not reach, and that do not decay by themselves."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

UNREACHED = 1e-9
"""An actuator that moves a mode by a smaller share of its effect does so by rounding."""

SAME = 1e-6
"""A relative difference of eigenvalues by which rounding tears equal ones apart."""


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


def unreached_modes(a: Matrix, b: Matrix, precision: float, *, neutral: bool) -> tuple[Mode, ...]:
    """The modes that do not decay and that no actuator reaches; those that grow alone, or the neutral ones too."""
    rounding = rounding_of(a, precision)
    eigenvalues, vectors = np.linalg.eig(a)
    least = 1 + (-rounding if neutral else rounding)
    modes = []
    for eigenvalue, left in weakly_reached(a, b / size_of(b), precision, least):
        near = np.abs(eigenvalues - eigenvalue) <= SAME * abs(eigenvalue)
        overlap = np.where(near, np.abs(left.conj() @ vectors), -1)
        largest = _largest(vectors[:, int(overlap.argmax())]), _largest(left)
        modes.append(Mode(eigenvalue, bool(abs(eigenvalue) <= 1 + rounding), *largest))
    return tuple(sorted(modes, key=lambda mode: -abs(mode.eigenvalue)))


def _largest(vector: NDArray[np.complex128]) -> tuple[int, ...]:
    """The numbers of at most three components above a tenth of the largest."""
    size = np.abs(vector)
    return tuple(int(i) for i in np.argsort(-size, kind="stable")[:3] if size[i] > 0.1 * size.max())


def weakly_reached(
    a: Matrix, b: Matrix, precision: float, least: float = 0.0
) -> list[tuple[complex, NDArray[np.complex128]]]:
    """Which eigenvalues have a left eigenvector that ``b`` of norm one does not move (Hautus' test), and which.

    Those of a magnitude up to ``least`` are left out, and one of each complex pair.
    """
    found: list[tuple[complex, NDArray[np.complex128]]] = []
    lasting = sorted((complex(e) for e in np.linalg.eigvals(a) if e.imag >= 0 and abs(e) > least), key=abs)
    for eigenvalue in lasting:
        if any(abs(eigenvalue - known) <= SAME * abs(known) for known, _ in found):
            continue
        left, size, _ = np.linalg.svd(np.hstack([a - eigenvalue * np.eye(len(a)), b.astype(complex)]))
        if size[-1] <= max(UNREACHED, 20 * precision):
            found.append((eigenvalue, left[:, -1]))
    return found


def size_of(b: Matrix) -> float:
    """The norm of a matrix, 1 for zero."""
    return float(np.linalg.norm(b, 2)) or 1.0


def rounding_of(a: Matrix, precision: float) -> float:
    """How far rounding moves an eigenvalue."""
    return (4 * precision + len(a) * np.finfo(np.float64).eps) * max(1.0, float(np.linalg.norm(a, 2)))
