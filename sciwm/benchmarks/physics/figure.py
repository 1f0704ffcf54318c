"""Every arm at a glance: how long it is right, and what it makes of energy and of actions; and what is noticed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sciwm.benchmarks.physics.claims import NOTICED
from sciwm.benchmarks.results import Row
from sciwm.report.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, new_figure

PANELS = {
    "valid_time": ("valid time [Lyapunov, or 40 intervals]", "linear"),
    "energy_change_error": ("energy change error", "log"),
    "effect_rough": ("effect error", "log"),
    "energy_drift": ("energy drift", "log"),
}
COLORS = {"burgers": BLUE, "ks22": ORANGE, "ks60": GREEN, "kolmogorov": PURPLE}


def draw(rows: Sequence[Row], path: Path) -> None:
    """The arms at ``path``, and beside it, with ``-surprise`` in its name, what is noticed by its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _arms(rows).savefig(path)
    if any(row["kind"] == "surprise" for row in rows):
        _noticed(rows).savefig(path.with_stem(f"{path.stem}-surprise"))


def _arms(rows: Sequence[Row]) -> Figure:
    """Dots with 95 % intervals, one row of the figure an arm."""
    cells = [row for row in rows if row["kind"] == "arm"]
    names, systems = (list(dict.fromkeys(row[key] for row in cells)) for key in ("arm", "system"))
    figure = new_figure(0.22 * len(names) + 1.2)
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for panel, (measure, (title, scale)) in zip(panels, PANELS.items(), strict=True):
        for row in (r for r in cells if measure in r):
            mean, (low, high) = sum(row[measure]) / len(row[measure]), row[f"{measure}_interval"]
            place = names.index(row["arm"]) + 0.15 * (systems.index(row["system"]) - (len(systems) - 1) / 2)
            panel.plot([low, high], [place, place], color=COLORS[row["system"]], linewidth=1)
            panel.plot(mean, place, "o", color=COLORS[row["system"]], markersize=3)
        _dress(panel, title, scale)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.4, -0.6)  # from above
    _legend(figure, systems)
    return figure


def _noticed(rows: Sequence[Row]) -> Figure:
    """AUROC of the errors in the latent against the size of a violation, one line a system: means over seeds."""
    sized = [row for row in rows if row["kind"] == "surprise" and len(row["sizes"]) > 1]
    names, systems = (list(dict.fromkeys(row[key] for row in sized)) for key in ("violation", "system"))
    figure = new_figure(2.4)
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        for system in systems:
            of = [row for row in sized if (row["violation"], row["system"]) == (name, system)]
            if of:
                means = np.mean([row["curve"]["latent"] for row in of], axis=0)
                panel.plot(of[0]["sizes"], means, "o-", color=COLORS[system], markersize=3, linewidth=1)
        panel.axhline(NOTICED, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        _dress(panel, name.replace("_", " "), "log")
    panels[0].set_ylabel("AUROC", fontsize=8)
    panels[0].set_ylim(0.45, 1.02)
    panels[len(names) // 2].set_xlabel(
        "size: share of the root mean square, of the forcing, of the parameter", fontsize=8
    )
    _legend(figure, systems)
    return figure


def _dress(panel: Axes, title: str, scale: str) -> None:
    panel.set_xscale(scale)
    panel.set_title(title, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.grid(color="#e6e8eb", linewidth=0.6)


def _legend(figure: Figure, systems: Sequence[str]) -> None:
    lines = [Line2D([], [], marker="o", color=COLORS[system], label=system, markersize=3) for system in systems]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(systems), fontsize=8, frameon=False)
