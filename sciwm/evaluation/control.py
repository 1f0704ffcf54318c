"""Closed-loop control of the true simulation, through the world model and by reference controllers.

The reference controllers plan through the true solver: they show what can be reached with the equations known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.config import Config, GradientSettings
from sciwm.data import recipe
from sciwm.dynamics import Dynamics, readout_trajectory
from sciwm.errors import InputError, Problem, counted
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.model import WorldModel
from sciwm.planning import (
    Hold,
    LinearFeedback,
    RecedingHorizon,
    build_planner,
    linear_law,
    mean_square_distance,
    planning_cost,
)
from simulations import Episodes, Simulation, build, run_episodes
from simulations.episode import Policy
from simulations.generate import Progress, attractor_states
from simulations.good_values import GOOD_VALUES

CONTROLLERS = {
    "none": "no control",
    "world_model": "world model",
    "lqr": "LQR on the true linearisation",
    "oracle_cem": "CEM through the true solver",
    "adjoint": "gradient through the true solver",
}

LARGEST_LINEARIZED = 512
"""Largest state of the true solver, in numbers, whose linear law is computed; it takes about ten seconds."""


@dataclass(frozen=True)
class ControlTask:
    """The task of driving states of the true simulation to a target and holding them there.

    Args:
        config: Planner, horizon, and the solver step that the reference controllers plan with.
        simulation: The true simulation, which is controlled.
        starts: Held-out states ``(episode, variable, *space)``.
        target: Fields ``(variable, *space)``, NaN where they may take any value.
    """

    config: Config
    simulation: Simulation
    starts: Tensor
    target: Tensor

    def reference_solver(self) -> Simulation:
        """The true solver that reference controllers plan through, with a coarser step if the configuration says so."""
        settings = self.config.simulated()[0].model_dump()
        steps = self.config.control.oracle_steps_per_interval or settings["steps_per_interval"]
        return build(settings | {"steps_per_interval": steps})

    def references(self) -> dict[str, Callable[[], Policy]]:
        """Functions that make the controllers to compare with: ``none``, and those that plan through the true solver.

        ``lqr`` is the linear law of the true solver, ``oracle_cem`` plans by sampling, ``adjoint`` by gradients. They
        have the horizon and cost of the world model, ``adjoint`` also its settings if it plans by gradients itself, and
        may take the coarser solver step of the configuration. Without a linear law in planning (``terminal = none``)
        there is no ``lqr``, since the actuators may be unable to hold the target. On grids too large for a linear law
        of the true solver, they plan without one.
        """
        planning, control = self.config.planning, self.config.control
        if self.target.numel() > LARGEST_LINEARIZED:
            planning = planning.model_copy(update={"terminal": "none"})
        steps = planning.planner if isinstance(planning.planner, GradientSettings) else GradientSettings()
        sampling, descending = (planning.model_copy(update={"planner": p}) for p in (control.oracle_cem, steps))
        solver = self.reference_solver()

        def lqr() -> Policy:
            return LinearFeedback(solver, linear_law(solver, planning_cost(planning, solver, self.target), self.target))

        return {
            "none": lambda: Hold(self.simulation.actuators),
            **({"lqr": lqr} if planning.terminal == "riccati" else {}),
            "oracle_cem": lambda: RecedingHorizon(solver, *build_planner(sampling, solver, self.target)),
            "adjoint": lambda: RecedingHorizon(solver, *build_planner(descending, solver, self.target)),
        }

    def plan_with(self, dynamics: Dynamics) -> RecedingHorizon:
        """Receding-horizon control through ``dynamics`` with the planner of the configuration."""
        return RecedingHorizon(dynamics, *build_planner(self.config.planning, dynamics, self.target))


def control_task(config: Config) -> ControlTask:
    """The control task of a configuration: held-out states on the attractor, to be driven to the target."""
    simulation = build(config.simulated()[0].model_dump())
    starts = attractor_states(simulation, recipe(config, "control"), range(config.control.episodes))
    return ControlTask(config, simulation, starts, target_fields(config, simulation))


def target_fields(config: Config, simulation: Simulation) -> Tensor:
    """The target of control, ``(variable, *space)``, uniform in space, NaN where a variable may take any value.

    The configuration gives it as ``control.target``; by default it is the state of rest of the equation.

    Raises:
        InputError: If the configuration does not give one value per variable, and a number for one of them.
    """
    values = config.control.target or GOOD_VALUES[config.simulated()[0].equation].rest or ()
    names = [v.name for v in simulation.variables]
    if len(values) != len(names) or all(value is None for value in values):
        expected = f"one value for each of {', '.join(names)}"
        raise InputError([Problem("control.target", expected, counted(len(values), "value") if values else "none")])
    numbers = [torch.nan if value is None else value for value in values]
    uniform = torch.tensor(numbers, dtype=torch.float32).view(-1, *(1,) * len(simulation.grid.shape))
    return uniform.expand(-1, *simulation.grid.shape).clone()


def run_control(task: ControlTask, controllers: Mapping[str, Callable[[], Policy]], progress: Progress) -> xr.Dataset:
    """Run every controller from every start of a task.

    Args:
        task: Starts, target and true simulation.
        controllers: By name, functions that make a policy; called once each.
        progress: Shows how far a controller is.

    Returns:
        Over ``controller``, ``episode``, ``time`` and space: the fields, ``action`` (held over the
        interval that starts at its time), the functionals, ``distance`` = mean square distance from
        the target, ``predicted_cost`` of the plans; ``seconds_per_decision`` by ``controller``, the median
        wall time for all episodes together. Fields, functionals and distances that are not finite stay so.
    """
    intervals = task.config.control.intervals
    records = []
    for name, make in controllers.items():
        policy = make()
        steps = progress(range(intervals), f"controlling with {CONTROLLERS.get(name, name)}")
        record = _record(task, run_episodes(task.simulation, task.starts, policy, steps))
        predicted = np.full((len(task.starts), intervals + 1), np.nan, dtype=np.float32)
        seconds = np.nan
        if isinstance(policy, RecedingHorizon):
            predicted[:, :-1] = torch.stack(policy.predicted_cost, dim=1).numpy()
            seconds = float(np.median(policy.seconds))
        record["predicted_cost"] = (
            ("episode", "time"), predicted, {"units": "1", "long_name": "cost that the planner predicted"},
        )  # fmt: skip
        record["seconds_per_decision"] = (
            (), seconds, {"units": "s", "long_name": f"wall time of a decision for all {len(task.starts)} episodes"},
        )  # fmt: skip
        records.append(record)
    return xr.concat(records, xr.DataArray(list(controllers), dims="controller", name="controller"))


def early_distance(result: xr.Dataset, *, first: int) -> xr.DataArray:
    """Mean square distance of each episode over the intervals 1 to ``first``; infinite where it is not finite."""
    return _distances(result).isel(time=slice(0, first)).mean("time")


def first_mean_square(result: xr.Dataset, config: Config) -> dict[str, float]:
    """Mean square distance over the first ``control.first`` intervals and all episodes, by controller."""
    early = early_distance(result, first=config.control.first)
    return {str(n): float(early.sel(controller=n).mean()) for n in result["controller"].values}


SMALLEST_REDUCTION = 1e-12
"""The share of the cost without control below which the solver's plans reduce nothing; there is no share of it."""


