"""The heated plate: somebody's bench, forecast by every method, with error bars."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

import sciwm
from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.own_data.comparison import compare, found
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.forecasts import Starts, by_model, starts_of
from sciwm.benchmarks.own_data.trained_methods import VERSION, trained_run
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row
from sciwm.errors import InputError, Problem
from sciwm.model import load_model
from sciwm.run_paths import RunPaths

FILE = Path("runs/benchmarks/own-data/heated_plate.nc")
LAYOUT = (
    "netCDF with temp (run, t, row, col) in degC, power (run, t, heater) in W and ambient (run) in degC; runs 100 to "
    "123 of 80 intervals or more"
)
TRAINING, VALIDATION, HELD_OUT = range(100, 112), range(112, 118), range(118, 124)
STEPS = (1, 5, 10, 20, 40)
SIZES = (32, 64)
AT_WALL = 2
"""How many cells count as near a wall."""
COVERAGES = (0.5, 0.9)


def plate(folder: Path, quick: bool) -> DataSet:
    """The plate, with the twelve training runs, six for validation and six held out.

    Raises:
        InputError: if the file is not there.
    """
    if not FILE.is_file():
        remedy = f"put it there: {LAYOUT}. It is not part of the package"
        raise InputError([Problem(str(FILE), "the measurements of the heated plate", "nothing there", remedy)])
    return DataSet(
        name="plate",
        folder=folder / "plate",
        source={
            "files": [str(FILE.resolve())],
            "variables": ["temp"],
            "forcings": ["power"],
            "parameters": ["ambient"],
            "run": "run",
            "time": "t",
            "space": ["row", "col"],
            "periodic": [],
            "split": {"by": "run", "validation": list(VALIDATION), "test": list(HELD_OUT)},
        },
        settings=QUICK if quick else {},
        seconds=2.0 if quick else 100.0,
        steps=STEPS,
        stride=20 if quick else 5,
        unit="K",
        epoch=2 if quick else 50,
    )


QUICK = {"training": {"batch_size": 4}, "loss": {"horizon": 2}}


def sizes_of(quick: bool) -> tuple[int, ...]:
    """The numbers of the latent that are tried."""
    return (8,) if quick else SIZES


def held_out(folder: Path, quick: bool) -> xr.Dataset:
    """The held-out runs as the file has them."""
    data = plate(folder, quick)
    with xr.open_dataset(data.source["files"][0]) as ds:
        return ds.sel(run=list(HELD_OUT)).load()


def chosen_models(folder: Path, quick: bool, seeds: Sequence[int], size: int) -> list[Path]:
    """The run folders of ``auto``, one for each seed, whose error bars, flags and analyses are judged."""
    data = plate(folder, quick)
    return [trained_run(data, "auto", seed, size)[0] for seed in seeds]


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Rows of all methods, and checks of the plate."""
    data, sizes = plate(folder, quick), sizes_of(quick)
    rows = compare("plate", data, sizes, seeds)
    checks: list[Row] = []
    for size in sizes:
        own, linear = found(rows, "auto", size), found(rows, "dmdc", size)
        ratios = [
            max(
                a / b if a is not None else np.inf
                for a, b in zip(of_seed, linear["rmse"], strict=True)
            )
            for of_seed in own["by_seed"]
        ]  # fmt: skip
        checks.append(check("plate", f"auto over DMDc, worst step, {size} numbers", ratios, most=1.2))
    alone = found(rows, "exponential", sizes[0])
    worst = [max(s[2:], key=_or_infinite) for s in alone["by_seed"]]
    checks.append(check("plate", f"exponential alone, {sizes[0]} numbers, steps 10 to 40", worst, most=0.02, unit="K"))
    if len(sizes) > 1:
        last = [s[-1] for s in found(rows, "exponential", sizes[1])["by_seed"]]
        checks.append(check("plate", f"exponential alone, {sizes[1]} numbers, step 40", last, most=0.005, unit="K"))
    starts = starts_of(data.set("test"), STEPS[-1], data.stride)
    for size in sizes:
        at_walls = [_wall_ratio(data, starts, seed, size) for seed in seeds]
        checks.append(
            check("plate", f"error within two cells of a wall, {size} numbers, worst step", at_walls, most=1.5)
        )
    return rows + checks + _error_bars(folder, quick, seeds)


