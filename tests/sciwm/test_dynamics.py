"""The one rollout, on plants whose parameters differ and under recorded gradients."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from sciwm.dynamics import readout_trajectory, repeated, rollout
from simulations import ActuatorLag


def test_a_rollout_that_saves_memory_has_the_same_gradient(cases: Mapping[str, Any]) -> None:
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    start = torch.tensor(simulation.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    actions = torch.zeros(1, 5, len(simulation.actuators), dtype=torch.float64, requires_grad=True)
    gradients = []
    for save_memory in (False, True):
        states = rollout(simulation, start, actions, save_memory=save_memory)
        gradients.append(torch.autograd.grad(states.square().sum(), [actions])[0])
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=0)


def test_a_rollout_that_saves_memory_steps_aside_in_function_transforms(cases: Mapping[str, Any]) -> None:
    simulation = cases["kuramoto_sivashinsky"].coarse().build()
    start = torch.tensor(simulation.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    actions = torch.zeros(1, 3, len(simulation.actuators), dtype=torch.float64)

    def energy(actions: torch.Tensor) -> torch.Tensor:
        return rollout(simulation, start, actions, save_memory=True).square().sum()

    leaf = actions.clone().requires_grad_()
    expected = torch.autograd.grad(energy(leaf), leaf)[0]
    torch.testing.assert_close(torch.func.grad(energy)(actions), expected, rtol=0, atol=1e-12)


def test_candidates_of_an_episode_have_its_parameters(cases: Mapping[str, Any]) -> None:
    """Two episodes of different viscosity, three candidates each: every one advances as its episode alone does."""
    simulation = cases["burgers"].coarse().build()
    plants = [simulation.with_parameters({"viscosity": value}) for value in (0.05, 0.2)]
    both = simulation.with_parameters({"viscosity": [0.05, 0.2]})
    rng = np.random.default_rng(0)
    starts = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(2)]))
    actions = torch.tensor(rng.uniform(-1, 1, (6, 4, len(simulation.actuators))))  # candidates in turn
    with torch.no_grad():
        dynamics = repeated(both, 3)
        states = rollout(dynamics, starts.repeat(3, 1, 1), actions)
        energies = readout_trajectory(dynamics, states, ["energy"])["energy"]
        for row in range(6):
            alone = rollout(plants[row % 2], starts[row % 2][None], actions[row : row + 1])
            torch.testing.assert_close(states[row : row + 1], alone, rtol=1e-11, atol=1e-13)
            expected = readout_trajectory(plants[row % 2], alone, ["energy"])["energy"]
            torch.testing.assert_close(energies[row : row + 1], expected, rtol=1e-11, atol=1e-13)


def test_candidates_of_a_wrapped_plant_have_its_parameters(cases: Mapping[str, Any]) -> None:
    """A planner imagines two candidates for each of two viscosities through sluggish actuators."""
    both = cases["burgers"].coarse().build().with_parameters({"viscosity": [0.05, 0.2]})
    plant = ActuatorLag(both, time_constant=0.1)
    rng = np.random.default_rng(0)
    start = plant.encode(torch.tensor(np.stack([both.initial_state(rng, amplitude=1.0) for _ in range(2)])))
    actions = torch.tensor(rng.uniform(-1, 1, (4, 3, len(both.actuators))))
    with torch.no_grad():
        states = rollout(repeated(plant, 2), start.repeat(2, 1), actions)
        torch.testing.assert_close(states[2:], rollout(plant, start, actions[2:]), rtol=1e-11, atol=1e-13)
