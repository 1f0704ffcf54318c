"""Checks that sensitivities belong to the simulation of the training data."""

import numpy as np
from numpy.typing import NDArray

from sciwm.data.schema import Trajectories
from sciwm.data.sensitivity_set import SensitivitySet
from sciwm.errors import Problem, raise_if
from simulations.closeness import close

AGREEMENT = 1e-3
"""The largest relative difference of grids, times, bounds and shapes that count as equal."""


def check_same_simulation(sensitivities: SensitivitySet, data: Trajectories) -> None:
    """Refuse sensitivities of another grid, control interval or other actuators; what a file omits is not compared.

    Raises:
        InputError: With everything that differs.
    """
    where, suited = str(sensitivities.path), f"as in {data.path}"
    remedy = "make them by the simulation of the training set"
    shape = tuple(axis.num_points for axis in data.axes)
    problems = []
    if sensitivities.shape != shape:
        problems.append(Problem(where, f"{_points(shape)}, {suited}", _points(sensitivities.shape), remedy))
    else:
        for axis in data.axes:
            given = sensitivities.positions.get(axis.name)
            if given is not None and np.abs(given - axis.coordinates).max() > AGREEMENT * axis.spacing:
                problems.append(Problem(f"{where}: {axis.name}", _range(axis.coordinates), _range(given), remedy))
    if not close(sensitivities.control_interval, data.control_interval, rtol=AGREEMENT):
        expected, got = f"steps of {data.control_interval:g}, {suited}", f"{sensitivities.control_interval:g}"
        problems.append(Problem(f"{where}: time", expected, got, remedy))
    if sensitivities.num_actuators != len(data.actuators):
        expected, got = f"{len(data.actuators)} actuators, {suited}", f"{sensitivities.num_actuators}"
        problems.append(Problem(where, expected, got, remedy))
    elif not problems:
        problems = _actuator_problems(sensitivities, data, where, remedy)
    raise_if(problems)


def _actuator_problems(sensitivities: SensitivitySet, data: Trajectories, where: str, remedy: str) -> list[Problem]:
    """Names, bounds and shapes of the actuators that differ; bounds normalise directions and gradients."""
    problems, names, numbers = [], list(data.actuators.names), list(range(sensitivities.num_actuators))
    if sensitivities.labels not in (None, names, numbers):
        expected, got = f"{', '.join(names)} or 0 to {numbers[-1]}, in this order", f"{sensitivities.labels}"
        problems.append(Problem(f"{where}: actuator", expected, got, "sort them as the training set has them"))
    if sensitivities.actuators is not None:
        span = data.actuators.high - data.actuators.low
        for name in ("low", "high"):
            given, wanted = getattr(sensitivities.actuators, name), getattr(data.actuators, name)
            if (np.abs(given - wanted) > AGREEMENT * span).any():
                problems.append(Problem(f"{where}: action_{name}", f"{wanted.tolist()}", f"{given.tolist()}", remedy))
    if sensitivities.actuator_shapes is not None and data.forcing_shapes is not None:
        wanted = data.forcing_shapes.sum(axis=1)  # each acts on one variable
        if np.abs(sensitivities.actuator_shapes - wanted).max() > AGREEMENT * np.abs(wanted).max():
            expected = f"the actuators of {data.path}"
            problems.append(Problem(f"{where}: actuator_shape", expected, "others", remedy))
    return problems


def _points(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + " points"


def _range(positions: NDArray[np.float64]) -> str:
    return f"points from {positions[0]:g} to {positions[-1]:g}"
