"""Results depend on the arguments, not on what the caller has set in torch for something else."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
import torch
from cases import CASES
from torch import Tensor

from simulations import GOOD_VALUES, Simulation, build
from simulations.environments import SimulationEnvironment
from simulations.equations.allen_cahn import AllenCahn

BETWEEN_WALLS = ("burgers_dirichlet", "burgers_hidden_gain", "heat", "reaction_diffusion", "transport_recirculation")
EQUATIONS = ("allen_cahn", "burgers", *BETWEEN_WALLS)


@contextmanager
def default(dtype: torch.dtype) -> Iterator[None]:
    """Another default precision, put back at the end."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def gradients(simulation: Simulation, state: Tensor, action: Tensor) -> tuple[Tensor, ...]:
    """Of the final mean square, for the state and the action."""
    leaves = [state.clone().requires_grad_(), action.clone().requires_grad_()]
    return torch.autograd.grad(simulation.advance(*leaves).square().sum(), leaves)


MODES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "double by default": lambda: default(torch.float64),
    "half by default": lambda: default(torch.float16),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no device by default": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference mode": torch.inference_mode,
}


def made(equation: str) -> Simulation:
    """An equation on few points, or as its good values say."""
    if equation in CASES:
        return CASES[equation].coarse().build()
    few = {"control_interval": 0.005, "steps_per_interval": 10} if equation == "burgers_hidden_gain" else {}
    return build({"equation": equation, **GOOD_VALUES[equation].settings, **few})


def inputs(simulation: Simulation, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two states and actions."""
    rng, amplitude = np.random.default_rng(0), GOOD_VALUES[simulation.equation].amplitude
    states = np.stack([simulation.initial_state(rng, amplitude=amplitude) for _ in range(2)])
    actions = rng.uniform(simulation.actuators.low / 2, simulation.actuators.high / 2, (2, len(simulation.actuators)))
    return torch.tensor(states, dtype=dtype, device="cpu"), torch.tensor(actions, dtype=dtype, device="cpu")


def results(simulation: Simulation, state: Tensor, action: Tensor) -> list[Tensor]:
    """What all verbs give."""
    end, fluxes = simulation.advance_with_fluxes(state, action)
    parts = [part for budget in fluxes.values() for part in (budget.source, budget.output)]
    rates = [*simulation.rates(state), *simulation.functionals(state).values(), *simulation.derivatives(state).values()]
    return [simulation.advance(state, action), end, *parts, *rates]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_solver_gives_the_same_bits_in_every_mode(equation: str) -> None:
    """Used before, and made in the mode; what was made in it serves gradients after it."""
    before = made(equation)
    state, action = inputs(before, torch.float32)
    expected, slopes = results(before, state, action), gradients(before, state, action)
    for name, mode in MODES.items():
        with mode():
            inside = made(equation)
            found = [[value.clone() for value in results(s, state, action)] for s in (before, inside)]
        for values in found:
            for value, wanted in zip(values, expected, strict=True):
                assert value.dtype == wanted.dtype and torch.equal(value, wanted), name
        for slope, wanted in zip(gradients(inside, state, action), slopes, strict=True):
            assert torch.equal(slope, wanted), name


def test_an_equation_of_ones_own_is_exact_under_autocast_too() -> None:
    """A verb with a matrix product of single precision, which autocast would round to three digits."""

    class Mixed(AllenCahn):
        def functionals(self, fields: Tensor) -> dict[str, Tensor]:
            return super().functionals(fields) | {"product": (fields @ fields.mT).sum(dim=(1, 2))}

    base = CASES["allen_cahn"].coarse().build()
    mixed = Mixed(base.grid, base.profiles, parameters={}, control_interval=0.1, steps_per_interval=2)
    state, _ = inputs(base, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = mixed.functionals(state)["product"]
    assert torch.equal(found, (state @ state.mT).sum(dim=(1, 2)))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_simulation_that_was_sent_to_another_process_gives_the_same_bits(equation: str) -> None:
    """Before and after its first use."""
    simulation = made(equation)
    state, action = inputs(simulation, torch.float64)
    fresh = pickle.loads(pickle.dumps(simulation))  # noqa: S301 - of our own making
    expected = results(simulation, state, action)
    for copy in (fresh, pickle.loads(pickle.dumps(simulation))):  # noqa: S301 - of our own making
        assert all(torch.equal(a, b) for a, b in zip(results(copy, state, action), expected, strict=True))


def test_an_environment_does_not_depend_on_the_default_precision() -> None:
    """Half precision by default, from its making on: the same observations and rewards."""

    def episode() -> list[object]:
        environment = SimulationEnvironment("heat", {"sensors": {"every": 4, "noise": 0.1}})
        seen = [environment.reset(seed=0)[0].tolist()]
        return [*seen, *(environment.step(np.full(environment.action_space.shape, 0.3))[:2] for _ in range(2))]

    expected = episode()
    with default(torch.float16):
        assert str(episode()) == str(expected)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_first_use_within_nested_transforms_leaves_nothing_behind(equation: str) -> None:
    """Tables that were made within a transform belonged to it, and every later gradient failed."""
    good = GOOD_VALUES[equation]
    fresh, used = (build({"equation": equation, **good.settings}) for _ in range(2))
    state = torch.tensor(fresh.initial_state(np.random.default_rng(0), amplitude=good.amplitude))[None]
    action = fresh.actuators.to_physical(torch.full((len(fresh.actuators),), 0.1, dtype=torch.float64))

    def cost_of(simulation: Simulation) -> Callable[[Tensor], Tensor]:
        return lambda action: simulation.advance(state, action[None]).square().sum()

    right = torch.func.grad(cost_of(used))(action)
    torch.func.jacrev(torch.func.grad(cost_of(fresh)))(action)
    assert torch.equal(torch.func.grad(cost_of(fresh))(action), right)
