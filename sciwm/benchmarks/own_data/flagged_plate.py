"""Records of the plate with faults, which must be flagged, and sound ones of held-out runs, which must not."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import sciwm
from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.own_data.plate import chosen_models, held_out, sizes_of
from sciwm.benchmarks.own_data.trained_methods import VERSION
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row
from sciwm.evaluation.surprise import auroc, auroc_interval
from sciwm.run_paths import RunPaths
from sciwm.surrogate import Surrogate

AUROC, FALSE_ALARMS = 0.95, 0.05
SPOT, SPOT_CELLS, DEAD_COLUMNS, DEAD_VALUE = 10.0, 3, 2, 0.0
"""A hot spot in kelvin over some cells a side, and columns whose sensors say nothing."""

Damage = Callable[[xr.Dataset, np.random.Generator], xr.Dataset]


def _noise(ds: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    return ds.assign(temp=ds["temp"] + rng.standard_normal(ds["temp"].shape))


def _spot(ds: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    added = np.zeros((ds.sizes["row"], ds.sizes["col"]))
    row, col = (int(rng.integers(0, ds.sizes[d] - SPOT_CELLS + 1)) for d in ("row", "col"))
    added[row : row + SPOT_CELLS, col : col + SPOT_CELLS] = SPOT
    return ds.assign(temp=ds["temp"] + xr.DataArray(added, dims=("row", "col")))


def _dead(ds: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    first = int(rng.integers(0, ds.sizes["col"] - DEAD_COLUMNS + 1))
    alive = np.ones(ds.sizes["col"], bool)
    alive[first : first + DEAD_COLUMNS] = False
    return ds.assign(temp=ds["temp"].where(xr.DataArray(alive, dims="col"), DEAD_VALUE))


def _flipped(dimension: str) -> Damage:
    """Values in the wrong order, under coordinates in the right one."""
    return lambda ds, rng: ds.assign(temp=ds["temp"].copy(data=ds["temp"].isel({dimension: slice(None, None, -1)})))


DAMAGES: dict[str, Damage] = {
    "noise of 1 K": _noise,
    "hot spot": _spot,
    "dead columns": _dead,
    "flipped columns": _flipped("col"),
    "flipped rows": _flipped("row"),
    "15 K too warm": lambda ds, rng: ds.assign(temp=ds["temp"] + 15.0),
    "ambient stated 1 K too high": lambda ds, rng: ds.assign(ambient=ds["ambient"] + 1.0),
}


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """A row for each damage, and one for false alarms."""
    sound, cells = held_out(folder, quick), []
    for seed, path in zip(seeds, chosen_models(folder, quick, seeds, sizes_of(quick)[0]), strict=True):
        made_from = [RunPaths(path).weights.read_bytes(), VERSION]
        cell_path = folder / "flags" / f"{seed}.json"
        cells.append(cached(cell_path, made_from, partial(_judged, path, sound, seed)))
    rows = [
        check(
            "flags",
            f"AUROC, {name}",
            [c["auroc"][name] for c in cells],
            least=AUROC,
            interval=cells[0]["interval"][name],
        )
        for name in DAMAGES
    ]
    alarms = [c["false_alarms"] for c in cells]
    return [*rows, check("flags", "false alarms on held-out runs", alarms, most=FALSE_ALARMS)]


def _judged(run: Path, sound: xr.Dataset, seed: int) -> Cell:
    model = sciwm.load(run)
    usual, flagged = _scores(model, sound)
    groups = np.repeat(np.arange(usual.shape[0]), usual.shape[1])
    found, intervals = {}, {}
    for number, (name, damage) in enumerate(DAMAGES.items()):
        rng = np.random.default_rng([seed, number])
        scores, _ = _scores(model, damage(sound, rng))
        found[name] = auroc(scores.ravel(), usual.ravel())
        intervals[name] = list(auroc_interval(scores.ravel(), usual.ravel(), groups, draws=500))
    return {"auroc": found, "interval": intervals, "false_alarms": float(flagged.mean())}


def _scores(model: Surrogate, ds: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The highest score of any detector, and whether it is flagged, of each record ``(run, time)``."""
    told = model.flags(ds[["temp", "ambient"]], ds[["power"]])
    score = told["score"].max("detector").transpose("run", "t").values
    return np.asarray(score, dtype=float), np.asarray(told["flag"].transpose("run", "t").values, dtype=bool)
