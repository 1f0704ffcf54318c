"""The Kalman filter on systems whose answers are known."""

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from sciwm.errors import InputError
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


class Diagonal(Linear):
    """Two numbers that do not know of each other."""

    def __init__(self, first: float, second: float) -> None:
        self.factors = torch.tensor([first, second], dtype=torch.float64)

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        return state * self.factors + (action @ B.T)[:, None]


def gain_of(plant: Linear, sensors: list[list[float]], **variances: float) -> np.ndarray:
    """The gain of a filter, with one estimate at zero."""
    start = torch.zeros(1, 2).double()
    return kalman_filter(plant, REST, torch.tensor(sensors).double(), start=start, **variances).gain.numpy()


def test_filters_of_stable_plants_are_found() -> None:
    """Without disturbance nothing is left to learn; an unseen mode that decays needs no sensor; nor one that stays."""
    for decay in (0.0, 0.9, 1 - 1e-9, 1.0):
        np.testing.assert_allclose(gain_of(Diagonal(decay, 0.8), [[1.0, 1.0]]), 0, atol=1e-9)
    p = (0.81 + np.sqrt(0.81**2 + 4)) / 2  # p = 1 + 0.81 p / (p + 1), with noise of variance one
    found = gain_of(Diagonal(0.9, 1 - 1e-6), [[1.0, 0.0]], process_variance=1.0)
    np.testing.assert_allclose(found, [[p / (p + 1)], [0.0]], rtol=1e-9, atol=1e-12)


def test_growing_modes_are_followed_without_disturbance() -> None:
    """P = 1.25^2 - 1 for noise of variance one."""
    found = gain_of(Diagonal(1.25, 0.5), [[1.0, 0.0]])
    np.testing.assert_allclose(found, [[1 - 1 / 1.25**2], [0.0]], atol=1e-12)


def test_sensors_without_noise_read_the_state() -> None:
    """What is read is believed; the rest is what the disturbance leaves."""
    np.testing.assert_allclose(
        gain_of(Diagonal(0.9, 0.5), [[1.0, 0.0]], sensor_variance=0.0, process_variance=0.5), [[1.0], [0.0]], atol=1e-12
    )


def test_unseen_modes_that_do_not_decay_are_named() -> None:
    """One that grows; and one that stays, if it is disturbed."""
    with pytest.raises(ValueError, match=r"grows by 1\.1 per interval \(eigenvalue 1\.1, largest in components 1 of"):
        gain_of(Diagonal(0.9, 1.1), [[1.0, 0.0]])
    with pytest.raises(ValueError, match=r"eigenvalue 1, largest in components 0 of"):
        gain_of(Diagonal(1.0, 0.9), [[0.0, 1.0]], process_variance=0.1)


def test_a_filter_that_cannot_be_is_refused_with_all_reasons() -> None:
    with pytest.raises(InputError) as refusal:
        kalman_filter(
            Linear(), REST, torch.ones(1, 3), start=torch.zeros(2), sensor_variance=-1.0, process_variance=float("nan")
        )
    assert [p.where for p in refusal.value.problems] == ["sensors", "start", "sensor_variance", "process_variance"]


def test_an_estimate_of_other_episodes_is_refused() -> None:
    """One first estimate serves any number of episodes, an estimate under way only its own."""
    filter_ = kalman_filter(Linear(), REST, SENSORS, start=torch.zeros(1, 2).double())
    assert filter_.correct(torch.ones(3, 1).double()).shape == (3, 2)
    with pytest.raises(InputError, match=r"observation: expected shape \(3, 1\), got \(2, 1\); .* reset"):
        filter_.correct(torch.ones(2, 1).double())
    filter_.reset()
    assert filter_.correct(torch.ones(2, 1).double()).shape == (2, 2)


def test_a_filter_knows_that_the_least_allowed_action_pushes() -> None:
    """Zero is not allowed: at the target the state drifts, and the estimate drifts with it."""
    plant = Linear()
    plant.actuators = ActionBox(("push",), np.array([0.2]), np.array([0.9]))
    filter_ = kalman_filter(plant, REST, SENSORS, start=torch.zeros(1, 2).double())
    action = torch.tensor([[0.7]], dtype=torch.float64)
    filter_.predict(plant.actuators.to_normalized(action))
    torch.testing.assert_close(filter_.estimate, plant.advance(torch.zeros(1, 1, 2).double(), action)[:, 0])
