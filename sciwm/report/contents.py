"""Everything a run folder tells, read once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr

from sciwm.config import Config, load_run_config
from sciwm.data import Domain
from sciwm.errors import InputError, Problem
from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.metrics import read_metrics
from sciwm.migration import migrated_names
from sciwm.model import read_description
from sciwm.run_paths import RunPaths

T = TypeVar("T")

KEYS = {"rollouts": "rollout"}
"""Of the metrics that a part cannot be shown without, where it is not the name of the part."""


@dataclass(frozen=True)
class Results:
    """What a run has come to so far; stages that have not run are ``None`` or empty.

    Args:
        run: the run folder.
        config: the resolved experiment.
        description: ``model.json``.
        domain: what the model is about, from ``description``.
        metrics: ``report/metrics.json``.
        history: ``metrics.jsonl``, one entry per epoch.
        evaluated: ``evaluation/*.nc``, the parts of the evaluation by name.
        controlled: ``controlled.nc``, every controller on held-out starts.
    """

    run: Path
    config: Config
    description: dict[str, Any]
    domain: Domain
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    evaluated: dict[str, xr.Dataset]
    controlled: xr.Dataset | None

    @property
    def rollouts(self) -> xr.Dataset | None:
        """Imagined trajectories of the test set."""
        return self.evaluated.get("rollouts")

    @property
    def first_window(self) -> float:
        """Time over which control is judged."""
        return self.config.control.first * self.config.simulation.control_interval

    @property
    def last_window(self) -> float:
        """Time at the end of an episode over which its final state is judged."""
        return self.config.control.last * self.config.simulation.control_interval


def read_results(run: Path) -> Results:
    """Read a run that has a trained model.

    Raises:
        InputError: if there is no run or no trained model, or a file is damaged.
    """
    paths = RunPaths(run)
    config, description = load_run_config(paths), read_description(run)
    metrics = read_metrics(paths)
    evaluated = {name: _read_netcdf(paths.result(name), f"evaluate {run}") for name in EVALUATION_PARTS}
    controlled = _read_netcdf(paths.controlled, f"control {run}")
    return Results(
        run=run,
        config=config,
        description=description,
        domain=Domain.from_json(description["domain"]),
        metrics=metrics,
        history=read_history(paths),
        # A stage killed between its two files is one that has not run.
        evaluated={
            name: result
            for name, result in evaluated.items()
            if result is not None and metrics.get(KEYS.get(name, name))
        },
        controlled=controlled if "control" in metrics else None,
    )


def read_history(paths: RunPaths) -> list[dict[str, Any]]:
    """The metrics of every epoch of the training; empty before the first.

    Raises:
        InputError: if the file is damaged.
    """
    return _read(paths.history, _json_lines, f"train {paths.folder}") or []


def _json_lines(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not all(isinstance(line, dict) and {"phase", "update"} <= line.keys() for line in lines):
        raise ValueError("lines that are no epochs")
    return lines


def _read(path: Path, parse: Callable[[str], T], command: str) -> T | None:
    if not path.exists():
        return None
    try:
        return parse(path.read_text())
    except ValueError as error:
        raise _damaged(path, error, command) from error


def _read_netcdf(path: Path, command: str) -> xr.Dataset | None:
    if not path.exists():
        return None
    try:
        result = xr.load_dataset(path, engine="netcdf4")
        return result.rename(migrated_names(set(map(str, result.data_vars))))
    except (OSError, ValueError, RuntimeError) as error:
        raise _damaged(path, error, command) from error


def _damaged(path: Path, error: Exception, command: str) -> InputError:
    remedy = f"the file is damaged: delete it and write it anew with 'sciwm {command}'"
    return InputError([Problem(str(path), "a readable file", str(error).splitlines()[0], remedy)])
