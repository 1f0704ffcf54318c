"""Bringing in, training and a forecast to Zarr, killed again and again: the same bytes at the end.

The training is one of all predictors, of which the best is chosen, and ends with the calibration of its errors.
"""

import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.own_data.large_data import WAVES, source_of, write_waves
from sciwm.benchmarks.own_data.processes import sciwm_command
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row
from sciwm.benchmarks.robustness.interruptions import WAITS_AT_LEAST, fingerprints, finish, was_killed
from sciwm.provenance import source_commit

KILLS = {"bring-in": 7, "train": 7, "rollout": 6}
FULL, QUICK = (32, 127, 96), (4, 15, 12)
"""Runs, intervals and points along each axis: each command works for some seconds in full."""


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """The number of files that differ after kills of every command."""
    made = [
        cached(
            folder / "crash" / f"{seed}.json",
            [source_commit().encode(), f"{seed} {quick}".encode()],
            partial(_killed, folder / "crash", quick, seed),
        )
        for seed in seeds
    ]
    kills = sum(made[0]["kills"].values())
    said = "; ".join(sorted({name for m in made for name in m["differing"]}))
    differing = [float(len(m["differing"])) for m in made]
    return [check("crash", f"files that differ after {kills} kills of three commands", differing, most=0.0, said=said)]


def _killed(folder: Path, quick: bool, seed: int) -> Cell:
    data, config = folder / "waves.zarr", folder / "waves.yaml"
    write_waves(data, *(QUICK if quick else FULL), saturating=True)
    config.write_text(yaml.safe_dump(_settings(data, quick)))
    whole, tried = folder / "whole", folder / "tried"  # where commands work, as results tell what made them
    for left in (whole, tried):
        shutil.rmtree(left, ignore_errors=True)
    tried.mkdir()
    rng, kills, lasts = np.random.default_rng(seed), dict.fromkeys(KILLS, 0), dict[str, float]()
    for name in KILLS:
        began = time.perf_counter()
        finish(_command(name, config, data, tried))
        lasts[name] = max(time.perf_counter() - began, 2 * WAITS_AT_LEAST)
    tried.rename(whole)
    tried.mkdir()
    for name, wanted in KILLS.items():
        command = _command(name, config, data, tried)
        while kills[name] < (1 if quick else wanted):
            kills[name] += was_killed(command, float(rng.uniform(WAITS_AT_LEAST, lasts[name])))
        finish(command)
    one, other = fingerprints(whole), fingerprints(tried)
    differing = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return {"kills": kills, "differing": differing}


def _command(name: str, config: Path, data: Path, folder: Path) -> list[str]:
    run = str(folder / "run")
    arguments = {
        "bring-in": (str(config), "--out", run),
        "train": (run,),
        "rollout": (run, str(data), "--out", str(folder / "forecast.zarr")),
    }
    return sciwm_command(name, *arguments[name])


def _settings(data: Path, quick: bool) -> dict[str, object]:
    updates, epoch = (8, 2) if quick else (400, 20)
    return {
        "name": "waves",
        "source": source_of(data),
        "model": {"latent_size": WAVES, "predictor": {"kind": "auto"}},
        "loss": {"horizon": 4},
        "training": {"updates": updates, "updates_per_epoch": epoch, "batch_size": 16},
    }
