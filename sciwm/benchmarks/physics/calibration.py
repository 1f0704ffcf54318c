"""The CPU time of a training, estimated from a short one, so that baselines can be trained for the same time."""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sciwm.benchmarks.cells import cached, settings_bytes
from sciwm.benchmarks.physics.scenario import Scenario
from sciwm.config import LEARNED_SECTIONS
from sciwm.experiment import Run
from sciwm.training import NothingLearned, train

UPDATES = 40
"""Updates of the short training; its rollouts lengthen over these as those of a long training do over all."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a training.

    Args:
        fixed: to begin and to end.
        update: of one update.
        epoch: of the held-out evaluation and the checkpoint after each epoch.
    """

    fixed: float
    update: float
    epoch: float

    def total(self, updates: int, updates_per_epoch: int) -> float:
        """CPU seconds of a training of so many updates."""
        return self.fixed + updates * self.update + -(-updates // updates_per_epoch) * self.epoch

    def updates_within(self, seconds: float, updates_per_epoch: int) -> int:
        """How many updates fit into so many CPU seconds, at least one."""
        return max(1, int((seconds - self.fixed) / (self.update + self.epoch / updates_per_epoch)))


def cost_of_training(scenario: Scenario, name: str, overrides: Sequence[str]) -> Cost:
    """The cost of a training, from a short one.

    Args:
        scenario: whose data are trained on.
        name: under which the cost is stored.
        overrides: of a variant without sensitivities.
    """
    path = scenario.folder / "calibration" / f"{name}.json"
    made_from = settings_bytes(scenario.experiment(overrides), LEARNED_SECTIONS)
    cost = cached(path, [made_from], lambda: asdict(_measured(scenario, overrides)))
    return Cost(cost["fixed"], cost["update"], cost["epoch"])


def _measured(scenario: Scenario, overrides: Sequence[str]) -> Cost:
    updates = UPDATES // 5 if scenario.quick else UPDATES
    config = scenario.experiment([*overrides, f"training.updates={updates}", f"training.updates_per_epoch={updates}"])
    sets = [Run(scenario.data()).trajectories(name) for name in ("train", "validation")]
    run = scenario.folder / "calibration" / "run"
    marks: list[float] = []
    began = time.process_time()

    def advance(count: int, message: str) -> None:
        marks.append(time.process_time())

    _clear(run)
    with suppress(NothingLearned):  # forty updates may be too few; they cost as much all the same
        train(config, run, sets[:1], sets[1], advance=advance)
    total = time.process_time() - began
    _clear(run)
    gaps = np.diff(marks)  # each update, the last update with the end of the epoch, and nothing
    each = float(gaps[1:-2].mean())  # the first update allocates
    epoch = max(0.0, float(gaps[-2]) - each)
    return Cost(fixed=max(0.0, total - updates * each - epoch), update=each, epoch=epoch)


def _clear(run: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
