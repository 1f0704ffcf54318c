from collections.abc import Mapping
from typing import Any

import pytest

from simulations import CATALOGUE, build


def test_every_equation_is_listed_under_its_own_name() -> None:
    """The name in the catalogue is the one that messages and datasets carry."""
    assert {name: equation.equation for name, equation in CATALOGUE.items()} == {name: name for name in CATALOGUE}


def test_settings_become_the_simulation_they_describe(case: Any) -> None:
    """Grid, interval, steps and number of jets are those of the settings; exact."""
    simulation = case.build()
    assert simulation.equation == case.settings["equation"]
    assert simulation.grid.num_points == case.settings["num_points"]
    assert simulation.grid.domain_extent == case.settings["domain_extent"]
    assert simulation.integrator.step * case.settings["steps_per_interval"] == case.settings["control_interval"]
    assert len(simulation.actuators) == case.settings["jets"]["count"]


def test_unknown_equations_are_refused_with_the_known_ones(cases: Mapping[str, Any]) -> None:
    """A misspelt name is answered with the list of names that work."""
    settings = {**cases["burgers"].settings, "equation": "burger"}
    with pytest.raises(ValueError, match=r"Unknown equation 'burger'\. Known: .*burgers.*kuramoto_sivashinsky"):
        build(settings)
