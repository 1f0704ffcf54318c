"""Everything a run folder tells, read once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from sciwm.config import Config, load_run_config
from sciwm.data import Domain, open_result
from sciwm.errors import InputError, Problem
from sciwm.evaluation_parts import EVALUATION_PARTS, METRICS_OF_PART
from sciwm.metrics import read_history, read_metrics
from sciwm.migration import migrated_names
from sciwm.model import read_description
from sciwm.run_paths import RunPaths
from sciwm.seals import require_sealed


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
        return self.config.control.first * self.config.simulated()[0].control_interval

    @property
    def last_window(self) -> float:
        """Time at the end of an episode over which its final state is judged."""
        return self.config.control.last * self.config.simulated()[0].control_interval


def read_results(run: Path) -> Results:
    """Read a run that has a trained model.

    Raises:
        InputError: if there is no run or no trained model, or a file is damaged.
    """
    paths = RunPaths(run)
    config, description = load_run_config(paths), read_description(run)
    metrics = read_metrics(paths, complete=True)
    evaluated = {
        name: _read_netcdf(paths, paths.result(name), f"evaluate {run} --parts {name}")
        for name in EVALUATION_PARTS
        if metrics.get(METRICS_OF_PART.get(name, name))  # a stage killed between its two files is one that has not run
    }
    controlled = _read_netcdf(paths, paths.controlled, f"control {run}") if "control" in metrics else None
    return Results(
        run=run,
        config=config,
        description=description,
        domain=Domain.from_json(description["domain"]),
        metrics=metrics,
        history=read_history(paths),
        evaluated={name: result for name, result in evaluated.items() if result is not None},
        controlled=controlled,
    )


def _read_netcdf(paths: RunPaths, path: Path, command: str) -> xr.Dataset | None:
    require_sealed(paths, path, f"write it anew with 'sciwm {command}'")
    if not path.exists():
        return None
    try:
        with open_result(paths, path) as opened:
            result = opened.load()
        return result.rename(migrated_names(set(map(str, result.data_vars))))
    except (OSError, ValueError, RuntimeError) as error:
        remedy = f"the file is damaged: delete it and write it anew with 'sciwm {command}'"
        got = error.problems[0].got if isinstance(error, InputError) else str(error).splitlines()[0]
        raise InputError([Problem(str(path), "a readable file", got, remedy)]) from error
