"""Control from noisy sensors: the stationary Kalman filter before a linear law (LQG).

Kalman (1960), doi:10.1115/1.3662552. With ``y = C s + noise`` read before the step,

    s_hat <- s_hat + L (y - C s_hat)                 what the sensors add
    a = hold - K (s_hat - goal)                      the law, as if the estimate were the state
    s_hat <- goal + A (s_hat - goal) + B (a - hold)  what the model predicts of the next
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sciwm.dynamics import Dynamics
from sciwm.planning.linear_law import linearize


@dataclass
class KalmanFilter:
    """An estimate of the state, kept up to date by sensors and model.

    Args:
        goal, hold: the state ``(n,)`` and the action in ``[-1, 1]`` about which the model is linear.
        transition, control: A ``(n, n)`` and B ``(n, actuator)``, actions in ``[-1, 1]``.
        sensors: C ``(sensor, n)``.
        gain: L ``(n, sensor)``.
        estimate: ``(batch, n)``.
    """

    goal: Tensor
    hold: Tensor
    transition: Tensor
    control: Tensor
    sensors: Tensor
    gain: Tensor
    estimate: Tensor

    def correct(self, observation: Tensor) -> Tensor:
        """Take in ``(batch, sensor)``; returns the estimate ``(batch, n)``."""
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
    """The stationary filter of the linearised ``dynamics``.

    Args:
        target: physical fields about which to linearise.
        sensors: C, ``(sensor, n)``.
        start: first estimate, ``(batch, n)``.
        sensor_variance: of the independent noise of each sensor.
        process_variance: of what disturbs each number of the state in an interval; only the ratio of the
            two matters, and with none the filter trusts the model in all but growing modes.

    Raises:
        ValueError: if the error of the estimate does not settle: a growing mode escapes the sensors.
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
