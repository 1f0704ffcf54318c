"""Whether what a run folder holds is as it was written, and was made from its configuration."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from sciwm.config import differences, parse_text
from sciwm.errors import InputError, Problem, counted, raise_if
from sciwm.experiment.origins import store_problems
from sciwm.experiment.run import Run
from sciwm.model import read_description
from sciwm.run_paths import RunPaths
from sciwm.seals import changed_since_written, check_seals, read_seals
from sciwm.training import read_stored_state, read_tensors


def checks_of_run(folder: Path) -> list[Callable[[], str]]:
    """The checks of a run beside those of its stores and its model.

    Args:
        folder: The run folder.

    Returns:
        Functions that return one line for what is sound, and raise an ``InputError`` for what is not.
    """
    run = Run(folder)
    paths = run.paths
    checks = [
        (True, partial(check_seals, paths, partial(_made_anew_by, paths))),
        (paths.seals.exists(), partial(_check_config, paths)),
        (paths.config.exists() and bool(paths.stores), partial(_check_origin_of_stores, run)),
        (paths.train_state.exists(), partial(_check_state, paths)),
        (paths.metrics.exists() and not paths.description.exists(), partial(_require_model, run)),
        (paths.config.exists() and paths.metrics.exists(), partial(_check_origin_of_results, run)),
    ]
    return [check for applies, check in checks if applies]


def _made_anew_by(paths: RunPaths, path: Path) -> str:
    if path == paths.card:
        return f"write it anew with 'sciwm report {paths.folder}'"
    if path in (paths.history, paths.uncertainty):
        return f"write it anew with 'sciwm train {paths.folder}'"
    if path == paths.controlled:
        return f"write it anew with 'sciwm control {paths.folder}'"
    if path == paths.metrics:
        return f"write it anew with 'sciwm evaluate {paths.folder}' and 'sciwm control {paths.folder}'"
    if path.is_relative_to(paths.page.parent):
        return f"write it anew with 'sciwm report {paths.folder}'"
    return f"write it anew with 'sciwm evaluate {paths.folder} --parts {path.stem}'"


def _check_config(paths: RunPaths) -> str:
    """Whether ``config.yaml`` is as it was written; an edit is told by its keys."""
    path, sealed = paths.config, read_seals(paths).config
    if sealed is None:
        return f"{path}: unverified, as it has no digest"
    if not changed_since_written(paths, path):
        return f"{path}: as it was written"
    restore = f"restore it with 'sciwm simulate CONFIG --out {paths.folder}' from the configuration of this run"
    if not path.exists():
        raise InputError([Problem(str(path), "the configuration that was written", "nothing there", restore)])
    try:
        written, found = parse_text(sealed, where=str(paths.seals)), Run(paths.folder).config()
    except InputError:
        got = "another content" if path.stat().st_size else "an empty file"
    else:
        changed = "; ".join(differences(written.model_dump(), found.model_dump()))
        got = changed or "another content with the same settings"
        restore += ", or give the next command to take an edit over"
    raise InputError([Problem(str(path), "the configuration that was written", got, restore)])


def _check_origin_of_stores(run: Run) -> str:
    raise_if(store_problems(run.paths, run.config()))
    return f"{run.paths.data}: {counted(len(run.paths.stores), 'store')} made from the settings of config.yaml"


def _check_state(paths: RunPaths) -> str:
    state = read_stored_state(paths)
    if state is None:
        return f"{paths.train_state}: none"
    tensors = read_tensors(paths, state)
    done = f"{counted(state.update, 'update')} of phase {state.phase}"
    return f"{paths.train_state}: a training after {done}, {counted(len(tensors), 'tensor')} as they were written"


def _require_model(run: Run) -> str:
    """Results without the model that they are of: it is lost."""
    if run.metrics().keys() - {"time", "left_out"}:
        read_description(run.folder)
    return f"{run.folder}: not trained yet"


def _check_origin_of_results(run: Run) -> str:
    if not run.metrics().keys() - {"time", "left_out"}:
        return f"{run.folder}: no results yet"
    run.check_results(run.config())
    return f"{run.folder}: results made from the settings of config.yaml and this model"
