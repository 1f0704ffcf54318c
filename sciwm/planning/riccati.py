"""The discrete Riccati equation by doubling.

    W = A^T (Q + W) A - A^T (Q + W) B K,    K = (R + B^T (Q + W) B)^-1 B^T (Q + W) A

is the cost to go of ``s+ = A s + B a`` where each interval costs ``s+^T Q s+ + a^T R a``, and K the feedback
``a = -K s``. ``P = Q + W`` solves the usual equation, which counts the state before the step. Doubling (Chu, Fan, Lin &
Wang 2004, doi:10.1080/00207170410001714988) sums the cost of 2^k intervals in k steps, so that short intervals and slow
modes cost no accuracy. It allows what algebraic solvers refuse: modes that no actuator reaches, if they decay or cost
nothing. Modes that grow and cost nothing are first turned round with the least effort.
"""

import warnings

import numpy as np
import scipy.linalg

from sciwm.planning.unreached_modes import (
    Matrix,
    Mode,
    NoSolution,
    rounding_of,
    size_of,
    unreached_modes,
    weakly_reached,
)

MOST_DOUBLINGS = 60
"""2^60 intervals: a decay that takes longer is lost in rounding."""

MOST_CORRECTIONS = 6

LARGEST = 1e150
"""Squares of what is below it are still numbers."""


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is refused below
def riccati(a: Matrix, b: Matrix, q: Matrix, r: Matrix, *, precision: float) -> tuple[Matrix, Matrix]:
    """Solve the Riccati equation.

    Args:
        a, b: The transition ``(n, n)`` and the effect of the actuators ``(n, actuator)``.
        q, r: The costs of states ``(n, n)`` and of actions ``(actuator, actuator)``, semidefinite up to rounding.
        precision: The relative precision of ``a`` and ``b``, such as ``torch.finfo(dtype).eps``.

    Returns:
        W ``(n, n)`` and K ``(actuator, n)``.

    Raises:
        NoSolution: If the cost is infinite.
        ValueError: If a matrix is not finite, or a cost is negative in some direction.
    """
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(
            "Expected dynamics with finite derivatives at the target, got nan or infinity. "
            "Look at control_interval and target, or use planning.terminal = none."
        )
    q, r = _semidefinite("the state", q), _semidefinite("the actions", r)
    unreached = unreached_modes(a, b, precision, neutral=True, cost=q)
    if any(mode.neutral for mode in unreached):
        raise NoSolution(unreached)  # or rounding would decide whether its endless cost settles
    r = r + _floor(r + b.T @ q @ b) * np.eye(len(r))
    first = r + b.T @ q @ b
    greedy = np.linalg.solve(first, b.T @ q @ a)
    once = a - b @ greedy  # with the best action for one interval alone, the others cost:
    cost = once.T @ q @ once + greedy.T @ r @ greedy
    if not (np.isfinite(once).all() and np.isfinite(cost).all() and np.isfinite(first).all()):
        raise ValueError(
            "Expected a cost of one interval that is a number, got nan or infinity, of numbers that are too large. "
            "Look at control_interval, target and weights, or use planning.terminal = none."
        )
    try:
        value, gain = _corrected(_double(once, b, cost, first), a, b, q, r)
        if _bounded(a - b @ gain):
            return value, gain
    except NoSolution:
        pass  # for want of a law, or of digits
    turning, turned, first = _turn_round(a, once, b, first, precision)
    try:
        value = turning + _double(turned, b, cost, first)
    except NoSolution:
        value = _by_eigenvectors(a, b, q, r, unreached_modes(a, b, precision, neutral=True))
    return _corrected(value, a, b, q, r)


def _corrected(value: Matrix, a: Matrix, b: Matrix, q: Matrix, r: Matrix) -> tuple[Matrix, Matrix]:
    """W and K, without the rounding errors of the way to them.

    K and its cost in turn lead to the solution, as Newton's method does (Hewer 1971, doi:10.1109/TAC.1971.1099755).
    """
    gain = _gain(a, b, q, r, value)
    for _ in range(MOST_CORRECTIONS):
        better = _cost_of(gain, a, b, q, r)
        if better is None:
            break
        change, value = np.abs(better - value).max(), better
        gain = _gain(a, b, q, r, value)
        if change <= 1e-12 * np.abs(value).max():
            break
    return value, gain


def _bounded(step: Matrix) -> bool:
    """Whether powers of a matrix stay finite; eigenvalues would not tell where they are sensitive to rounding."""
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(40):
            step = step @ step
    return bool(np.isfinite(step).all())


def _by_eigenvectors(a: Matrix, b: Matrix, q: Matrix, r: Matrix, unreached: tuple[Mode, ...]) -> Matrix:
    """Where doubling drowns in rounding, since modes are hardly reached: the algebraic solution."""
    if unreached:
        raise NoSolution(unreached)
    try:
        with warnings.catch_warnings(action="ignore", category=scipy.linalg.LinAlgWarning):
            return np.asarray(scipy.linalg.solve_discrete_are(a, b, q, r)) - q
    except ValueError:  # errors of linear algebra, or of numbers too far apart to be put in order
        raise NoSolution(()) from None