def relative_reduction(reduction: float, best: float, none: float) -> float | None:
    """Reduction of a cost as a share of that by gradient planning through the true solver: (none - x) / (none - best).

    Args:
        reduction: The reduction of the cost by the controller, none - x.
        best: Its reduction by gradient planning through the true solver, none - best.
        none: The cost without control, in whose units nothing is told from something.

    Returns:
        1 for a controller as good as the solver's, 0 for one that is as good as none; None where not even the
        solver's lowers the cost.
    """
    return reduction / best if best > SMALLEST_REDUCTION * none else None


def summarize_control(result: xr.Dataset, config: Config) -> dict[str, Any]:
    """The numbers of control: means over starts and time with bootstrap intervals, and the relative reduction.

    Args:
        result: As from :func:`run_control`.
        config: Says how many first and last intervals count.
    """
    first, last = config.control.first, config.control.last
    distance = _distances(result)
    early = early_distance(result, first=first)
    final = distance.isel(time=slice(-last, None)).mean("time")
    names = [str(n) for n in result["controller"].values]
    span = f"{first * config.simulated()[0].control_interval:g}"

    def by_name(values: xr.DataArray) -> dict[str, float]:
        return {n: float(values.sel(controller=n).mean()) for n in names}

    mean_early = first_mean_square(result, config)
    seconds = result["seconds_per_decision"].dropna("controller")
    summary = {
        "episodes": result.sizes["episode"],
        f"mean_square_first_{span}": mean_early,
        f"mean_square_first_{span}_interval": {n: bootstrap_interval(early.sel(controller=n)) for n in names},
        "mean_square_final": by_name(final),
        "mean_square_final_worst": {n: float(final.sel(controller=n).max()) for n in names},
        "mean_square_action": by_name((result["action"] ** 2).mean("actuator")),
        "seconds_per_decision": {str(c.item()): float(seconds.sel(controller=c)) for c in seconds["controller"]},
    }
    if {"none", "adjoint"} <= mean_early.keys():
        best = mean_early["none"] - mean_early["adjoint"]
        share = relative_reduction(mean_early["none"] - mean_early["world_model"], best, mean_early["none"])
        if share is not None:
            summary["relative_reduction"] = share
    return summary


