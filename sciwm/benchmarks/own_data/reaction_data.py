"""A cubic reaction-diffusion system with four inputs, solved by py-pde and written as its users write files.

FitzHugh-Nagumo on a square of 48 x 48 cells of size 1 without flux through the edges:

    u_t = 4 lap u + u - u^3 - v + sum_j a_j g_j(x),    v_t = 4 lap v + eps (u - v / 2),    eps = 0.1

with four inputs a_j, uniform in [-1, 1] and held for ``HELD`` intervals of one time unit, and Gaussian shapes g_j of
width 5 that no file holds. Starts are smooth random fields, and records begin ``SPIN_UP`` intervals later. FitzHugh
(1961), doi:10.1016/S0006-3495(61)86902-6; py-pde: Zwicker (2020), doi:10.21105/joss.02158.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sciwm.errors import InputError, Problem
from sciwm.files import write_netcdf
from sciwm.progress import bar

POINTS = 48
DIFFUSION_U, DIFFUSION_V, RATE, DECAY = 4.0, 4.0, 0.1, 0.5
STEP = 0.05
HELD = 2
"""How many intervals an input is held."""
SPIN_UP = 20
"""Intervals before a record begins, in which what is rough in a random start diffuses away."""
CENTRES = ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))
WIDTH = 5.0
SMOOTHNESS = 4.0
"""Of the starts, in cells."""
Array = NDArray[np.float64]


def write_reaction(path: Path, runs: int, intervals: int, points: int = POINTS) -> None:
    """Solve and write the file, unless it is there.

    Args:
        path: of the netCDF file, with ``u`` and ``v`` (sample, time, x, y) and ``input`` (sample, time, source).
        runs: how many trajectories.
        intervals: of one time unit each.
        points: along each axis.

    Raises:
        InputError: if py-pde is not installed.
    """
    if path.exists():
        return
    if find_spec("pde") is None:
        remedy = "pip install 'sciwm[compare]', or pip install py-pde"
        raise InputError([Problem("benchmark own-data reaction", "the package py-pde", "none", remedy)])
    path.parent.mkdir(parents=True, exist_ok=True)
    solve = partial(_solved, intervals, points)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        several = list(bar(pool.map(solve, range(runs)), "py-pde", runs))
    fields, inputs = (np.stack(parts) for parts in zip(*several, strict=True))
    write_netcdf(path, _dataset(fields, inputs, points))


def _dataset(fields: Array, inputs: Array, points: int) -> xr.Dataset:
    cells = np.arange(points) + 0.5
    return xr.Dataset(
        {
            "u": (("sample", "time", "x", "y"), fields[:, :, 0].astype(np.float32)),
            "v": (("sample", "time", "x", "y"), fields[:, :, 1].astype(np.float32)),
            "input": (
                ("sample", "time", "source"), inputs.astype(np.float32), {"valid_min": -1.0, "valid_max": 1.0}
            ),
        },
        {"sample": np.arange(len(fields)), "time": np.arange(fields.shape[1], dtype=float), "x": cells, "y": cells},
        {"title": "FitzHugh-Nagumo with four inputs", "source": "py-pde"},
    )  # fmt: skip


def _solved(intervals: int, points: int, seed: int) -> tuple[Array, Array]:
    """One trajectory ``(time, field, x, y)`` and its inputs ``(time, source)``, the last of which have no effect."""
    pde: Any = import_module("pde")
    grid = pde.CartesianGrid([[0, points], [0, points]], points, periodic=False)
    equation = _equation()
    rng = np.random.default_rng(seed)
    shapes = _shapes(points)
    state = pde.FieldCollection([pde.ScalarField(grid, data) for data in _start(rng, points)])
    whole = SPIN_UP + intervals
    held = rng.uniform(-1, 1, (-(-whole // HELD), len(CENTRES))).repeat(HELD, axis=0)[:whole]
    fields = []
    for action in held:
        fields.append(state.data.copy())
        equation.forcing = np.tensordot(action, shapes, 1)
        state = equation.solve(state, t_range=1.0, dt=STEP, tracker=None, backend="numpy", solver="euler")
    fields.append(state.data.copy())
    return np.stack(fields[SPIN_UP:]), np.concatenate([held[SPIN_UP:], held[-1:]])


def _equation() -> Any:
    pde: Any = import_module("pde")

    class FitzHughNagumo(pde.PDEBase):  # type: ignore[misc]  # py-pde is optional
        """The equations as a user of py-pde writes them."""

        forcing: Array | float = 0.0

        def evolution_rate(self, state: Any, t: float = 0) -> Any:
            u, v = state
            u_rate = DIFFUSION_U * u.laplace("neumann") + u - u**3 - v
            u_rate.data += self.forcing
            return pde.FieldCollection([u_rate, DIFFUSION_V * v.laplace("neumann") + RATE * (u - DECAY * v)])

    return FitzHughNagumo()


def _shapes(points: int) -> Array:
    cells: Array = np.arange(points, dtype=np.float64) + 0.5
    places = [(points * a, points * b) for a, b in CENTRES]
    return np.stack([_bump(cells, a)[:, None] * _bump(cells, b) for a, b in places])


def _bump(cells: Array, centre: float) -> Array:
    return np.asarray(np.exp(-((cells - centre) ** 2) / (2 * WIDTH**2)))


def _start(rng: np.random.Generator, points: int, deviations: Sequence[float] = (1.0, 0.3)) -> list[Array]:
    rough = [gaussian_filter(rng.standard_normal((points, points)), SMOOTHNESS) for _ in deviations]
    return [deviation * field / field.std() for deviation, field in zip(deviations, rough, strict=True)]
