"""The speed of our solvers beside that of exponax: same equation, order, precision, points and steps."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sciwm.benchmarks.results import Column, Row, text
from sciwm.errors import InputError, Problem
from sciwm.progress import bar
from simulations import PeriodicGrid, gaussian_jets
from simulations.equations import KuramotoSivashinsky, NavierStokes
from simulations.initial import random_field
from simulations.pseudospectral import SpectralSimulation

Array = NDArray[Any]
Run = Callable[[], object]

KS = "Kuramoto-Sivashinsky"
NS = "Navier-Stokes"
CASES = [(KS, n) for n in (128, 512, 1024)] + [(NS, n) for n in (64, 128, 256)]
BATCHES = (1, 16, 64)
GRADIENT_STEPS = 40
CHECKED_STEPS = 100


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for each equation, resolution, order and batch; seconds are the best of interleaved repeats.

    exponax keeps its state in Fourier space and is compiled as one scan. Its batch is advanced at once (vmap) and
    in turn (map), and the faster of the two counts. It has no forcing inside its steps, so ours has none either.
    Ours runs on one thread, exponax on as many as it takes.

    Raises:
        InputError: if exponax is not installed.
    """
    try:
        import exponax  # noqa: F401
    except ImportError as error:
        remedy = "pip install 'sciwm[compare]'"
        raise InputError([Problem("benchmark solvers", "exponax to compare with", "none installed", remedy)]) from error
    torch.set_num_threads(1)
    cases = [(name, n, b, o) for name, n in CASES for o in (2, 4) for b in BATCHES]
    if quick:
        cases = [(KS, 128, 1, 2), (NS, 64, 1, 2)]
    repeats = 2 if quick else 4
    return [_measure(*cases[i], repeats=repeats, seed=seeds[0]) for i in bar(range(len(cases)), "solvers")]


def columns() -> list[Column]:
    """The columns of the table: one row for each equation, resolution and order, its batches side by side."""

    def batches(key: str, pattern: str, scale: float = 1.0) -> Callable[[Row, Sequence[Row]], str]:
        return lambda row, _: " / ".join(pattern.format(scale * one[key]) for one in row["batches"])

    return [
        Column("equation", text("equation")),
        Column("points", lambda row, _: f"{row['num_points']}{'²' if row['equation'] == NS else ''}"),
        Column("order", text("order")),
        Column("sciwm [µs]", batches("ours", "{:.3g}", 1e6)),
        Column("exponax [µs]", batches("exponax", "{:.3g}", 1e6)),
        Column("exponax / sciwm", batches("ratio", "{:.2f}")),
        Column("gradient / value", batches("gradient_over_value", "{:.1f}")),
        Column("difference", lambda row, _: f"{max(b['difference'] for b in row['batches']):.0e}"),
    ]


def side_by_side(rows: Sequence[Row]) -> list[Row]:
    """The batches of one equation, resolution and order as one row."""
    keys = ("equation", "num_points", "order")
    grouped: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [dict(zip(keys, group, strict=True)) | {"batches": batches} for group, batches in grouped.items()]


