"""What a training costs, so that all can be given the same CPU time."""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sciwm.benchmarks.cells import TRAINED_FROM, kept, sections
from sciwm.benchmarks.physics.scenario import Ground
from sciwm.experiment.run import Run
from sciwm.training.loop import NothingLearned, train

UPDATES = 40
"""Of the short training, in which the rollouts grow as in a long one."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a training: to begin and end, of an update, and of what ends an epoch."""

    fixed: float
    update: float
    epoch: float

    def total(self, updates: int, updates_per_epoch: int) -> float:
        """Of so many updates."""
        return self.fixed + updates * self.update + -(-updates // updates_per_epoch) * self.epoch

    def updates_within(self, seconds: float, updates_per_epoch: int) -> int:
        """How many there is time for, at least one."""
        return max(1, int((seconds - self.fixed) / (self.update + self.epoch / updates_per_epoch)))


def cost_of_training(ground: Ground, name: str, overrides: Sequence[str]) -> Cost:
    """From a short training of an arm without sensitivities."""
    path = ground.folder / "calibration" / f"{name}.json"
    made_of = sections(ground.experiment(overrides), TRAINED_FROM)
    cost = kept(path, [made_of], lambda: asdict(_measured(ground, overrides)))
    return Cost(cost["fixed"], cost["update"], cost["epoch"])


def _measured(ground: Ground, overrides: Sequence[str]) -> Cost:
    updates = UPDATES // 5 if ground.quick else UPDATES
    config = ground.experiment([*overrides, f"training.updates={updates}", f"training.updates_per_epoch={updates}"])
    sets, run = (
        [Run(ground.data()).trajectories(name) for name in ("train", "validation")],
        ground.folder / "calibration" / "run",
    )
    marks: list[float] = []
    began = time.process_time()

    def advance(count: int, message: str) -> None:
        marks.append(time.process_time())

    _clear(run)
    with suppress(NothingLearned):  # yet: what it costs is told all the same
        train(config, run, sets[:1], sets[1], advance=advance)
    total = time.process_time() - began
    _clear(run)
    gaps = np.diff(marks)  # of every update, of the last one with the end of the epoch, and of nothing
    each = float(gaps[1:-2].mean())  # the first update allocates
    epoch = max(0.0, float(gaps[-2]) - each)
    return Cost(fixed=max(0.0, total - updates * each - epoch), update=each, epoch=epoch)


def _clear(run: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
