"""T4 and T5: a linear task with a known optimum, and one-dimensional chaos."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from sciwm.benchmarks.control.harness import Policy, Reference, row, run, within
from sciwm.benchmarks.results import Row
from sciwm.config import GradientSettings
from sciwm.planning import (
    Cost,
    GradientPlanner,
    Hold,
    Imagined,
    LinearFeedback,
    OutputFeedback,
    RecedingHorizon,
    action_energy,
    field_target,
    kalman_filter,
    linear_law,
    linearize,
)
from simulations.tasks import Scenario, Task
from simulations.tasks.chaos import Chaos
from simulations.tasks.convection import NOISE_VARIANCE, SENSOR_SPACING, Convection, pulse


def convection(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T4: no control, LQR, and LQG whose filter starts from three estimates."""
    episodes = 20 if quick else 100
    task = Convection()
    plant, name = task.simulation, "T4 convection"
    scenario = task.draw(rng, episodes)
    points, actions = plant.grid.shape[0], len(plant.actuators)
    rest = torch.zeros(1, points, dtype=torch.float64)
    squares = points * field_target(plant, rest) + actions * action_energy()
    began = time.perf_counter()
    none = run(task, scenario, Hold(plant.actuators)).rewards.sum(0)
    rows = [row(name, "none", "return", none, within(-2786, 0.05), began)]
    law = linear_law(plant, squares, rest)
    lqr = run(task, scenario, LinearFeedback(plant, law)).rewards.sum(0)
    rows.append(row(name, "LQR", "return", lqr, Reference("-33.7 to -34.1", -34.1 * 1.03, -33.7 * 0.97), began))
    sensors = torch.eye(points, dtype=torch.float64)[::SENSOR_SPACING]
    starts = {
        "the true state": (scenario.start[:, 0], within(-40.1, 0.03)),
        "the mean start": (torch.tensor(pulse(plant.grid, 1.0, 0.05)).expand(episodes, -1), within(-48.2, 0.03)),
        "zero": (torch.zeros_like(scenario.start[:, 0]), within(-1030, 0.03)),
    }
    kalman = kalman_filter(plant, rest, sensors, sensor_variance=NOISE_VARIANCE, start=scenario.start[:, 0])
    for start, (estimate, reference) in starts.items():
        began = time.perf_counter()
        feedback = OutputFeedback(law, replace(kalman, estimate=estimate), plant)
        noise = np.random.default_rng(1)
        lqg = run(task, scenario, partial(_through_sensors, task, scenario, feedback, noise)).rewards.sum(0)
        rows.append(row(name, f"LQG, filter from {start}", "return", lqg, reference, began))
    return rows


def _through_sensors(
    task: Task, scenario: Scenario, feedback: OutputFeedback, noise: np.random.Generator, fields: Tensor, interval: int
) -> Tensor:
    return feedback(task.observe(scenario, fields, noise), interval)


def chaos(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T5: equilibria, controllability, LQR, and least dissipation by gradients through the solver."""
    episodes, name = (8 if quick else 32), "T5 chaos"
    rows = []
    for waves, energy in ((1, 0.26087), (2, 0.43816), (3, 1.5876)):
        began = time.perf_counter()
        state = torch.tensor(Chaos(f"E{waves}").target)  # type: ignore[arg-type]
        rows.append(
            row(name, f"E{waves}", "energy <u²>/2", [float(state.square().mean() / 2)], within(energy, 1e-4), began)
        )
    rest = torch.zeros(1, 64, dtype=torch.float64)
    nothing, something = Reference("0", high=1e-10), Reference("> 0", low=1e-3)
    for jets, reference in ((4, nothing), (5, something), (6, nothing), (8, something)):
        began = time.perf_counter()
        reach = weakest_reach(Chaos(jets=jets), rest)
        rows.append(row(name, f"{jets} jets", "weakest reach of a growing mode", [reach], reference, began))
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
                last = Reference("3e-14", high=1e-10)
                rows.append(row(name, controller, "<u²>, 8 jets, last 10 intervals", loss[-10:].mean(0), last, began))
    return rows + least_dissipation(quick, rng)


def least_dissipation(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T5b: least dissipation with four jets, by gradients through the solver."""
    episodes, name = (2 if quick else 8), "T5 chaos"
    task = Chaos("dissipation", steps_per_interval=2)
    if quick:
        task.intervals = 20
    plant, scenario = task.simulation, task.draw(rng, episodes, dtype=torch.float32)

    def dissipated(imagined: Imagined) -> Tensor:
        fields = imagined.readouts["fields"]
        return plant.dissipation(fields.flatten(0, 1)).view(fields.shape[:2]).sum(dim=1)

    cost = Cost(frozenset({"fields"}), dissipated)
    adjoint = RecedingHorizon(plant, GradientPlanner(20, GradientSettings(iterations=6, learning_rate=0.2)), cost)
    rows = []
    for controller, policy, reference in (
        ("none", Hold(plant.actuators), within(0.927, 0.1)),
        ("gradient through the solver", adjoint, Reference("0.32", high=0.35)),
    ):
        began = time.perf_counter()
        loss = -run(task, scenario, policy, f"T5b {controller}").rewards
        rows.append(row(name, controller, "<u_xx²>, 4 jets", loss.mean(0), None if quick else reference, began))
    return rows


def weakest_reach(task: Chaos, rest: Tensor) -> float:
    """Controllability of the least controllable growing mode about rest: 0 if it cannot be controlled.

    Modes of one growth rate, such as a sine and its cosine, are taken together: by Hautus' test they are
    controllable if their left eigenvectors, times B, have full rank. The value is the smallest singular value.
    """
    _, _, transition, control = (m.numpy() for m in linearize(task.simulation, rest))
    rates, vectors = np.linalg.eigh((transition + transition.T) / 2)  # constant coefficients: A is symmetric
    growing = np.unique(rates[rates > 1 + 1e-9].round(9))
    groups = [vectors[:, np.abs(rates - rate) < 1e-8] for rate in growing]
    return float(min(np.linalg.svd(group.T @ control, compute_uv=False)[group.shape[1] - 1] for group in groups))
