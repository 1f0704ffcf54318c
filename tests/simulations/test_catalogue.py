import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from cases.case import Case

from simulations import BOUNDED, CATALOGUE, PERIODIC, build
from simulations.equations import Wall
from simulations.equations.heat import Heat
from simulations.good_values import GOOD_VALUES
from simulations.tasks import make_task


def test_every_equation_is_listed_under_its_own_name_and_tested(cases: Mapping[str, Case]) -> None:
    """The name in the catalogue is the one that messages and datasets carry, and some case has the periodic ones."""
    assert set(PERIODIC) | set(BOUNDED) == set(CATALOGUE)
    assert {name: equation.equation for name, equation in CATALOGUE.items()} == {name: name for name in CATALOGUE}
    tested = {(case.settings["equation"], len(case.coarse().build().grid.shape)) for case in cases.values()}
    wanted = {(name, dimensions) for name, equation in PERIODIC.items() for dimensions in equation.num_spatial_dims}
    assert wanted - tested == set(), "describe these in a module of tests/cases"


def test_settings_become_the_simulation_they_describe(case: Case) -> None:
    """Grid, interval, step and order are those of the settings; exact."""
    simulation, settings = case.build(), case.settings
    assert simulation.equation == settings["equation"]
    dimensions = len(simulation.grid.shape)
    assert dimensions == settings.get("dimensions", simulation.num_spatial_dims[0])
    np.testing.assert_array_equal(simulation.grid.shape, np.broadcast_to(settings["num_points"], dimensions))
    np.testing.assert_array_equal(simulation.grid.extents, np.broadcast_to(settings["domain_extent"], dimensions))
    assert simulation.step * settings["steps_per_interval"] == settings["control_interval"]
    assert simulation.order == settings.get("order", 4)
    for name, value in settings["parameters"].items():
        assert simulation.values[name] == value


def test_parameters_left_out_take_their_defaults(case: Case) -> None:
    """The defaults are good values: they are within their own bounds and make a simulation."""
    parameters = {p.name: p.default for p in case.equation.parameters}
    simulation = case.coarse().build(parameters={}, steps_per_interval=64)
    assert {name: float(value) for name, value in simulation.values.items()} == parameters


def test_points_and_extents_may_differ_by_dimension(cases: Mapping[str, Case]) -> None:
    """A list is one value along each dimension; a list of another length is refused."""
    two_dimensional = next(case.coarse() for case in cases.values() if len(case.coarse().build().grid.shape) == 2)
    n, length = two_dimensional.settings["num_points"], two_dimensional.settings["domain_extent"]
    simulation = two_dimensional.build(num_points=[n, 2 * n], domain_extent=[length, 2 * length])
    assert (simulation.grid.shape, simulation.grid.extents) == ((n, 2 * n), (length, 2 * length))
    with pytest.raises(ValueError, match=re.escape("along each of 2 dimensions, got [8, 8, 8]")):
        two_dimensional.build(num_points=[8, 8, 8])


def test_kinds_of_actuators_add_up(cases: Mapping[str, Case]) -> None:
    """Each kind named in the settings contributes its actions, in the order of the catalogue."""
    burgers = cases["burgers"].coarse()
    kinds: dict[str, Any] = {
        "jets": {"count": 2, "width": 1.0, "limit": 1.0},
        "boxes": {"intervals": [(0.0, 1.0)], "limit": 2.0},
        "sine_modes": {"modes": [1], "limit": 3.0},
    }
    simulation = burgers.build(**kinds)
    assert simulation.actuators.names == ("jet_0", "jet_1", "box_0", "sine_0", "sine_1")
    assert simulation.actuators.high.tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
    with pytest.raises(ValueError, match="burgers: expected actuators, at least one of jets, boxes"):
        burgers.build(jets=None)


def test_actuators_act_on_what_the_equation_has(cases: Mapping[str, Case]) -> None:
    """A variable that is not there is answered with those that are."""
    jets = {"count": 2, "width": 1.0, "limit": 1.0, "acts_on": "vorticity"}
    with pytest.raises(ValueError, match="burgers: expected actuators on u, got vorticity"):
        cases["burgers"].coarse().build(jets=jets)


