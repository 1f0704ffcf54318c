"""Shifts and reflections that equation and actuators have together, against the solvers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import simulations
from sciwm.config import Config
from sciwm.data import Actuation, Axis, Trajectories, Windows, actuation_of, augment, joint_symmetries
from sciwm.data.augmentation import Kind, Symmetry
from sciwm.errors import InputError
from sciwm.model import WorldModel
from simulations import ActionBox
from simulations.base import Simulation

KS: dict[str, Any] = {
    "equation": "kuramoto_sivashinsky",
    "num_points": 32,
    "domain_extent": 22.0,
    "control_interval": 0.25,
    "steps_per_interval": 2,
    "jets": {"count": 4, "width": 0.8, "limit": 1.0},
}
BURGERS = KS | {"equation": "burgers", "domain_extent": 6.0, "control_interval": 0.05}
FLOW = {
    "equation": "navier_stokes",
    "num_points": [16, 12],
    "domain_extent": [6.0, 4.5],
    "control_interval": 0.1,
    "steps_per_interval": 4,
    "parameters": {"forcing_wavenumber": 2},
    "jets": {"count": [4, 2], "width": 0.8, "limit": 1.0, "normalization": "peak"},
}


JETS = {"count": 3, "width": 0.1, "limit": 1.0, "offset": 0.5}
WALLED = {"domain_extent": 1.0, "control_interval": 0.05, "steps_per_interval": 20}


def known(simulation: Simulation, **changed: Any) -> Actuation:
    return replace(actuation_of(simulation), **changed)


def found(settings: dict[str, Any], *kinds: Kind) -> list[Symmetry]:
    return joint_symmetries(known(simulations.build(settings)), kinds)


@pytest.mark.parametrize("settings", [KS, FLOW], ids=["1D", "2D"])
def test_shapes_are_what_an_action_adds_to_the_time_derivative(settings: dict[str, Any]) -> None:
    simulation = simulations.build(settings)
    state = torch.zeros(1, len(simulation.variables), *simulation.grid.shape, dtype=torch.float64)
    np.testing.assert_allclose(known(simulation).forcing_shapes, simulation.rates(state)[1][0].numpy(), atol=1e-12)


def test_a_simulation_tells_what_its_store_will(training_set: Trajectories, config: Config) -> None:
    """Symmetries can be found before anything is simulated."""
    actuation = actuation_of(simulations.build(config.simulation.model_dump()))
    assert actuation.axes == training_set.axes
    np.testing.assert_allclose(actuation.forcing_shapes, training_set.forcing_shapes)
    shifts = [s.shift for s in joint_symmetries(training_set, ["shifts"])]
    assert [s.shift for s in joint_symmetries(actuation, ["shifts"])] == shifts
    assert len(shifts) == 4


@pytest.mark.parametrize(("points", "count"), [(32, 4), (32, 8), (36, 3)])
def test_as_many_shifts_as_equispaced_jets(points: int, count: int) -> None:
    """By whole distances between jets; each action is taken from the jet that is moved to its place."""
    jets = KS["jets"] | {"count": count}
    symmetries = found(KS | {"num_points": points, "jets": jets}, "shifts")
    assert [s.shift for s in symmetries] == [(j * points // count,) for j in range(count)]
    for j, symmetry in enumerate(symmetries):
        assert symmetry.source.tolist() == [(i - j) % count for i in range(count)]
        assert symmetry.action_sign.tolist() == [1.0] * count


def test_waves_are_shifted_into_each_other_with_signs() -> None:
    """Sine and cosine of wavenumber 2 allow shifts by an eighth: sine to cosine, cosine to minus sine."""
    symmetries = found(KS | {"jets": None, "sine_modes": {"modes": [2], "limit": 1.0}}, "shifts")
    assert [s.shift for s in symmetries] == [(4 * j,) for j in range(8)]
    quarter = symmetries[1]
    assert quarter.source.tolist() == [1, 0]
    assert sorted(quarter.action_sign.tolist()) == [-1.0, 1.0]


def test_a_uniform_forcing_allows_every_shift() -> None:
    settings = KS | {"jets": None, "uniform": {"limit": 1.0, "acts_on": "u"}}
    assert len(found(settings, "shifts", "odd_reflections")) == 2 * 32


def test_a_lattice_has_shifts_along_both_axes() -> None:
    symmetries = found(FLOW, "shifts")
    assert [s.shift for s in symmetries] == [(4 * i, 6 * j) for i in range(4) for j in range(2)]
    assert len({tuple(s.source) for s in symmetries}) == 8


def test_identical_actuators_and_weak_ones_are_told_apart() -> None:
    """Two jets in one place are two, and one of a thousandth of the strength is not taken for nothing."""
    simulation = simulations.build(KS)
    shapes = known(simulation).forcing_shapes
    twice = known(simulation, forcing_shapes=shapes[[0, 0, 2, 2]])
    assert [s.shift for s in joint_symmetries(twice, ["shifts"])] == [(0,), (16,)]
    weak = shapes * np.array([1.0, 1.0, 1.0, 1e-5])[:, None, None]
    with pytest.raises(InputError, match="actuators that it maps to each other"):
        joint_symmetries(known(simulation, forcing_shapes=weak), ["shifts"])


@pytest.mark.parametrize(
    ("settings", "kinds", "amplitude"),
    [
        (KS, ("shifts", "odd_reflections"), 1.0),
        (BURGERS, ("shifts", "odd_reflections"), 1.0),
        (FLOW, ("shifts", "even_reflections"), 1.0),
    ],
    ids=["kuramoto_sivashinsky", "burgers", "navier_stokes"],
)
def test_a_transformed_trajectory_is_one(settings: dict[str, Any], kinds: tuple[Kind, ...], amplitude: float) -> None:
    """advance(T u, P a) = T advance(u, a) for every symmetry, to rounding of the shapes; other actions do not."""
    simulation, rng = simulations.build(settings), np.random.default_rng(0)
    fields = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=amplitude) for _ in range(2)]))
    action = 2 * torch.rand(2, len(simulation.actuators), dtype=torch.float64) - 1
    after = simulation.advance(fields, action)
    symmetries = found(settings, *kinds)
    assert len(symmetries) == 2 * len(action[0])
    for symmetry in symmetries:
        moved = simulation.advance(symmetry.of_fields(fields), symmetry.of_actions(action))
        torch.testing.assert_close(moved, symmetry.of_fields(after), atol=1e-9, rtol=1e-7)
    wrong = simulation.advance(symmetries[1].of_fields(fields), action)
    assert (wrong - symmetries[1].of_fields(after)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"equation": "burgers_dirichlet", "num_points": 24, "jets": JETS}, "odd_reflections"),
        (
            {"equation": "heat", "dimensions": 2, "num_points": [14, 12], "jets": JETS | {"count": [3, 2]}},
            "even_reflections",
        ),
    ],
)
def test_between_walls_trajectories_can_be_reflected(settings: dict[str, Any], kind: Kind) -> None:
    """About the middle, with the actuators that are then in each other's places."""
    simulation, rng = simulations.build(WALLED | settings), np.random.default_rng(0)
    (symmetry,) = joint_symmetries(known(simulation), [kind])
    assert symmetry.source.tolist() == list(range(len(simulation.actuators)))[::-1]
    fields = torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(2)]))
    action = 2 * torch.rand(2, len(simulation.actuators), dtype=torch.float64) - 1
    moved = simulation.advance(symmetry.of_fields(fields), symmetry.of_actions(action))
    torch.testing.assert_close(moved, symmetry.of_fields(simulation.advance(fields, action)), atol=1e-9, rtol=1e-7)


