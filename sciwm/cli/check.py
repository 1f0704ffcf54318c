"""``sciwm check``: whether a configuration, store, run or file of data is sound."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import simulations
from sciwm.cli.check_run import check_all, check_run
from sciwm.cli.check_store import check_store
from sciwm.cli.describe import in_short, is_own_store
from sciwm.config import Config, load_config
from sciwm.data import (
    Domain,
    Kind,
    actuation_of,
    open_dataset,
    reading,
    recognise,
    require_data,
    require_instants,
    require_layout,
    require_symmetries,
)
from sciwm.errors import InputError, Problem, in_file, in_one_line, raise_if
from sciwm.evaluation import target_fields
from sciwm.experiment.bring_in import look_at
from sciwm.model import names_problems, read_description
from sciwm.planning import linear_law, planning_cost
from sciwm.run_paths import RunPaths
from sciwm.surrogate import load
from sciwm.surrogate.forcing_names import forcing_in, has_forcing, is_unforced, side_by_side
from sciwm.surrogate.inputs import fields_of, instant_of
from sciwm.surrogate.run_parameters import with_parameters
from sciwm.surrogate.schedules import NOTHING, held_forcing
from sciwm.surrogate.translation import Translation

IN_YAML = (".yaml", ".yml")


def check(path: Path, run: Path | None = None) -> list[str]:
    """Find everything that is wrong with a configuration, run folder, store or file of data, told by its content.

    A store of ours is compared with the digests that it was written with. With ``run``, a store or file must hold what
    ``sciwm rollout`` needs.

    Args:
        path: the file or folder.
        run: a run folder whose model must be able to use the data; data of others are checked only against one.

    Returns:
        one line for each thing that is sound.

    Raises:
        InputError: with all problems at once.
    """
    if run is not None:
        _domain(run)  # before anything else: a run that is not there
    kind = recognise(path)
    if kind is Kind.TEXT or (path.suffix in IN_YAML and not path.is_dir()):
        config = _configuration(path)
        return [f"{path}: the configuration of '{config.name}'", *(look_at(config) if config.source else [])]
    if kind is Kind.RUN:
        return check_all([*check_run(path, check_config), *_stores_suit(path, run)])
    if kind is Kind.NOTHING:
        raise InputError([Problem(str(path), "a configuration, store, run folder or netCDF file", "nothing there")])
    if kind is Kind.FOLDER and (any(path.iterdir()) or run is None):
        remedy = "make one with 'sciwm run CONFIG --out RUN'"
        expected = "a run folder, a Zarr store, a configuration or a netCDF file"
        got = "a folder without config.yaml and without zarr.json"
        raise InputError([Problem(str(path), expected, got, remedy)])
    require_data(path)
    require_layout(path)  # before a store of ours is opened by means of it
    own = is_own_store(path)
    if run is None and not own:
        got = f"{kind.value} of another program ({in_short(open_dataset(path))})"
        remedy = "data of others are checked against a model: add --run RUN"
        raise InputError([Problem(str(path), "a configuration, a run folder or a store of ours", got, remedy)])
    return check_all(
        [*([partial(check_store, path)] if own else []), *([partial(_check_suits, path, run)] if run else [])]
    )


def _configuration(path: Path) -> Config:
    """A configuration; other text is told as what it is."""
    sections = r"(?m)^(simulation|source)\s*:"
    if path.suffix not in IN_YAML and not re.search(sections, path.read_text(errors="replace")):
        got = "a text file without a section 'simulation' or 'source'"
        expected, remedy = "a configuration, store, run folder or netCDF file", "name a file with data or settings"
        raise InputError([Problem(str(path), expected, got, remedy)])
    return check_config(path)


def _stores_suit(path: Path, run: Path | None) -> list[Callable[[], str]]:
    return [partial(_check_suits, store, run) for store in RunPaths(path).stores] if run is not None else []


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
    if config.source is not None:  # the files are looked at when they are brought in, or by 'sciwm check'
        return config
    try:
        simulation = simulations.build(config.simulated()[0].model_dump())
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
            raise InputError([_unbuildable(error, f"{path}: control.target")]) from error
    return config


def _unbuildable(error: Exception, place: str) -> Problem:
    """An error of ``simulations.build`` or of ``linear_law`` as a problem; its text mostly has expected and got."""
    said = re.fullmatch(r"(?:\w+: )*[Ee]xpected (.+?), got (.+?)(?:\.\s+(.*?)\.?|\.)?", str(error), re.DOTALL)
    if said:
        remedy = said[3] or ""
        return Problem(place, said[1], said[2], remedy[:1].lower() + remedy[1:])
    return Problem(place, "a simulation that can be built", str(error) or type(error).__name__)


def _check_suits(path: Path, run: Path) -> str:
    """Whether the data are what ``sciwm rollout`` can begin with, from their first instant on."""
    domain = _domain(run)
    names = load(run).names if domain.masked else Translation(domain)
    dataset, problems = names.inside(open_dataset(path), str(path))
    require_instants(dataset, path)
    forced, ends = is_unforced(domain) or has_forcing(dataset, domain), ""
    with reading(path):
        first = dataset.isel(time=0, missing_dims="ignore")
        start, wrong = instant_of(first, domain, str(path))
        problems += wrong + with_parameters(start, first, domain, str(path))[1]
        if forced and not is_unforced(domain):
            acting, wrong = side_by_side(forcing_in(dataset, domain, path), domain)
            schedule, unfit = held_forcing(acting, start, domain) if not wrong else (NOTHING, wrong)
            problems += in_file(path, unfit)
            ends = "".join(f"; {note[0].lower()}{note[1:]}" for note in schedule.notes)
        later = [] if problems else fields_of(dataset, domain, str(path))[1]
    names.raise_if(problems)
    holds = f"{path}: suits" if forced else f"{path}: fields suit"
    lacks = "" if forced else "; holds no forcing for a rollout"
    beyond = f"; after the first instant: expected {later[0].expected}, got {later[0].got}" if later else ""
    return f"{holds} the model of {run}{lacks}{ends}{beyond}"


def _domain(run: Path) -> Domain:
    try:
        return Domain.from_json(read_description(run)["domain"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        got, remedy = in_one_line(error), "restore it from a backup, or train again"
        raise InputError([Problem(str(RunPaths(run).description), "a complete domain", got, remedy)]) from error
