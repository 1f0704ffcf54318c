"""The scales of a domain, measured on the training data."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciwm.data.domain import Domain, Functional, Variable
from sciwm.data.roles import Parameter
from sciwm.data.schema import Trajectories
from sciwm.data.windows import sample_fields
from sciwm.errors import InputError, Problem
from simulations.closeness import ROUNDING_STEPS, constant

MOST_INSTANTS = 20_000
MOST_NUMBERS, MOST_NUMBERS_OF_LARGE = 2**27, 2**23
"""How many values scales are measured by: of data in memory, and of data that do not fit into it."""
ROUNDING = ROUNDING_STEPS * float(np.finfo(np.float32).eps)
"""The variation relative to the largest value that counts as rounding, as data are read in single precision."""
SQUARED_SAFELY = 32
"""The binary exponents up to which squares of numbers, and sums of these, fit into single precision."""
NEGLIGIBLE = 1e-5
"""The part of a budget, relative to the typical rate of change, that counts as rounding."""


def fit_domain(data: Trajectories) -> Domain:
    """The domain of a store: variables, grid and actions as it states them, scales as its values have them.

    Raises:
        InputError: If no variable varies.
    """
    names = [v.name for v in data.variables]
    numbers = len(names) * math.prod(axis.num_points for axis in data.axes)
    most = MOST_NUMBERS if data.in_memory else MOST_NUMBERS_OF_LARGE
    fields = sample_fields([data], names, limit=max(1, min(MOST_INSTANTS, most // numbers)))
    seen = [fields[:, c] if data.valid is None else fields[:, c][:, data.valid[c]] for c in range(len(names))]
    varies = [not constant(values) for values in seen]
    if not any(varies):
        expected, got = "at least one variable that varies", "the same values everywhere and always"
        raise InputError([Problem(str(data.path), expected, got, "there is nothing to learn: look at what wrote them")])
    scales = [map(float, mean_and_deviation(values)) for values in seen]
    variables = tuple(
        Variable(v.name, v.long_name, v.units, mean, deviation if varied else 0.0)
        for v, varied, (mean, deviation) in zip(data.variables, varies, scales, strict=True)
    )
    return Domain(
        **_of_others(data),
        variables=variables,
        axes=data.axes,
        control_interval=data.control_interval,
        actuators=data.actuators,
        functionals=tuple(_fit_functional(data, name) for name in data.functional_names),
        known_shapes=data.forcing_shapes is not None,
        time_units=data.time_units,
    )


def _of_others(data: Trajectories) -> dict[str, Any]:
    """What the data of others add: parameters, names, and actions that are scaled about their mean."""
    roles = data.roles
    if roles is None:
        return {}
    actions = [np.asarray(data.array("action")[i, : data.intervals_of(i)]) for i in data.usable]
    together = np.concatenate(actions)
    means, deviations = mean_and_deviation(together, axis=0)
    limits = [roles.limits(forcing.name) for forcing in roles.forcings for _ in range(forcing.count)]
    return {
        "parameters": tuple(
            _fit_parameter(stated, data.parameters[data.usable, j]) for j, stated in enumerate(roles.parameters)
        ),
        "forcings": roles.forcings,
        "action_means": tuple(map(float, means)),
        "action_deviations": tuple(map(float, deviations)),
        "action_lowest": tuple(map(float, together.min(axis=0))),
        "action_highest": tuple(map(float, together.max(axis=0))),
        "low_is_limit": tuple(low for low, _ in limits),
        "high_is_limit": tuple(high for _, high in limits),
        "masked": data.valid is not None,
        "time_name": roles.time_name,
        "run_name": roles.run_name,
    }


def _fit_parameter(stated: dict[str, str], values: NDArray[np.float32]) -> Parameter:
    mean, deviation = map(float, mean_and_deviation(values))
    varies = not bool(constant(values))
    low, high = float(values.min()), float(values.max())
    return Parameter(**stated, mean=mean, deviation=deviation if varies else 0.0, low=low, high=high)


def _fit_functional(data: Trajectories, name: str) -> Functional:
    rows = data.usable
    values, source, output = (
        np.asarray(data.array(n)[:])[rows].astype(np.float64) for n in (name, f"{name}_source", f"{name}_output")
    )
    mean, deviation = map(float, mean_and_deviation(values))
    change_deviation = float(np.diff(values, axis=1).std())
    if change_deviation <= ROUNDING * np.abs(values).max():
        change_deviation = deviation
    rate = change_deviation / data.control_interval
    largest_action = float(np.maximum(np.abs(data.actuators.low), np.abs(data.actuators.high)).max())
    source_deviation, fed = float(source[:, :-1].std()), float(np.sqrt(np.mean(output[:, :-1] ** 2)))
    return Functional(
        name=name,
        mean=mean,
        deviation=deviation,
        change_deviation=change_deviation,
        source_mean=float(source[:, :-1].mean()),
        source_deviation=source_deviation if source_deviation > NEGLIGIBLE * rate else rate,
        output_deviation=fed if fed * largest_action > NEGLIGIBLE * rate else rate / largest_action,
    )


def mean_and_deviation(
    values: NDArray[np.floating], axis: int | tuple[int, ...] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean and the standard deviation of values.

    The deviation of values that vary no more than by rounding is their magnitude, or 1 if all are zero: rounding is
    never scaled up. In other units both change as the values do, however small or large these are.

    Args:
        values: Numbers of any shape, at least one.
        axis: Over which they are taken; over all by default.

    Returns:
        Both, of the shape that is left.
    """
    exponent = np.frexp(np.abs(values).max(axis=axis, keepdims=True))[1]
    exponent[np.abs(exponent) <= SQUARED_SAFELY] = 0
    own = np.ldexp(values, -exponent) if exponent.any() else values
    exponent = exponent.squeeze(axis)
    mean = np.ldexp(own.mean(axis=axis).astype(np.float64), exponent)
    deviation = np.ldexp(own.std(axis=axis).astype(np.float64), exponent)
    magnitude = np.where(mean == 0, 1.0, np.abs(mean))
    return mean, np.where(constant(np.asarray(own, dtype=np.float32), axis), magnitude, deviation)