def test_the_wrong_parity_is_not_a_symmetry() -> None:
    """An even reflection of Burgers is refused by the solver, not by the actuators: whoever asks must know."""
    simulation = simulations.build(BURGERS)
    fields = torch.tensor(simulation.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    action = torch.rand(1, 4, dtype=torch.float64)
    even = found(BURGERS, "even_reflections")[0]
    after = even.of_fields(simulation.advance(fields, action))
    assert (simulation.advance(even.of_fields(fields), even.of_actions(action)) - after).abs().max() > 1e-3


def test_reflections_turn_about_a_point() -> None:
    """Twice the same is nothing, and every axis is turned."""
    fields = torch.rand(2, 1, 6, 4)
    turned = Symmetry((0, 0), True, -1.0, np.arange(1), np.ones(1), (False, False))
    assert torch.equal(turned.of_fields(turned.of_fields(fields)), fields)
    assert torch.equal(turned.of_fields(fields)[..., 1, 3], -fields[..., 5, 1])
    between = replace(turned, walls=(False, True))
    assert torch.equal(between.of_fields(between.of_fields(fields)), fields)
    assert torch.equal(between.of_fields(fields)[..., 1, 3], -fields[..., 5, 0])


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_bounds_must_allow_it(unit: float) -> None:
    """One actuator with another limit breaks shifts; a box that is not symmetric breaks odd reflections."""
    simulation = simulations.build(KS)
    names, high = simulation.actuators.names, unit * simulation.actuators.high
    pushing = ActionBox(names, 0 * high, high)
    assert len(joint_symmetries(known(simulation, actuators=pushing), ["shifts", "even_reflections"])) == 8
    with pytest.raises(InputError, match="odd_reflections: expected actuators that it maps to each other"):
        joint_symmetries(known(simulation, actuators=pushing), ["shifts", "odd_reflections"])
    uneven = ActionBox(names, -high, high * np.array([1, 1, 1, 2]))
    with pytest.raises(InputError) as caught:
        joint_symmetries(known(simulation, actuators=uneven), ["shifts", "odd_reflections"])
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: {"forcing_shapes": None}, "got unknown ones"),
        (lambda data: {"axes": (Axis("x", 32, 0.1, periodic=False),)}, "shifts: expected actuators that it maps"),
    ],
)
def test_what_is_not_known_is_not_guessed(change: Callable[[Any], dict[str, Any]], told: str) -> None:
    simulation = simulations.build(KS)
    data = known(simulation, **change(known(simulation)))
    with pytest.raises(InputError, match=told):
        joint_symmetries(data, ["shifts"])
    assert joint_symmetries(data, []) == []


def test_batches_are_moved_as_a_whole(model: WorldModel, training_set: Trajectories) -> None:
    """Fields, actions and outputs alike, functionals not; all symmetries occur; none leaves the batch as it is."""
    batch = Windows([training_set], model.domain).draw(np.random.default_rng(0), 4, 3)
    symmetries, rng = joint_symmetries(training_set, ["shifts"]), np.random.default_rng(0)
    assert augment(batch, [], rng) is batch
    seen = set()
    for _ in range(40):
        moved = augment(batch, symmetries, rng)
        (shift,) = [s for s in range(0, 32, 8) if torch.equal(batch.fields.roll(s, dims=-1), moved.fields)]
        assert torch.equal(batch.actions.roll(shift // 8, dims=-1), moved.actions)
        assert torch.equal(batch.outputs.roll(shift // 8, dims=-1), moved.outputs)
        assert moved.functionals is batch.functionals
        assert moved.sources is batch.sources
        seen.add(shift)
    assert seen == {0, 8, 16, 24}