def _or_infinite(value: float | None) -> float:
    return np.inf if value is None else value


def _wall_ratio(data: DataSet, starts: Starts, seed: int, size: int) -> float:
    model = load_model(trained_run(data, "auto", seed, size)[0])[0]
    square = (by_model(model)(starts) - starts.truth).square().mean(dim=(0, 2))  # (time, row, col)
    inside = torch.zeros(square.shape[1:], dtype=torch.bool)
    inside[AT_WALL:-AT_WALL, AT_WALL:-AT_WALL] = True
    at = [step - 1 for step in STEPS]
    return float((square[at][:, ~inside].mean(dim=1) / square[at][:, inside].mean(dim=1)).sqrt().max())


def _error_bars(folder: Path, quick: bool, seeds: Sequence[int]) -> list[Row]:
    """Coverage of the bands of 50 and 90 %, and spread over error, of forecasts as a scientist makes them."""
    data, cells = plate(folder, quick), []
    for seed, path in zip(seeds, chosen_models(folder, quick, seeds, sizes_of(quick)[0]), strict=True):
        made_from = [RunPaths(path).weights.read_bytes(), f"{data.stride}".encode(), VERSION]
        made = cached(data.folder / f"error-bars-{seed}.json", made_from, partial(_bars, path, folder, quick))
        cells.append(made)
    shown = [s - 1 for s in STEPS]
    rows = []
    for level in COVERAGES:
        covered = np.array([c["covered"][str(level)] for c in cells])
        said = " / ".join(f"{x:.3f}" for x in covered.mean(axis=0)[shown])
        what = f"coverage of {level:.0%} bands at steps {', '.join(map(str, STEPS))}: {said}"
        if level == max(COVERAGES):
            rows.append(check("plate", f"{what}; least step", covered.min(axis=1).tolist(), least=0.85))
            rows.append(check("plate", f"{level:.0%} bands, most step", covered.max(axis=1).tolist(), most=0.95))
        else:
            rows.append(check("plate", f"{what}; all steps", covered.mean(axis=1).tolist()))
    ratio = np.array([c["spread_skill"] for c in cells])[:, 4:]
    rows.append(check("plate", "spread over error from step 5, least", ratio.min(axis=1).tolist(), least=0.8))
    rows.append(check("plate", "spread over error from step 5, most", ratio.max(axis=1).tolist(), most=1.25))
    return rows


def _bars(path: Path, folder: Path, quick: bool) -> Cell:
    ds, model = held_out(folder, quick), sciwm.load(path)
    covered: dict[float, list[NDArray[np.float64]]] = {level: [] for level in COVERAGES}
    variance, square = [], []
    for first in range(0, ds.sizes["t"] - STEPS[-1], plate(folder, quick).stride):
        start = ds[["temp", "ambient"]].isel(t=first)
        schedule = ds[["power"]].isel(t=slice(first, first + STEPS[-1]))
        made = model.rollout(start, schedule, uncertainty="bands").isel(t=slice(1, None))
        dims = ("t", "run", "row", "col")
        truth = ds["temp"].isel(t=slice(first + 1, first + 1 + STEPS[-1])).transpose(*dims).values
        mean, deviation = (made[n].transpose(*dims).values for n in ("temp", "temp_deviation"))
        square.append(np.square(mean - truth).mean(axis=(1, 2, 3)))
        variance.append(np.square(deviation).mean(axis=(1, 2, 3)))
        for level in COVERAGES:
            low, high = (made[f"temp_{end}"].sel(coverage=level).transpose(*dims).values for end in ("lower", "upper"))
            covered[level].append(((low <= truth) & (truth <= high)).mean(axis=(1, 2, 3)))
    ratio = np.sqrt(np.mean(variance, axis=0) / np.mean(square, axis=0))
    return {
        "covered": {str(level): np.mean(values, axis=0).tolist() for level, values in covered.items()},
        "spread_skill": ratio.tolist(),
    }
