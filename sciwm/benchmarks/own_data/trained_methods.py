"""Trained methods: each gets the same processor time, and a cell and a run folder for each seed."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sciwm.benchmarks.cells import Cell, cached, settings_bytes
from sciwm.benchmarks.own_data.data_set import DataSet, Tree, merged
from sciwm.benchmarks.physics.scenario import link_sets
from sciwm.config import Config
from sciwm.experiment import Run, stages
from sciwm.model import read_description
from sciwm.run_paths import RunPaths
from sciwm.training import NothingLearned

SETS = ("train", "validation", "test")
FEWER, MORE = 1, 2
"""Epochs of the two trainings from which the cost of an update is known."""
LEAST_SHARE = 0.1
"""Of the time of the shorter one that its updates take at least."""
MOST_UPDATES = 20_000
VERSION = b"2"
"""Of what a training is here; raise it to train everything anew."""


@dataclass(frozen=True)
class Method:
    """How a model differs from the default one for files of others.

    Args:
        words: what it is, for tables.
        changed: settings.
    """

    words: str
    changed: Tree


def _predictor(**keys: str) -> Tree:
    return {"model": {"predictor": keys}}


METHODS = {
    "auto": Method("sciwm, predictor chosen by itself", _predictor(kind="auto")),
    "exponential": Method("sciwm, exponential predictor alone", _predictor(kind="exponential")),
    "linear": Method("sciwm, linear predictor alone", _predictor(kind="linear")),
    "neural": Method("sciwm, neural predictor alone", _predictor(kind="exponential", tendency="neural")),
    "fno": Method(
        "Fourier neural operator on fields",
        {
            "model": {
                "latent": "fields",
                "encoder": {"layers": 2, "width": 16, "modes": 12},
                "predictor": {"kind": "exponential"},
            },
            "loss": {"collapse": {"kind": "none", "weight": 0.0}, "horizon": 4},
            "training": {"batch_size": 16},  # its updates are so slow that smaller ones bring it further
        },
    ),
}


def trained_run(data: DataSet, method: str, seed: int, size: int) -> tuple[Path, Cell]:
    """A method trained for as long as all of them.

    Args:
        data: what it is trained on.
        method: a key of ``METHODS``.
        seed: of the training.
        size: numbers of the latent, where it has any.

    Returns:
        the run folder, and a cell with ``cpu_seconds``, ``updates`` and, for ``auto``, what it ``chose``; for a
        training that learned nothing finite, which is a result too, the reason under ``failed``.
    """
    label = f"{method}-{size}"
    changed = _changed(method, size)
    cells = data.folder / "trained"
    config = data.config(seed, changed)
    digest = "".join(data.set(name).digest() for name in ("train", "validation")).encode()
    key = [settings_bytes(config), f"{data.seconds}".encode(), digest, VERSION]
    cost_key = [settings_bytes(data.config(0, changed)), f"{data.seconds}".encode(), digest, VERSION]
    updates = cached(cells / f"{label}-cost.json", cost_key, lambda: _updates_within(data, label, changed))["updates"]
    run, path = data.folder / "runs" / f"{label}-{seed}", cells / f"{label}-{seed}.json"
    cell = cached(path, key, lambda: _train(data, data.config(seed, changed, updates), run))
    if "failed" not in cell and not RunPaths(run).weights.exists():  # the run was deleted after its training
        path.unlink()
        return trained_run(data, method, seed, size)
    return run, cell


def _changed(method: str, size: int) -> Tree:
    changed = METHODS[method].changed
    return changed if method == "fno" else merged({"model": {"latent": "vector", "latent_size": size}}, changed)


def _train(data: DataSet, config: Config, run: Path) -> Cell:
    shutil.rmtree(run, ignore_errors=True)  # an interrupted training would not know how long it took
    link_sets(data.data, run, SETS)
    Run(run).write_config(config)
    began = time.process_time()
    try:
        stages.train(run)
    except NothingLearned as error:
        about = {"cpu_seconds": time.process_time() - began, "updates": config.training.updates, "chose": ""}
        return about | {"failed": str(error)}
    seconds = time.process_time() - began
    choice = read_description(run)["provenance"].get("choice", {})
    return {"cpu_seconds": seconds, "updates": config.training.updates, "chose": choice.get("chosen", "")}


def _updates_within(data: DataSet, label: str, changed: Tree) -> Cell:
    """How many updates fit into the processor time, from two short trainings."""
    run = data.folder / "runs" / f"{label}-cost"
    counts = [data.epoch * epochs for epochs in (FEWER, MORE)]
    seconds = [_train(data, data.config(0, changed, count), run)["cpu_seconds"] for count in counts]
    shutil.rmtree(run)
    least = LEAST_SHARE * seconds[0] / counts[0]  # the difference of two short trainings may be all noise
    of_update = max(least, (seconds[1] - seconds[0]) / (counts[1] - counts[0]))
    left = data.seconds - max(0.0, seconds[0] - counts[0] * of_update)
    updates = int(min(MOST_UPDATES, max(data.epoch, left / of_update)))
    return {"updates": updates, "seconds_of_an_update": of_update}
