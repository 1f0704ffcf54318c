"""The state of a training, as a file that loads without running code."""

import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sciwm.config import Config, differences, learned_from
from sciwm.errors import InputError, Problem, in_one_line
from sciwm.files import write_atomically
from sciwm.loss import Objective
from sciwm.migration import migrated_objective, migrated_weights
from sciwm.model import WorldModel


@dataclass
class TrainState:
    """Everything besides weights and optimiser that the next update depends on.

    Args:
        experiment: The sections of the configuration that weights depend on, see ``learned_from``.
        phase, update: The next update to make.
        history: The metrics of all epochs so far.
        sums: For each term its sum in this epoch and the number of values.
        best_error, best_weights: The smallest held-out error of this phase, and the weights that have it.
    """

    experiment: dict[str, Any]
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


def save_state(
    path: Path, state: TrainState, model: WorldModel, objective: Objective, optimizer: torch.optim.Optimizer
) -> None:
    """Write the state of a training atomically."""
    buffer = io.BytesIO()
    parts = {"model": model.state_dict(), "objective": objective.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**vars(state), **parts}, buffer)
    write_atomically(path, buffer.getvalue())


def load_state(
    path: Path, config: Config, model: WorldModel, objective: Objective, optimizer: torch.optim.Optimizer
) -> TrainState:
    """Restore ``model``, ``objective`` and ``optimizer`` in place; without a file the state is a fresh one.

    Raises:
        InputError: If the file is damaged, holds code, or belongs to another experiment.
    """
    experiment = learned_from(config)
    if not path.exists():
        return TrainState(experiment)
    try:
        saved = torch.load(path, weights_only=True)
        if changed := differences(saved["experiment"], experiment):
            remedy = "restore config.yaml, or delete this file to train from the beginning"
            expected = "the state of a training of this configuration"
            raise InputError([Problem(str(path), expected, "; ".join(changed), remedy)])
        model.load_state_dict(migrated_weights(saved.pop("model")))
        objective.load_state_dict(migrated_objective(saved.pop("objective")))
        optimizer.load_state_dict(saved.pop("optimizer"))
        return TrainState(**saved | {"best_weights": migrated_weights(saved["best_weights"])})
    except InputError:
        raise
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        got = in_one_line(error)
        remedy = "delete it to train from the beginning"
        raise InputError([Problem(str(path), "the state of a training of this configuration", got, remedy)]) from error
