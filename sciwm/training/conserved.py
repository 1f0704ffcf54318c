"""Whether means that a model is told are conserved are so in its data: a false promise would be kept exactly."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciwm.data.domain import Domain
from sciwm.data.windows import Batch
from sciwm.problems import InputError, Problem

OF_SUPPLY, OF_FIELD = 1e-2, 1e-4
"""Of the forcing's mean and of the field's deviation, what rounding and packed files may change."""


def require_conserved(names: Sequence[str], transitions: Batch, shapes: Tensor, domain: Domain) -> None:
    """``mean(after) - mean(before) = interval sum_j a_j mean(shape_j)`` in rms over transitions of the data.

    Args:
        names: of the variables whose means the forcing alone shall change.
        transitions: single intervals.
        shapes: of the actuators, physical, ``(actuator, variable, *space)``.

    Raises:
        InputError: naming every variable whose mean changes otherwise.
    """
    means = transitions.fields.flatten(3).double().mean(dim=3)
    supply = domain.control_interval * transitions.actions[:, 0].double() @ shapes.flatten(2).double().mean(dim=2)
    missing = _rms(means[:, 1] - means[:, 0] - supply)
    problems = []
    for place, variable in enumerate(domain.variables):
        allowed = float(OF_SUPPLY * _rms(supply)[place] + OF_FIELD * variable.deviation)
        if variable.name in names and missing[place] > allowed:
            expected = f"variables whose mean the actuators alone change, to {allowed:.2g} {variable.units} an interval"
            got = f"{variable.name}, whose mean changes by {float(missing[place]):.2g} more"
            remedy = "leave it out, or add what changes it to the actuators"
            problems.append(Problem("model.conserved", expected, got, remedy))
    if problems:
        raise InputError(problems)


def _rms(values: Tensor) -> Tensor:
    return torch.sqrt(values.square().mean(dim=0))
