"""The state of a training, as files that load without running code."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sciwm.config import LEARNED_SECTIONS, ORIGINS, Config, differences, learned_from, parse_config
from sciwm.errors import InputError, Problem, raise_if
from sciwm.loss import Objective
from sciwm.migration import migrated_config, migrated_objective, migrated_weights
from sciwm.model import WorldModel
from sciwm.run_paths import RunPaths
from sciwm.training.state_file import (
    REMEDY,
    WHAT,
    StoredState,
    fitting,
    parse_state,
    read_stored_state,
    read_tensors,
    write_state,
)
from sciwm.version import __version__

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of each parameter, once it has been updated."""


@dataclass
class TrainState:
    """Everything besides weights and optimiser that the next update depends on.

    Args:
        experiment: The sections of the configuration that weights depend on, see ``learned_from``.
        data: The digest of each set of simulations that was learned from, by its name.
        phase, update: The next update to make.
        history: The metrics of all epochs so far.
        sums: For each term its sum in this epoch and the number of values.
        best_error, best_weights: The smallest held-out error of this phase, and the weights that have it.
    """

    experiment: dict[str, Any]
    data: dict[str, str] = field(default_factory=dict)
    phase: int = 0
    update: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, list[float]] = field(default_factory=dict)
    best_error: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def add(self, values: dict[str, float]) -> None:
        """Add the values of one update to the sums."""
        for name, value in values.items():
            total, count = self.sums.get(name, [0.0, 0.0])
            self.sums[name] = [total + value, count + 1]

    def take_means(self) -> dict[str, float]:
        """The mean of every term since the last call; the sums start anew."""
        means = {name: total / count for name, (total, count) in sorted(self.sums.items())}
        self.sums = {}
        return means


def updates_of(config: Config, phase: int) -> int:
    """The number of updates of a phase: phase 0 uses generated data, phases 1, 2, ... follow on-policy rounds."""
    return config.training.on_policy.updates if phase else config.training.updates


def save_state(
    paths: RunPaths, state: TrainState, model: WorldModel, objective: Objective, optimizer: torch.optim.Optimizer
) -> None:
    """Write the state of a training atomically."""
    content = {
        "experiment": state.experiment,
        "data": state.data,
        "phase": state.phase,
        "update": state.update,
        "history": state.history,
        "sums": state.sums,
        "best_error": state.best_error if math.isfinite(state.best_error) else None,
    }
    write_state(paths, content, _tensors(model, objective, optimizer.state_dict()["state"], state.best_weights))


def load_state(
    paths: RunPaths,
    config: Config,
    data: Mapping[str, str],
    model: WorldModel,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
) -> TrainState:
    """Restore ``model``, ``objective`` and ``optimizer`` in place; without a file the state is a fresh one.

    Args:
        paths: The paths of the run.
        config: The experiment.
        data: The digest of each set of simulations, by its name.
        model, objective, optimizer: What is restored.

    Raises:
        InputError: If a file is damaged, holds what no training writes, or belongs to another experiment.
    """
    stored = read_stored_state(paths)
    if stored is not None:
        require_same_experiment(stored.experiment, config, str(paths.train_state))
        tensors, where = read_tensors(paths, stored), paths.train_tensors(stored.tensors)
        _require_possible(stored, config, data, str(paths.train_state))
    elif paths.old_train_state.exists():
        where = paths.old_train_state
        stored, tensors = _read_old_state(paths, config)
        _require_possible(stored, config, data, str(where))
    else:
        return TrainState(learned_from(config), dict(data))
    found = fitting(tensors, _wanted(stored, tensors, model, objective, optimizer), str(where))
    model.load_state_dict(_part(found, "model"))
    objective.load_state_dict(_part(found, "objective"))
    _restore(optimizer, _part(found, "optimizer"))
    return TrainState(
        learned_from(config),
        stored.data | dict(data),
        stored.phase,
        stored.update,
        stored.history,
        stored.sums,
        math.inf if stored.best_error is None else stored.best_error,
        _part(found, "best"),
    )


