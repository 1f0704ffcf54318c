"""The recipes of an experiment's data sets. No two sets share a seed."""

import numpy as np

from sciwm.config import Config
from simulations.generate import Recipe

SEEDS = {"train": 0, "validation": 1, "test": 2, "control": 3, "on_policy": 4, "sensitivity": 5, "evaluation": 6}


def recipe(config: Config, name: str) -> Recipe:
    """The recipe of the data set ``name``, a key of ``SEEDS``."""
    data = config.simulated()[1]
    split = getattr(data, name, data.train)
    return Recipe(
        simulations=split.simulations,
        intervals=split.intervals,
        warm_up=data.warm_up,
        share_transient=data.share_transient if name in ("train", "validation") else 0.0,
        share_unforced=data.share_unforced,
        amplitude=data.amplitude,
        smallest_amplitude=data.smallest_amplitude,
        seed=int(np.random.default_rng([config.seed, SEEDS[name]]).integers(2**31)),
        batch=data.batch,
    )
