"""Real records from a package that ships some: is a model worse than the better of persistence and climatology?

Each is one record, split by time: the first 60 % are learned from, the next 15 % choose, the last 25 % are forecast.
*Air temperature* is a climate projection of North America, one field a year for 240 years. *Sea surface* is a monthly
analysis of the tropical ocean over four and a half years, with land; its climatology is that of each month. The package
has no file of sea ice over time, so that the second record is the one with a mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciwm.benchmarks.own_data.comparison import compare, found
from sciwm.benchmarks.own_data.data_set import DataSet
from sciwm.benchmarks.own_data.wanted import check
from sciwm.benchmarks.results import Row
from sciwm.errors import InputError, Problem
from sciwm.files import write_netcdf

TOLERANCE = 1.005
"""The ratio above which an error counts as worse: differences of half a percent are those of rounding and weights."""
LEARNED = 0.95
"""The ratio below which there was something to learn."""


@dataclass(frozen=True)
class Record:
    """A file of the package, and what it holds.

    Args:
        file: its name.
        title: in tables.
        variable: what is forecast.
        periodic: dimensions of space that are.
        season: instants of a season.
        steps: lead times of tables.
        size: of the latent.
    """

    file: str
    title: str
    variable: str
    periodic: tuple[str, ...]
    season: int
    steps: tuple[int, ...]
    size: int


RECORDS = (
    Record("E1_north_america.nc", "air temperature, yearly", "air_temperature", (), 0, (1, 2, 5, 10), 8),
    Record("ostia_monthly.nc", "sea surface, monthly", "surface_temperature", ("longitude",), 12, (1, 2, 3, 6), 6),
)


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """Rows of all methods and records, and a verdict on each.

    Raises:
        InputError: if the package with the records is not installed.
    """
    if find_spec("iris_sample_data") is None:
        remedy = "pip install 'sciwm[compare]', or pip install iris-sample-data"
        raise InputError([Problem("benchmark own-data record", "the package iris-sample-data", "none", remedy)])
    folder_of_records = import_module("iris_sample_data").path
    rows = []
    for record in RECORDS:
        source = Path(folder_of_records, record.file)
        data = _data_set(record, source, folder / "record" / Path(record.file).stem, quick)
        methods = ("auto",) if quick else ("auto", "linear", "fno")
        made = compare("record", data, (record.size,), seeds, methods)
        rows += made + _verdict(record, made)
    return rows


def _data_set(record: Record, source: Path, folder: Path, quick: bool) -> DataSet:
    path = folder / record.file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with xr.open_dataset(source, decode_times=False) as ds:
            write_netcdf(path, _evenly(ds, record))
    return DataSet(
        name=record.title,
        folder=folder,
        source={
            "files": [str(path.resolve())],
            "variables": [record.variable],
            "time": "time",
            "space": ["latitude", "longitude"],
            "periodic": list(record.periodic),
            "split": {"by": "time", "validation": 0.15, "test": 0.25},
        },
        settings={
            "model": {"latent_size": record.size},
            "loss": {"horizon": 2},
            "training": {"batch_size": 4 if quick else 32},
        },
        seconds=1.0 if quick else 30.0,
        steps=record.steps,
        stride=1,
        unit="K",
        season=record.season,
        epoch=2 if quick else 50,
    )


def _evenly(ds: xr.Dataset, record: Record) -> xr.Dataset:
    """The record with instants counted: calendar months and years are of unequal length, and are meant as steps."""
    unit = "month" if record.season else "year"
    time = xr.DataArray(np.arange(ds.sizes["time"], dtype=float), dims="time", attrs={"units": unit})
    kept: Any = ds[[record.variable]].reset_coords(drop=True)
    return kept.assign_coords(time=time, latitude=ds["latitude"], longitude=ds["longitude"])


def _verdict(record: Record, rows: Sequence[Row]) -> list[Row]:
    """The worst ratio of our error to that of the better simple forecast over all leads, and what it means."""
    own = found(rows, "auto", record.size)["every_lead"]
    simple = [found(rows, name)["every_lead"][0] for name in ("persistence", "climatology")]
    better = [min(pair) for pair in zip(*simple, strict=True)]
    ratios = [[a / b if a is not None else np.inf for a, b in zip(s, better, strict=True)] for s in own]
    best = min(min(r) for r in ratios)
    said = (
        f"something to learn: {best:.2f} of the error of the better simple forecast at its best lead"
        if best < LEARNED
        else "nothing to learn here beyond persistence and climatology"
    )
    what = f"{record.title}: auto over the better of persistence and climatology, worst lead"
    return [check("record", what, [max(r) for r in ratios], most=TOLERANCE, said=said)]
