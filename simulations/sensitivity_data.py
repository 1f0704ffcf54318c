"""Sensitivities of many starts, written to one resumable store.

Every sample has a seed of its own. A run that is interrupted and started again writes the same bytes as
one that is not.
"""

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

SLOW, ROUGH = 4.0, 1.0  # mean holding times of random levels, in intervals


@dataclass(frozen=True)
class SensitivityRecipe:
    """The number, length and actions of the samples of a data set of sensitivities.

    Args:
        samples: The number of samples, one for each start.
        intervals: The number of control intervals in each.
        perturbation: The largest difference between the actions of the two twins, in normalised actions,
            before they are clipped to their bounds.
        share_uniform: The fraction of samples whose actions are drawn uniformly in every interval. The
            actions of the others are those of training data, :func:`~simulations.excitation.mixed`.
        share_unforced: The fraction of the others without forcing.
        share_rough: The fraction of twins whose difference is drawn in every interval; the difference of
            the others is held for 4 intervals on average.
        seed: The seed; sample i depends on ``(seed, i)`` and on its start alone.
        batch: The number of samples computed together. It is part of the recipe, as rounding may depend
            on it.
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
    """The action sequences of one sample, normalised, each of shape ``(interval, actuator)``.

    Args:
        actions: The actions of the trajectory.
        twin_actions: The actions of its twin.
        directions: The direction of the tangent, of unit mean square.
    """

    actions: Signal
    twin_actions: Signal
    directions: Signal


def draw_sequences(recipe: SensitivityRecipe, index: int, actuators: int) -> Sequences:
    """Draw the sequences of sample ``index``."""
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
    """Write the samples of a recipe to a Zarr store; samples that it has already are skipped.

    Samples that are not as they were written, by their sha256, are told in a warning and written again. Starts and
    actions are rounded to float32, as they are stored; solutions are computed from them in
    float64.

    Args:
        simulation: The simulation to run.
        recipe: The number, length and actions of the samples.
        starts: The starts, ``(sample, variable, *space)``.
        path: The ``.zarr`` folder of the store.
        settings: The settings from which ``simulations.build`` made the simulation; they are kept in the
            store.
        target: The target in the cost whose gradient is stored, broadcastable to ``(variable, *space)``.
        title: The title in the attributes of the store.
        progress: Wraps the batches in a progress bar.

    Raises:
        ValueError: If starts or target do not fit.
        StoreError: If the store at ``path`` was made with other settings, another recipe or other starts.
    """
    shape = (len(simulation.variables), *simulation.grid.shape)
    if starts.shape != (recipe.samples, *shape) or not torch.isfinite(starts).all():
        raise ValueError(
            f"{simulation.equation}: expected finite starts of shape {(recipe.samples, *shape)}, "
            f"got {tuple(starts.shape)} with {int((~torch.isfinite(starts)).sum())} values that are not finite."
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
        title=title or f"{simulation.equation}: sensitivities to actions",
        settings=origin,
    )
    store.discard_damaged()
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
    """The sensitivities in float64, and the sequences as they are stored, in float32."""
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
