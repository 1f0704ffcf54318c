"""The adjoint of many steps of ``quadratic``, written by hand: each step backwards, from the fields it squared.

The adjoint of a step costs as many transforms as the step, two for each stage, and also works in place.
Notation: ``g`` is the gradient after a step and ``g'`` the one before it; ``Q(u, n)`` is the gradient at
``v`` that belongs to the gradient ``n`` at ``q(v) / 2``, where ``u`` is the field that was squared; S adds
the mirror image of a complex spectrum where a kernel has one; a star is the complex conjugate, for
kernels that hold gradients as torch does.

    ETDRK2:    n_a = p_2* S g,    g_a = g + Q(u_a, n_a),    g' = E* g_a + Q(u_v, p_1* S g_a - n_a)

    ETDRK4:    g_c = Q(u_c, p_3* S g)
               g_b = Q(u_b, p_2* S g + 2 q* S g_c)
               g_a = E_half* g_c + Q(u_a, p_2* S g + q* S g_b)
               g' = E* g + E_half* (g_a + g_b) + Q(u_v, p_1* S g - q* S g_c + q* S g_a)
"""

from collections.abc import Sequence

from simulations.inplace import Kernel, Values


def pull_back(
    gradient: Values, tables: Sequence[Values], kernel: Kernel, tape: Sequence[Values]
) -> tuple[Values, list[Values]]:
    """Pull the gradient at the end of a march back to its start and to its forcing.

    Args:
        gradient: The gradient at the end, as the kernel holds it; its memory is overwritten.
        tables: Three tables for ETDRK2, six for ETDRK4. Those of the linear term come first; the others
            are twice the tables of the march, as ``q`` is twice ``q / 2``. The kernel's
            ``adjoint_table`` has conjugated them where it needs to.
        kernel: The kernel of the march.
        tape: The fields that the march squared, in order.

    Returns:
        The gradient at the start, and a list with one gradient for each forcing table.
    """
    return (_etdrk2 if len(tables) == 3 else _etdrk4)(gradient, tables, kernel, tape)


def _etdrk2(g: Values, tables: Sequence[Values], kernel: Kernel, tape: Sequence[Values]) -> tuple[Values, list[Values]]:
    decay, p_1, p_2 = tables
    pull, mirrored, arithmetic = kernel.pull_back, kernel.mirrored, kernel.arithmetic
    multiply, add, subtract = arithmetic.multiply, arithmetic.add, arithmetic.subtract
    change, image, pulled = (arithmetic.empty_like(g) for _ in range(3))
    n, g_forcing = kernel.inlet(g), 0 * g
    for step in range(len(tape) - 2, -1, -2):
        u_v, u_a = tape[step : step + 2]
        multiply(p_2, mirrored(g, image), n)  # n_a
        add(g, pull(u_a, n, pulled), g)  # g_a
        add(g_forcing, g, g_forcing)
        multiply(p_1, mirrored(g, image), change)
        subtract(change, n, n)
        multiply(decay, g, g)
        add(g, pull(u_v, n, pulled), g)
    return g, [g_forcing]


def _etdrk4(g: Values, tables: Sequence[Values], kernel: Kernel, tape: Sequence[Values]) -> tuple[Values, list[Values]]:
    decay, half_decay, q, p_1, p_2, p_3 = tables
    pull, mirrored, arithmetic = kernel.pull_back, kernel.mirrored, kernel.arithmetic
    multiply, add, subtract = arithmetic.multiply, arithmetic.add, arithmetic.subtract
    q_c, weighed, change, whole_image, image = (arithmetic.empty_like(g) for _ in range(5))
    pulled, pulled_a, pulled_b, pulled_c = (arithmetic.empty_like(g) for _ in range(4))
    n, g_half_forcing, g_forcing = kernel.inlet(g), 0 * g, 0 * g
    for step in range(len(tape) - 4, -1, -4):
        u_v, u_a, u_b, u_c = tape[step : step + 4]
        add(g_forcing, g, g_forcing)
        whole = mirrored(g, whole_image)
        multiply(p_3, whole, n)
        g_c = pull(u_c, n, pulled_c)
        multiply(q, mirrored(g_c, image), q_c)
        multiply(p_2, whole, weighed)
        add(weighed, q_c, n)
        add(n, q_c, n)
        g_b = pull(u_b, n, pulled_b)
        multiply(q, mirrored(g_b, image), change)
        add(weighed, change, n)
        g_a = pull(u_a, n, pulled_a)
        multiply(half_decay, g_c, change)
        add(g_a, change, g_a)
        multiply(q, mirrored(g_a, image), n)
        subtract(n, q_c, n)
        multiply(p_1, whole, change)
        add(n, change, n)
        add(g_a, g_b, g_b)  # g_a + g_b
        add(g_half_forcing, g_c, g_half_forcing)
        add(g_half_forcing, g_b, g_half_forcing)
        multiply(decay, g, g)
        multiply(half_decay, g_b, g_b)
        add(g, g_b, g)
        add(g, pull(u_v, n, pulled), g)
    return g, [g_half_forcing, g_forcing]
