"""Every equation of the catalogue with good values and its mathematics, and what tests draw from it."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: waiting threads must not spin
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations import CATALOGUE, Simulation, build

torch.set_num_threads(1)
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """What tests need to know of an equation, written down independently of its code.

    Args:
        settings: good values for ``simulations.build``, with a number of points divisible by the jets.
        growth_rate: growth rate of an infinitesimal wave of wavenumber k.
        tendency: ``u_t`` of the unforced equation from ``(u, u_x, u_xx, u_xxx, u_xxxx)``.
        parity: sign that u takes under ``x -> -x``.
        galilean: whether ``u(x - c t, t) + c`` solves the unforced equation if ``u`` does.
    """

    settings: Mapping[str, Any]
    growth_rate: Callable[[Array], Array]
    tendency: Callable[[Sequence[Array]], Array]
    parity: int
    galilean: bool

    def build(self, **changes: Any) -> Simulation:
        """The simulation at the good values, some of them changed."""
        return build({**self.settings, **changes})

    def coarse(self) -> "Case":
        """The same equation on few points and steps, for what does not depend on accuracy."""
        changes = {"num_points": 32, "steps_per_interval": 2, "jets": {"count": 2, "width": 1.0, "limit": 1.0}}
        return replace(self, settings={**self.settings, **changes})


CASES = {
    "burgers": Case(
        settings={
            "equation": "burgers",
            "num_points": 128,
            "domain_extent": 2 * np.pi,
            "control_interval": 0.05,
            "steps_per_interval": 4,
            "parameters": {"viscosity": 0.05},
            "jets": {"count": 4, "width": 0.2, "limit": 1.0},
        },
        growth_rate=lambda k: -0.05 * k**2,
        tendency=lambda u: -u[0] * u[1] + 0.05 * u[2],
        parity=-1,
        galilean=True,
    ),
    "kuramoto_sivashinsky": Case(
        settings={
            "equation": "kuramoto_sivashinsky",
            "num_points": 64,
            "domain_extent": 22.0,
            "control_interval": 0.25,
            "steps_per_interval": 4,
            "parameters": {},
            "jets": {"count": 8, "width": 0.4, "limit": 1.0},
        },
        growth_rate=lambda k: k**2 - k**4,
        tendency=lambda u: -u[0] * u[1] - u[2] - u[4],
        parity=-1,
        galilean=True,
    ),
}


@pytest.fixture(params=sorted(CATALOGUE))
def case(request: pytest.FixtureRequest) -> Case:
    """Each equation of the catalogue in turn."""
    if request.param not in CASES:
        pytest.fail(f"'{request.param}' is in the catalogue: describe it in CASES of tests/conftest.py to test it.")
    return CASES[request.param]


@pytest.fixture
def simulation(case: Case) -> Simulation:
    """Each equation of the catalogue at its good values."""
    return case.build()


@pytest.fixture(scope="session")
def cases() -> Mapping[str, Case]:
    """The cases by name, for tests of one equation."""
    return CASES


@pytest.fixture(scope="session")
def draw_states() -> Callable[..., Tensor]:
    """``draw_states(simulation, batch)``: random smooth starts of unit root mean square, ``(batch, channel, x)``."""

    def draw(simulation: Simulation, batch: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
        rng = np.random.default_rng(0)
        return torch.tensor(np.stack([simulation.initial_state(rng, amplitude=1.0) for _ in range(batch)]), dtype=dtype)

    return draw


@pytest.fixture(scope="session")
def draw_actions() -> Callable[..., Tensor]:
    """``draw_actions(simulation, batch)``: actions uniform within the bounds, ``(batch, actuator)``."""

    def draw(simulation: Simulation, batch: int, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
        normalized = np.random.default_rng(seed).uniform(-1, 1, (batch, len(simulation.actuators)))
        return simulation.actuators.to_physical(torch.tensor(normalized, dtype=dtype))

    return draw


@pytest.fixture(scope="session")
def unforced() -> Callable[..., Tensor]:
    """``unforced(simulation, batch)``: no action at all, ``(batch, actuator)``."""

    def zeros(simulation: Simulation, batch: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
        return torch.zeros(batch, len(simulation.actuators), dtype=dtype)

    return zeros