def test_order_two_is_another_integrator(cases: Mapping[str, Case]) -> None:
    """``order`` chooses the scheme; there is none of order 3."""
    burgers = cases["burgers"].coarse()
    state, action = torch.ones(1, 1, 32, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    state = state + torch.sin(torch.arange(32) * 2 * torch.pi / 32)
    ends = [burgers.build(order=order).advance(state, action) for order in (2, 4)]
    assert 1e-6 < (ends[0] - ends[1]).abs().max() < 1e-2
    with pytest.raises(ValueError, match="burgers: expected order 2 or 4, got 3"):
        burgers.build(order=3)


def test_dimensions_that_an_equation_does_not_have_are_refused(cases: Mapping[str, Case]) -> None:
    """The message names the dimensions that it has."""
    with pytest.raises(ValueError, match="kuramoto_sivashinsky: expected dimensions 1, got 2"):
        cases["kuramoto_sivashinsky"].coarse().build(dimensions=2)


def test_unknown_equations_are_refused_with_the_known_ones(cases: Mapping[str, Case]) -> None:
    """A misspelt name is answered with the list of names that work."""
    settings = {**cases["burgers"].settings, "equation": "burger"}
    with pytest.raises(ValueError, match=r"Unknown equation 'burger'\. Known: .*burgers.*kuramoto_sivashinsky"):
        build(settings)


GOOD: dict[str, Any] = {
    "equation": "burgers",
    "num_points": 32,
    "domain_extent": 6.0,
    "control_interval": 0.05,
    "steps_per_interval": 2,
    "jets": {"count": 2, "width": 0.5, "limit": 1.0},
}


def refusal(**changes: Any) -> str:
    with pytest.raises(ValueError) as refused:
        build({**GOOD, **changes})
    return str(refused.value)


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("paramters", "parameters"), ("ordr", "order"), ("jetz", "jets"), ("num_pts", "num_points")]
)
def test_misspelt_keys_are_refused_with_the_likely_one(misspelt: str, meant: str) -> None:
    """Never ignored, also not beside a valid kind of actuators."""
    assert f"burgers: unknown key '{misspelt}', did you mean '{meant}'?" in refusal(**{misspelt: {}})


def test_tasks_refuse_misspelt_settings_of_their_simulation() -> None:
    """What a task hands on to the simulation is checked like any settings."""
    with pytest.raises(ValueError, match="unknown key 'num_pts', did you mean 'num_points'"):
        make_task("burgers", {"simulation": {"num_pts": 50}})


def test_all_keys_that_do_not_fit_are_told_at_once() -> None:
    """Missing ones and unknown ones, of the settings and of every set of actuators."""
    with pytest.raises(ValueError, match="expected num_points, got nothing") as refused:
        build({"equation": "burgerz", "jets": {"count": 2, "widht": 1.0}, "boxes": 4, "parameters": 3})
    for problem in (
        "Unknown equation 'burgerz'",
        "expected domain_extent, got nothing",
        "expected control_interval, got nothing",
        "expected steps_per_interval, got nothing",
        "unknown key 'jets.widht', did you mean 'width'?",
        "expected jets.width, got nothing",
        "expected jets.limit, got nothing",
        "expected boxes as a mapping of intervals, limit, got 4",
        "expected parameters as a mapping of names to values, got 3",
    ):
        assert problem in str(refused.value)
    with pytest.raises(ValueError, match="expected equation, got nothing"):
        build({})
    with pytest.raises(ValueError, match="settings as a mapping"):
        build(3)  # type: ignore[arg-type]


