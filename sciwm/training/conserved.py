"""The check that means declared as conserved are conserved in the data: the model would keep a false claim exactly."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sciwm.data import Domain, Trajectories
from sciwm.errors import Problem, raise_if

SUPPLY_TOLERANCE, FIELD_TOLERANCE = 1e-2, 1e-3
"""Tolerances for rounding and packed files, relative to the supply by the forcing and to the field's deviation."""


def require_conserved(names: Sequence[str], data: Trajectories, shapes: NDArray[np.float64], domain: Domain) -> None:
    """Require ``mean(end) - mean(start) = interval sum_t sum_j a_j(t) mean(shape_j)`` in every simulation.

    Args:
        names: The variables declared as conserved.
        data: The training data.
        shapes: The shapes of the actuators, physical, ``(actuator, variable, *space)``.
        domain: The scales of the variables.

    Raises:
        InputError: With every variable whose mean changes by anything but the forcing.
    """
    problems = []
    for place, variable in enumerate(domain.variables):
        if variable.name not in names:
            continue
        fields, rows = data.array(variable.name), data.usable
        start, end = (np.asarray(fields[rows, t], dtype=float).reshape(len(rows), -1).mean(axis=1) for t in (0, -1))
        supplied = data.array("action")[rows, : data.intervals].sum(axis=1) @ shapes[:, place].reshape(
            len(shapes), -1
        ).mean(axis=1)
        missing = np.abs(end - start - data.control_interval * supplied)
        allowed = SUPPLY_TOLERANCE * np.abs(data.control_interval * supplied) + FIELD_TOLERANCE * variable.size
        worst = int(np.argmax(missing - allowed))
        if missing[worst] > allowed[worst]:
            limit, found = (f"{values[worst]:.2g} {variable.units}".strip() for values in (allowed, missing))
            expected = f"variables whose mean the actuators alone change, to {limit}"
            got = f"{variable.name}, whose mean changes by {found}"
            remedy = "leave it out; something else changes it, or the recorded actions are not what acted"
            problems.append(Problem("model.conserved", expected, f"{got} more in simulation {rows[worst]}", remedy))
    raise_if(problems)
