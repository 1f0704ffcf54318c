"""Gradients through many steps of ``quadratic``, by hand: every step backwards, from the fields it squared.

The adjoint of a step costs as many transforms as the step: two for each stage. Gradients are those of
torch: of a complex ``v``, the derivative by its real part plus i times that by its imaginary part, so
that a product with a table pulls back as one with the table's conjugate.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulations.inplace import Kernel, Values


def pull_back(
    gradient: Values, tables: Sequence[Values], kernel: Kernel, tape: Sequence[Values]
) -> tuple[Values, list[Values]]:
    """From the gradient at the end of a march to those at its start and at its forcing.

    Args:
        tables: folded coefficients, 3 for ETDRK2 and 6 for ETDRK4.
        kernel: that the march was made with.
        tape: the fields that it squared, in order.
    """
    conjugates = [_conjugate(table) for table in tables]
    return (_etdrk2 if len(tables) == 3 else _etdrk4)(gradient, conjugates, kernel, tape)


def _conjugate(table: Any) -> Any:
    return np.conj(table) if isinstance(table, np.ndarray) else table.conj().resolve_conj()


def _etdrk2(g: Values, tables: Sequence[Values], kernel: Kernel, tape: Sequence[Values]) -> tuple[Values, list[Values]]:
    decay, p_1, p_2 = tables
    pull, mirrored = kernel.pull_back, kernel.mirrored
    g_forcing = 0 * g
    for step in range(len(tape) - 2, -1, -2):
        u_v, u_a = tape[step : step + 2]
        n_a = p_2 * mirrored(g)
        g_a = g + pull(u_a, n_a)
        g_forcing = g_forcing + g_a
        g = decay * g_a + pull(u_v, p_1 * mirrored(g_a) - n_a)
    return g, [g_forcing]


def _etdrk4(g: Values, tables: Sequence[Values], kernel: Kernel, tape: Sequence[Values]) -> tuple[Values, list[Values]]:
    decay, half_decay, q, p_1, p_2, p_3 = tables
    pull, mirrored = kernel.pull_back, kernel.mirrored
    g_half_forcing, g_forcing = 0 * g, 0 * g
    for step in range(len(tape) - 4, -1, -4):
        u_v, u_a, u_b, u_c = tape[step : step + 4]
        g_forcing = g_forcing + g
        whole = mirrored(g)
        g_c = pull(u_c, p_3 * whole)
        q_c = q * mirrored(g_c)
        weighed = p_2 * whole
        g_b = pull(u_b, weighed + 2 * q_c)
        g_a = half_decay * g_c + pull(u_a, weighed + q * mirrored(g_b))
        g_half = g_a + g_b
        g_half_forcing = g_half_forcing + g_c + g_half
        g = decay * g + half_decay * g_half + pull(u_v, p_1 * whole - q_c + q * mirrored(g_a))
    return g, [g_half_forcing, g_forcing]