def test_none_is_the_same_as_left_out() -> None:
    """Also for what has a default."""
    bare = build(GOOD)
    same = build(GOOD | dict.fromkeys(("parameters", "order", "dimensions", "boxes", "uniform")))
    assert (same.actuators.names, same.order, same.values) == (bare.actuators.names, bare.order, bare.values)
    assert "expected num_points, got nothing" in refusal(num_points=None)
    assert "at least one of jets" in refusal(jets=None)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("dimensions", 0, "expected dimensions 1, got 0"),
        ("num_points", "64", "expected num_points as a finite number, got '64'"),
        ("num_points", 64.5, "expected num_points as a whole number, got 64.5"),
        ("domain_extent", float("nan"), "expected a finite domain_extent > 0, got nan"),
        ("control_interval", "1", "expected a finite control_interval > 0, got '1'"),
        ("steps_per_interval", 2.5, "expected steps_per_interval as a whole number, got 2.5"),
        ("order", 2.5, "expected order as a whole number, got 2.5"),
        ("jets", GOOD["jets"] | {"count": 2.5}, "jets: gaussian_jets: expected count as a whole number, got 2.5"),
        ("jets", GOOD["jets"] | {"normalization": "peek"}, "expected normalization 'integral' or 'peak', got 'peek'"),
    ],
)
def test_values_of_another_kind_are_refused_by_the_name_of_their_key(key: str, value: Any, problem: str) -> None:
    """Nothing is rounded or guessed."""
    message = refusal(**{key: value})
    assert message.startswith("burgers: ")
    assert problem in message


def test_numbers_of_numpy_and_whole_floats_are_numbers() -> None:
    """Settings read from arrays or from YAML's 2e3 work like plain ones."""
    simulation = build(
        GOOD
        | {"equation": "burgers_2d", "num_points": np.array([16, 32]), "domain_extent": np.float32(6.0)}
        | {"steps_per_interval": 4.0, "jets": {"count": np.int64(2), "width": 0.5, "limit": 1.0}}
    )
    assert (simulation.grid.shape, simulation.grid.extents) == ((16, 32), (6.0, 6.0))
    assert (simulation.steps_per_interval, type(simulation.steps_per_interval)) == (4, int)


def test_a_list_holds_several_sets_of_a_kind() -> None:
    """Their actions have different names without further ado, and the place of a problem is told."""
    wide, narrow = {"count": 1, "width": 1.0, "limit": 2.0}, {"count": 2, "width": 0.5, "limit": 1.0}
    assert build(GOOD | {"jets": [wide, narrow]}).actuators.names == ("jets_0_0", "jets_1_0", "jets_1_1")
    named = build(GOOD | {"jets": [wide, narrow | {"name": "narrow"}]}).actuators
    assert (named.names, named.high.tolist()) == (("jets_0_0", "narrow_0", "narrow_1"), [2.0, 1.0, 1.0])
    assert build(GOOD | {"jets": [narrow]}).actuators.names == ("jet_0", "jet_1")
    assert "unknown key 'jets[1].widht'" in refusal(jets=[wide, {"widht": 1.0}])
    assert "different name" in refusal(jets=[wide | {"name": "a"}, wide | {"name": "a"}])


def test_sets_with_and_without_a_name_of_what_they_act_on_add_up() -> None:
    """Jets on the first variable and a uniform action that names it force the same equation; 1e-14 is rounding."""
    simulation = build(GOOD | {"uniform": {"limit": 1.0, "acts_on": "u"}})
    still = torch.zeros(1, 1, 32, dtype=torch.float64)
    _, response = simulation.rates(still)
    torch.testing.assert_close(response[0, 2], torch.ones_like(still[0]), rtol=0, atol=1e-14)
    torch.testing.assert_close(response[0, :2].mean(-1) * 6.0, torch.ones(2, 1, dtype=torch.float64))


# Between walls ---------------------------------------------------------------------------------


def bounded(equation: str, **changes: Any) -> dict[str, Any]:
    """Good values of an equation, some of them changed."""
    return {"equation": equation, **GOOD_VALUES[equation].settings, **changes}


@pytest.mark.parametrize("equation", BOUNDED)
def test_equations_between_walls_have_the_points_that_they_need(equation: str) -> None:
    """On the walls, beside them or at cell centres; and they can be advanced under their largest action."""
    simulation = build(bounded(equation))
    x, count = simulation.grid.coordinates["x"], simulation.grid.shape[0]
    first = {"burgers_dirichlet": 1 / (count + 1), "heat": 0.5 / count}.get(equation, 0.0)
    np.testing.assert_allclose([x[0], x[-1]], [first, 1.0 - first], rtol=1e-12)
    start = torch.tensor(simulation.initial_state(np.random.default_rng(0), amplitude=1.0))[None]
    after = simulation.advance(start, torch.tensor(simulation.actuators.high)[None])
    assert not simulation.blown_up(after).any()
    assert not torch.equal(after, simulation.advance(start, torch.tensor(simulation.actuators.low)[None]))


