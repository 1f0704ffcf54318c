"""Sensitivities of many starts to one store: seeded one by one, resumable, the same bytes however often killed."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simulations.base import Simulation
from simulations.excitation import Signal, held_levels, mixed
from simulations.generate import Progress, silent
from simulations.sensitivity import Sensitivity, sensitivity
from simulations.sensitivity_store import SensitivityStore

SLOW, ROUGH = 4.0, 1.0  # mean intervals for which levels are held


@dataclass(frozen=True)
class SensitivityRecipe:
    """Which actions the starts meet.

    Args:
        samples: how many starts.
        intervals: control intervals of each.
        perturbation: largest change from an action to its twin's, of normalised actions, before both
            are kept within their bounds.
        share_uniform: fraction whose actions are drawn anew from the whole box in every interval; the
            others are excited like training data.
        share_unforced: fraction of those others that is never forced.
        share_rough: fraction of the twins whose change is drawn anew in every interval; that of the
            others is held for some.
        seed: root of all randomness; sample i depends on ``(seed, i)`` and its start alone.
        batch: samples computed together. Part of the recipe because rounding may depend on it.
    """

    samples: int
    intervals: int
    perturbation: float = 0.5
    share_uniform: float = 0.25
    share_unforced: float = 0.15
    share_rough: float = 0.5
    seed: int = 0
    batch: int = 32


@dataclass(frozen=True)
class Sequences:
    """Normalised actions of one sample, each ``(interval, actuator)``; directions have unit mean square."""

    actions: Signal
    twin_actions: Signal
    directions: Signal


def draw_sequences(recipe: SensitivityRecipe, index: int, actuators: int) -> Sequences:
    """The actions, twin and direction of sample ``index``."""
    rng, intervals = np.random.default_rng([recipe.seed, index, 2]), recipe.intervals
    if rng.uniform() < recipe.share_uniform:
        actions = held_levels(rng, intervals, actuators, hold=ROUGH)
    else:
        actions = mixed(rng, intervals, actuators, share_unforced=recipe.share_unforced)
    hold = ROUGH if rng.uniform() < recipe.share_rough else SLOW
    change = recipe.perturbation * held_levels(rng, intervals, actuators, hold=hold)
    directions = rng.normal(size=(intervals, actuators))
    directions /= np.sqrt(np.square(directions).mean())
    return Sequences(actions, np.clip(actions + change, -1, 1), directions)


def generate_sensitivities(
    simulation: Simulation,
    recipe: SensitivityRecipe,
    starts: Tensor,
    path: Path,
    *,
    settings: dict[str, Any],
    target: Tensor | float = 0.0,
    title: str = "",
    progress: Progress = silent,
) -> SensitivityStore:
    """Write the samples of ``recipe`` to the Zarr store ``path``, skipping what is there.

    Solutions are computed in float64 from starts and actions as they are stored, in float32.

    Args:
        starts: ``(sample, variable, *space)``.
        settings: what ``simulations.build`` made the simulation from; kept in the store.
        target: of the cost whose gradient is stored, broadcastable to ``(variable, *space)``.

    Raises:
        ValueError: if starts or target do not fit.
        StoreError: if a store made with other settings, another recipe or other starts stands at ``path``.
    """
    shape = (len(simulation.variables), *simulation.grid.shape)
    if starts.shape != (recipe.samples, *shape) or not torch.isfinite(starts).all():
        raise ValueError(
            f"{simulation.equation}: expected finite starts of shape {(recipe.samples, *shape)}, "
            f"got {tuple(starts.shape)}, {int((~torch.isfinite(starts)).sum())} of them not finite."
        )
    starts = starts.float()
    target = torch.as_tensor(target, dtype=torch.float32).cpu().expand(shape)
    origin = {"simulation": settings, "recipe": asdict(recipe), "starts": _digest(starts), "target": _digest(target)}
    store = SensitivityStore.open_or_create(
        path,
        simulation,
        samples=recipe.samples,
        intervals=recipe.intervals,
        target=target,
        title=title or f"{simulation.equation}: answers to actions",
        settings=origin,
    )
    missing, samples = set(store.missing()), range(recipe.samples)
    batches = [samples[n : n + recipe.batch] for n in range(0, recipe.samples, recipe.batch)]
    pending = [rows for rows in batches if not missing.isdisjoint(rows)]
    for n in progress(range(len(pending)), f"sensitivities {path.stem}"):
        rows = pending[n]
        drawn = [draw_sequences(recipe, i, len(simulation.actuators)) for i in rows]
        found, sequences = _compute(simulation, starts[rows.start : rows.stop], drawn, target)
        store.write(rows, found, sequences, simulation)
    return store


def _compute(
    simulation: Simulation, starts: Tensor, drawn: list[Sequences], target: Tensor
) -> tuple[Sensitivity, dict[str, Tensor]]:
    """Solutions in float64, and the actions as they are stored."""
    normalized = {name: torch.tensor(np.stack([getattr(s, name) for s in drawn])) for name in vars(drawn[0])}
    stored = {
        "action": simulation.actuators.to_physical(normalized["actions"]).float(),
        "action_twin": simulation.actuators.to_physical(normalized["twin_actions"]).float(),
        "direction": normalized["directions"].float(),
    }
    found = sensitivity(
        simulation,
        starts.double(),
        stored["action"].to(starts.device, torch.float64),
        twin_actions=stored["action_twin"].to(starts.device, torch.float64),
        directions=stored["direction"].to(starts.device, torch.float64),
        target=target.to(starts.device, torch.float64),
    )
    return found, stored


def _digest(values: Tensor) -> str:
    return hashlib.sha256(values.contiguous().cpu().numpy().tobytes()).hexdigest()
