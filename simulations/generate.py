"""Many simulations to one store: seeded one by one, resumable, the same bytes however often killed."""

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
"""Wraps an iterable in a progress bar with a description."""


def silent(iterable: Iterable[int], description: str) -> Iterable[int]:
    """No progress bar."""
    return iterable


@dataclass(frozen=True)
class Recipe:
    """What to simulate.

    Args:
        simulations: how many.
        intervals: control intervals recorded in each.
        warm_up: control intervals without forcing before the recording, to reach the attractor.
        share_transient: fraction that skips the warm-up and starts from a smooth random state whose
            amplitude is log-uniform between ``smallest_amplitude`` and ``amplitude``.
        share_unforced: fraction that is never forced.
        amplitude: root mean square of the starts that are warmed up.
        smallest_amplitude: see ``share_transient``.
        seed: root of all randomness; simulation i depends on ``(seed, i)`` alone.
        batch: simulations advanced together. Part of the recipe because rounding may depend on it.
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
    """Write the simulations of ``recipe`` to the Zarr store ``path``, skipping what is there.

    Args:
        settings: what ``simulations.build`` made the simulation from; kept in the store.

    Raises:
        StoreError: if a store made with other settings or another recipe stands at ``path``.
    """
    store = TrajectoryStore.open_or_create(
        path,
        simulation,
        simulations=recipe.simulations,
        intervals=recipe.intervals,
        title=title or f"{simulation.equation} under random forcing",
        settings={"simulation": settings, "recipe": asdict(recipe)},
    )
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
    """States after the warm-up, ``(batch, channel, x)``, for the simulations ``indices``."""
    starts = [simulation.initial_state(_rng(recipe, i), amplitude=recipe.amplitude) for i in indices]
    fields = torch.tensor(np.stack(starts), dtype=torch.float32)
    unforced = torch.zeros(len(fields), len(simulation.actuators))
    with torch.no_grad():
        for _ in range(recipe.warm_up):
            fields = simulation.advance(fields, unforced)
    return fields


def _rng(recipe: Recipe, index: int) -> np.random.Generator:
    return np.random.default_rng([recipe.seed, index])


def _draw(simulation: Simulation, recipe: Recipe, indices: range) -> tuple[Tensor, Tensor]:
    """Starts ``(batch, channel, x)`` and physical actions ``(batch, interval, actuator)``."""
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
