"""Order of convergence of the time integrators under forcing, for every periodic equation.

For comparison, a solver without forcing in its steps that adds ``step * f`` after each: it is of first order, whatever
the scheme.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import NullFormatter
from torch import Tensor

from sciwm.benchmarks.results import Column, Row, text
from sciwm.progress import bar
from sciwm.report.drawing import BLUE, GREY, ORANGE, new_figure, save
from simulations import PERIODIC, build
from simulations.good_values import GOOD_VALUES
from simulations.pseudospectral import SpectralSimulation

SCHEMES = {"ETDRK2": 2, "ETDRK4": 4, "ETDRK4, forcing after the step": 4}
COLORS = dict(zip(SCHEMES, (BLUE, ORANGE, GREY), strict=True))
INTERVALS = 8
ROUNDING = 1e-12


def run(quick: bool, folder: Path, seeds: Sequence[int]) -> list[Row]:
    """One row for each equation and scheme: relative errors after 8 control intervals under a held action, by step."""
    names = ["burgers", "kuramoto_sivashinsky"] if quick else list(PERIODIC)
    rows = [row for name in bar(range(len(names)), "convergence") for row in _measure(names[name], quick, seeds[0])]
    _draw(rows, names, folder / "convergence.png")
    return rows


def columns() -> list[Column]:
    """The columns of the table: the order, and the errors of the longest and of the shortest step."""

    def show(scheme: str) -> Callable[[Row, Sequence[Row]], str]:
        return lambda row, _: f"{row[scheme]['order']:.2f} ({_range(row[scheme]['errors'])})"

    return [Column("equation", text("equation")), *(Column(scheme, show(scheme)) for scheme in SCHEMES)]


def _range(errors: Sequence[float]) -> str:
    return f"{errors[0]:.0e} to {errors[-1]:.0e}"


def side_by_side(rows: Sequence[Row]) -> list[Row]:
    """The schemes of each equation as one row."""
    names = dict.fromkeys(row["equation"] for row in rows)
    by_key = {(row["equation"], row["scheme"]): row for row in rows}
    return [{"equation": name} | {scheme: by_key[name, scheme] for scheme in SCHEMES} for name in names]


def _measure(name: str, quick: bool, seed: int) -> list[Row]:
    settings = dict(GOOD_VALUES[name].settings) | {"equation": name}
    interval = settings["control_interval"] * INTERVALS
    coarsest = _coarsest(settings | {"control_interval": interval}, settings["steps_per_interval"] * INTERVALS)
    counts = [coarsest * 2**level for level in range(3 if quick else 5)]

    def simulation(steps: int, order: int) -> SpectralSimulation:
        built = build(settings | {"control_interval": interval, "steps_per_interval": steps, "order": order})
        assert isinstance(built, SpectralSimulation)  # noqa: S101 - every periodic one is
        return built

    plant = simulation(coarsest, 4)
    rng = np.random.default_rng(seed)
    start = torch.tensor(plant.initial_state(rng, amplitude=GOOD_VALUES[name].amplitude))[None]
    action = plant.actuators.to_physical(torch.tensor(rng.uniform(-1, 1, (1, len(plant.actuators)))))
    with torch.no_grad():
        start = plant.advance(start, torch.zeros_like(action))  # diffusion smooths the start, so that it is resolved
        reference = simulation(counts[-1] * 4, 4).advance(start, action)
        rows = []
        for scheme, order in SCHEMES.items():
            advance = _force_after_step if "after" in scheme else SpectralSimulation.advance
            ends = [advance(simulation(count, order), start, action) for count in counts]
            errors = [float((end - reference).norm() / reference.norm()) for end in ends]
            steps = [interval / count for count in counts]
            rows.append({"equation": name, "scheme": scheme, "steps": steps, "errors": errors, "order": _slope(errors)})
    return rows


def _coarsest(settings: Mapping[str, Any], steps: int) -> int:
    """The fewest steps, doubled from the given ones, at which every scheme is stable."""
    while True:
        try:
            for order in SCHEMES.values():
                build({**settings, "steps_per_interval": steps, "order": order})
            return steps
        except ValueError:
            if steps > 10_000:
                raise
            steps *= 2


def _force_after_step(simulation: SpectralSimulation, state: Tensor, action: Tensor) -> Tensor:
    state_hat = simulation.spectrum(state)
    forcing_hat = simulation.spectrum(torch.tensordot(action, simulation.table("shapes", state), 1))
    steady_hat = simulation.table("steady_forcing", state_hat)
    for _ in range(simulation.steps_per_interval):
        state_hat = simulation.step_in_fourier_space(state_hat, steady_hat) + simulation.step * forcing_hat
    return simulation.to_grid(state_hat)


def _slope(errors: Sequence[float]) -> float:
    """The order by which the error falls when the step is halved, from the two smallest errors above rounding."""
    above = [error for error in errors if ROUNDING * 10 < error < 1]
    return float(np.log2(above[-2] / above[-1])) if len(above) > 1 else float("nan")


def _draw(rows: Sequence[Row], names: Sequence[str], path: Path) -> None:
    across = min(len(names), 5)
    down = -(-len(names) // across)
    figure = new_figure(2.0 * down + 0.4)
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    for panel in panels.flat[len(names) :]:
        panel.set_visible(False)
    for name, panel in zip(names, panels.flat, strict=False):
        for row in (r for r in rows if r["equation"] == name):
            label = row["scheme"] if name == names[0] else None
            panel.loglog(row["steps"], row["errors"], "o-", color=COLORS[row["scheme"]], ms=3, lw=1.2, label=label)
        panel.set_title(name.replace("_", " ").replace("advection diffusion", "adv.-diff."), fontsize=8)
        panel.tick_params(labelsize=7)
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.grid(color="#e6e8eb", linewidth=0.6)
    for panel in panels[-1]:
        panel.set_xlabel("step", fontsize=8)
    for panel in panels[:, 0]:
        panel.set_ylabel("relative error", fontsize=8)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    save(figure, path)
