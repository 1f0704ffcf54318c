"""``sciwm check`` and ``sciwm info``: whether a configuration, store, run or file is sound, and what it holds."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

import simulations
from sciwm.cli.check_store import check_store, describe_store, outcomes_of
from sciwm.config import Config, load_config
from sciwm.data import (
    Domain,
    Trajectories,
    actuation_of,
    check_fields,
    check_same_simulation,
    forcing_of,
    open_dataset,
    read_values,
    require_symmetries,
)
from sciwm.errors import InputError, Problem, counted, in_one_line, raise_if
from sciwm.evaluation import target_fields
from sciwm.experiment.run import Run
from sciwm.model import load_model, names_problems, read_description
from sciwm.planning import linear_law, planning_cost
from sciwm.run_paths import RunPaths
from sciwm.surrogate.inputs import held_forcing
from sciwm.surrogate.summary import summarize


def check(path: Path, run: Path | None = None) -> list[str]:
    """Find everything that is wrong with a configuration, store, run folder or netCDF file.

    Args:
        path: the file or folder.
        run: a run folder whose model must be able to use the data; a netCDF file is checked only against one.

    Returns:
        one line for each thing that is sound.

    Raises:
        InputError: with all problems at once.
    """
    if path.suffix in (".yaml", ".yml"):
        return [f"{path}: the configuration of '{check_config(path).name}'"]
    if run is not None:
        _domain(run)  # before anything else: a run that is not there
    if path.suffix == ".zarr":
        return _all([partial(check_store, path), *([partial(_check_suits, path, run)] if run else [])])
    if path.is_dir():
        return _check_run(path, run)
    if not path.exists():
        raise InputError([Problem(str(path), "a configuration, store, run folder or netCDF file", "nothing there")])
    if run is None:
        remedy = "a netCDF file is checked against a model: add --run RUN"
        raise InputError([Problem(str(path), "a .yaml file, a .zarr store or a run folder", "another file", remedy)])
    return [_check_suits(path, run)]


LARGEST_CHECKED = 256
"""Largest state, in numbers, whose linear law is found in about a second; larger ones are not tried here."""


def check_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration and check what can be checked without simulating.

    The simulation must build, the symmetries of the augmentation must be those of the actuators, and the actuators
    must be able to hold the target where planning relies on that.

    Args:
        path: the YAML file.
        overrides: changes as ``section.key=value``.

    Raises:
        InputError: with what is wrong.
    """
    config = load_config(path, overrides)
    try:
        simulation = simulations.build(config.simulation.model_dump())
        target = target_fields(config, simulation)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise InputError([_unbuildable(error, f"{path}: simulation")]) from error
    raise_if(names_problems(config.model, [v.name for v in simulation.variables], simulation.grid.dims))
    require_symmetries(actuation_of(simulation), config.training.augmentation)
    if config.planning.terminal == "riccati" and target.numel() <= LARGEST_CHECKED:
        try:
            linear_law(simulation, planning_cost(config.planning, simulation, target), target)
        except ValueError as error:
            raise InputError([_unholdable(error, f"{path}: control.target")]) from error
    return config


def _unbuildable(error: Exception, place: str) -> Problem:
    """The error of ``simulations.build`` as a problem; its text mostly has expected and got already."""
    said = re.fullmatch(r"(?:\w+: )*[Ee]xpected (.+?), got (.+?)(?:\.\s+(.*?)\.?|\.)?", str(error), re.DOTALL)
    if said:
        return Problem(place, said[1], said[2], said[3] or "")
    return Problem(place, "a simulation that can be built", str(error) or type(error).__name__)


def _unholdable(error: ValueError, place: str) -> Problem:
    """The error of ``linear_law`` as a problem; errors of linear algebra get words of their own."""
    if isinstance(error, np.linalg.LinAlgError) or "infs or NaNs" in str(error):
        remedy = "look at actuators, control_interval and target, or use planning.terminal = none"
        return Problem(place, "a target about which a linear law can be found", f"no solution ({error})", remedy)
    return _unbuildable(error, place)


