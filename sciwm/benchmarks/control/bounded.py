"""T1, T2, T3 and T7: tasks on bounded domains, solved by adjoint gradients, by backstepping, and by sampling."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from sciwm.benchmarks.control.harness import Policy, Reference, row, run, within
from sciwm.benchmarks.results import Row
from sciwm.config import CEMSettings
from sciwm.planning import CEMPlanner, Cost, Hold, Imagined, RecedingHorizon, minimize
from sciwm.progress import bar
from simulations.tasks import Scenario
from simulations.tasks.backstepping import reaction_diffusion_policy, transport_policy
from simulations.tasks.burgers_target import LIMIT, BurgersTarget
from simulations.tasks.hidden_gain import ACTION_WEIGHT, FINAL_WEIGHT, HiddenGain
from simulations.tasks.reaction_to_rest import ReactionDiffusionTask
from simulations.tasks.rows import take_rows
from simulations.tasks.stabilization import Stabilization
from simulations.tasks.transport import Transport

CHUNK = 125
ITERATIONS = 60
MORE_ITERATIONS = 160


def burgers_target(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T1, FO-PC, open loop: planned once with 100 solver steps an interval, scored with the benchmark's 1000."""
    episodes, name = (4 if quick else 500), "T1 Burgers"
    began = time.perf_counter()
    task = BurgersTarget("FO-PC", steps_per_interval=100)
    scenario = task.draw(rng, episodes)
    nothing = torch.zeros(episodes, task.intervals, len(task.simulation.actuators))
    floor = Reference("0.118 to 0.138", 0.118, 0.138)
    rows = [row(name, "none", "J", task.score(scenario, nothing), floor, began)]
    for weight in (0.0,) if quick else (0.0, 1e-6, 1e-5):
        began = time.perf_counter()
        some = scenario if weight == 0 else take_rows(scenario, np.arange(100))
        actions = adjoint(task, some, weight, iterations=10 if quick else ITERATIONS)
        label = "adjoint L-BFGS" + (f", {weight:g} of the energy added" if weight else "")
        reference = Reference("6.75e-6", high=1e-5) if weight == 0 else None
        rows.append(row(name, label, "J", task.score(some, actions), reference, began))
        rows.append(row(name, label, "energy", task.energy(actions), Reference("709") if weight == 0 else None, began))
    return rows


def adjoint(task: BurgersTarget, scenario: Scenario, energy_weight: float, *, iterations: int) -> Tensor:
    """Plans ``(batch, interval, actuator)`` that minimise ``J + weight * energy``.

    The 5 % with the largest cost get more iterations.
    """
    count = len(scenario.start)
    plans, costs = [], []
    for chunk in bar(range(-(-count // CHUNK)), f"T1 adjoint, energy weight {energy_weight:g}"):
        part = take_rows(scenario, np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, count)))
        cost = _final_distance(task, part, energy_weight)
        start = torch.zeros(len(part.start), task.intervals, len(task.simulation.actuators))
        plan, reached = minimize(cost, start, low=-LIMIT, high=LIMIT, iterations=iterations)
        plans.append(plan)
        costs.append(reached)
    actions, reached = torch.cat(plans), torch.cat(costs)
    slow = reached.topk(max(1, count // 20)).indices
    part = take_rows(scenario, slow.numpy())
    more = MORE_ITERATIONS * iterations // ITERATIONS
    actions[slow], _ = minimize(
        _final_distance(task, part, energy_weight), actions[slow], low=-LIMIT, high=LIMIT, iterations=more
    )
    return actions


def _final_distance(task: BurgersTarget, scenario: Scenario, energy_weight: float) -> Callable[[Tensor], Tensor]:
    start, target = scenario.start.float(), scenario.target
    assert target is not None  # noqa: S101  (the task draws one)
    target = target.float()

    def cost(actions: Tensor) -> Tensor:
        state = start
        for action in actions.unbind(dim=1):
            state = task.simulation.advance(state, action)
        distance = (state - target).square().mean(dim=(1, 2))
        return distance + energy_weight * task.energy(actions) if energy_weight else distance

    return cost


def transport(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T2: returns from u = 1 and 10, and from random uniform starts."""
    known = {
        ("none", 1.0): within(-43.0, 0.01), ("none", 10.0): within(-430.0, 0.01),
        ("backstepping", 1.0): within(289.84, 0.01), ("backstepping", 10.0): Reference("198.38"),
        ("backstepping", None): Reference("243.06"),
    }  # fmt: skip
    return _returns("T2 transport", Transport, transport_policy, known, rng)


def reaction_diffusion(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T3: returns of the reaction-diffusion equation, as for T2."""
    if quick:
        return []
    known = {
        ("none", 1.0): within(-11.3, 0.01), ("none", 10.0): None,
        ("backstepping", 1.0): within(299.82, 0.01), ("backstepping", 10.0): within(298.23, 0.01),
        ("backstepping", None): within(298.98, 0.01),
    }  # fmt: skip
    return _returns("T3 reaction-diffusion", ReactionDiffusionTask, reaction_diffusion_policy, known, rng)


def _returns(
    name: str,
    make: Callable[[tuple[float, float]], Stabilization],
    backstepping: Callable[..., Policy],
    known: Mapping[tuple[str, float | None], Reference | None],
    rng: np.random.Generator,
) -> list[Row]:
    rows = []
    for (controller, level), reference in known.items():
        began = time.perf_counter()
        task = make((level, level) if level else (1.0, 10.0))
        policy = Hold(task.plant.actuators) if controller == "none" else backstepping(task.plant)
        episode = run(task, task.draw(rng, 1 if level else 50), policy)
        returns = task.published_return(episode.rewards.T, episode.actions.transpose(0, 1), episode.states[-1])
        measure = f"return from {level:g}" if level else "return from U(1, 10)"
        rows.append(row(name, controller, measure, returns, reference, began))
    return rows


def hidden_gain(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T7: no control, and sampling through the true equation with the true gain."""
    episodes, name = (10 if quick else 100), "T7 hidden gain"
    task = HiddenGain()
    scenario = task.draw(rng, episodes)
    plant = scenario.simulation

    def evaluate(imagined: Imagined) -> Tensor:
        squares = imagined.readouts["fields"][:, :, 0].square().mean(dim=2)
        effort = plant.actuators.to_physical(imagined.actions).square().sum(dim=(1, 2))
        return squares[:, :-1].sum(dim=1) + FINAL_WEIGHT * squares[:, -1] + ACTION_WEIGHT * effort

    planner = CEMPlanner(6, CEMSettings(iterations=3, samples=64, elites=8, deviation=0.9))
    oracle = RecedingHorizon(plant, planner, Cost(frozenset({"fields"}), evaluate))
    rows = []
    for controller, policy, reference in (
        ("none", Hold(plant.actuators), Reference("0.590 (0.518-0.666)", 0.518, 0.666)),
        ("CEM through the solver", oracle, Reference("0.161 (0.141-0.181)", high=0.181)),
    ):
        began = time.perf_counter()
        costs = -run(task, scenario, policy, f"T7 {controller}").rewards.sum(0)
        rows.append(row(name, controller, "cost", costs, reference, began))
    return rows
