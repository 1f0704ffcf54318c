"""The control tasks beside their published and known values: floor, optimum, and classical controllers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sciwm.benchmarks.results import Column, Row, text
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.planning import CEMPlanner, Cost, GradientPlanner, Hold, LinearFeedback, RecedingHorizon, action_energy
from sciwm.planning.costs import Imagined, field_target, functional
from sciwm.planning.estimation import OutputFeedback, kalman_filter
from sciwm.planning.linear import linear_law, linearize
from sciwm.progress import bar
from simulations.tasks.chaos import Chaos
from simulations.tasks.convection import NOISE_VARIANCE, SENSOR_SPACING, Convection, pulse
from simulations.tasks.hidden_gain import ACTION_WEIGHT, FINAL_WEIGHT, HiddenGain
from simulations.tasks.kolmogorov import Kolmogorov
from simulations.tasks.task import Scenario, Task

Policy = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Wanted:
    """What a row is held against.

    Args:
        known: the value it should have, as it stands in its source.
        low, high: between which the mean counts as reproduced.
    """

    known: str
    low: float = -np.inf
    high: float = np.inf


def within(known: float, share: float) -> Wanted:
    """A known value, to be met to a share of it."""
    margin = share * abs(known)
    return Wanted(f"{known:g}", known - margin, known + margin)


def row(
    task: str, controller: str, measure: str, values: Tensor | Sequence[float], wanted: Wanted | None, began: float
) -> Row:
    """One line of the table: mean, its bootstrap interval, and whether it is what was known."""
    sample = np.asarray(values, dtype=float).reshape(-1)
    mean = float(sample.mean())
    low, high = bootstrap_interval(sample) if len(sample) > 1 else (mean, mean)
    return {
        "task": task,
        "controller": controller,
        "measure": measure,
        "episodes": len(sample),
        "mean": mean,
        "interval": [low, high],
        "deviation": float(sample.std(ddof=1)) if len(sample) > 1 else None,
        "median": float(np.median(sample)),
        "known": wanted.known if wanted else None,
        "reproduced": bool(wanted.low <= mean <= wanted.high) if wanted else None,
        "seconds": time.perf_counter() - began,
    }


@dataclass(frozen=True)
class Episode:
    """One batch of episodes: rewards ``(interval, batch)`` and states ``(interval + 1, batch, channel, *space)``."""

    rewards: Tensor
    states: Tensor


@torch.no_grad()
def run(task: Task, scenario: Scenario, policy: Policy, label: str = "") -> Episode:
    """Play a task to its end; policies act in physical units."""
    fields, rewards, states = scenario.start, [], [scenario.start]
    for interval in bar(range(task.intervals), label) if label else range(task.intervals):
        action = scenario.simulation.actuators.clamp(policy(fields, interval))
        fields, reward = task.step(scenario, fields, action, interval)
        rewards.append(reward)
        states.append(fields)
    return Episode(torch.stack(rewards), torch.stack(states))


def convection(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T4: no control, LQR, and LQG from three first estimates."""
    episodes = 20 if quick else 100
    task = Convection()
    plant, name = task.simulation, "T4 convection"
    scenario = task.draw(rng, episodes)
    points, actions = plant.grid.shape[0], len(plant.actuators)
    rest = torch.zeros(1, points, dtype=torch.float64)
    squares = points * field_target(plant, rest) + actions * action_energy()
    began = time.perf_counter()
    none = run(task, scenario, Hold(plant.actuators)).rewards.sum(0)
    rows = [row(name, "none", "return", none, Wanted("-2786", -2786 * 1.2, -2786 / 1.2), began)]
    law = linear_law(plant, squares, rest)
    lqr = run(task, scenario, LinearFeedback(plant, law)).rewards.sum(0)
    rows.append(row(name, "LQR", "return", lqr, Wanted("-33.7 to -34.1", -34.1 * 1.03, -33.7 * 0.97), began))
    sensors = torch.eye(points, dtype=torch.float64)[::SENSOR_SPACING]
    starts = {
        "the true state": (scenario.start[:, 0], within(-40.1, 0.03)),
        "the mean start": (torch.tensor(pulse(plant.grid, 1.0, 0.05)).expand(episodes, -1), within(-48.2, 0.03)),
        "zero": (torch.zeros_like(scenario.start[:, 0]), within(-1030, 0.03)),
    }
    kalman = kalman_filter(plant, rest, sensors, sensor_variance=NOISE_VARIANCE, start=scenario.start[:, 0])
    for start, (estimate, wanted) in starts.items():
        began = time.perf_counter()
        feedback = OutputFeedback(law, replace(kalman, estimate=estimate), plant)
        noise = np.random.default_rng(1)
        lqg = run(task, scenario, partial(_through_sensors, task, scenario, feedback, noise)).rewards.sum(0)
        rows.append(row(name, f"LQG, filter from {start}", "return", lqg, wanted, began))
    return rows


