"""T6: two-dimensional turbulence under vortex actuators, controlled by gradients through the solver."""

import time

import numpy as np
import torch

from sciwm.benchmarks.control.harness import Reference, replay, row, run, within
from sciwm.benchmarks.results import Row
from sciwm.config import GradientSettings
from sciwm.planning import Cost, GradientPlanner, Hold, RecedingHorizon, functional
from simulations.tasks import Scenario
from simulations.tasks.kolmogorov import Kolmogorov


def kolmogorov(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T6: least dissipation, a reachable target, and mixing."""
    episodes, name = (1 if quick else 4), "T6 Kolmogorov"
    task = Kolmogorov(num_points=32 if quick else 64)
    plant, scenario = task.simulation, task.draw(rng, 2 if quick else 8, dtype=torch.float32)
    began = time.perf_counter()
    task.intervals = 16 if quick else 160
    floor = -run(task, scenario, Hold(plant.actuators), "T6 no control").rewards.mean(0)
    rows = [row(name, "none", "dissipation, 40 time units", floor, within(0.136, 0.1), began)]
    task.intervals = 8 if quick else 32
    few = Scenario(plant, scenario.start[:episodes])
    receding = GradientPlanner(8, GradientSettings(iterations=5, learning_rate=0.3))
    whole = GradientPlanner(task.intervals, GradientSettings(iterations=5 if quick else 100, learning_rate=0.15))
    began = time.perf_counter()
    plan = whole.plan(plant, few.start, functional("enstrophy"))
    for controller, policy, reference in (
        ("none", Hold(plant.actuators), None),
        (
            "gradient, receding by 8 intervals",
            RecedingHorizon(plant, receding, functional("enstrophy")),
            Reference("0.042"),
        ),
        ("gradient, whole episode", replay(plan.actions), Reference("0.042", high=0.045)),
    ):
        loss = -run(task, few, policy, f"T6a {controller}").rewards
        measure = f"dissipation, intervals {len(loss) - 7}-{len(loss)}"
        rows.append(row(name, controller, measure, loss[-8:].mean(0), reference, began))
    return rows + reach_target(quick, rng) + mix(quick, rng)


def reach_target(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T6b: reach a target with one plan of 16 intervals, after 0, 10 and 60 evaluations of the gradient."""
    episodes, name = (1 if quick else 4), "T6 Kolmogorov"
    task = Kolmogorov("target", num_points=32 if quick else 64)
    plant, scenario = task.simulation, task.draw(rng, episodes, dtype=torch.float32)
    cost = Cost(frozenset({"fields"}), lambda i: task.distance(scenario, i.readouts["fields"][:, -1]))
    rows = []
    for evaluations, reference in (
        (0, Reference("0.96")),
        (10, Reference("0.36")),
        (60, Reference("0.019", high=0.03)),
    ):
        if quick and evaluations > 10:
            continue
        began = time.perf_counter()
        planner = GradientPlanner(task.intervals, GradientSettings(iterations=evaluations, learning_rate=0.15))
        plan = planner.plan(plant, scenario.start, cost)
        end = run(task, scenario, replay(plan.actions)).states[-1]
        label = f"gradient through the solver, {evaluations} evaluations" if evaluations else "none"
        rows.append(
            row(name, label, "relative square error at the target", task.distance(scenario, end), reference, began)
        )
    return rows


def mix(quick: bool, rng: np.random.Generator) -> list[Row]:
    """T6c: mix a scalar; its variance, half its mean square, after 32 intervals."""
    episodes, name = (1 if quick else 4), "T6 Kolmogorov"
    task = Kolmogorov("mixing", num_points=32 if quick else 64)
    task.intervals = 4 if quick else task.intervals
    plant, scenario = task.simulation, task.draw(rng, episodes, dtype=torch.float32)
    planner = GradientPlanner(8, GradientSettings(iterations=5, learning_rate=0.3))
    adjoint = RecedingHorizon(plant, planner, functional("scalar_variance"))
    rows = []
    for controller, policy in (("none", Hold(plant.actuators)), ("gradient through the solver", adjoint)):
        began = time.perf_counter()
        end = run(task, scenario, policy, f"T6c {controller}").states[-1]
        variance = plant.functionals(end)["scalar_variance"]
        rows.append(row(name, controller, "scalar variance at the end", variance, None, began))
    return rows
