"""Closed-loop control of the true simulation, by the world model and by those who own the equations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sciwm.config import Config
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.model.world_model import WorldModel
from sciwm.planning import Hold, LinearFeedback, RecedingHorizon
from sciwm.planning.build import build_planner
from sciwm.planning.linear import linear_law
from simulations import Episodes, Simulation, build, run_episodes
from simulations.episode import Policy
from simulations.generate import Progress

CONTROLLERS = {
    "none": "no control",
    "world_model": "world model",
    "lqr": "LQR on the true linearisation",
    "oracle_cem": "CEM through the true solver",
    "adjoint": "gradient through the true solver",
}


@dataclass(frozen=True)
class ControlTask:
    """Drive states of the true simulation to a target and hold them there.

    Args:
        config: planner, horizon, and the solver step the oracles may plan with.
        simulation: the plant.
        starts: held-out states ``(episode, variable, x)``.
        target: fields ``(variable, x)``.
    """

    config: Config
    simulation: Simulation
    starts: Tensor
    target: Tensor

    def policies(self, model: WorldModel) -> dict[str, Callable[[], Policy]]:
        """One maker per controller; all plan with the same horizon, cost and budget."""
        planning, control = self.config.planning, self.config.control
        sampling = planning.model_copy(update={"planner": "cem", "iterations": control.cem_iterations})
        settings = self.config.simulation.model_dump()
        oracle = build(settings | {"steps_per_interval": control.oracle_steps_per_interval})

        def lqr() -> Policy:
            _, cost = build_planner(planning, oracle, self.target)
            return LinearFeedback(oracle, linear_law(oracle, cost, self.target))

        return {
            "none": lambda: Hold(self.simulation.actuators),
            "world_model": lambda: RecedingHorizon(model, *build_planner(planning, model, self.target)),
            "lqr": lqr,
            "oracle_cem": lambda: RecedingHorizon(oracle, *build_planner(sampling, oracle, self.target)),
            "adjoint": lambda: RecedingHorizon(oracle, *build_planner(planning, oracle, self.target)),
        }


def run_control(task: ControlTask, model: WorldModel, progress: Progress) -> xr.Dataset:
    """Every controller on every start.

    Returns:
        over ``controller``, ``episode``, ``time`` and space: the fields, ``action`` (held over the
        interval that starts at its time), the functionals, ``distance`` = mean square distance from
        the target; ``seconds_per_decision`` by ``controller`` (for all episodes together); and for
        the world model the flow it would have imagined from the first instant under the actions
        that were executed, and the cost it predicted.
    """
    intervals = task.config.control.intervals
    records, seconds = [], {}
    predicted = np.full((len(task.starts), intervals + 1), np.nan, dtype=np.float32)
    for name, make in task.policies(model).items():
        policy = make()
        episodes = run_episodes(
            task.simulation, task.starts, policy, progress(range(intervals), f"controlling with {CONTROLLERS[name]}")
        )
        records.append(_record(task, episodes))
        if isinstance(policy, RecedingHorizon):
            seconds[name] = float(np.median(policy.seconds))
            if name == "world_model":
                predicted[:, :-1] = torch.stack(policy.predicted_cost, dim=1).numpy()
    names = list(CONTROLLERS)
    result = xr.concat(records, xr.DataArray(names, dims="controller", name="controller"))
    result["controller"].attrs["long_name"] = "controller"
    result["seconds_per_decision"] = (
        "controller",
        [seconds.get(n, np.nan) for n in names],
        {"units": "s", "long_name": f"wall time of one decision for {len(task.starts)} episodes together"},
    )
    result["predicted_cost"] = (("episode", "time"), predicted, {"units": "1", "long_name": "cost the model predicted"})
    return result.merge(_imagined(model, result))


def summarize_control(result: xr.Dataset, config: Config) -> dict[str, object]:
    """The numbers of the report: means over starts and time, the gain, and bootstrap intervals over starts."""
    first, last = config.control.first, config.control.last
    distance = result["distance"].isel(time=slice(1, None))
    early = distance.isel(time=slice(0, first)).mean("time")
    final = distance.isel(time=slice(-last, None)).mean("time")
    names = [str(n) for n in result["controller"].values]

    def by_name(values: xr.DataArray) -> dict[str, float]:
        return {n: float(values.sel(controller=n).mean()) for n in names}

    mean_early = by_name(early)
    best = mean_early["none"] - mean_early["adjoint"]
    seconds = result["seconds_per_decision"].dropna("controller")
    return {
        "episodes": result.sizes["episode"],
        "mean_square_first_40": mean_early,
        "mean_square_first_40_interval": {n: bootstrap_interval(early.sel(controller=n)) for n in names},
        "mean_square_final": by_name(final),
        "mean_square_final_worst": {n: float(final.sel(controller=n).max()) for n in names},
        "gain": (mean_early["none"] - mean_early["world_model"]) / best,
        "mean_square_action": by_name((result["action"] ** 2).mean("actuator")),
        "seconds_per_decision": {str(c.item()): float(seconds.sel(controller=c)) for c in seconds["controller"]},
    }


def _record(task: ControlTask, episodes: Episodes) -> xr.Dataset:
    grid, simulation = task.simulation.grid, task.simulation
    held = torch.cat([episodes.actions, torch.full_like(episodes.actions[:, :1], torch.nan)], dim=1)
    times = np.arange(held.shape[1]) * simulation.control_interval
    distance = (episodes.fields - task.target).square().mean(dim=(2, 3))
    variables: dict[str, object] = {
        v.name: (("episode", "time", "x"), episodes.fields[:, :, c].numpy(), {"units": v.units, "long_name": v.long_name})
        for c, v in enumerate(simulation.variables)
    }
    for name, values in episodes.functionals.items():
        variables[name] = (("episode", "time"), values.numpy(), {"units": "1", "long_name": f"spatial mean {name}"})
    variables["action"] = (
        ("episode", "time", "actuator"), held.numpy(), {"units": simulation.actuators.units, "long_name": "action"},
    )  # fmt: skip
    variables["distance"] = (
        ("episode", "time"), distance.numpy(), {"units": "1", "long_name": "mean square distance from the target"},
    )  # fmt: skip
    coordinates = {
        "time": ("time", times, {"units": "1", "long_name": "time", "axis": "T"}),
        "x": ("x", grid.coordinates, {"units": "1", "long_name": "position", "axis": "X"}),
        "actuator": list(simulation.actuators.names),
    }
    return xr.Dataset(variables, coordinates)


@torch.no_grad()
def _imagined(model: WorldModel, result: xr.Dataset) -> xr.Dataset:
    """The world model's open-loop imagination of the flow it controlled."""
    executed = result.sel(controller="world_model")
    names = [v.name for v in model.domain.variables]
    start = torch.stack([torch.from_numpy(executed[n].isel(time=0).values) for n in names], dim=1)
    actions = torch.from_numpy(executed["action"].isel(time=slice(0, -1)).values)
    states = rollout(model, model.encode(start), actions)
    fields = torch.cat([start[:, None], readout_trajectory(model, states, ["fields"])["fields"]], dim=1)
    return xr.Dataset(
        {
            f"{v.name}_imagined": (
                ("episode", "time", "x"), fields[:, :, c].numpy(), {"units": v.units, "long_name": f"imagined {v.long_name}"},
            )
            for c, v in enumerate(model.domain.variables)
        }
    )  # fmt: skip
