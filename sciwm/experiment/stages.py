"""The main job, stage by stage; any stage can be killed and run again without loss.

Simulation, training and evaluation go on where they stood; the other stages, minutes long, begin again.

A run folder holds ``config.yaml`` (the resolved experiment), ``data/*.zarr``, the model files,
``metrics.jsonl``, ``evaluation/*.nc``, ``controlled.nc``, and under ``report/`` the numbers and the page.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

import simulations
from sciwm.config import Config
from sciwm.data.actuation import actuation_of
from sciwm.data.recipes import SEEDS, recipe
from sciwm.errors import InputError, Problem, raise_if
from sciwm.evaluation.control import control_task, imagine_control, run_control, summarize_control, target_fields
from sciwm.evaluation.suite.cache import evaluate_parts
from sciwm.evaluation.suite.context import EvaluationContext
from sciwm.evaluation.suite.parts import check_names
from sciwm.experiment.run import (
    add_metrics,
    check_trained,
    claim,
    open_sensitivities,
    open_set,
    read_config,
    read_metrics,
    read_model,
    stage,
    store_path,
    twins_path,
)
from sciwm.files import write_netcdf
from sciwm.model.checkpoint import read_description, trained_config
from sciwm.model.construction import names_problems
from sciwm.planning import RecedingHorizon
from sciwm.planning.from_settings import build_planner
from sciwm.progress import CountBar, bar
from sciwm.training.loop import train as train_phase
from sciwm.training.loop import updates_of
from sciwm.training.memory import require_memory
from sciwm.version import __version__
from simulations.generate import attractor_states, generate
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities
from simulations.store import TrajectoryStore

AGAINST_BLOW_UP = (
    "raise simulation.steps_per_interval, or lower simulation.control_interval, a limit "
    "or data.amplitude, the size of the starts"
)


def simulate(config: Config, run: Path) -> None:
    """Write ``config.yaml`` and the training, validation and test simulations.

    Raises:
        InputError: if the folder belongs to another experiment, or every simulation of a set blew up.
    """
    with stage(run, "simulate", resumes=True):
        settings = config.simulation.model_dump()
        truth = simulations.build(settings)
        # or training would find out
        raise_if(names_problems(config.model, [v.name for v in truth.variables], truth.grid.dims))
        claim(config, run)
        for name in ("train", "validation", "test"):
            simulation = simulations.build(settings)
            store = generate(simulation, recipe(config, name), store_path(run, name), settings=settings, progress=bar)
            if not store.outcomes()["ok"]:
                got = f"{store.outcomes()['blew_up']} that blew up ({'; '.join(store.causes())})"
                raise InputError([Problem(str(store.path), "simulations that stay finite", got, AGAINST_BLOW_UP)])
        if config.data.sensitivities is not None and not twins_path(run).exists():
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
    answers = open_sensitivities(run, sets[0]) if config.data.sensitivities is not None else None
    for phase in range(config.training.on_policy.rounds + 1):
        if phase:
            with stage(run, f"on_policy_{phase}", resumes=True):
                collect_on_policy(config, run, phase)
            sets.append(open_set(run, f"on_policy_{phase}"))
        with stage(run, "train" if phase == 0 else f"train_{phase}", resumes=True):
            what = f"training after round {phase}" if phase else "training"
            progress = CountBar(updates_of(config, phase), what, "update")
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


def evaluate(run: Path, parts: Sequence[str] | None = None) -> dict[str, Any]:
    """The evaluation suite, part by part, each to ``evaluation/NAME.nc`` and the metrics.

    What was made of this model with these settings is kept.

    Args:
        parts: names of those to make, ``evaluation.parts`` if left out.

    Returns:
        their metrics; under ``left_out`` the parts that do not apply, each with the reason.

    Raises:
        InputError: if there is no such part, or the folder holds no sound model and data.
    """
    config = read_config(run)
    names = check_names(config.evaluation.parts if parts is None else parts, "--parts")
    torch.set_num_threads(config.training.threads)
    model = read_model(run, config)
    with stage(run, "evaluate", resumes=True):
        simulation = simulations.build(config.simulation.model_dump())
        context = EvaluationContext(config, model, simulation, open_set(run, "test"), open_set(run, "train"))
        return _evaluate_parts(run, names, context)


def _evaluate_parts(run: Path, names: Sequence[str], context: EvaluationContext) -> dict[str, Any]:
    made: dict[str, Any] = {}
    left_out = {n: reason for n, reason in read_metrics(run).get("left_out", {}).items() if n not in names}
    progress, coming = CountBar(len(names), "evaluating", "part"), [*names[1:], ""]
    progress(0, names[0] if names else "")
    results = evaluate_parts(
        run,
        names,
        context,
        digest=read_description(run)["description_sha256"],
        describe=partial(_described, config=context.config),
        progress=bar,
    )
    for (name, metrics, obstacle), next_name in zip(results, coming, strict=False):
        if obstacle:
            left_out[name] = obstacle
            metrics = {name: []}
        made |= add_metrics(run, metrics | {"left_out": left_out})
        progress(1, next_name)
    progress.close()
    return made


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


def report(run: Path) -> Path:
    """The page: figures, tables, configuration and versions in one file.

    Returns:
        path of ``report/index.html``.
    """
    from sciwm.report import write_report

    check_trained(run, trained_config(run), read_config(run))
    with stage(run, "report"):
        return write_report(run)


def run_all(config: Config, run: Path) -> Path:
    """Simulate, train, evaluate, control, report; returns the path of the page.

    Raises:
        InputError: as any of the stages; before the first if the training will not fit into memory.
    """
    require_memory(config, actuation_of(simulations.build(config.simulation.model_dump())).axes)
    simulate(config, run)
    train(run)
    evaluate(run)
    control(run)
    return report(run)


def _described(dataset: xr.Dataset, config: Config) -> xr.Dataset:
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=config.name,
        source=f"sciwm {__version__}",
        history="written by sciwm",
        sciwm_config=config.model_dump_json(),
    )
