"""Data larger than memory through every command: how much of it is resident at most?"""

from collections.abc import Sequence
from pathlib import Path

import yaml

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.own_data.large_data import WAVES, source_of, write_waves
from sciwm.benchmarks.own_data.processes import measured, sciwm_command
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row
from sciwm.provenance import source_commit

MOST = 1000.0
"""Megabytes."""
FULL, QUICK = (64, 255, 256), (16, 95, 128)
"""Runs, intervals and points along each axis: 4.3 and 0.1 gigabytes of fields."""

SCORED = 0.875
"""The share of runs that are scored."""


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """A row for each command but the training, which has little data here, with the most memory that it took."""
    runs, intervals, points = QUICK if quick else FULL
    size = 4 * runs * (intervals + 1) * points**2 / 1e9
    peaks = cached(
        folder / "memory" / "peaks.json",
        [source_commit().encode(), f"{runs} {intervals} {points}".encode()],
        lambda: _peaks(folder / "memory", runs, intervals, points),
    )
    return [
        check("memory", f"{name}, {size:.1f} GB", [peaks[name]], most=MOST, unit="MB")
        for name in ("bring-in", "rollout", "evaluate")
    ]


def _peaks(folder: Path, runs: int, intervals: int, points: int) -> Cell:
    data, config, run = folder / "waves.zarr", folder / "waves.yaml", folder / "run"
    write_waves(data, runs, intervals, points)
    config.write_text(yaml.safe_dump(_settings(data)))
    commands = {
        "bring-in": ("bring-in", str(config), "--out", str(run)),
        "train": ("train", str(run)),
        "rollout": ("rollout", str(run), str(data), "--out", str(folder / "forecast.zarr")),
        "evaluate": ("evaluate", str(run)),
    }
    return {name: measured(sciwm_command(*command)).megabytes for name, command in commands.items()}


def _settings(data: Path) -> dict[str, object]:
    return {
        "name": "waves",
        "source": source_of(data) | {"split": {"by": "run", "validation": 0.0625, "test": SCORED}},
        "model": {"latent_size": WAVES, "predictor": {"kind": "linear"}},
        "loss": {"horizon": 4},
        "training": {"updates": 20, "updates_per_epoch": 10, "batch_size": 16},
    }
