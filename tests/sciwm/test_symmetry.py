"""Shifts that equation and actuators allow, and how far a dynamics is from commuting with them."""

import numpy as np
import pytest
import torch
from torch import Tensor

import simulations
from sciwm.baselines import Persistence
from sciwm.evaluation import equivariance_errors, symmetric_shift
from sciwm.evaluation.symmetry import apply_shift, lattice_shift
from simulations import Simulation


def burgers(jets: int) -> Simulation:
    settings = {"equation": "burgers", "num_points": 32, "domain_extent": 2 * np.pi, "control_interval": 0.25}
    return simulations.build(settings | {"steps_per_interval": 2, "jets": {"count": jets, "width": 0.4, "limit": 1.0}})


def drawn(simulation: Simulation) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    starts = torch.randn(5, 1, *simulation.grid.shape, generator=generator)
    return starts, torch.rand(5, 1, len(simulation.actuators), generator=generator) - 0.5


class Held:
    """A dynamics that adds its first action at one point of the grid, wherever the actuators are."""

    def __init__(self, simulation: Simulation) -> None:
        self.actuators, self.control_interval = simulation.actuators, simulation.control_interval

    def encode(self, fields: Tensor) -> Tensor:
        return fields

    def advance(self, state: Tensor, action: Tensor) -> Tensor:
        pushed = state.clone()
        pushed[..., 0] += 100 * action[:, :1]
        return pushed

    def readout(self, state: Tensor, names: object) -> dict[str, Tensor]:
        return {"fields": state}


def test_the_shift_of_the_lattice_does_not_depend_on_the_state_it_is_tried_on() -> None:
    simulation = burgers(4)
    starts, _ = drawn(simulation)
    assert lattice_shift(simulation) == symmetric_shift(simulation, starts[:1].double()) == (0, 8, [1, 2, 3, 0])


def test_shifts_move_fields_and_actuators_together() -> None:
    """A bump at one jet, and an action on that jet alone, are a quarter of the domain further, at the next jet."""
    simulation = burgers(4)
    fields, actions = torch.zeros(1, 2, 1, 32), torch.zeros(1, 2, 4)
    fields[..., 5], actions[..., 3] = 1.0, 0.5
    moved, permuted = apply_shift(simulation, fields, actions, (0, 8, [1, 2, 3, 0]))
    assert moved[0, 0, 0].argmax() == 13
    assert permuted[0, 1].tolist() == [0.5, 0.0, 0.0, 0.0]


def test_the_truth_and_persistence_commute_with_the_shift_and_others_are_found_out() -> None:
    simulation = burgers(4)
    starts, actions = drawn(simulation)
    true = equivariance_errors(simulation, simulation, starts, actions)
    still = Persistence(simulation.actuators, simulation.control_interval)
    held = equivariance_errors(still, simulation, starts, actions)
    wrong = equivariance_errors(Held(simulation), simulation, starts, actions)
    assert true is not None and held is not None and wrong is not None
    assert true.shape == (5,) and true.max() < 1e-5 and held.max() == 0
    assert wrong.min() > 0.1


@pytest.mark.parametrize("jets", [1])
def test_where_no_shift_is_allowed_there_is_no_error(jets: int) -> None:
    simulation = burgers(jets)
    assert lattice_shift(simulation) is None
    assert equivariance_errors(simulation, simulation, *drawn(simulation)) is None