def describe(path: Path) -> str:
    """A table of what a run folder or a store holds; weights and fields are not read.

    Raises:
        InputError: if ``path`` is neither, or cannot be read.
    """
    if path.suffix == ".zarr":
        return describe_store(path)
    stores = [f"  {p.name:<15} {outcomes_of(p)}" for p in RunPaths(path).stores]
    if RunPaths(path).description.exists():
        description = read_description(path)
        return "\n".join(
            [f"{path}: the trained model '{description['config'].get('name')}'", summarize(description), *stores]
        )
    if RunPaths(path).config.exists():
        name = load_config(RunPaths(path).config).name
        return "\n".join([f"{path}: a run of '{name}', not trained yet", *stores])
    remedy = "make one with 'sciwm run CONFIG --out RUN'"
    raise InputError([Problem(str(path), "a run folder or a .zarr store", "neither", remedy)])


def _check_run(path: Path, run: Path | None) -> list[str]:
    if not RunPaths(path).config.exists() and not RunPaths(path).description.exists():
        remedy = "make one with 'sciwm run CONFIG --out RUN'"
        expected = "a run folder, a .zarr store, a configuration or a netCDF file"
        raise InputError([Problem(str(path), expected, "a folder without config.yaml", remedy)])
    parts: list[Callable[[], str]] = []
    if RunPaths(path).config.exists():
        parts.append(lambda: f"{path}: a run of '{check_config(RunPaths(path).config).name}'")
    if RunPaths(path).description.exists():
        parts.append(partial(_check_model, path))
    elif not RunPaths(path).stores:
        parts.append(partial(_nothing_made, path))
    parts += [partial(check_store, store) for store in RunPaths(path).stores]
    if RunPaths(path).twins.exists():
        parts.append(partial(_check_twins, path))
    parts += [partial(_check_suits, store, run) for store in RunPaths(path).stores if run is not None]
    results = [*sorted(RunPaths(path).results.glob("*.nc")), RunPaths(path).controlled]
    parts += [partial(_check_result, result) for result in results if result.exists()]
    if RunPaths(path).metrics.exists():
        parts.append(partial(_check_metrics, path))
    return _all(parts)


def _check_twins(run: Path) -> str:
    data = Trajectories(RunPaths(run).store("train"))
    sensitivities = Run(run).sensitivities(data)
    check_same_simulation(sensitivities, data)
    usable = counted(len(sensitivities.usable), "sample")
    return f"{sensitivities.path}: sensitivities of another solver, {usable} that may be used"


def _nothing_made(run: Path) -> str:
    remedy = "make them with the command that began it"
    raise InputError([Problem(str(run), "data or a trained model", "neither", remedy)])


def _check_result(path: Path) -> str:
    with open_dataset(path) as dataset:
        return f"{path}: {', '.join(map(str, dataset.data_vars))}"


def _check_metrics(run: Path) -> str:
    return f"{RunPaths(run).metrics}: the numbers of {', '.join(Run(run).metrics()) or 'nothing'}"


def _all(checks: Sequence[Callable[[], str]]) -> list[str]:
    sound: list[str] = []
    problems: list[Problem] = []
    for look in checks:
        try:
            sound.append(look())
        except InputError as error:
            problems += error.problems
    raise_if(problems)
    return sound


def _check_model(run: Path) -> str:
    model, trained = load_model(run)
    if RunPaths(run).config.exists():
        Run(run).check_trained(trained)
    return f"{run}: a model with {model.latent_size} latent numbers, weights as they were written"


def _check_suits(path: Path, run: Path) -> str:
    domain, dataset = _domain(run), open_dataset(path)
    problems = check_fields(dataset, domain, where=str(path))
    forced = bool({"forcing", "action"} & set(dataset.data_vars))
    if forced:
        forcing = forcing_of(dataset, path)
        read = forcing.copy(data=read_values(forcing, path))
        problems += held_forcing(read, dataset.drop_vars("time", errors="ignore"), domain)[2]
    raise_if(problems)
    if not forced:
        return f"{path}: fields suit the model of {run}; holds no forcing for a rollout"
    return f"{path}: suits the model of {run}"


def _domain(run: Path) -> Domain:
    try:
        return Domain.from_json(read_description(run)["domain"])
    except (KeyError, TypeError, AttributeError) as error:
        got, remedy = in_one_line(error), "restore it from a backup, or train again"
        raise InputError([Problem(str(RunPaths(run).description), "a complete domain", got, remedy)]) from error