def _gain(a: Matrix, b: Matrix, q: Matrix, r: Matrix, value: Matrix) -> Matrix:
    after = q + value
    return np.asarray(np.linalg.solve(r + b.T @ after @ b, b.T @ after @ a))


def _cost_of(gain: Matrix, a: Matrix, b: Matrix, q: Matrix, r: Matrix) -> Matrix | None:
    """The cost to go of ``a = -K s``, summed by doubling; None if it does not settle."""
    step = a - b @ gain
    cost = step.T @ q @ step + gain.T @ r @ gain
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(MOST_DOUBLINGS):
            more = step.T @ cost @ step
            cost, step = cost + (more + more.T) / 2, step @ step
            if not np.isfinite(cost).all() or not np.isfinite(step).all():
                return None
            if _settled(more, cost):
                return cost
    return None


def _settled(more: Matrix, cost: Matrix) -> bool:
    """Whether what twice the intervals add is negligible everywhere; each doubling squares it."""
    size = np.diag(cost)
    return bool(np.all(np.abs(np.diag(more)) <= 1e-9 * size + 1e-13 * size.max()))


def _semidefinite(of: str, cost: Matrix) -> Matrix:
    """A cost without its rounding errors: symmetric, and nowhere negative."""
    if not (np.abs(cost) < LARGEST).all():
        raise ValueError(
            f"Expected a cost with second derivatives below {LARGEST:g}, got {np.abs(cost).max():.3g} in {of}. "
            "Use smaller weights."
        )
    cost = (cost + cost.T) / 2
    values, vectors = np.linalg.eigh(cost)
    if values[0] >= 0:
        return cost
    if values[0] < -1e-3 * np.abs(values).max():
        raise ValueError(
            f"Expected a cost that is least at the target, got one that falls away from it in {of} "
            f"(curvature {values[0]:.3g}). Use a cost with a minimum there, or planning.terminal = none."
        )
    return np.asarray((vectors * values.clip(min=0)) @ vectors.T)


def _floor(first: Matrix) -> float:
    """What is added to the cost of actions where some of them cost nothing at all, so that there is one best action."""
    mean = float(np.trace(first)) / len(first)
    if not mean:
        return 1.0  # any action is as good as another: none is best
    return 1e-9 * mean if np.linalg.eigvalsh(first)[0] <= 1e-14 * mean else 0.0


def _turn_round(a: Matrix, once: Matrix, b: Matrix, first: Matrix, precision: float) -> tuple[Matrix, Matrix, Matrix]:
    """The least effort that turns growing modes into decaying ones: its cost, what remains, and the cost of actions.

    With Q = 0 the equation is linear in the inverse of P, on the growing modes. The rest of the solution is that of
    the remaining problem.
    """
    limit = 1 + rounding_of(once, precision)
    block, basis, count = scipy.linalg.schur(once.T, output="real", sort=lambda x, y: np.hypot(x, y) > limit)
    if not count:
        return np.zeros_like(a), once, first
    growing, seen = block[:count, :count].T, basis[:, :count]
    reach = seen.T @ b
    if weakly_reached(growing, reach / size_of(b), precision):
        raise NoSolution(unreached_modes(a, b, precision, neutral=False))
    back = np.linalg.inv(growing)
    total = back @ reach @ np.linalg.solve(first, reach.T) @ back.T
    for _ in range(MOST_DOUBLINGS):
        more = back @ total @ back.T
        total, back = total + more, back @ back
        if np.abs(more).max() <= 1e-17 * np.abs(total).max():
            break
    effort = seen @ np.linalg.inv((total + total.T) / 2) @ seen.T
    after = first + b.T @ effort @ b
    return effort, once - b @ np.linalg.solve(after, b.T @ effort @ once), after


def _double(a: Matrix, b: Matrix, q: Matrix, r: Matrix) -> Matrix:
    """The least cost of ``q`` before and ``r`` during each of infinitely many intervals, ``(n, n)``."""
    reach, cost, identity = b @ np.linalg.solve(r, b.T), q, np.eye(len(a))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(MOST_DOUBLINGS):
            try:
                both = np.linalg.solve(identity + reach @ cost, np.hstack([a, reach]))
            except np.linalg.LinAlgError:
                break
            moved, reached = both[:, : len(a)], both[:, len(a) :]
            more = a.T @ cost @ moved
            reach = reach + a @ reached @ a.T
            cost, a = cost + (more + more.T) / 2, a @ moved
            reach = (reach + reach.T) / 2
            if not np.isfinite(cost).all() or not np.isfinite(a).all():
                break
            if _settled(more, cost):
                return cost
    raise NoSolution(())
