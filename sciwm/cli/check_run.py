"""Whether a run folder is sound: its configuration, data, training, model and results, and what of them is gone."""

import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sciwm.cli.check_store import check_store
from sciwm.config import Config
from sciwm.data import Trajectories, check_same_simulation, fields_named, open_result
from sciwm.errors import InputError, Problem, counted, raise_if
from sciwm.experiment.run import Run
from sciwm.experiment.soundness import checks_of_run
from sciwm.metrics import read_history
from sciwm.model import load_model
from sciwm.run_folder import require_no_special_files
from sciwm.run_paths import RunPaths

Check = Callable[[], str]
RESTORE = "restore it from a backup, or make it again with 'sciwm run CONFIG --out RUN' in another folder"


def check_run(path: Path, check_config: Callable[[Path], Config]) -> list[Check]:
    """The checks of a run folder, to be made by :func:`check_all`.

    A folder with ``model.json`` and ``model.safetensors`` alone is a model that was shared, from which nothing is
    missing.

    Args:
        path: the folder.
        check_config: reads its configuration, and says what is wrong with it.
    """
    paths, run = RunPaths(path), Run(path)
    require_no_special_files(paths)  # before anything is read
    training = [*(p for p in (paths.train_state, paths.old_train_state) if p.exists()), *paths.all_train_tensors]
    made = [*training, *(p for p in (paths.data, paths.history, paths.results, paths.controlled) if p.exists())]
    checks: list[Check] = [partial(_no_files_for_folders, paths)]
    if paths.config.exists():
        checks.append(lambda: f"{path}: a run of '{check_config(paths.config).name}'")
    elif made:
        checks.append(partial(_gone, paths.config, "the configuration of this run"))
    if paths.description.exists():
        checks.append(partial(_check_model, run))
    elif paths.weights.exists():
        checks.append(partial(_gone, paths.description, "the description of the weights beside it"))
    elif not paths.stores:
        checks.append(partial(_nothing_made, path))
    if paths.config.exists() and (paths.description.exists() or training):
        sets = [paths.store(name) for name in ("train", "validation", "test")]
        checks += [partial(_gone, s, "the data that the run was made with") for s in sets if not s.exists()]
    checks += [partial(check_store, store) for store in paths.stores]
    if paths.twins.exists():
        checks.append(partial(_check_twins, path))
    if paths.history.exists():
        checks.append(partial(_check_history, paths))
    if training and not paths.train_state.exists():
        checks.append(partial(_check_old_state, paths))
    results = [*sorted(paths.results.glob("*.nc")), paths.controlled]
    checks += [partial(_check_result, paths, result) for result in results if result.exists()]
    if paths.metrics.exists():
        checks.append(partial(_check_metrics, path))
    return [*checks, *(checks_of_run(path) if made or paths.config.exists() else [])]


def check_all(checks: Sequence[Check]) -> list[str]:
    """What all checks say; each problem is told once.

    Raises:
        InputError: with the problems of all that fail.
    """
    sound: list[str] = []
    problems: dict[tuple[str, str], Problem] = {}
    for look in checks:
        try:
            if said := look():
                sound.append(said)
        except InputError as error:
            for problem in error.problems:  # whoever reads a damaged file finds it damaged
                problems.setdefault((problem.where, problem.got), problem)
    raise_if(list(problems.values()))
    return sound


def _no_files_for_folders(paths: RunPaths) -> str:
    folders = (paths.data, paths.results, paths.metrics.parent)
    remedy = "move it away: the stages make a folder of that name"
    raise_if([Problem(str(p), "a folder", "a file", remedy) for p in folders if p.exists() and not p.is_dir()])
    return ""


def _gone(path: Path, what: str) -> str:
    raise InputError([Problem(str(path), what, "nothing there", RESTORE)])


def _nothing_made(run: Path) -> str:
    remedy = "make them with the command that began it"
    raise InputError([Problem(str(run), "data or a trained model", "neither", remedy)])


def _check_old_state(paths: RunPaths) -> str:
    """The state of a training that older versions wrote as a file of torch; newer ones are JSON and tensors."""
    if not paths.old_train_state.exists():
        return _gone(paths.train_state, "the state that names the tensors beside it")
    try:
        with zipfile.ZipFile(paths.old_train_state) as file:
            torn = file.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        torn = str(error)
    if torn:
        remedy = "delete it to train from the beginning"
        raise InputError([Problem(str(paths.old_train_state), "the state of a training", f"damage ({torn})", remedy)])
    return f"{paths.old_train_state}: the state of a training by an older version, without a digest"


def _check_model(run: Run) -> str:
    model, trained = load_model(run.folder)
    if run.paths.config.exists():
        run.check_trained(trained)
    return f"{run.folder}: a model with {model.latent_size} latent numbers, weights as they were written"


def _check_twins(run: Path) -> str:
    data = Trajectories(RunPaths(run).store("train"))
    sensitivities = Run(run).sensitivities(data)
    check_same_simulation(sensitivities, data)
    usable = counted(len(sensitivities.usable), "sample")
    return f"{sensitivities.path}: sensitivities of another solver, {usable} that may be used"


def _check_history(paths: RunPaths) -> str:
    return f"{paths.history}: the metrics of {counted(len(read_history(paths)), 'epoch')}"


def _check_result(paths: RunPaths, path: Path) -> str:
    with open_result(paths, path) as dataset:
        return f"{path}: {', '.join(fields_named(dataset))}"


def _check_metrics(run: Path) -> str:
    return f"{RunPaths(run).metrics}: the numbers of {', '.join(Run(run).metrics()) or 'nothing'}"
