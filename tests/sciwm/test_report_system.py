"""What stands under the title: the equation in print, its constants, the domain, the actuators in words."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sciwm.config import Config
from sciwm.config.simulation import SimulationSettings
from sciwm.model import WorldModel
from sciwm.report.contents import Results
from sciwm.report.equation_text import EQUATIONS, typeset
from sciwm.report.system_text import actuator_texts, constants_text, domain_text, wall_texts
from simulations import CATALOGUE

JETS = {"count": 4, "width": 0.8}


@pytest.fixture
def results_of(make_config: Callable[..., Config], model: WorldModel) -> Callable[..., Results]:
    """A run of the tiny experiment with other settings of its simulation."""

    def make(**simulation: Any) -> Results:
        config = make_config()
        settings = SimulationSettings.model_validate(config.simulation.model_dump() | simulation)
        config = config.model_copy(update={"simulation": settings})
        return Results(Path(), config, {}, model.domain, {}, [], {}, None)

    return make


def test_every_equation_is_in_print_with_a_symbol_for_each_of_its_parameters() -> None:
    assert set(EQUATIONS) == set(CATALOGUE)
    for name, text in EQUATIONS.items():
        assert set(text.symbols) == {p.name for p in CATALOGUE[name].parameters}, name
        whole = " ".join(text.lines)
        assert all(symbol in whole for symbol in text.symbols.values()), name
        assert len(set(text.symbols.values())) == len(text.symbols), name
        assert "f" in whole, "what the actuators add"


def test_indices_are_lowered_powers_raised_and_words_left_upright() -> None:
    assert typeset("u_t = D ∇^2 u + sin(k x)") == (
        "<i>u</i><sub>t</sub> = <i>D</i> ∇<sup>2</sup> <i>u</i> + sin(<i>k</i> <i>x</i>)"
    )
    assert "&lt;" in typeset("a < b")


def test_constants_are_those_of_the_run_or_the_defaults(results_of: Callable[..., Results]) -> None:
    assert constants_text(results_of()) == ["<i>ν</i> = 1 (hyperviscosity)"]
    assert constants_text(results_of(parameters={"viscosity": 0.5})) == ["<i>ν</i> = 0.5 (hyperviscosity)"]


def test_domain_has_units(results_of: Callable[..., Results]) -> None:
    text = domain_text(results_of())
    assert text == (
        "Periodic domain, length 22 length units; 32 points, 0.688 apart; one action every 0.25 time units."
    )
    results = results_of()
    metres = replace(results.domain, axes=tuple(replace(axis, units="m") for axis in results.domain.axes))
    assert "length 22 m;" in domain_text(replace(results, domain=metres))


@pytest.mark.parametrize(
    ("simulation", "expected"),
    [
        (
            {"jets": JETS},
            "4 Gaussian jets, 5.5 length units apart, of standard deviation 0.8, of unit integral; added to the "
            "tendency of the velocity u; actions from −1 to 1.",
        ),
        (
            {"jets": None, "boxes": {"intervals": [[0.0, 2.0]], "limit": 0.5}},
            "1 box, 1 inside [0.0, 2.0] and 0 outside; added to the tendency of the velocity u; actions from −0.5 "
            "to 0.5.",
        ),
        (
            {"jets": None, "sine_modes": {"modes": [1, 2]}},
            "4 waves along x, sine and cosine of the wavenumbers 1, 2 (per domain length); added to the tendency of "
            "the velocity u; actions from −1 to 1.",
        ),
        (
            {"jets": None, "uniform": {"limit": 2.0, "acts_on": "viscosity"}},
            "1 action, the same everywhere; added to the parameter viscosity (hyperviscosity); actions from −2 to 2.",
        ),
    ],
)
def test_actuators_in_words(results_of: Callable[..., Results], simulation: dict[str, Any], expected: str) -> None:
    assert actuator_texts(results_of(**simulation)) == [expected]


def test_walls_in_words(results_of: Callable[..., Results]) -> None:
    results = results_of(
        equation="heat",
        jets=None,
        boundary_values={"walls": ["left", "right"], "limit": 1.0},
        walls={"left": {"kind": "neumann", "value": 0.5}},
    )
    assert list(wall_texts(results)) == ["left wall taking in the flux 0.5"]
    assert actuator_texts(results)[0].startswith("2 actions, at the left and right walls; sets the field there")
    assert list(wall_texts(results_of())) == []
