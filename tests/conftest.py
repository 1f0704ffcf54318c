"""Every case of every equation in turn, and what tests draw from it."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: waiting threads must not spin
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start

from collections.abc import Callable, Mapping

import hypothesis
import numpy as np
import pytest
import torch
from cases import CASES
from cases.case import Case
from made_once import QuickDemo, made_once, make_quick_demo, quick_demo_in
from torch import Tensor

from simulations import Simulation

torch.set_num_threads(1)
os.fsync = lambda descriptor: None  # what tests write need not outlast a loss of power; waiting for a disk takes long
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")

LONGEST = ("test_readmes.py", "test_robustness.py", "test_physics_benchmark.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    """Each case of each equation in turn."""
    return CASES[request.param]


@pytest.fixture(scope="session", params=["kuramoto_sivashinsky", "navier_stokes_scalar"])
def representative(request: pytest.FixtureRequest) -> Case:
    """One field in 1D and several in 2D, on few points, for what is slow and does not depend on the equation."""
    return CASES[request.param].coarse()


@pytest.fixture
def simulation(case: Case) -> Simulation:
    """Each case on few points."""
    return case.coarse().build()


@pytest.fixture(scope="session")
def cases() -> Mapping[str, Case]:
    """The cases by name, for tests of one equation."""
    return CASES


@pytest.fixture(scope="session")
def draw_states() -> Callable[..., Tensor]:
    """``draw_states(simulation, batch)``: random smooth starts, ``(batch, channel, *space)``."""
    amplitudes = {case.settings["equation"]: case.amplitude for case in CASES.values()}

    def draw(simulation: Simulation, batch: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
        rng, amplitude = np.random.default_rng(0), amplitudes[simulation.equation]
        starts = [simulation.initial_state(rng, amplitude=amplitude) for _ in range(batch)]
        return torch.tensor(np.stack(starts), dtype=dtype)

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


@pytest.fixture(scope="session")
def quick_demo(tmp_path_factory: pytest.TempPathFactory) -> QuickDemo:
    """``sciwm demo --quick`` in an empty folder."""
    return quick_demo_in(made_once(tmp_path_factory, "quick_demo", make_quick_demo))