def require_same_experiment(experiment: Mapping[str, Any], config: Config, where: str) -> None:
    """Refuse the state of another experiment.

    Args:
        experiment: The sections that the state was made by; keys that are younger take their defaults.
        config: The experiment that is asked for.
        where: The file of the state.

    Raises:
        InputError: With every key that differs.
    """
    tree = config.model_dump()
    rounds, threads = tree["training"]["on_policy"]["rounds"], tree["training"]["threads"]
    there = tree | {name: experiment.get(name, None if name in ORIGINS else {}) for name in LEARNED_SECTIONS}
    if isinstance(there["training"], dict) and isinstance(there["training"].get("on_policy", {}), dict):
        on_policy = there["training"].get("on_policy", {}) | {"rounds": rounds}
        there["training"] = there["training"] | {"on_policy": on_policy, "threads": threads}
    if isinstance(there["source"], dict) and config.source is not None:
        there["source"] = {"files": config.source.files, **there["source"]}
    made_by = parse_config(migrated_config(there), where=where)
    if changed := "; ".join(differences(learned_from(made_by), learned_from(config))):
        remedy = "restore config.yaml, or delete this file to train from the beginning"
        raise InputError([Problem(where, f"{WHAT} of this configuration", changed, remedy)])


def _require_possible(stored: StoredState, config: Config, data: Mapping[str, str], where: str) -> None:
    """Refuse a phase and an update that the experiment does not have, and data other than were learned from."""
    rounds, most = config.training.on_policy.rounds, updates_of(config, stored.phase)
    problems = [
        Problem(
            f"{where}: data.{name}", "the simulations that this training learned from", "others of that name",
            "restore them from a backup, or delete this file to train from the beginning",
        )
        for name in stored.data.keys() & data.keys()
        if stored.data[name] != data[name]
    ]  # fmt: skip
    if stored.phase > rounds:
        remedy = f"set training.on_policy.rounds to {stored.phase}, or {REMEDY}"
        problems.append(Problem(f"{where}: phase", f"at most {rounds}", str(stored.phase), remedy))
    if stored.update > most:
        problems.append(Problem(f"{where}: update", f"at most {most}", str(stored.update), REMEDY))
    raise_if(problems)


def _read_old_state(paths: RunPaths, config: Config) -> tuple[StoredState, dict[str, Tensor]]:
    """A state as 0.2 and before wrote it: one file of torch, without a digest."""
    path = paths.old_train_state
    try:
        saved = torch.load(path, weights_only=True)
        experiment = json.loads(json.dumps(saved["experiment"]))
        best = migrated_weights(saved["best_weights"])
        error = float(saved["best_error"])
        content = {
            "sciwm": __version__,
            "experiment": experiment,
            "data": {},
            **{name: saved[name] for name in ("phase", "update", "history")},
            "sums": {name: list(pair) for name, pair in saved["sums"].items()},
            "best_error": error if math.isfinite(error) else None,
            "tensors": 64 * "0",
        }
        tensors = {
            **{f"model.{name}": values for name, values in migrated_weights(saved["model"]).items()},
            **{f"objective.{name}": values for name, values in migrated_objective(saved["objective"]).items()},
            **{
                f"optimizer.{index}.{kind}": values
                for index, kinds in saved["optimizer"]["state"].items()
                for kind, values in kinds.items()
            },
            **{f"best.{name}": values for name, values in (best if content["best_error"] is not None else {}).items()},
        }
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        got = f"a file that cannot be read ({type(error).__name__})"
        raise InputError([Problem(str(path), f"{WHAT} of this configuration", got, REMEDY)]) from error
    require_same_experiment(experiment, config, str(path))
    return parse_state(content, str(path)), tensors


def _tensors(
    model: WorldModel,
    objective: Objective,
    moments: Mapping[int, Mapping[str, Tensor]],
    best_weights: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """All tensors of a state by name."""
    parts = {"model": model.state_dict(), "objective": objective.state_dict(), "best": best_weights}
    parts |= {f"optimizer.{index}": kinds for index, kinds in moments.items()}
    return {f"{part}.{name}": values for part, tensors in parts.items() for name, values in tensors.items()}


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): values for name, values in tensors.items() if name.startswith(prefix)}


def _wanted(
    stored: StoredState,
    tensors: Mapping[str, Tensor],
    model: WorldModel,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
) -> dict[str, Tensor]:
    """A tensor like each that the state must have: all of the model, and all or nothing of what comes by and by."""
    wanted = _tensors(model, objective, {}, {})
    if stored.best_error is not None or any(name.startswith("best.") for name in tensors):
        wanted |= {f"best.{name}": values for name, values in model.state_dict().items()}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, parameter in enumerate(parameters):  # one that never had a gradient has no moments
        if any(name.startswith(f"optimizer.{index}.") for name in tensors):
            moments = dict.fromkeys(MOMENTS, parameter.detach()) | {"step": torch.tensor(0.0)}
            wanted |= {f"optimizer.{index}.{kind}": like for kind, like in moments.items()}
    return wanted


def _restore(optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    """Give an optimiser its moments back; rates and decays are those of the configuration."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, values in moments.items():
        index, _, kind = name.partition(".")
        state.setdefault(int(index), {})[kind] = values
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
