"""Training data: many simulations under random forcing, written to one resumable store.

Every simulation has a seed of its own. A run that is interrupted and started again writes the same bytes
as one that is not.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simulations.base import Simulation
from simulations.episode import Policy, run_episodes
from simulations.excitation import mixed
from simulations.store import TrajectoryStore

Progress = Callable[[Iterable[int], str], Iterable[int]]
"""``progress(iterable, description)`` returns the iterable, wrapped in a progress bar."""


def silent(iterable: Iterable[int], description: str) -> Iterable[int]:
    """The iterable itself, without a progress bar."""
    return iterable


@dataclass(frozen=True)
class Recipe:
    """The number, length, starts and forcing of the simulations of a data set.

    Args:
        simulations: The number of simulations.
        intervals: The number of control intervals recorded in each.
        warm_up: The number of control intervals without forcing before the recording. Choose it so long
            that the flow reaches its attractor, or 0 where it decays.
        share_transient: The fraction of simulations that skip the warm-up. They start from a smooth random
            state whose amplitude is log-uniform between ``smallest_amplitude`` and ``amplitude``. Data for
            control to rest needs them, as the attractor alone has no states near rest; 0.5 is good there.
        share_unforced: The fraction of simulations without forcing.
        amplitude: The root mean square of the starts that are warmed up.
        smallest_amplitude: The smallest amplitude of the other starts.
        seed: The seed; simulation i depends on ``(seed, i)`` alone.
        batch: The number of simulations advanced together. It is part of the recipe, as rounding may
            depend on it.
    """

    simulations: int
    intervals: int
    warm_up: int
    share_transient: float = 0.5
    share_unforced: float = 0.15
    amplitude: float = 1.0
    smallest_amplitude: float = 1e-3
    seed: int = 0
    batch: int = 64


def generate(
    simulation: Simulation,
    recipe: Recipe,
    path: Path,
    *,
    settings: dict[str, Any],
    title: str = "",
    progress: Progress = silent,
) -> TrajectoryStore:
    """Write the simulations of a recipe to a Zarr store; simulations that it has already are skipped.

    Those that are not as they were written, by their sha256, are told in a warning and written again.

    Args:
        simulation: The simulation to run.
        recipe: The number, length, starts and forcing of the simulations.
        path: The ``.zarr`` folder of the store.
        settings: The settings from which ``simulations.build`` made the simulation; they are kept in the
            store.
        title: The title in the attributes of the store.
        progress: Wraps the intervals of each batch in a progress bar.

    Raises:
        StoreError: If the store at ``path`` was made with other settings or another recipe.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from simulations import GOOD_VALUES, build
        >>> from simulations.generate import Recipe, generate
        >>> settings = {"equation": "burgers"} | GOOD_VALUES["burgers"].settings
        >>> with TemporaryDirectory() as folder:
        ...     recipe = Recipe(simulations=2, intervals=3, warm_up=0)
        ...     store = generate(build(settings), recipe, Path(folder) / "train.zarr", settings=settings)
        ...     store.outcomes()
        {'pending': 0, 'ok': 2, 'blew_up': 0}
    """
    store = TrajectoryStore.open_or_create(
        path,
        simulation,
        simulations=recipe.simulations,
        intervals=recipe.intervals,
        title=title or f"{simulation.equation} under random forcing",
        settings={"simulation": settings, "recipe": asdict(recipe)},
    )
    store.discard_damaged()
    missing = set(store.missing())
    for start in range(0, recipe.simulations, recipe.batch):
        indices = range(start, min(start + recipe.batch, recipe.simulations))
        if missing.isdisjoint(indices):
            continue
        fields, forcing = _draw(simulation, recipe, indices)
        intervals = progress(range(recipe.intervals), f"simulating {path.stem} {indices[-1] + 1}/{recipe.simulations}")
        episodes = run_episodes(simulation, fields, _replay(forcing), intervals)
        store.write(indices, episodes, simulation)
    return store


def attractor_states(simulation: Simulation, recipe: Recipe, indices: Iterable[int]) -> Tensor:
    """The states of the simulations ``indices`` after the warm-up, ``(batch, channel, *space)``."""
    starts = [simulation.initial_state(_rng(recipe, i), amplitude=recipe.amplitude) for i in indices]
    fields = torch.tensor(np.stack(starts), dtype=torch.float32)
    unforced = simulation.actuators.clamp(torch.zeros(len(fields), len(simulation.actuators)))
    with torch.no_grad():
        for _ in range(recipe.warm_up):
            fields = simulation.advance(fields, unforced)
    return fields


def _rng(recipe: Recipe, index: int) -> np.random.Generator:
    return np.random.default_rng([recipe.seed, index])


def _draw(simulation: Simulation, recipe: Recipe, indices: range) -> tuple[Tensor, Tensor]:
    """Starts ``(batch, channel, *space)`` and physical actions ``(batch, interval, actuator)``."""
    fields = attractor_states(simulation, recipe, indices)
    signals = []
    for row, index in enumerate(indices):
        rng = np.random.default_rng([recipe.seed, index, 1])
        if rng.uniform() < recipe.share_transient:
            smallest, largest = np.log(recipe.smallest_amplitude), np.log(recipe.amplitude)
            amplitude = np.exp(rng.uniform(smallest, largest))
            fields[row] = torch.from_numpy(simulation.initial_state(rng, amplitude=amplitude))
        signals.append(mixed(rng, recipe.intervals, len(simulation.actuators), share_unforced=recipe.share_unforced))
    forcing = torch.tensor(np.stack(signals), dtype=torch.float32)
    return fields, simulation.actuators.to_physical(forcing)


def _replay(forcing: Tensor) -> Policy:
    return lambda fields, interval: forcing[:, interval]
