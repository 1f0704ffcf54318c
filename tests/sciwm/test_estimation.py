"""The Kalman filter on systems whose answers are known."""

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from sciwm.planning import OutputFeedback, action_energy, field_target, kalman_filter, linear_law
from simulations import ActionBox

A = torch.tensor([[1.05, 0.2], [0.0, 0.9]], dtype=torch.float64)
B = torch.tensor([[0.0], [0.5]], dtype=torch.float64)
SENSORS = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
REST = torch.zeros(1, 2, dtype=torch.float64)


class Linear:
    """x+ = A x + B a with |a| <= 10: one variable on two points."""

    actuators = ActionBox.symmetric(["push"], 10.0)
    control_interval = 1.0

    def encode(self, fields: Tensor) -> Tensor:
        return fields

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        return state @ A.T + (action @ B.T)[:, None]

    def readout(self, state: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        return {"fields": state}


@pytest.mark.parametrize("process", [0.0, 0.3])
def test_the_gain_solves_the_riccati_equation(process: float) -> None:
    """L = P C' (C P C' + R)^-1 with P by scipy, for hardly any process noise and for some."""
    filter_ = kalman_filter(
        Linear(), REST, SENSORS, start=torch.zeros(1, 2).double(), sensor_variance=0.25, process_variance=process
    )
    a, c = A.numpy(), SENSORS.numpy()
    p = scipy.linalg.solve_discrete_are(a.T, c.T, max(process, 1e-12) * np.eye(2), np.array([[0.25]]))
    gain = p @ c.T @ np.linalg.inv(c @ p @ c.T + 0.25)
    np.testing.assert_allclose(filter_.gain.numpy(), gain, rtol=1e-4, atol=1e-7)


def test_an_estimate_finds_the_state_without_noise_and_the_law_rests_it() -> None:
    """One sensor of two: the estimate, wrong at first, becomes the state; both end at rest."""
    plant = Linear()
    law = linear_law(plant, field_target(plant, REST) + 0.1 * action_energy(), REST)
    start = torch.tensor([[[1.0, -0.5]], [[0.3, 0.8]]], dtype=torch.float64)
    filter_ = kalman_filter(plant, REST, SENSORS, sensor_variance=0.25, start=torch.zeros(2, 2).double())
    feedback, state = OutputFeedback(law, filter_, plant), start
    errors = []
    for _ in range(600):
        action = feedback(state[:, 0] @ SENSORS.T)
        state = plant.advance(state, action)
        errors.append((filter_.estimate - state[:, 0]).abs().max().item())
    assert errors[0] > 0.1
    assert errors[-1] < 1e-6
    assert state.abs().max() < 1e-6


def test_sensors_that_miss_a_growing_mode_are_refused() -> None:
    """The second coordinate never sees the first, which grows."""
    blind = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    with pytest.raises(ValueError, match="sensors that see every growing mode"):
        kalman_filter(Linear(), REST, blind, sensor_variance=0.25, start=torch.zeros(1, 2).double())
