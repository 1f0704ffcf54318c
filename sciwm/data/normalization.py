"""The scales of a domain, measured on the training data."""

import math

import numpy as np
from numpy.typing import NDArray

from sciwm.data.domain import Domain, Functional, Variable
from sciwm.data.schema import Trajectories
from sciwm.data.windows import sample_fields

MOST_INSTANTS = 20_000
MOST_NUMBERS = 2**27  # half a gigabyte


def fit_domain(data: Trajectories) -> Domain:
    """The domain of a store: variables, grid and actions as it states them, scales as its values have them."""
    names = [v.name for v in data.variables]
    numbers = len(names) * math.prod(axis.num_points for axis in data.axes)
    fields = sample_fields([data], names, limit=max(1, min(MOST_INSTANTS, MOST_NUMBERS // numbers)))
    variables = tuple(
        Variable(v.name, v.long_name, v.units, float(fields[:, c].mean()), _deviation(fields[:, c]))
        for c, v in enumerate(data.variables)
    )
    return Domain(
        variables=variables,
        axes=data.axes,
        control_interval=data.control_interval,
        actuators=data.actuators,
        functionals=tuple(_fit_functional(data, name) for name in data.functional_names),
        known_shapes=data.forcing_shapes is not None,
    )


def _fit_functional(data: Trajectories, name: str) -> Functional:
    rows = data.usable
    values, source, output = (
        np.asarray(data.array(n)[:])[rows].astype(np.float64) for n in (name, f"{name}_source", f"{name}_output")
    )
    change_deviation = _deviation(np.diff(values, axis=1))
    return Functional(
        name=name,
        mean=float(values.mean()),
        deviation=_deviation(values),
        change_deviation=change_deviation,
        source_mean=float(source[:, :-1].mean()),
        source_deviation=_deviation(source[:, :-1], rounding=1e-5 * change_deviation / data.control_interval),
        output_deviation=float(np.sqrt(np.mean(output[:, :-1] ** 2))) or 1.0,
    )


def _deviation(values: NDArray[np.floating], *, rounding: float = 1e-12) -> float:
    """The standard deviation; 1 for a quantity that varies no more than by rounding."""
    deviation = float(values.std())
    return deviation if deviation > rounding else 1.0