def _distances(result: xr.Dataset) -> xr.DataArray:
    """Distances after each interval; infinite where the flow is not finite, so that no mean leaves it out."""
    return result["distance"].isel(time=slice(1, None)).fillna(np.inf)


def _record(task: ControlTask, episodes: Episodes) -> xr.Dataset:
    grid, simulation = task.simulation.grid, task.simulation
    actions = torch.cat([episodes.actions, torch.full_like(episodes.actions[:, :1], torch.nan)], dim=1)
    times = np.arange(actions.shape[1]) * simulation.control_interval
    distance = mean_square_distance(episodes.fields, task.target)
    dims = ("episode", "time", *grid.dims)
    variables: dict[str, object] = {
        v.name: (dims, episodes.fields[:, :, c].numpy(), {"units": v.units, "long_name": v.long_name})
        for c, v in enumerate(simulation.variables)
    }
    for name, values in episodes.functionals.items():
        variables[name] = (("episode", "time"), values.numpy(), {"units": "1", "long_name": f"spatial mean {name}"})
    variables["action"] = (
        ("episode", "time", "actuator"), actions.numpy(), {"units": simulation.actuators.units, "long_name": "action"},
    )  # fmt: skip
    variables["distance"] = (
        ("episode", "time"), distance.numpy(), {"units": "1", "long_name": "mean square distance from the target"},
    )  # fmt: skip
    coordinates = {
        "time": ("time", times, {"units": "1", "long_name": "time", "axis": "T"}),
        **{
            d: (d, points, {"units": "1", "long_name": "position", "axis": d.upper()})
            for d, points in grid.coordinates.items()
        },
        "actuator": list(simulation.actuators.names),
    }
    return xr.Dataset(variables, coordinates)


@torch.no_grad()
def imagine_control(task: ControlTask, model: WorldModel, progress: Progress) -> xr.Dataset:
    """The first intervals of the controlled episodes as the world model predicts them, without the true simulation.

    The model plans and advances its own latent from the true start on. Compared with the controlled flow, this shows
    whether the flow does what the plans predict.

    Returns:
        Each variable with the suffix ``_imagined``, over ``episode``, ``time`` and space.
    """
    policy = task.plan_with(model)
    states = [model.encode(task.starts)]
    for _ in progress(range(task.config.control.first), "predicting the controlled flow"):
        states.append(model.advance(states[-1], policy.decide(states[-1])))
    imagined = readout_trajectory(model, torch.stack(states, dim=1), ["fields"])["fields"].numpy()
    dims = ("episode", "time", *model.domain.dimensions)
    variables = {
        f"{v.name}_imagined": (dims, imagined[:, :, c], {"units": v.units, "long_name": f"imagined {v.long_name}"})
        for c, v in enumerate(model.domain.variables)
    }
    return xr.Dataset(variables, {"time": np.arange(len(states)) * model.control_interval})
