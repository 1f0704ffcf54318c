"""The folder of a run: what belongs where, to whom it belongs, and one command at a time."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sciwm.config import Config
from sciwm.config.yaml_files import dump_config, load_config
from sciwm.data.schema import Trajectories, open_trajectories
from sciwm.data.sensitivity_set import SensitivitySet
from sciwm.errors import InputError, Problem
from sciwm.files import write_atomically, write_json
from sciwm.model.checkpoint import DESCRIPTION, load_model
from sciwm.model.world_model import WorldModel
from sciwm.training.state import differences, learned_from, simulated_from
from simulations.resumable_store import ResumableStore, markers_of
from simulations.sensitivity_store import SensitivityStore
from simulations.store import TrajectoryStore

TWINS = "twins.nc"


def claim(config: Config, run: Path) -> None:
    """Make ``run`` the folder of ``config``; what data and weights do not depend on may change later."""
    path = run / "config.yaml"
    remedy = "choose another --out, or delete the folder"
    if path.exists():
        depends = learned_from if (run / "train_state.pt").exists() or (run / DESCRIPTION).exists() else simulated_from
        changed = "; ".join(differences(depends(load_config(path)), depends(config)))
        if changed:
            raise InputError([Problem(str(run), "the configuration of its data and model", changed, remedy)])
    else:
        others = sorted(p.name for p in run.iterdir() if p.name != ".lock" and not _holds_twins_alone(p))
        if others:
            got = f"a folder with {', '.join(others[:4])} and no config.yaml"
            raise InputError([Problem(str(run), "an empty folder or a run", got, "choose another --out")])
    write_atomically(path, dump_config(config).encode())


def _holds_twins_alone(folder: Path) -> bool:
    """Whether it is the place of the data, with nothing in it yet but what another solver answered."""
    return folder.name == "data" and folder.is_dir() and [p.name for p in folder.iterdir()] == [TWINS]


def read_config(run: Path) -> Config:
    """The experiment of a run folder."""
    path = run / "config.yaml"
    if not path.exists():
        remedy = "begin with 'sciwm simulate CONFIG --out RUN'"
        raise InputError([Problem(str(run), "a run folder with config.yaml", "none", remedy)])
    return load_config(path)


def read_model(run: Path, config: Config) -> WorldModel:
    """The model of a run, if it is what ``config.yaml`` says."""
    model, trained = load_model(run)
    check_trained(run, trained, config)
    return model


def check_trained(run: Path, trained: Config, config: Config) -> None:
    """Refuse a model that was trained otherwise than ``config.yaml`` says."""
    changed = "; ".join(differences(learned_from(trained), learned_from(config)))
    if changed:
        remedy = "restore config.yaml, or delete model.* and train_state.pt and train again"
        raise InputError([Problem(str(run), "a model trained as config.yaml says", changed, remedy)])


def open_set(run: Path, name: str) -> Trajectories:
    """A complete and undamaged set of simulations."""
    data = Trajectories(store_path(run, name))
    _raise_unless_whole(TrajectoryStore(data.path), "still to be simulated")
    return data


def open_sensitivities(run: Path, training_set: Trajectories) -> SensitivitySet:
    """Answers to actions, of the variables of the training set: another solver's, or complete and undamaged ones."""
    names, twins = [v.name for v in training_set.variables], twins_path(run)
    if twins.exists():
        return SensitivitySet(twins, names, training_set.dimensions)
    path = store_path(run, "sensitivity")
    open_trajectories(path)  # before the values: whether it can be opened at all
    _raise_unless_whole(SensitivityStore(path), "samples still to be computed")
    return SensitivitySet(path, names, training_set.dimensions)


def _raise_unless_whole(store: ResumableStore, pending: str) -> None:
    path, missing = store.path, store.missing()
    if missing:
        got = f"{len(missing)} {pending}"
        raise InputError([Problem(str(path), "a complete set", got, "let 'sciwm simulate' finish")])
    damaged = store.verify()
    if damaged:
        remedy = f"delete {path} and {markers_of(path)}, and simulate again"
        got = f"others in {store.row}s {damaged[:8]}"
        raise InputError([Problem(str(path), "the values that were written, by their sha256", got, remedy)])


def twins_path(run: Path) -> Path:
    """Where answers to actions by another solver are looked for."""
    return run / "data" / TWINS


def store_path(run: Path, name: str) -> Path:
    """Where the simulations called ``name`` are."""
    return run / "data" / f"{name}.zarr"


def read_metrics(run: Path) -> dict[str, Any]:
    """The numbers that the stages have added so far."""
    path = run / "report" / "metrics.json"
    try:
        metrics = json.loads(path.read_text()) if path.exists() else {}
        if not isinstance(metrics, dict):
            raise ValueError(f"not a mapping but {type(metrics).__name__}")
        if not isinstance(metrics.get("time", {}), dict):
            raise ValueError(f"a 'time' that is no mapping but {metrics['time']!r}")
    except ValueError as error:
        remedy = "delete it, and evaluate and control again"
        raise InputError([Problem(str(path), "the numbers of this run in JSON", str(error), remedy)]) from error
    return metrics


def add_metrics(run: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """Add or replace parts of the numbers; returns the parts."""
    write_json(run / "report" / "metrics.json", read_metrics(run) | metrics)
    return metrics


@contextmanager
def stage(run: Path, name: str, *, resumes: bool = False) -> Iterator[None]:
    """One command at a time in a run folder, and its wall time in the metrics.

    Args:
        resumes: whether the stage goes on where it was stopped; then its time adds up.
    """
    run.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(run / ".lock").acquire(timeout=0)
    except Timeout:
        remedy = "wait for it to end, or choose another folder"
        expected = "a run folder that nobody else is at work in"
        raise InputError([Problem(str(run), expected, "one with another sciwm command running", remedy)]) from None
    times = read_metrics(run).get("time", {})
    began = time.perf_counter()

    def record() -> None:
        before = times.get(name, 0.0) if resumes else 0.0
        add_metrics(run, {"time": times | {name: round(before + time.perf_counter() - began, 2)}})

    with lock:
        try:
            yield
        except (KeyboardInterrupt, SystemExit):  # stopped, to go on later
            record()
            raise
        record()
