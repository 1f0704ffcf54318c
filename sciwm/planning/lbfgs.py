"""Minimises many independent functions at once within bounds, by a quasi-Newton method.

Limited-memory BFGS by the two-loop recursion (Liu & Nocedal 1989, doi:10.1007/BF01589116) on the
variables that are not at a bound, with projected backtracking (Bertsekas 1982, doi:10.1137/0320018).
Every element of a batch has its own curvature history and step length, so that elements do not influence
each other. None waits for the line search of another: an evaluation of the batch is a new step for the
elements whose last trial was accepted, and a shorter trial for the others.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sciwm.errors import Problem, raise_if
from simulations import ActionBox

SUFFICIENT_DECREASE = 1e-4
SHORTEST_TRIAL = 1e-10  # share of a direction; if even this is no descent, the history is discarded
FIRST_STEP = 0.02  # share of the width of the bounds, before any curvature is known


def minimize(
    cost_per_element: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    low: float,
    high: float,
    iterations: int,
    history: int = 10,
) -> tuple[Tensor, Tensor]:
    """Minimise each element's cost over ``low <= x <= high``.

    Args:
        cost_per_element: Maps ``(batch, ...)`` to ``(batch,)``, differentiably; each cost may depend on its
            own element only. A trial whose cost or gradient is not finite is rejected.
        start: First guess, ``(batch, ...)``.
        low, high: Bounds of every variable, which no trial leaves.
        iterations: Number of evaluations of the cost and its gradient, including that at ``start``.
        history: Number of past steps from which the curvature is estimated; 10 is usual.

    Raises:
        InputError: If a number does not fit.

    Returns:
        The best point found for each element, of the shape of ``start``, and its cost ``(batch,)``.

    Example:
        >>> minimize(lambda x: (x - 3).square().sum(1), torch.zeros(2, 1), low=-1, high=1, iterations=5)[0].tolist()
        [[1.0], [1.0]]
    """

    _require_numbers(low, high, iterations, history)
    low, high = (float(bound) for bound in ActionBox(("x",), np.array([low]), np.array([high])).bounds_like(start))

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            cost = cost_per_element(x.view_as(start))
            (gradient,) = torch.autograd.grad(cost.where(cost.isfinite(), 0.0).sum(), [x])
        finite = cost.isfinite() & gradient.isfinite().all(dim=1)
        return cost.detach().where(finite, torch.inf), gradient.where(finite[:, None], 0.0)

    x = start.detach().flatten(1).clamp(low, high)
    cost, gradient = evaluate(x)
    curvature = _Curvature(x, history)
    direction = _descent(curvature, x, gradient, low, high)
    length = torch.ones_like(cost)
    for _ in range(iterations - 1):
        trial = (x + length[:, None] * direction).clamp(low, high)
        trial_cost, trial_gradient = evaluate(trial)
        expected = _dot(gradient, trial - x)
        accepted = (expected < 0) & (trial_cost <= cost + SUFFICIENT_DECREASE * expected)
        curvature.learn(trial - x, trial_gradient - gradient, accepted)
        curvature.forget(~accepted & (length < SHORTEST_TRIAL))
        new = accepted | (length < SHORTEST_TRIAL)
        length = torch.where(new, 1.0, _shorter(length, _dot(gradient, direction), trial_cost - cost))
        x = torch.where(accepted[:, None], trial, x)
        gradient = torch.where(accepted[:, None], trial_gradient, gradient)
        cost = torch.where(accepted, trial_cost, cost)
        direction = torch.where(new[:, None], _descent(curvature, x, gradient, low, high), direction)
        if not direction.any():
            break
    return x.view_as(start), cost


def _require_numbers(low: float, high: float, iterations: int, history: int) -> None:
    problems = [
        Problem(name, "a whole number, at least 1", repr(number))
        for name, number in (("iterations", iterations), ("history", history))
        if not isinstance(number, int) or number < 1
    ]
    if not -math.inf < low < high < math.inf:
        problems.append(Problem("bounds", "finite low < high", f"{low} and {high}"))
    raise_if(problems)


class _Curvature:
    """Curvature history: the last steps and gradient changes of every element, newest last."""

    def __init__(self, x: Tensor, history: int) -> None:
        self.steps = x.new_zeros(history, *x.shape)
        self.changes = torch.zeros_like(self.steps)
        self.known = torch.zeros(history, len(x), dtype=torch.bool, device=x.device)

    def learn(self, step: Tensor, change: Tensor, where: Tensor) -> None:
        """Append a pair to the history of some elements, if the cost curves upwards along it."""
        where = where & _curves_upwards(step, change)
        self.steps = _appended(self.steps, step, where)
        self.changes = _appended(self.changes, change, where)
        self.known = _appended(self.known, where, where)

    def forget(self, where: Tensor) -> None:
        """Discard the history of some elements."""
        self.known = self.known & ~where

    def solve(self, gradient: Tensor, free: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of the estimated Hessian times ``gradient``, in the free variables only.

        Returns:
            The product ``(batch, variable)``, and which elements have any history ``(batch,)``.
        """
        steps, changes = self.steps * free, self.changes * free
        products = _dot(steps, changes)
        usable = self.known & _curves_upwards(steps, changes)
        weights = torch.where(usable, 1 / products, 0.0)
        alphas = torch.zeros_like(weights)
        q, scale = gradient * free, torch.ones_like(products[0])
        for i in reversed(range(len(weights))):
            alphas[i] = weights[i] * _dot(steps[i], q)
            q = q - alphas[i][:, None] * changes[i]
        for i in range(len(weights)):  # the scale is that of the newest pair
            scale = torch.where(usable[i], products[i] / _dot(changes[i], changes[i]), scale)
        q = scale[:, None] * q
        for i in range(len(weights)):
            q = q + (alphas[i] - weights[i] * _dot(changes[i], q))[:, None] * steps[i]
        return q, usable.any(dim=0)


def _descent(curvature: _Curvature, x: Tensor, gradient: Tensor, low: float, high: float) -> Tensor:
    """The quasi-Newton direction; without history the steepest descent, as long as ``FIRST_STEP`` says."""
    free = ~((x <= low) & (gradient > 0) | (x >= high) & (gradient < 0))
    downhill = -gradient * free
    steepest_slope = downhill.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    steepest = FIRST_STEP * (high - low) * downhill / steepest_slope
    uphill, known = curvature.solve(gradient, free)
    trusted = known & uphill.isfinite().all(dim=1) & (_dot(uphill, gradient) > 0)
    return torch.where(trusted[:, None], -uphill, steepest)


def _shorter(length: Tensor, slope: Tensor, rise: Tensor) -> Tensor:
    """The next trial after a rejected one: the minimum of the parabola, between a tenth and a half of its length."""
    parabola = -slope * length.square() / (2 * (rise - slope * length))
    return torch.where(parabola.isfinite(), parabola, 0.0).clamp(0.1 * length, 0.5 * length)


def _appended(kept: Tensor, value: Tensor, where: Tensor) -> Tensor:
    return torch.where(where.view(-1, *[1] * (value.ndim - 1)), torch.cat([kept[1:], value[None]]), kept)


def _curves_upwards(step: Tensor, change: Tensor) -> Tensor:
    return _dot(step, change) > 1e-10 * step.norm(dim=-1) * change.norm(dim=-1)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum(dim=-1)
