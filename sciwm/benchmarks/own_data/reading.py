"""Windows of training from a store on the disk: ours beside xbatcher and plain xarray with Dask."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.large_data import WAVES, source_of, write_waves
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.physics.scenario import link_sets
from sciwm.benchmarks.results import Row
from sciwm.data import Trajectories, Windows, fit_domain
from sciwm.errors import InputError, Problem
from sciwm.experiment import Run, stages
from sciwm.provenance import source_commit
from sciwm.run_paths import RunPaths

FASTER, MOST_WAITING = 5.0, 0.05
FULL, QUICK = (160, 255, 128), (12, 63, 32)
"""Runs, intervals and points along each axis. The training set is 2.0 gigabytes in full, and none is kept in memory."""
HORIZON, BATCH = 8, 64
SECONDS = 20.0
"""For which each reader reads."""


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Windows per second of each reader, and the share of a training that waits for them.

    Raises:
        InputError: if xbatcher is not installed.
    """
    if find_spec("xbatcher") is None:
        remedy = "pip install 'sciwm[compare]', or pip install xbatcher"
        raise InputError([Problem("benchmark own-data reading", "the package xbatcher", "none", remedy)])
    sizes = QUICK if quick else FULL
    made = [
        cached(
            folder / "reading" / f"{seed}.json",
            [source_commit().encode(), f"{sizes} {seed}".encode()],
            partial(_measured, folder / "reading", sizes, quick, seed),
        )
        for seed in seeds
    ]
    rows = [check("reading", name, [m["speed"][name] for m in made], unit="windows/s") for name in made[0]["speed"]]
    for other in ("xbatcher", "xarray with Dask"):
        ratios = [m["speed"]["sciwm"] / m["speed"][other] for m in made]
        rows.append(check("reading", f"sciwm over {other}", ratios, least=FASTER))
    waiting = [m["waiting"] for m in made]
    return [*rows, check("reading", "share of a training that waits for data", waiting, most=MOST_WAITING)]


def _measured(folder: Path, sizes: tuple[int, int, int], quick: bool, seed: int) -> Cell:
    source = folder / "waves.zarr"
    write_waves(source, *sizes)
    data = DataSet(
        name="waves",
        folder=folder,
        source=source_of(source) | {"split": {"by": "run", "validation": 0.125, "test": 0.125}},
        settings={
            "model": {"latent_size": WAVES, "predictor": {"kind": "exponential"}},
            "loss": {"horizon": HORIZON},
            "training": {"batch_size": BATCH},
        },
        seconds=0.0,
        steps=(1,),
        stride=1,
    )
    store, budget = RunPaths(data.data).store("train"), SECONDS / 40 if quick else SECONDS
    speed = {
        "sciwm": _speed(_ours(store, seed), budget),
        "xbatcher": _speed(_by_xbatcher(store, seed), budget),
        "xarray with Dask": _speed(_by_xarray(store, seed), budget),
    }
    return {"speed": speed, "waiting": _waiting(data, seed, 4 if quick else 200)}


def _speed(batches: Iterator[int], seconds: float) -> float:
    """Windows per second, the first batch left out."""
    next(batches)
    began, count = time.perf_counter(), 0
    for windows in batches:
        count += windows
        if time.perf_counter() - began >= seconds:
            break
    return count / (time.perf_counter() - began)


def _ours(store: Path, seed: int) -> Iterator[int]:
    with _read_from_disk():
        data = Trajectories(store)
    windows, rng = Windows([data], fit_domain(data)), np.random.default_rng(seed)
    while True:
        yield len(windows.draw(rng, BATCH, HORIZON).fields)


def _opened(store: Path) -> xr.Dataset:
    ds = xr.open_zarr(store, consolidated=False, decode_times=False)
    return ds[["height", "action"]]


def _by_xarray(store: Path, seed: int) -> Iterator[int]:
    """Random windows cut from the lazy Dataset and computed together, as one writes it first."""
    ds, rng = _opened(store), np.random.default_rng(seed)
    while True:
        runs = rng.integers(0, ds.sizes["simulation"], BATCH)
        starts = rng.integers(0, ds.sizes["time"] - HORIZON, BATCH)
        several = [
            ds.isel(simulation=int(i), time=slice(int(t), int(t) + HORIZON + 1)).reset_coords(drop=True)
            for i, t in zip(runs, starts, strict=True)
        ]
        batch = xr.concat([one.drop_vars("time") for one in several], "window").compute()
        yield batch.sizes["window"]


def _by_xbatcher(store: Path, seed: int) -> Iterator[int]:
    """Windows of xbatcher's generator in random order, a batch of them after the other."""
    xbatcher: Any = import_module("xbatcher")
    ds, rng = _opened(store), np.random.default_rng(seed)
    generator = xbatcher.BatchGenerator(ds, {"simulation": 1, "time": HORIZON + 1})
    while True:
        order = rng.permutation(len(generator))
        for first in range(0, len(order) - BATCH + 1, BATCH):
            for place in order[first : first + BATCH]:
                generator[int(place)].load()
            yield BATCH
        if len(order) < BATCH:
            for place in order:
                generator[int(place)].load()
            yield len(order)


def _waiting(data: DataSet, seed: int, updates: int) -> float:
    """The share of the updates of a training, in wall time, that waits for windows."""
    run = data.folder / "run"
    config = data.config(seed, {"training": {"updates_per_epoch": updates}}, updates)
    link_sets(data.data, run, ("train", "validation", "test"))
    Run(run).write_config(config)
    RunPaths(run).train_state.unlink(missing_ok=True)
    with waits() as spent, _read_from_disk():
        stages.train(run)
    return spent[0] / max(1e-9, spent[1])


@contextmanager
def waits() -> Iterator[list[float]]:
    """Collects the seconds that trainings wait for windows, and all seconds from the first window to the last."""
    from sciwm.training import loop

    spent, began = [0.0, 0.0], [0.0]
    names = vars(loop)
    read_ahead = names["read_ahead"]

    @contextmanager
    def timed(draw: Callable[[int], Any], total: int, *, worth_it: bool) -> Iterator[Callable[[int], Any]]:
        with read_ahead(draw, total, worth_it=worth_it) as drawing:

            def waited(update: int) -> Any:
                before = time.perf_counter()
                drawn = drawing(update)
                after = time.perf_counter()
                began[0] = began[0] or after  # the first one has nothing to hide behind
                spent[0] += after - before if before > began[0] else 0.0
                spent[1] = after - began[0]
                return drawn

            yield waited

    names["read_ahead"] = timed
    try:
        yield spent
    finally:
        names["read_ahead"] = read_ahead


@contextmanager
def _read_from_disk() -> Iterator[None]:
    """Lets small stores be read from the disk as large ones are."""
    from sciwm.data import schema

    limit = schema.IN_MEMORY_BYTES
    schema.IN_MEMORY_BYTES = 0
    try:
        yield
    finally:
        schema.IN_MEMORY_BYTES = limit
