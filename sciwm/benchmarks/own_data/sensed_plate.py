"""The state of the plate from few noisy points, beside interpolation and climatology; and an ambient nobody stated."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

import sciwm
from sciwm.benchmarks.cells import Cell, cached
from sciwm.benchmarks.own_data.plate import FILE, TRAINING, chosen_models, held_out, sizes_of
from sciwm.benchmarks.own_data.trained_methods import VERSION
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row
from sciwm.evaluation.statistics import bootstrap_interval
from sciwm.run_paths import RunPaths

SHARES = {"10 % of points": (0.1, 0.10), "1 % of points": (0.01, 0.20)}
"""The share of points that are observed, and the error of the analysis that is wanted, in kelvin."""
NOISE = 0.05
"""Standard deviation of the noise, in deviations of the field."""
STARTS = (0, 19, 38, 57)
"""The first instants of the windows, in each run."""
INTERVALS = 4
SMOOTHING = (0.0, 0.01, 0.1, 1.0)
"""Of the interpolation, of which the best is shown."""

Array = NDArray[np.float64]


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """The errors of analyses at the end of a window, one row for each share of points and way."""
    truth, cells = held_out(folder, quick), []
    largest = sizes_of(quick)[-1]  # what a smaller latent leaves out is more than what these sensors do not see
    for seed, path in zip(seeds, chosen_models(folder, quick, seeds, largest), strict=True):
        made_from = [RunPaths(path).weights.read_bytes(), VERSION]
        cell_path = folder / "sensors" / f"{seed}.json"
        cells.append(cached(cell_path, made_from, partial(_analyses, path, truth, seed, quick)))
    rows: list[Row] = []
    for title, (_, wanted) in SHARES.items():
        rows += [
            _row(f"{way}, {title}", [c["square"][title][way] for c in cells], wanted if way == "analysis" else np.inf)
            for way in ("analysis", "ambient unknown", "3D-Var", "interpolation", "climatology")
        ]
    rows.append(_row("ambient, where unknown, 10 % of points", [c["ambient"] for c in cells], 0.1))
    return rows


def _row(what: str, squares: Sequence[Sequence[float]], most: float) -> Row:
    values = [float(np.sqrt(np.mean(s))) for s in squares]
    ends = np.sqrt(bootstrap_interval(np.mean(squares, axis=0))).tolist()
    return check("sensors", what, values, most=most, unit="K", interval=ends)


def _analyses(run: Path, truth: xr.Dataset, seed: int, quick: bool) -> Cell:
    """Square errors of every window and way, and those of the ambient that was found."""
    model = sciwm.load(run)
    with xr.open_dataset(FILE) as ds:
        known = ds["temp"].sel(run=list(TRAINING)).load()
    mean, deviation = known.mean(("run", "t")), float(known.std())
    rng = np.random.default_rng([seed, 20])
    square: dict[str, dict[str, list[float]]] = {}
    ambient: list[float] = []
    starts = STARTS[:1] if quick else STARTS
    for title, (share, _) in SHARES.items():
        ways: dict[str, list[float]] = {}
        for start in starts:
            window = truth.isel(t=slice(start, start + INTERVALS + 1))
            seen = observed(window, share, NOISE * deviation, rng)
            true = window["temp"].isel(t=-1)
            known_ambient = seen.assign(ambient=window["ambient"])
            error, forcing = NOISE * deviation, window[["power"]].isel(t=slice(0, -1))
            full = model.analyse(known_ambient, forcing, error=error)
            without = model.analyse(seen, forcing, error=error)
            alone = model.analyse(known_ambient.isel(t=-1), error=error)
            guesses = {"analysis": full, "ambient unknown": without, "3D-Var": alone}
            of_runs = {way: _square(guess["temp"], true) for way, guess in guesses.items()}
            of_runs["climatology"] = _square(mean.broadcast_like(true), true)
            of_runs["interpolation"] = _interpolated(seen["temp"].isel(t=-1), true)
            for way, values in of_runs.items():
                ways.setdefault(way, []).extend(values.tolist())
            if title == next(iter(SHARES)):
                ambient += np.square(without["ambient"].values - window["ambient"].values).tolist()
        square[title] = ways
    return {"square": square, "ambient": ambient}


def observed(window: xr.Dataset, share: float, error: float, rng: np.random.Generator) -> xr.Dataset:
    """The same random points of the field at all instants, with noise, by coordinates; other values are not there."""
    fields = window["temp"].stack(point=("row", "col"))
    count = max(2, round(share * fields.sizes["point"]))
    chosen = np.sort(rng.choice(fields.sizes["point"], count, replace=False))
    picked = fields.isel(point=chosen).reset_index("point")
    noisy = picked + error * rng.standard_normal(picked.shape)
    return noisy.assign_attrs(window["temp"].attrs).to_dataset(name="temp")


def _square(guess: xr.DataArray, true: xr.DataArray) -> Array:
    """Mean square error of each run."""
    away = guess.transpose("run", "row", "col").values - true.transpose("run", "row", "col").values
    return np.asarray(np.square(away).mean(axis=(1, 2)), dtype=float)


def _interpolated(seen: xr.DataArray, true: xr.DataArray) -> Array:
    """Thin-plate splines through the points, with the smoothing that happens to be best."""
    rows, cols = np.meshgrid(true["row"].values, true["col"].values, indexing="ij")
    grid = np.stack([rows.ravel(), cols.ravel()], axis=1)
    places = np.stack([seen["row"].values, seen["col"].values], axis=1)
    fields = true.transpose("row", "col", "run").values.reshape(len(grid), -1)
    values = seen.transpose("point", "run").values
    how: dict[str, Any] = {"kernel": "thin_plate_spline"} if len(places) > 2 else {"kernel": "linear", "degree": -1}
    found = [
        np.square(RBFInterpolator(places, values, smoothing=smoothing, **how)(grid) - fields).mean(axis=0)
        for smoothing in SMOOTHING
    ]
    return np.asarray(min(found, key=np.mean), dtype=float)
