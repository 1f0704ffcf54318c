"""Files larger than memory, written a run at a time: a few waves that inputs push, cheap to make and easy to learn."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciwm.progress import bar

WAVES = 6
INPUTS = 2
DECAY = 0.95
"""What a wave keeps of itself in an interval."""


def write_waves(path: Path, runs: int, intervals: int, points: int, *, saturating: bool = False) -> None:
    """Write a Zarr store with ``height`` (run, time, y, x) and ``push`` (run, time, paddle), one run at a time.

    Args:
        path: of the store, which is left alone if it is whole.
        runs, intervals: how many.
        points: along each axis.
        saturating: whether waves saturate, so that no linear law is right.
    """
    done = path.with_suffix(".done")
    if done.exists():
        return
    shapes = _shapes(points)
    for run in bar(range(runs), "writing waves", runs):
        made = _run(run, intervals, shapes, saturating=saturating)
        if run == 0:
            made.to_zarr(path, mode="w", encoding={"height": {"chunks": (1, 8, points, points)}}, consolidated=False)
        else:
            made.to_zarr(path, append_dim="run", consolidated=False)
    done.write_text("whole\n")


def _shapes(points: int) -> NDArray[np.float32]:
    x = 2 * np.pi * np.arange(points) / points
    along = [(np.sin, 1), (np.cos, 1), (np.sin, 2)]
    return np.stack([f(k * x)[:, None] * g(m * x) for f, k in along for g, m in along[:2]]).astype(np.float32)[:WAVES]


def _run(run: int, intervals: int, shapes: NDArray[np.float32], *, saturating: bool) -> xr.Dataset:
    rng = np.random.default_rng(run)
    amplitudes, push = [rng.standard_normal(WAVES)], rng.uniform(-1, 1, (intervals + 1, INPUTS))
    turned = np.linalg.qr(np.random.default_rng(12).standard_normal((WAVES, WAVES)))[0]
    pushed = np.random.default_rng(13).standard_normal((WAVES, INPUTS)) * 0.3
    for action in push[:-1]:
        now = 1.5 * np.tanh(amplitudes[-1]) if saturating else amplitudes[-1]
        amplitudes.append(DECAY * turned @ now + pushed @ action)
    fields = np.tensordot(np.stack(amplitudes).astype(np.float32), shapes, 1)[None]
    points = np.arange(shapes.shape[1], dtype=float)
    return xr.Dataset(
        {"height": (("run", "time", "y", "x"), fields), "push": (("run", "time", "paddle"), push[None])},
        {"run": [run], "time": np.arange(intervals + 1, dtype=float), "y": points, "x": points},
    )


def source_of(path: Path) -> dict[str, object]:
    """The section ``source`` for it."""
    return {
        "files": [str(path.resolve())],
        "variables": ["height"],
        "forcings": ["push"],
        "run": "run",
        "time": "time",
        "space": ["y", "x"],
        "periodic": ["y", "x"],
    }
