"""How the time of a solver step grows with the number of points, as N log N, and in proportion to the batch."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.ticker import NullFormatter

from sciwm.benchmarks.results import Column, Row, text
from sciwm.progress import bar
from sciwm.report.drawing import BLUE, GREY, ORANGE, new_figure, save
from simulations import PeriodicGrid, gaussian_jets
from simulations.equations import KuramotoSivashinsky, NavierStokes
from simulations.initial import random_field
from simulations.pseudospectral import SpectralSimulation

KS = "Kuramoto-Sivashinsky"
NS = "Navier-Stokes"
SWEEPS = {
    (KS, "points"): [(2**p, 64) for p in range(6, 14)],
    (KS, "batch"): [(256, 2**p) for p in range(11)],
    (NS, "points"): [(2**p, 4) for p in range(5, 10)],
    (NS, "batch"): [(64, 2**p) for p in range(8)],
}


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for each equation and varied quantity: seconds of a step by size, and the exponent that fits.

    One thread, float32, ETDRK4, the best of interleaved repeats. ``growth`` is the exponent p of ``(N log N)^p`` or
    ``batch^p``, fitted to the larger half of the sizes, where the overhead of a call does not count.
    """
    torch.set_num_threads(1)
    rows = []
    keys = list(SWEEPS)
    for i in bar(range(len(keys)), "cost growth"):
        equation, varied = keys[i]
        sizes = SWEEPS[keys[i]][: 4 if quick else None]
        seconds = _seconds(equation, sizes, repeats=2 if quick else 5, seed=seeds[0])
        work = [_work(equation, n, b) for n, b in sizes]
        upper = slice(len(sizes) // 2, None)
        growth = float(np.polyfit(np.log(work[upper]), np.log(seconds[upper]), 1)[0])
        rows.append(
            {
                "equation": equation,
                "varied": varied,
                "num_points": [n for n, _ in sizes],
                "batch": [b for _, b in sizes],
                "work": work,
                "seconds": seconds,
                "growth": growth,
            }
        )
    _draw(rows, folder / "cost-growth.png")
    return rows


def columns() -> list[Column]:
    """The columns of the table."""
    return [
        Column("equation", text("equation")),
        Column("varied", text("varied")),
        Column("from", lambda row, _: f"{row['num_points'][0]} points, batch {row['batch'][0]}"),
        Column("to", lambda row, _: f"{row['num_points'][-1]} points, batch {row['batch'][-1]}"),
        Column("work grows", lambda row, _: f"{row['work'][-1] / row['work'][0]:.0f}x"),
        Column("time grows", lambda row, _: f"{row['seconds'][-1] / row['seconds'][0]:.0f}x"),
        Column("exponent", lambda row, _: f"{row['growth']:.2f}"),
    ]


def _work(equation: str, num_points: int, batch: int) -> float:
    """Operations of a fast Fourier transform, up to a factor: N log N for each sample."""
    points = num_points if equation == KS else num_points**2
    return float(batch * points * np.log2(points))


def _seconds(equation: str, sizes: Sequence[tuple[int, int]], *, repeats: int, seed: int) -> list[float]:
    """Seconds of one step, for each size."""
    runs = []
    for num_points, batch in sizes:
        steps = int(np.clip(2e7 / _work(equation, num_points, batch), 20, 200)) // 2 * 2
        simulation = _build(equation, num_points, steps)
        rng = np.random.default_rng(seed)
        field = random_field(simulation.grid, rng, cutoff=6, amplitude=1.0)
        state_hat = simulation.spectrum(torch.tensor(field, dtype=torch.float32).expand(batch, 1, *field.shape))
        runs.append((simulation, state_hat, torch.zeros(batch, len(simulation.actuators)), steps))
    best = [np.inf] * len(sizes)
    for _ in range(repeats + 1):
        for i, (simulation, state_hat, action, steps) in enumerate(runs):
            began = time.perf_counter()
            with torch.inference_mode():
                simulation.integrate(state_hat, action)
            best[i] = min(best[i], (time.perf_counter() - began) / steps)
    return best


def _build(equation: str, num_points: int, steps: int) -> SpectralSimulation:
    if equation == KS:
        line = PeriodicGrid.line(num_points, 60.0 * num_points / 128)
        jets = gaussian_jets(line, count=4, width=1.0, limit=1.0)
        return KuramotoSivashinsky(line, jets, parameters={}, control_interval=0.05 * steps, steps_per_interval=steps)
    square = PeriodicGrid.square(num_points, 2 * np.pi)
    jets = gaussian_jets(square, count=2, width=0.5, limit=1.0)
    return NavierStokes(square, jets, parameters={}, control_interval=0.001 * steps, steps_per_interval=steps)


def _draw(rows: Sequence[Row], path: Path) -> None:
    figure = new_figure(3.6)
    for panel, varied in zip(figure.subplots(1, 2), ("points", "batch"), strict=True):
        for row, color in zip((r for r in rows if r["varied"] == varied), (BLUE, ORANGE), strict=True):
            x = np.array(
                [n if row["equation"] == KS else n**2 for n in row["num_points"]]
                if varied == "points"
                else row["batch"]
            )
            panel.loglog(x, np.array(row["seconds"]) * 1e6, "o-", color=color, ms=4, label=f"{row['equation']}")
            law = row["seconds"][-1] / row["work"][-1] * np.array(row["work"]) * 1e6
            panel.loglog(x, law, color=GREY, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
        panel.set_xlabel("points N" if varied == "points" else "batch")
        panel.set_title("dashed: N log N" if varied == "points" else "dashed: in proportion", fontsize=9)
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.grid(color="#e6e8eb", linewidth=0.6)
        panel.legend(fontsize=8, frameon=False)
    figure.axes[0].set_ylabel("time of a step [µs]")
    save(figure, path)
