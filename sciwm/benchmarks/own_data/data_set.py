"""The files of others with the settings of trainings on them, brought in once for all methods and seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sciwm.config import Config, parse_config
from sciwm.data import Trajectories
from sciwm.experiment.bring_in import bring_in
from sciwm.run_paths import RunPaths

Tree = Mapping[str, Any]
"""Settings as a tree of mappings, as a YAML file holds them."""


@dataclass(frozen=True)
class DataSet:
    """Files, and how methods are trained and judged on them.

    Args:
        name: its name in tables.
        folder: where everything about it is kept.
        source: the section ``source``.
        settings: sections of the configuration that all methods share.
        seconds: processor time that each learned method gets.
        steps: the lead times of tables, in control intervals; the last one is the length of forecasts.
        stride: control intervals between the starts of forecasts.
        unit: what errors are measured in; ``"deviation"`` is that of each variable over the training data.
        season: control intervals of a season, such as 12 months; 0 if there is none.
        epoch: updates of an epoch.
    """

    name: str
    folder: Path
    source: Tree
    settings: Tree
    seconds: float
    steps: tuple[int, ...]
    stride: int
    unit: str = "deviation"
    season: int = 0
    epoch: int = 50

    def config(self, seed: int, changed: Tree, updates: int = 1) -> Config:
        """The experiment of one method."""
        tree: Tree = {
            "name": self.folder.name,
            "seed": seed,
            "source": dict(self.source),
            "training": {"updates": updates, "updates_per_epoch": self.epoch},
        }
        return parse_config(dict(merged(tree, merged(self.settings, changed))), where=f"benchmark own-data {self.name}")

    @cached_property
    def data(self) -> Path:
        """The run folder with the stores, brought in unless they are there."""
        folder = self.folder / "data"
        bring_in(self.config(0, {"model": {"latent_size": 1}}), folder)  # methods have sizes of their own
        return folder

    def set(self, name: str) -> Trajectories:
        """The training, validation or test set."""
        return Trajectories(RunPaths(self.data).store(name))


def merged(first: Tree, second: Tree) -> Tree:
    """A tree in which the values of the second one replace those of the first one."""
    made = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
        made[key] = merged(made[key], value) if both else value
    return made
