"""The stationary Kalman filter, which with a linear law gives control from noisy sensors (LQG).

Kalman (1960), doi:10.1115/1.3662552. With ``y = C s + noise`` read before the step,

    s_hat <- s_hat + L (y - C s_hat)                 correction by the sensors
    a = hold - K (s_hat - goal)                      feedback of the estimate
    s_hat <- goal + A (s_hat - goal) + B (a - hold)  prediction for the next interval
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.errors import InputError, Problem, raise_if
from sciwm.planning.linear_law import drift_at, linearize
from sciwm.planning.riccati import riccati
from sciwm.planning.unreached_modes import NoSolution, told
from simulations.torch_modes import exact


@dataclass
class KalmanFilter:
    """An estimate of the state, corrected by sensors and advanced by the linearised model.

    :func:`kalman_filter` makes one. It begins with the estimate that it is given, and returns to it by :meth:`reset`.

    Args:
        goal, hold: The state ``(n,)`` and the action in ``[-1, 1]`` about which the model is linear.
        transition, control: A ``(n, n)`` and B ``(n, actuator)``, actions in ``[-1, 1]``.
        sensors: C ``(sensor, n)``.
        gain: L ``(n, sensor)``.
        estimate: The estimate, ``(batch, n)``; one row serves any number of episodes.
        drift: What an interval under ``hold`` adds to ``goal``, ``(n,)``: nothing if the goal is at rest.
        start: The first estimate.
    """

    goal: Tensor
    hold: Tensor
    transition: Tensor
    control: Tensor
    sensors: Tensor
    gain: Tensor
    estimate: Tensor
    drift: Tensor | float = 0.0
    start: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.estimate

    def reset(self) -> None:
        """Go back to the first estimate."""
        self.estimate = self.start

    @exact
    def correct(self, observation: Tensor) -> Tensor:
        """Correct the estimate by sensor readings ``(batch, sensor)``; returns it, ``(batch, n)``.

        Rows with a reading that is not finite stay as they are.

        Raises:
            InputError: If the number of rows or of sensors does not fit.
        """
        expected = (len(self.estimate), len(self.sensors))
        for_all = self.estimate is self.start and expected[0] == 1
        if observation.shape != ((len(observation), expected[1]) if for_all else expected):
            remedy = "make a filter whose start has a row for every episode, or reset() it for new ones"
            raise InputError([Problem("observation", f"shape {expected}", f"{tuple(observation.shape)}", remedy)])
        change = (observation - self.estimate @ self.sensors.T) @ self.gain.T
        self.estimate = self.estimate + change.where(observation.isfinite().all(dim=1, keepdim=True), 0.0)
        return self.estimate

    @exact
    def predict(self, action: Tensor) -> None:
        """Advance the estimate by one interval under an action in ``[-1, 1]``, ``(batch, actuator)``."""
        away = (self.estimate - self.goal) @ self.transition.T
        self.estimate = self.goal + away + (action - self.hold) @ self.control.T + self.drift


def kalman_filter(
    dynamics: Dynamics,
    target: Tensor,
    sensors: Tensor,
    *,
    start: Tensor,
    sensor_variance: float = 1.0,
    process_variance: float = 0.0,
) -> KalmanFilter:
    """The stationary Kalman filter of ``dynamics``, linearised about a target.

    Args:
        dynamics: A world model or a simulation.
        target: Physical fields ``(variable, *space)`` about which to linearise, at rest.
        sensors: C, ``(sensor, n)``, which maps states to sensor readings.
        start: First estimate, ``(batch, n)``.
        sensor_variance: Variance of the independent noise of each sensor; 0 if all of the state is disturbed.
        process_variance: Variance of the disturbance of each number of the state in an interval. Only the ratio of
            the two variances matters. With 0 the filter trusts the model in all but growing modes; raise it until the
            estimate follows the sensors as fast as it should.

    Raises:
        InputError: If a shape or a variance does not fit.
        ValueError: If the variance of the estimate does not settle, since the sensors do not see a mode that grows, or
            one that is disturbed and does not decay; the message says which.
    """
    _require_fit(dynamics, target, sensors, start, sensor_variance, process_variance)
    goal, hold, transition, control = linearize(dynamics, target)
    a, c = transition.double().cpu().numpy(), sensors.double().cpu().numpy()
    disturbance, noise = process_variance * np.eye(len(a)), sensor_variance * np.eye(len(c))
    try:  # the same equation as of a linear law, with time and the sides of the matrices reversed
        known, _ = riccati(a.T, c.T, disturbance, noise, precision=torch.finfo(transition.dtype).eps)
    except NoSolution as error:
        raise ValueError(
            "Expected sensors that see every growing mode, got an estimate whose error does not settle: a mode that "
            f"{told(tuple(mode.transposed() for mode in error.modes))}. Use more sensors, or others."
        ) from None
    covariance = disturbance + known
    gain = np.linalg.solve(c @ covariance @ c.T + noise, c @ covariance).T
    return KalmanFilter(
        goal, hold, transition, control, sensors, goal.new_tensor(gain), start, drift_at(dynamics, target)
    )


def _require_fit(
    dynamics: Dynamics, target: Tensor, sensors: Tensor, start: Tensor, noise: float, process: float
) -> None:
    size = dynamics.encode(target.nan_to_num()[None]).numel()
    problems = []
    for name, matrix in (("sensors", sensors), ("start", start)):
        if matrix.ndim != 2 or matrix.shape[1] != size or not len(matrix) or not bool(matrix.isfinite().all()):
            expected = f"finite numbers, {size} in each row, as many as the state has"
            problems.append(Problem(name, expected, f"shape {tuple(matrix.shape)}, or nan or infinity in it"))
    for name, variance in (("sensor_variance", noise), ("process_variance", process)):
        if not 0 <= variance < np.inf:
            problems.append(Problem(name, "a finite number, 0 or more", str(variance)))
    if noise == process == 0:
        problems.append(Problem("sensor_variance", "a number above 0 where process_variance is 0", "0"))
    raise_if(problems)