def _measure(equation: str, num_points: int, batch: int, order: int, *, repeats: int, seed: int) -> Row:
    make = {KS: _kuramoto_sivashinsky, NS: _navier_stokes}[equation]
    work = num_points ** (1 if equation == KS else 2) * batch
    steps = int(np.clip(4_000_000 // work, 12, 1000)) // 2 * 2
    fields, simulation, stepper = make(num_points, batch, order, steps, seed)
    theirs = _exponax_runs(stepper, simulation, fields, steps)
    ours = _our_run(simulation, fields)
    runs: dict[str, Run] = {"ours": ours, **theirs}
    for each in runs.values():
        each()  # compiles and allocates
    seconds = {name: min(times) for name, times in _interleaved(runs, repeats).items()}
    fastest = min(seconds[name] for name in theirs)
    per = 1 / (steps * batch)
    return {
        "equation": equation,
        "num_points": num_points,
        "order": order,
        "batch": batch,
        "steps": steps,
        "ours": seconds["ours"] * per,
        "exponax": fastest * per,
        "ratio": fastest / seconds["ours"],
        "gradient_over_value": _gradient_cost(make, num_points, min(batch, 16), order, seed, repeats),
        "difference": _difference(make, num_points, order, seed),
    }


def _interleaved(runs: dict[str, Run], repeats: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, each in runs.items():
            began = time.perf_counter()
            each()
            times[name].append(time.perf_counter() - began)
    return times


def _our_run(simulation: SpectralSimulation, fields: torch.Tensor) -> Run:
    """Our solver from spectrum to spectrum, as exponax is run."""
    state_hat = simulation.spectrum(fields)
    action = torch.zeros(len(fields), len(simulation.actuators))

    def advance() -> torch.Tensor:
        with torch.inference_mode():
            return simulation.integrate(state_hat, action)

    return advance


def _exponax_runs(stepper: Any, simulation: SpectralSimulation, fields: torch.Tensor, steps: int) -> dict[str, Run]:
    import jax
    import jax.numpy as jnp

    state_hat = jnp.asarray(simulation.spectrum(fields).numpy())

    def alone(state: Any) -> Any:
        return jax.lax.scan(lambda s, _: (stepper.step_fourier(s), None), state, None, length=steps)[0]

    ways = {"exponax": jax.jit(alone)}
    if len(fields) == 1:
        state_hat = state_hat[0]
    else:
        together = jax.vmap(stepper.step_fourier)
        ways = {
            "exponax, vmap": jax.jit(
                lambda s: jax.lax.scan(lambda x, _: (together(x), None), s, None, length=steps)[0]
            ),
            "exponax, map": jax.jit(lambda s: jax.lax.map(alone, s)),
        }
    return {name: lambda f=way: f(state_hat).block_until_ready() for name, way in ways.items()}  # type: ignore[misc]


def _difference(make: Callable[..., Any], num_points: int, order: int, seed: int) -> float:
    """Largest difference between both solvers after 100 steps from one random field, relative to its largest value."""
    fields, simulation, stepper = make(num_points, 1, order, CHECKED_STEPS, seed)
    (theirs,) = _exponax_runs(stepper, simulation, fields, CHECKED_STEPS).values()
    end = simulation.to_grid(_our_run(simulation, fields)())[0].numpy()
    other = simulation.to_grid(torch.tensor(np.asarray(theirs()))).numpy()
    return float(np.abs(end - other).max() / np.abs(end).max())


def _gradient_cost(make: Callable[..., Any], num_points: int, batch: int, order: int, seed: int, repeats: int) -> float:
    """Time of a value and its gradient over that of the value alone, 40 steps, at most 16 samples at once."""
    fields, simulation, _ = make(num_points, batch, order, GRADIENT_STEPS, seed)
    action = torch.zeros(batch, len(simulation.actuators), requires_grad=True)

    def value() -> object:
        with torch.no_grad():
            return simulation.advance(fields, action).square().sum()

    def gradient() -> object:
        return torch.autograd.grad(simulation.advance(fields, action).square().sum(), [action])

    times = _interleaved({"value": value, "gradient": gradient}, 3 * repeats)
    return min(times["gradient"]) / min(times["value"])


def _kuramoto_sivashinsky(num_points: int, batch: int, order: int, steps: int, seed: int) -> tuple[Any, ...]:
    import exponax

    extent, step = 60.0 * num_points / 128, 0.05
    grid = PeriodicGrid.line(num_points, extent)
    simulation = KuramotoSivashinsky(
        grid,
        gaussian_jets(grid, count=4, width=1.0, limit=1.0),
        parameters={},
        control_interval=step * steps,
        steps_per_interval=steps,
        order=order,
    )
    stepper = exponax.stepper.KuramotoSivashinskyConservative(1, extent, num_points, step, order=order)
    return _starts(grid, batch, num_points // 10, 1.0, seed), simulation, stepper


def _navier_stokes(num_points: int, batch: int, order: int, steps: int, seed: int) -> tuple[Any, ...]:
    import exponax

    step, viscosity, drag = 0.002, 1e-3, 0.1
    grid = PeriodicGrid.square(num_points, 2 * np.pi)
    simulation = NavierStokes(
        grid,
        gaussian_jets(grid, count=2, width=0.5, limit=1.0),
        parameters={"viscosity": viscosity, "drag": drag, "forcing_amplitude": 0.0},
        control_interval=step * steps,
        steps_per_interval=steps,
        order=order,
    )
    # exponax has the negative of our velocity for the same vorticity, and adds its drag
    stepper = exponax.stepper.NavierStokesVorticity(
        2, 2 * np.pi, num_points, step, diffusivity=viscosity, drag=-drag, vorticity_convection_scale=-1.0, order=order
    )
    return _starts(grid, batch, 6, 1.0, seed), simulation, stepper


def _starts(grid: PeriodicGrid, batch: int, cutoff: int, amplitude: float, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    fields = [random_field(grid, rng, cutoff=cutoff, amplitude=amplitude) for _ in range(batch)]
    return torch.tensor(np.stack(fields), dtype=torch.float32)[:, None]