def test_walls_are_plain_data() -> None:
    """A plate between four kinds of walls is the one built by hand; its actions come in the order of the walls."""
    walls = {"left": {"kind": "dirichlet", "value": 1.0}, "top": {"kind": "neumann", "value": -0.5}, "right": None}
    plate = build(
        bounded("heat", dimensions=2, num_points=[8, 6], domain_extent=[1.0, 0.5], walls=walls)
        | {"boundary_values": [{"walls": ["left"], "limit": 1.0}, {"walls": ["right", "top"], "limit": 2.0}]}
    )
    assert isinstance(plate, Heat)
    assert plate.walls["left"] == Wall("dirichlet", 1.0)
    assert plate.walls["top"] == Wall("neumann", -0.5)
    assert plate.walls["right"] == plate.walls["bottom"] == Wall("dirichlet", 0.0)
    assert plate.actuators.names == ("left", "right", "top")
    assert plate.actuators.high.tolist() == [1.0, 2.0, 2.0]


def test_jets_and_actions_at_walls_add_up() -> None:
    """In the order of the catalogue, with different bounds."""
    jets = {"count": 2, "width": 0.1, "limit": 3.0}
    simulation = build(bounded("reaction_diffusion", jets=jets))
    assert simulation.actuators.names == ("jet_0", "jet_1", "right")
    assert simulation.actuators.high.tolist() == [3.0, 3.0, 20.0]


@pytest.mark.parametrize(
    ("equation", "changes", "problem"),
    [
        ("burgers_dirichlet", {"order": 4}, "burgers_dirichlet: expected no order, which this equation does not have"),
        ("burgers_dirichlet", {"walls": {}}, "expected no walls"),
        ("burgers_dirichlet", {"dimensions": 2}, "expected dimensions 1, got 2"),
        ("burgers_dirichlet", {"jets": None, "sine_modes": {"modes": [1], "limit": 1.0}}, "Expected a periodic grid"),
        ("burgers_dirichlet", {"boundary_values": {"limit": 1.0}}, "expected actuators on u that act"),
        ("reaction_diffusion", {"boundary_values": {"walls": "right", "limit": 1.0}}, "walls as a list of names"),
        ("heat", {"walls": {"left": {"kin": "neumann"}}}, "unknown key 'walls.left.kin', did you mean 'kind'?"),
        ("heat", {"walls": {"left": {"kind": "robin"}}}, "walls.left: heat: expected a wall of kind dirichlet"),
        ("heat", {"walls": {"left": "neumann"}}, "expected walls.left as a mapping of kind, value, got 'neumann'"),
        ("heat", {"walls": 3}, "expected walls as a mapping"),
        ("heat", {"walls": {"front": {"kind": "neumann"}}}, "heat: expected walls left, right"),
        ("heat", {"num_points": 2.5}, "expected num_points as a whole number, got 2.5"),
        ("reaction_diffusion", {"steps_per_interval": 2}, "Use steps_per_interval >= 102"),
    ],
)
def test_what_equations_between_walls_do_not_take_is_told(equation: str, changes: dict[str, Any], problem: str) -> None:
    """By the name of its key."""
    with pytest.raises(ValueError) as refused:
        build(bounded(equation, **changes))
    assert problem in str(refused.value)


def test_all_problems_between_walls_are_told_at_once() -> None:
    """Walls, points and actuators together."""
    with pytest.raises(ValueError, match="expected num_points as a whole number") as refused:
        build(bounded("heat", walls={"left": {"kind": "robin"}, "top": 1}, num_points=2.5, control_interval=-1.0))
    for problem in ("walls.left", "walls.top", "control_interval > 0"):
        assert problem in str(refused.value)
