"""The stationary Kalman filter, which with a linear law gives control from noisy sensors (LQG).

Kalman (1960), doi:10.1115/1.3662552. With ``y = C s + noise`` read before the step,

    s_hat <- s_hat + L (y - C s_hat)                 correction by the sensors
    a = hold - K (s_hat - goal)                      feedback of the estimate
    s_hat <- goal + A (s_hat - goal) + B (a - hold)  prediction for the next interval
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.linear_law import linearize


@dataclass
class KalmanFilter:
    """An estimate of the state, corrected by sensors and advanced by the linearised model.

    :func:`kalman_filter` makes one.

    Args:
        goal, hold: The state ``(n,)`` and the action in ``[-1, 1]`` about which the model is linear.
        transition, control: A ``(n, n)`` and B ``(n, actuator)``, actions in ``[-1, 1]``.
        sensors: C ``(sensor, n)``.
        gain: L ``(n, sensor)``.
        estimate: The estimate, ``(batch, n)``.
    """

    goal: Tensor
    hold: Tensor
    transition: Tensor
    control: Tensor
    sensors: Tensor
    gain: Tensor
    estimate: Tensor

    def correct(self, observation: Tensor) -> Tensor:
        """Correct the estimate by sensor readings ``(batch, sensor)``; returns it, ``(batch, n)``."""
        self.estimate = self.estimate + (observation - self.estimate @ self.sensors.T) @ self.gain.T
        return self.estimate

    def predict(self, action: Tensor) -> None:
        """Advance the estimate by one interval under an action in ``[-1, 1]``, ``(batch, actuator)``."""
        away = (self.estimate - self.goal) @ self.transition.T
        self.estimate = self.goal + away + (action - self.hold) @ self.control.T


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
        sensor_variance: Variance of the independent noise of each sensor.
        process_variance: Variance of the disturbance of each number of the state in an interval. Only the ratio of
            the two variances matters. With 0 the filter trusts the model in all but growing modes; raise it until the
            estimate follows the sensors as fast as it should.

    Raises:
        ValueError: If the variance of the estimate does not settle, since the sensors do not see a growing mode.
    """
    goal, hold, transition, control = linearize(dynamics, target)
    a, c = transition.double().cpu().numpy(), sensors.double().cpu().numpy()
    noise = sensor_variance * np.eye(len(c))
    covariance = np.eye(len(a))
    for _ in range(20_000):
        gain = np.linalg.solve(c @ covariance @ c.T + noise, c @ covariance).T
        after = a @ (covariance - gain @ c @ covariance) @ a.T + process_variance * np.eye(len(a))
        change, size = np.abs(after - covariance).max(), np.abs(after).max()
        if change < 1e-10 * size:
            return KalmanFilter(goal, hold, transition, control, sensors, goal.new_tensor(gain), start)
        if size > 1e12:
            break
        covariance = (after + after.T) / 2
    raise ValueError(
        "Expected sensors that see every growing mode, got an estimate whose error does not settle. "
        "Use more sensors, or others."
    )