def _through_sensors(
    task: Task, scenario: Scenario, feedback: OutputFeedback, noise: np.random.Generator, fields: Tensor, interval: int
) -> Tensor:
    return feedback(task.observe(scenario, fields, noise))


def chaos(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T5: equilibria, controllability, and the linear law; least dissipation by the gradient through the solver."""
    episodes, name = (8 if quick else 32), "T5 chaos"
    rows = []
    for waves, energy in ((1, 0.26087), (2, 0.43816), (3, 1.5876)):
        began = time.perf_counter()
        state = torch.tensor(Chaos(f"E{waves}").target)  # type: ignore[arg-type]
        rows.append(
            row(name, f"E{waves}", "energy <u²>/2", [float(state.square().mean() / 2)], within(energy, 1e-4), began)
        )
    rest = torch.zeros(1, 64, dtype=torch.float64)
    for jets, wanted in ((4, Wanted("0", high=1e-10)), (6, Wanted("0", high=1e-10)), (8, Wanted("> 0", low=1e-3))):
        began = time.perf_counter()
        reach = weakest_reach(Chaos(jets=jets), rest)
        rows.append(row(name, f"{jets} jets", "weakest reach of a growing mode", [reach], wanted, began))
    for jets in (8, 5):
        began = time.perf_counter()
        task = Chaos(jets=jets)
        plant, scenario = task.simulation, task.draw(rng, episodes)
        squares = field_target(plant, rest) + 0.01 * action_energy()
        law = linear_law(plant, squares, rest)
        policies: dict[str, Policy] = {"LQR": LinearFeedback(plant, law)}
        if jets == 8:
            policies = {"none": Hold(plant.actuators)} | policies
        for controller, policy in policies.items():
            loss = -run(task, scenario, policy).rewards
            known = {("none", 8): within(1.414, 0.05), ("LQR", 8): within(0.060, 0.15), ("LQR", 5): None}
            measure = f"<u²>, {jets} jets, first 160 intervals"
            rows.append(row(name, controller, measure, loss[:160].mean(0), known[controller, jets], began))
            if jets == 8 and controller == "LQR":
                last = Wanted("3e-14", high=1e-10)
                rows.append(row(name, controller, "<u²>, 8 jets, last 10 intervals", loss[-10:].mean(0), last, began))
    return rows + least_dissipation(quick, rng)


def least_dissipation(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T5b: four jets; the second half of the episode, after the approach."""
    episodes, name = (2 if quick else 8), "T5 chaos"
    task = Chaos("dissipation", steps_per_interval=2)
    if quick:
        task.intervals = 20
    plant, scenario = task.simulation, task.draw(rng, episodes, dtype=torch.float32)

    def dissipated(imagined: Imagined) -> Tensor:
        fields = imagined.readouts["fields"]
        return plant.dissipation(fields.flatten(0, 1)).view(fields.shape[:2]).sum(dim=1)

    cost = Cost(frozenset({"fields"}), dissipated)
    adjoint = RecedingHorizon(plant, GradientPlanner(horizon=20, iterations=6, learning_rate=0.2), cost)
    rows = []
    for controller, policy, wanted in (
        ("none", Hold(plant.actuators), within(0.927, 0.1)),
        ("gradient through the solver", adjoint, Wanted("0.32", high=0.35)),
    ):
        began = time.perf_counter()
        loss = -run(task, scenario, policy, f"T5b {controller}").rewards
        rows.append(row(name, controller, "<u_xx²>, 4 jets", loss.mean(0), None if quick else wanted, began))
    return rows


def weakest_reach(task: Chaos, rest: Tensor) -> float:
    """Smallest singular value of the actions' effect on the modes that grow about rest."""
    _, _, transition, control = (m.numpy() for m in linearize(task.simulation, rest))
    rates, vectors = np.linalg.eigh((transition + transition.T) / 2)  # constant coefficients: A is symmetric
    growing = vectors[:, rates > 1 + 1e-9]
    return float(np.linalg.svd(growing.T @ control, compute_uv=False)[-1] if growing.shape[1] <= control.shape[1] else
                 np.linalg.svd(control.T @ growing, compute_uv=False).min())  # fmt: skip


def kolmogorov(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T6: dissipation and a reachable target, by the gradient through the solver."""
    episodes, name = (1 if quick else 4), "T6 Kolmogorov"
    task = Kolmogorov(num_points=32 if quick else 64)
    plant, scenario = task.simulation, task.draw(rng, 2 if quick else 8, dtype=torch.float32)
    began = time.perf_counter()
    task.intervals = 16 if quick else 160
    floor = -run(task, scenario, Hold(plant.actuators), "T6 no control").rewards.mean(0)
    rows = [row(name, "none", "dissipation, 40 time units", floor, within(0.136, 0.1), began)]
    task.intervals = 8 if quick else 32
    few = Scenario(plant, scenario.start[:episodes])
    adjoint = RecedingHorizon(
        plant, GradientPlanner(horizon=8, iterations=5, learning_rate=0.3), functional("enstrophy")
    )
    began = time.perf_counter()
    loss = -run(task, few, adjoint, "T6a gradient").rewards
    measure = f"dissipation, intervals {len(loss) - 7}-{len(loss)}"
    rows.append(
        row(name, "gradient through the solver", measure, loss[-8:].mean(0), Wanted("0.042", high=0.045), began)
    )
    return rows + reach_target(quick, rng)


def reach_target(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T6b: one plan of 16 intervals, 60 gradients."""
    episodes, name = (1 if quick else 4), "T6 Kolmogorov"
    task = Kolmogorov("target", num_points=32 if quick else 64)
    plant, scenario = task.simulation, task.draw(rng, episodes, dtype=torch.float32)
    cost = Cost(frozenset({"fields"}), lambda i: task.distance(scenario, i.readouts["fields"][:, -1]))
    rows = []
    for evaluations, wanted in ((0, Wanted("0.96")), (10, Wanted("0.36")), (60, Wanted("0.019", high=0.03))):
        if quick and evaluations > 10:
            continue
        began = time.perf_counter()
        planner = GradientPlanner(horizon=task.intervals, iterations=evaluations, learning_rate=0.15)
        plan = planner.plan(plant, scenario.start, cost)
        end = run(task, scenario, partial(_replay, plan.actions)).states[-1]
        label = f"gradient through the solver, {evaluations} evaluations" if evaluations else "none"
        rows.append(
            row(name, label, "relative square error at the target", task.distance(scenario, end), wanted, began)
        )
    return rows


def _replay(actions: Tensor, fields: Tensor, interval: int) -> Tensor:
    return actions[:, interval]


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

    planner = CEMPlanner(horizon=6, iterations=3, samples=64, elites=8, deviation=0.9)
    oracle = RecedingHorizon(plant, planner, Cost(frozenset({"fields"}), evaluate))
    rows = []
    for controller, policy, wanted in (
        ("none", Hold(plant.actuators), Wanted("0.590 (0.518-0.666)", 0.518, 0.666)),
        ("CEM through the solver", oracle, Wanted("0.161 (0.141-0.181)", high=0.181)),
    ):
        began = time.perf_counter()
        costs = -run(task, scenario, policy, f"T7 {controller}").rewards.sum(0)
        rows.append(row(name, controller, "cost", costs, wanted, began))
    return rows


TASKS = (convection, chaos, kolmogorov, hidden_gain)


def measure(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Every task in turn; the starts depend on the seed alone."""
    rows = []
    for seed in seeds:
        for number, task in enumerate(TASKS):
            rows += task(quick, np.random.default_rng([seed, number]))
    return rows


def columns() -> list[Column]:
    """The table of the README."""
    return [
        Column("task", text("task")),
        Column("controller", text("controller")),
        Column("measure", text("measure")),
        Column("episodes", text("episodes")),
        Column(
            "mean (95 % interval)", lambda r, _: f"{r['mean']:.4g} ({r['interval'][0]:.4g} to {r['interval'][1]:.4g})"
        ),
        Column("known", lambda r, _: r["known"] or "-"),
        Column("reproduced", lambda r, _: {True: "yes", False: "no", None: "-"}[r["reproduced"]]),
    ]
