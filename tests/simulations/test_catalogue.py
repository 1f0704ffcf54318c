import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from cases.case import Case

from simulations import CATALOGUE, build


def test_every_equation_is_listed_under_its_own_name_and_tested(cases: Mapping[str, Case]) -> None:
    """The name in the catalogue is the one that messages and datasets carry, and some case of tests/cases has it."""
    assert {name: equation.equation for name, equation in CATALOGUE.items()} == {name: name for name in CATALOGUE}
    tested = {(case.settings["equation"], len(case.coarse().build().grid.shape)) for case in cases.values()}
    wanted = {(name, dimensions) for name, equation in CATALOGUE.items() for dimensions in equation.num_spatial_dims}
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
    with pytest.raises(ValueError, match="kuramoto_sivashinsky: expected a 1D grid, got 2D"):
        cases["kuramoto_sivashinsky"].coarse().build(dimensions=2)


def test_unknown_equations_are_refused_with_the_known_ones(cases: Mapping[str, Case]) -> None:
    """A misspelt name is answered with the list of names that work."""
    settings = {**cases["burgers"].settings, "equation": "burger"}
    with pytest.raises(ValueError, match=r"Unknown equation 'burger'\. Known: .*burgers.*kuramoto_sivashinsky"):
        build(settings)
