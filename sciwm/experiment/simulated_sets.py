"""The stage that simulates the data of a run."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

import simulations
from sciwm.config import Config
from sciwm.data import SEEDS, recipe
from sciwm.errors import InputError, Problem, raise_if
from sciwm.evaluation import target_fields
from sciwm.experiment.run import Run
from sciwm.model import names_problems
from sciwm.progress import bar
from sciwm.run_folder import require_same_folder
from simulations.generate import Progress, generate
from simulations.sensitivity_data import SensitivityRecipe, generate_sensitivities

AGAINST_BLOW_UP = (
    "raise simulation.steps_per_interval, or lower simulation.control_interval, a limit "
    "or data.amplitude, the size of the starts"
)


def simulate(config: Config, folder: Path) -> None:
    """Write ``config.yaml`` and the training, validation and test simulations, and sensitivities if configured.

    Args:
        config: The experiment.
        folder: The run folder; made if it is not there.

    Raises:
        InputError: If the folder belongs to another experiment, or if no simulation of a set stayed finite.
    """
    run = Run(folder)
    with run.stage("simulate", resumes=True, claims=True):
        settings = config.simulated()[0].model_dump()
        truth = simulations.build(settings)
        # fail before simulating, not when training builds the model
        raise_if(names_problems(config.model, [v.name for v in truth.variables], truth.grid.dims))
        run.claim(config)
        progress = partial(_while_there, folder)
        for name in ("train", "validation", "test"):
            simulation = simulations.build(settings)
            path = run.paths.store(name)
            store = generate(simulation, recipe(config, name), path, settings=settings, progress=progress)
            if not store.outcomes()["ok"]:
                got = f"{store.outcomes()['blew_up']} that did not ({'; '.join(store.causes())})"
                raise InputError([Problem(str(store.path), "simulations that stay finite", got, AGAINST_BLOW_UP)])
        if config.simulated()[1].sensitivities is not None and not run.paths.twins.exists():
            _simulate_sensitivities(config, run, progress)


def _while_there(folder: Path, iterable: Iterable[int], description: str) -> Iterator[int]:
    """A progress bar that ends with an error once the folder is gone: a store would be made anew where it was."""
    for item in bar(iterable, description):
        require_same_folder(folder)
        yield item
    require_same_folder(folder)


def _simulate_sensitivities(config: Config, run: Run, progress: Progress) -> None:
    """Sensitivities by the true solver, from random instants of the training set."""
    wanted = config.simulated()[1].sensitivities
    if wanted is None:
        return
    data, settings = run.trajectories("train"), config.simulated()[0].model_dump()
    simulation, rng = simulations.build(settings), np.random.default_rng([config.seed, SEEDS["sensitivity"]])
    rows = rng.choice(data.usable, wanted.samples)
    instants = rng.integers(0, data.intervals + 1, wanted.samples)
    arrays = [data.array(v.name) for v in simulation.variables]
    starts = [np.stack([array[i, t] for array in arrays]) for i, t in zip(rows, instants, strict=True)]
    sensitivity_recipe = SensitivityRecipe(
        wanted.samples, wanted.intervals, wanted.perturbation, seed=int(rng.integers(2**31))
    )
    generate_sensitivities(
        simulation,
        sensitivity_recipe,
        torch.from_numpy(np.stack(starts).astype(np.float32)),
        run.paths.store("sensitivity"),
        settings=settings,
        target=target_fields(config, simulation),
        progress=progress,
    )
