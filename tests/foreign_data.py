"""Data as somebody else may have written them, in a layout of their own, and what becomes of them in a run."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sciwm.config import SourceSettings
from sciwm.data import Trajectories
from sciwm.data.source import Given, bring_in

PLATE = Path(__file__).parent / "sciwm" / "data" / "heated_plate.nc"
"""Six runs of the cooling of a heated plate on a bench, with 21 instants on 10 x 12 points, as they were measured."""

ALL_TO_TRAIN = {"validation": 0.0, "test": 0.0}
APART = {"validation": ["c1"], "test": ["c4", "c2"]}


def made(runs: int = 6, instants: int = 12, shape: tuple[int, ...] = (5, 4), seed: int = 0) -> xr.Dataset:
    """Fields ``u`` over (case, clock, *space), a scalar forcing ``q``, a parameter ``k``."""
    rng = np.random.default_rng(seed)
    space = ("north", "east", "up")[: len(shape)]
    coordinates: dict[str, Any] = {name: 10.0 + 2.0 * np.arange(n) for name, n in zip(space, shape, strict=True)}
    return xr.Dataset(
        {
            "u": (("case", "clock", *space), rng.normal(size=(runs, instants, *shape)), {"units": "m s-1"}),
            "q": (("case", "clock"), rng.uniform(-1, 3, (runs, instants)), {"units": "W"}),
            "k": (("case",), 1.0 + np.arange(runs), {"units": "m"}),
        },
        coordinates
        | {
            "case": [f"c{i}" for i in range(runs)],
            "clock": ("clock", 3.0 + 0.25 * np.arange(instants), {"units": "h"}),
        },
    )


def channel(run: int = 0, instants: int = 5, start: float = 0.0) -> xr.Dataset:
    """Silt in a channel with odd names and units: one run, as a stranger might record it."""
    hours = start + np.arange(instants) * 0.5
    s, d = np.linspace(0.0, 3.0, 7), np.linspace(-2.0, 0.0, 4)
    silt = 10.0 + np.sin(s + hours[:, None, None] + run) * d[:, None]
    return xr.Dataset(
        {
            "silt": (("hour", "depth", "along"), silt.astype("f4"), {"units": "mg/l"}),
            "gate": ("hour", np.cos(hours + run), {"units": "m"}),
            "slope": ((), 0.001 * (run + 1), {"units": "1"}),
            "bed": ("along", np.hypot(s, 1.0), {"units": "m"}),
        },
        {
            "hour": ("hour", hours, {"units": "h", "axis": "T"}),
            "along": ("along", s, {"units": "km", "axis": "X"}),
            "depth": ("depth", d, {"units": "m", "axis": "Z"}),
        },
        {"title": "silt in a channel"},
    )


def settings(dataset: xr.Dataset, **changed: Any) -> SourceSettings:
    """The section ``source`` for :func:`made`; keys may be replaced."""
    space = [d for d in ("north", "east", "up") if d in dataset.dims]
    tree: dict[str, Any] = {
        "files": ["made"],
        "variables": ["u"],
        "forcings": ["q"],
        "parameters": ["k"],
        "run": "case",
        "time": "clock",
        "space": space,
        "periodic": [],
        "split": ALL_TO_TRAIN,
    }
    return SourceSettings.model_validate(tree | changed)


def bring_in_killed(folder: Path, calls: int) -> int:
    """Bring :func:`made` in, in a process of its own that is killed when it replaces a file for the so-manieth time.

    Returns:
        The signal that ended the process, 0 if none did.
    """
    child = os.fork()
    if child:
        return os.WTERMSIG(os.waitpid(child, 0)[1])
    replace, left = os.replace, calls

    def counted(*places: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*places)

    os.replace = counted
    try:
        Sets(folder, made(), split=APART)
    finally:
        os._exit(0)


class Sets:
    """The stores that some data were brought into.

    Args:
        folder: An empty folder.
        dataset: The data, or several with the sets that they belong to.
        changed: Keys of the section ``source``.
    """

    def __init__(self, folder: Path, dataset: xr.Dataset | list[Given], **changed: Any) -> None:
        given = dataset if isinstance(dataset, list) else [Given(dataset, "made")]
        self.folder = folder
        self.notes = bring_in(
            given,
            settings(given[0].dataset, **changed),
            self.path,
            digest="0" * 64,
            needed={"train": 2},
            title="made",
            progress=lambda items, description: items,
        )

    def path(self, name: str) -> Path:
        """The store of a set."""
        return self.folder / f"{name}.zarr"

    def raw(self, name: str) -> xr.Dataset:
        """A store as xarray reads it."""
        return xr.open_zarr(self.path(name), consolidated=False, decode_times=False).load()

    def opened(self, name: str) -> Trajectories:
        """A store as everything after it reads it."""
        return Trajectories(self.path(name))

    @property
    def told(self) -> str:
        """What was made of the data, in one text."""
        return "\n".join(self.notes)
