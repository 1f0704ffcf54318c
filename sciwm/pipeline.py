"""The main job, stage by stage; any stage can be killed and run again without loss.

Simulation and training go on where they stood; the other stages, minutes long, begin again.

A run folder holds ``config.yaml`` (the resolved experiment), ``data/*.zarr``, the model files,
``metrics.jsonl``, ``rollout.nc``, ``controlled.nc``, and under ``report/`` the numbers and the page.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

import simulations
from sciwm.config import Config
from sciwm.data.schema import Trajectories
from sciwm.data.sensitivity import SensitivitySet
from sciwm.dynamics import encode_trajectory
from sciwm.evaluation.control import ControlTask, imagine_control, run_control, summarize_control, target_fields
from sciwm.evaluation.rollouts import evaluate_rollouts, skill_by_step, unseen_action_budget, valid_prediction_time
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.files import write_netcdf
from sciwm.model.world_model import WorldModel
from sciwm.planning import RecedingHorizon
from sciwm.planning.build import build_planner
from sciwm.problems import InputError, Problem
from sciwm.progress import UpdatesBar, bar
from sciwm.run_folder import add_metrics, claim, open_set, read_config, read_model, stage, store_path
from sciwm.training.held_out import participation_ratio
from sciwm.training.loop import train as train_phase
from sciwm.training.loop import updates_of
from sciwm.version import __version__
from simulations.generate import Recipe, attractor_states, generate
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities
from simulations.store import TrajectoryStore

SEEDS = {"train": 0, "validation": 1, "test": 2, "control": 3, "on_policy": 4, "sensitivity": 5}


def simulate(config: Config, run: Path) -> None:
    """Write ``config.yaml`` and the training, validation and test simulations.

    Raises:
        InputError: if the folder belongs to another experiment, or every simulation of a set blew up.
    """
    with stage(run, "simulate", resumes=True):
        claim(config, run)
        settings = config.simulation.model_dump()
        for name in ("train", "validation", "test"):
            simulation = simulations.build(settings)
            store = generate(simulation, recipe(config, name), store_path(run, name), settings=settings, progress=bar)
            if not store.outcomes()["ok"]:
                remedy = "raise simulation.steps_per_interval, or lower simulation.control_interval or a limit"
                got = f"{store.outcomes()['blew_up']} that blew up ({'; '.join(store.causes())})"
                raise InputError([Problem(str(store.path), "simulations that stay finite", got, remedy)])
        if config.data.sensitivities is not None:
            simulate_sensitivities(config, run)


def simulate_sensitivities(config: Config, run: Path) -> None:
    """From instants of the training set: what other actions would have changed, by the true solver."""
    wanted = config.data.sensitivities
    if wanted is None:
        return
    data, settings = open_set(run, "train"), config.simulation.model_dump()
    simulation, rng = simulations.build(settings), np.random.default_rng([config.seed, SEEDS["sensitivity"]])
    rows = rng.choice(data.usable, wanted.samples)
    instants = rng.integers(0, data.intervals + 1, wanted.samples)
    arrays = [data.array(v.name) for v in simulation.variables]
    starts = [np.stack([array[i, t] for array in arrays]) for i, t in zip(rows, instants, strict=True)]
    sensitivity_recipe = SensitivityRecipe(
        wanted.samples, wanted.intervals, wanted.perturbation, seed=int(rng.integers(2**31))
    )
    generate_sensitivities(
        simulation,
        sensitivity_recipe,
        torch.from_numpy(np.stack(starts).astype(np.float32)),
        store_path(run, "sensitivity"),
        settings=settings,
        target=target_fields(config, simulation),
        progress=bar,
    )


def train(run: Path) -> None:
    """Train on the generated data, then alternate on-policy rounds with further training."""
    config = read_config(run)
    torch.set_num_threads(config.training.threads)
    validation, sets = open_set(run, "validation"), [open_set(run, "train")]
    answers = None
    if config.data.sensitivities is not None:
        names = [v.name for v in sets[0].variables]
        answers = SensitivitySet(store_path(run, "sensitivity"), names, sets[0].dimensions)
    for phase in range(config.training.on_policy.rounds + 1):
        if phase:
            with stage(run, f"on_policy_{phase}", resumes=True):
                collect_on_policy(config, run, phase)
            sets.append(open_set(run, f"on_policy_{phase}"))
        with stage(run, "train" if phase == 0 else f"train_{phase}", resumes=True):
            what = f"training after round {phase}" if phase else "training"
            progress = UpdatesBar(updates_of(config, phase), what)
            train_phase(config, run, sets, validation, answers, phase=phase, advance=progress)
            progress.close()


def collect_on_policy(config: Config, run: Path, round_number: int) -> None:
    """Plan through the model as it stands, execute in the true simulation, keep what happened as data.

    A round that was collected is kept, even if the planner is configured otherwise since then.
    """
    settings = config.simulation.model_dump()
    simulation, rounds = simulations.build(settings), config.training.on_policy
    store = TrajectoryStore.open_or_create(
        store_path(run, f"on_policy_{round_number}"),
        simulation,
        simulations=rounds.episodes,
        intervals=rounds.intervals,
        title=f"{config.name}: episodes controlled through the model, round {round_number}",
        settings={
            "simulation": settings,
            "round": round_number,
            **rounds.model_dump(exclude={"rounds"}),
        },
    )
    if not store.missing():
        return
    model = read_model(run, config)
    first = round_number * rounds.episodes
    starts = attractor_states(simulation, recipe(config, "on_policy"), range(first, first + rounds.episodes))
    policy = RecedingHorizon(model, *build_planner(config.planning, model, target_fields(config, simulation)))
    intervals = bar(range(rounds.intervals), f"on-policy round {round_number}")
    store.write(range(rounds.episodes), simulations.run_episodes(simulation, starts, policy, intervals), simulation)


def evaluate(run: Path) -> dict[str, Any]:
    """Imagined rollouts of the test set and budgets under unseen actions, to ``rollout.nc`` and the metrics."""
    config = read_config(run)
    torch.set_num_threads(config.training.threads)
    model = read_model(run, config)
    with stage(run, "evaluate"):
        rollouts, metrics = measure_rollouts(config, model, open_set(run, "test"))
        write_netcdf(run / "rollout.nc", _described(rollouts, config))
    return add_metrics(run, metrics)


def measure_rollouts(config: Config, model: WorldModel, data: Trajectories) -> tuple[xr.Dataset, dict[str, Any]]:
    """Rollouts of a test set, and their numbers under ``rollout``, ``latent`` and ``budget``."""
    rollouts = evaluate_rollouts(model, data, steps=config.evaluation.steps)
    valid_time = valid_prediction_time(rollouts)
    rollouts["valid_prediction_time"] = valid_time
    error, exponent = rollouts["nrmse"].isel(time=slice(1, None)), config.evaluation.lyapunov_exponent
    unit = exponent or 1.0
    fields = torch.stack([torch.from_numpy(rollouts[v.name].values) for v in model.domain.variables], dim=2)
    latents = model.latent(encode_trajectory(model, fields))
    budget = _unseen_action_budget(config, model)
    metrics = {
        "rollout": {
            "simulations": rollouts.sizes["simulation"],
            "lead_time": rollouts["time"].values[1:].tolist(),
            "nrmse": error.mean("simulation").values.tolist(),
            "nrmse_persistence": rollouts["nrmse_persistence"].mean("simulation").values[1:].tolist(),
            "skill_vs_persistence": skill_by_step(rollouts, model).values.tolist(),
            "valid_prediction_time": float(valid_time.mean()) * unit,
            "valid_prediction_time_unit": "Lyapunov times" if exponent else "time units",
            "valid_prediction_time_interval": [v * unit for v in bootstrap_interval(valid_time)],
            "valid_to_the_end": int((valid_time >= float(rollouts["time"][-1])).sum()),
            "valid_prediction_time_limit": config.evaluation.steps * model.control_interval * unit,
        },
        "latent": {
            "size": model.latent_size,
            "participation_ratio": participation_ratio(latents),
        },
        "budget": {f"{name}_unseen_actions": _root_mean_square(budget[name]) for name in budget.data_vars},
    }
    return rollouts, metrics


def control(run: Path) -> dict[str, Any]:
    """Every controller on held-out starts of the true simulation, to ``controlled.nc`` and the metrics."""
    config = read_config(run)
    torch.set_num_threads(config.training.threads)
    model = read_model(run, config)
    with stage(run, "control"):
        task = control_task(config)
        references = task.references()
        none = references.pop("none")
        result = run_control(task, {"none": none, "world_model": lambda: task.plan_with(model), **references}, bar)
        result = result.merge(imagine_control(task, model, bar), join="outer")
        write_netcdf(run / "controlled.nc", _described(result, config))
    return add_metrics(run, {"control": summarize_control(result, config)})


def control_task(config: Config) -> ControlTask:
    """Held-out states on the attractor, to be driven to the target."""
    simulation = simulations.build(config.simulation.model_dump())
    starts = attractor_states(simulation, recipe(config, "control"), range(config.control.episodes))
    return ControlTask(config, simulation, starts, target_fields(config, simulation))


def report(run: Path) -> Path:
    """The page: figures, tables, configuration and versions in one file.

    Returns:
        path of ``report/index.html``.
    """
    from sciwm.report import write_report

    with stage(run, "report"):
        return write_report(run)


def run_all(config: Config, run: Path) -> Path:
    """Simulate, train, evaluate, control, report; returns the path of the page."""
    simulate(config, run)
    train(run)
    evaluate(run)
    control(run)
    return report(run)


def recipe(config: Config, name: str) -> Recipe:
    """What is simulated for ``name``; the sets never share a seed."""
    data = config.data
    split = getattr(data, name, data.train)
    return Recipe(
        simulations=split.simulations,
        intervals=split.intervals,
        warm_up=data.warm_up,
        share_transient=data.share_transient if name in ("train", "validation") else 0.0,
        share_unforced=data.share_unforced,
        amplitude=data.amplitude,
        smallest_amplitude=data.smallest_amplitude,
        seed=int(np.random.default_rng([config.seed, SEEDS[name]]).integers(2**31)),
        batch=data.batch,
    )


def _unseen_action_budget(config: Config, model: WorldModel, *, intervals: int = 8) -> xr.Dataset:
    """Held-out starts under fresh full-range actions every interval, which the training data never hold."""
    task = control_task(config)
    simulation, starts = task.simulation, task.starts
    generator = torch.Generator().manual_seed(config.seed)
    drawn = 2 * torch.rand(len(starts), intervals, len(simulation.actuators), generator=generator) - 1
    actions = simulation.actuators.to_physical(drawn)
    episodes = simulations.run_episodes(simulation, starts, lambda fields, t: actions[:, t], range(intervals))
    return unseen_action_budget(model, simulation, starts, actions, episodes.fields)


def _root_mean_square(values: xr.DataArray) -> dict[str, float]:
    return {str(n): float((values.sel(functional=n) ** 2).mean() ** 0.5) for n in values["functional"].values}


def _described(dataset: xr.Dataset, config: Config) -> xr.Dataset:
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=config.name,
        source=f"sciwm {__version__}",
        history="written by sciwm",
        sciwm_config=config.model_dump_json(),
    )
